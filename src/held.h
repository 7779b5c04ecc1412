/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - the locks that this client holds on the server, by key
 *
 * An entry remembers where the object is, so that a load needs no request. A
 * load under way pins its entries: the last lock of a pinned entry is given
 * back only when the pin is gone, or the server could free what a READ is
 * still fetching. Pure; for one thread.
 */
#ifndef HELD_H
#define HELD_H

#include <stdint.h>

#include "wire.h"

struct held;

struct held_entry {
	struct held_entry *next;
	uint64_t hash;
	struct wire_extent extent;
	uint32_t locks; /* counted by the server for us */
	uint32_t owed;  /* of these, given back by the caller while pinned */
	uint32_t pins;
	uint16_t key_len;
	uint8_t key[];
};

struct held *held_create(void);
void held_destroy(struct held *held);

/* Forget everything: the session that held the locks is over. */
void held_clear(struct held *held);

struct held_entry *held_find(const struct held *held, struct wire_key key);

/*
 * One more lock, as the server granted it. NULL: no memory, or the key is held
 * in another version: the caller gives the lock back.
 */
struct held_entry *held_add(
	struct held *held, struct wire_key key, const struct wire_extent *extent);

/*
 * The caller gives one lock back. Returns how many (0 or 1) to give back to
 * the server now; the handle is written if it is 1.
 */
unsigned held_unlock(struct held *held, struct wire_key key, struct wire_handle *handle);

void held_pin(struct held_entry *entry);

/* Returns how many locks to give back now; the handle is always written. */
unsigned held_unpin(struct held *held, struct held_entry *entry, struct wire_handle *handle);

#endif
