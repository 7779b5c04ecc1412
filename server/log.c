/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - the daemon's log; any thread */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024, SUFFIX_MAX = 64, QUOTED_BYTES = 64 };

static const char *const names[] = {"error", "warn", "info", "debug"};
static const int priorities[] = {3, 4, 6, 7}; /* syslog's */

static enum log_level threshold = LOG_INFO;
static bool journal;
static pthread_mutex_t rate_mutex = PTHREAD_MUTEX_INITIALIZER; /* of all rates */

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

/* `more` lines like it were not written. */
__attribute__((format(printf, 3, 0))) static void write_line(
	enum log_level level, unsigned more, const char *format, va_list args)
{
	char line[LINE_MAX_LEN];
	size_t len, max = sizeof(line) - SUFFIX_MAX - 1;
	int head, body;

	if (journal)
		head = snprintf(line, sizeof(line), "<%d>", priorities[level]);
	else
		head = snprintf(line, sizeof(line), "remorad: %s: ", names[level]);
	body = vsnprintf(line + head, max - (size_t)head, format, args);
	if (body < 0)
		return;
	len = strlen(line);
	if (more)
		len += (size_t)snprintf(
			line + len, SUFFIX_MAX, " (%u more like this were suppressed)", more);
	line[len] = '\n';
	/* There is nobody to tell that the log cannot be written. */
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	write_line(level, 0, format, args);
	va_end(args);
}

/* True: a line may be written, and *more before it were not. */
static bool rate_allows(struct log_rate *rate, unsigned *more)
{
	struct timespec now;
	uint64_t now_ms;
	bool allowed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	pthread_mutex_lock(&rate_mutex);
	if (rate->clear_ms < now_ms)
		rate->clear_ms = now_ms;
	allowed = rate->clear_ms - now_ms <= (LOG_RATE_BURST - 1) * LOG_RATE_MS;
	*more = rate->suppressed;
	rate->suppressed = allowed ? 0 : rate->suppressed + 1;
	if (allowed)
		rate->clear_ms += LOG_RATE_MS;
	pthread_mutex_unlock(&rate_mutex);
	return allowed;
}

void log_rated(struct log_rate *rate, enum log_level level, const char *format, ...)
{
	unsigned more;
	va_list args;

	if (level > threshold || !rate_allows(rate, &more))
		return;
	va_start(args, format);
	write_line(level, more, format, args);
	va_end(args);
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
