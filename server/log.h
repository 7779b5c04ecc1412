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

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Call once, before other threads start. */
void log_setup(enum log_level level);

/* "error", "warn", "info" or "debug". -EINVAL: none of them. */
int log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { LOG_QUOTED_MAX = 4 * 64 + 3 };

/* Bytes from outside as a quoted field value: nothing in it can forge a line. */
void log_quote(const void *data, size_t len, char text[LOG_QUOTED_MAX]);

#endif
