/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - the daemon's log: one line an event, on stderr
 *
 * A line is a sentence, or a sentence and `key=value` fields. Under systemd
 * each line starts with its priority, so that the journal can filter. Any
 * thread may log; a line is written by one call and never mixed with another.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Call once, before other threads start. */
void log_setup(enum log_level level);

/* "error", "warn", "info" or "debug". -EINVAL: none of them. */
int log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * How often a line may come that peers can cause as often as they like; all
 * zero at first. A burst of LOG_RATE_BURST lines, then one in LOG_RATE_MS.
 */
struct log_rate {
	uint64_t clear_ms;
	unsigned suppressed;
};

enum { LOG_RATE_BURST = 10, LOG_RATE_MS = 1000 };

/* As log_line(), or only counted: the next line that is written tells the number. */
void log_rated(struct log_rate *rate, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

enum { LOG_QUOTED_MAX = 4 * 64 + 3 };

/* Bytes from outside as a quoted field value: nothing in it can forge a line. */
void log_quote(const void *data, size_t len, char text[LOG_QUOTED_MAX]);

#endif
