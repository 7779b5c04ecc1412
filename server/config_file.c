/* SPDX-License-Identifier: Apache-2.0 */
/* config_file.c - the configuration file: sections, and lines of `key = value` */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

enum { FILE_LINE_MAX = 1024, DETAIL_LEN = CONFIG_ERROR_LEN / 2 };

/* A place in a file, for messages. */
struct place {
	const char *path;
	unsigned line;
};

static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void cut_comment(char *line)
{
	char *p;

	for (p = line; *p; p++) {
		if (*p == '#' && (p == line || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

/* "[tenant NAME]" */
static int section_begin(struct config *config, char *line, char *error, size_t error_len)
{
	static const char kind[] = "tenant";
	char *end = strchr(line, ']'), *name = line + 1;

	if (end && !end[1]) {
		*end = '\0';
		name = trim(name);
		if (!strncmp(name, kind, strlen(kind)) &&
			isspace((unsigned char)name[strlen(kind)]))
			return config_begin_tenant(
				config, trim(name + strlen(kind)), error, error_len);
		*end = ']';
	}
	snprintf(error, error_len, "\"%.100s\" is not `[tenant NAME]`", line);
	return -EINVAL;
}

static int line_set(struct config *config, char *line, char *error, size_t error_len)
{
	char *equals, *key, *value;

	cut_comment(line);
	key = trim(line);
	if (!*key)
		return 0;
	if (*key == '[')
		return section_begin(config, key, error, error_len);
	equals = strchr(key, '=');
	if (!equals) {
		snprintf(error, error_len, "\"%.100s\" is not `key = value`", key);
		return -EINVAL;
	}
	*equals = '\0';
	key = trim(key);
	value = trim(equals + 1);
	if (!*value) {
		snprintf(error, error_len, "%.100s: the value is missing", key);
		return -EINVAL;
	}
	return config_set(config, key, value, error, error_len);
}

static int lines_read(struct config *config, FILE *file, struct place *place, char *detail)
{
	char line[FILE_LINE_MAX];
	int err;

	while (fgets(line, sizeof(line), file)) {
		place->line++;
		if (!strchr(line, '\n') && !feof(file)) {
			snprintf(detail, DETAIL_LEN, "the line is longer than %d bytes",
				FILE_LINE_MAX - 2);
			return -EINVAL;
		}
		err = line_set(config, line, detail, DETAIL_LEN);
		if (err)
			return err;
	}
	return 0;
}

int config_read(struct config *config, const char *path, char *error, size_t error_len)
{
	struct place place = {.path = path};
	char detail[DETAIL_LEN];
	FILE *file;
	int err;

	file = fopen(path, "re");
	if (!file) {
		err = -errno;
		snprintf(error, error_len, "cannot open the configuration file %s: %s", path,
			strerror(errno));
		return err;
	}
	err = lines_read(config, file, &place, detail);
	if (err)
		snprintf(error, error_len, "%s:%u: %s", place.path, place.line, detail);
	if (!err && ferror(file)) {
		err = -EIO;
		snprintf(error, error_len, "cannot read the configuration file %s", path);
	}
	fclose(file);
	config->section = NULL;
	return err;
}
