/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks.h - what one session holds: handles, and how often each
 *
 * For its locks, and just as well for its reservations, each of which it holds
 * once. The session must give all of it back to the store when it ends.
 *
 * Pure: no threads, no verbs. A table is used by one thread at a time.
 */
#ifndef LOCKS_H
#define LOCKS_H

#include <stdint.h>

#include "wire.h"

struct locks_entry;

struct locks {
	struct locks_entry *entries;
	uint32_t capacity; /* 0 or a power of two */
	uint32_t used;
};

void locks_init(struct locks *locks);
void locks_fini(struct locks *locks);

/* Count one more. -ENOMEM; -EOVERFLOW after 2^32 - 1 of one handle. */
int locks_add(struct locks *locks, struct wire_handle handle);

/* Count one less; -ENOENT if there is none. */
int locks_drop(struct locks *locks, struct wire_handle handle);

/* How often the handle is held. */
uint32_t locks_count(const struct locks *locks, struct wire_handle handle);

/* Different handles that are held. */
uint32_t locks_handles(const struct locks *locks);

/* Tell every handle and its count, in no order, and forget them all. */
typedef void (*locks_clear_fn)(void *arg, struct wire_handle handle, uint32_t count);
void locks_clear(struct locks *locks, locks_clear_fn fn, void *arg);

#endif
