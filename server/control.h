/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the UNIX socket on which an operator asks the server
 *
 * A line is a command; the answer is one line of JSON. The socket's thread only
 * waits for itself: a client that does not read, or sends half a line and
 * nothing more, holds up nobody. At most CONTROL_CLIENTS are connected; one
 * more takes the place of the one that has been quiet for longest.
 *
 * Only the user that started the server can connect.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stddef.h>

enum { CONTROL_CLIENTS = 8, CONTROL_LINE_MAX = 256 };

struct control;

/*
 * Answer a command, on the socket's thread. The caller owns the answer. NULL:
 * there was no memory.
 */
typedef json_t *(*control_answer_fn)(void *arg, const char *command);

/*
 * Listen on path and start the thread. A socket that nobody listens on is
 * replaced; anything else that is there is left alone. On a negative errno
 * `error` says what is wrong.
 */
int control_open(const char *path, control_answer_fn answer, void *arg, struct control **out,
	char *error, size_t error_len);

/* Stop the thread, close all connections, remove the socket. NULL is allowed. */
void control_close(struct control *control);

#endif
