/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - all parts of a running server, in the order they start and end
 *
 * For the main thread.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#include "config.h"

struct daemon;

/*
 * Find the device, get and register the memory, start the workers, listen.
 * The config must outlive the daemon. Errors are logged.
 */
int daemon_start(const struct config *config, struct daemon **out);

/* Readable when daemon_turn() has something to do. */
int daemon_fd(const struct daemon *daemon);

/* -ENODEV: the device is gone, the daemon should end. */
int daemon_turn(struct daemon *daemon);

/* Let nothing new in: no connection, no reservation, no lookup. */
void daemon_drain(struct daemon *daemon);

/* After daemon_drain(): no client has a reservation or a lock left. */
bool daemon_is_drained(const struct daemon *daemon);

/* Log that it is ready, with all that a client needs to know. */
void daemon_announce(const struct daemon *daemon);

/* Disconnect everybody and free everything. NULL is allowed. */
void daemon_end(struct daemon *daemon);

#endif
