/* SPDX-License-Identifier: Apache-2.0 */
/* config_list.c - several configurations, in the order in which they were added */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_json.h"

struct remora_config_list {
	struct remora_config **configs;
	size_t count;
	unsigned options; /* calls of add_json */
};

enum { POSITION_LEN = 256 };

int remora_config_list_create(struct remora_config_list **out)
{
	struct remora_config_list *list;

	if (!out)
		return -EINVAL;
	list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	*out = list;
	return 0;
}

/* Keep the first `count`. */
static void cut(struct remora_config_list *list, size_t count)
{
	while (list->count > count)
		remora_config_destroy(list->configs[--list->count]);
}

void remora_config_list_destroy(struct remora_config_list *list)
{
	if (!list)
		return;
	cut(list, 0);
	free(list->configs);
	free(list);
}

/* The configuration becomes the list's, or is destroyed. */
static int append(struct remora_config_list *list, struct remora_config *config)
{
	struct remora_config **configs =
		realloc(list->configs, (list->count + 1) * sizeof(struct remora_config *));

	if (!configs) {
		remora_config_destroy(config);
		return -ENOMEM;
	}
	list->configs = configs;
	configs[list->count++] = config;
	return 0;
}

int remora_config_list_add_json(
	struct remora_config_list *list, const char *json, char *error_text, size_t error_len)
{
	struct remora_config *config;
	char position[POSITION_LEN];
	int err;

	if (!list)
		return -EINVAL;
	snprintf(position, sizeof(position), "--l2-adapter #%u", ++list->options);
	err = remora_config_parse(json, position, &config, error_text, error_len);
	return err ? err : append(list, config);
}

static int add_object(struct remora_config_list *list, const json_t *object, const char *path,
	size_t number, struct config_error error)
{
	struct remora_config *config;
	char position[POSITION_LEN];
	int err;

	snprintf(position, sizeof(position), "%.200s #%zu", path, number);
	error.position = position;
	err = config_from_json(object, &error, &config);
	return err ? err : append(list, config);
}

static int add_all(struct remora_config_list *list, const json_t *root, const char *path,
	struct config_error error)
{
	size_t before = list->count, i;
	int err = 0;

	if (!json_is_array(root))
		return add_object(list, root, path, 1, error);
	for (i = 0; !err && i < json_array_size(root); i++)
		err = add_object(list, json_array_get(root, i), path, i + 1, error);
	if (err)
		cut(list, before);
	return err;
}

int remora_config_list_add_file(
	struct remora_config_list *list, const char *path, char *error_text, size_t error_len)
{
	const struct config_error error = {.text = error_text, .len = error_len, .position = path};
	json_error_t where;
	json_t *root;
	FILE *file;
	int err;

	if (!list || !path)
		return config_fail(&error, -EINVAL, "no list or no path");
	config_no_error(&error);
	file = fopen(path, "re");
	if (!file) {
		err = -errno;
		return config_fail(&error, err, "cannot be opened: %s", strerror(-err));
	}
	root = json_loadf(file, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	err = ferror(file) ? -EIO : -EINVAL;
	fclose(file);
	if (!root)
		return config_fail(&error, err, "it is not JSON: %s at line %d, column %d",
			where.text, where.line, where.column);
	err = add_all(list, root, path, error);
	json_decref(root);
	return err;
}

size_t remora_config_list_count(const struct remora_config_list *list)
{
	return list ? list->count : 0;
}

const struct remora_config *remora_config_list_at(
	const struct remora_config_list *list, size_t index)
{
	return list && index < list->count ? list->configs[index] : NULL;
}
