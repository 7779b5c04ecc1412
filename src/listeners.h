/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listeners.h - who is told which keys were stored, accessed and deleted
 *
 * Events wait in a queue, and a thread, which is started for the first
 * listener, tells them outside every lock: a slow listener delays other
 * listeners, but no task. Any thread may call these functions.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <remora/adapter.h>

#include "task.h"

struct listeners;

struct listeners *listeners_create(void);

/* After listeners_stop(), or where none was ever added. NULL is allowed. */
void listeners_destroy(struct listeners *listeners);

/* As remora_add_listener() and remora_remove_listener(). */
int listeners_add(struct listeners *listeners, const struct remora_listener *listener);
int listeners_remove(struct listeners *listeners, const struct remora_listener *listener);

/*
 * What a task that is about to be complete has done, if anybody listens: keys
 * are copied, nothing is waited for. -ENOMEM: nobody will be told.
 */
int listeners_tell(struct listeners *listeners, const struct task *task);

/* Tell what is left, and end the thread. Not on that thread. */
void listeners_stop(struct listeners *listeners);

#endif
