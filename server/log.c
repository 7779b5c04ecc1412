/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - the daemon's log; any thread */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024, QUOTED_BYTES = 64 };

static const char *const names[] = {"error", "warn", "info", "debug"};
static const int priorities[] = {3, 4, 6, 7}; /* syslog's */

static enum log_level threshold = LOG_INFO;
static bool journal;

/* JOURNAL_STREAM names the device and inode that systemd gave as stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

void log_setup(enum log_level level)
{
	threshold = level;
	journal = stderr_is_journal();
}

int log_level_parse(const char *text, enum log_level *level)
{
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;
	int head, body;
	size_t len;

	if (level > threshold)
		return;
	if (journal)
		head = snprintf(line, sizeof(line), "<%d>", priorities[level]);
	else
		head = snprintf(line, sizeof(line), "remorad: %s: ", names[level]);

	va_start(args, format);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
	va_end(args);
	if (body < 0)
		return;
	len = strlen(line);
	line[len] = '\n';
	/* There is nobody to tell that the log cannot be written. */
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return;
}

void log_quote(const void *data, size_t len, char text[LOG_QUOTED_MAX])
{
	const unsigned char *bytes = data;
	char *p = text;
	size_t i;

	*p++ = '"';
	for (i = 0; i < len && i < QUOTED_BYTES; i++) {
		if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\')
			*p++ = (char)bytes[i];
		else
			p += snprintf(p, 5, "\\x%02x", bytes[i]);
	}
	*p++ = '"';
	*p = '\0';
}
