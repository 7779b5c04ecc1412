/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - the objects of one shard and the map from their keys
 *
 * Objects live in slots: a slot's number and its object's address never change
 * while the object lives, and a slot that is used again has a new generation.
 * An object is created outside the map (a reservation), published in it and
 * withdrawn from it. Full keys are compared, whatever their hashes are. No call
 * does work that grows with the number of objects: the map grows by one bucket
 * at a time and nothing is ever moved.
 *
 * Pure: no threads, no verbs. An index is used by one thread at a time.
 */
#ifndef INDEX_H
#define INDEX_H

#include <assert.h>
#include <stdint.h>

#include "wire.h"

#define INDEX_NONE UINT32_MAX

enum object_state {
	OBJECT_FREE,     /* the slot is not in use */
	OBJECT_NEW,      /* known to its creator alone; has no extent yet */
	OBJECT_RESERVED, /* has an extent; not in the map */
	OBJECT_VISIBLE,  /* in the map */
};

/* The index owns `key`, `hash`, `next` and `generation`; the rest is the store's. */
struct object {
	uint8_t *key;
	uint64_t len;        /* bytes */
	uint64_t stamp;      /* when it was last used, in the order of all shards */
	uint32_t hash;       /* the low half */
	uint32_t next;       /* slot of the same bucket, or free slot */
	uint32_t generation; /* of the slot; never 0 for a live object */
	uint32_t newer;      /* eviction order */
	uint32_t older;
	uint32_t first; /* extent */
	uint32_t pages;
	uint32_t locks;
	uint16_t arena;
	uint16_t key_len;
	uint16_t salt; /* its number */
	uint8_t state;
};

/* What one of 10^8 objects costs: itself, a bucket, and malloc's part of its key. */
static_assert(sizeof(struct object) + 2 * sizeof(uint32_t) + 24 <= 128, "metadata of an object");

struct index;

/* At most `slots_max` objects, 1 to 2^31 - 1. -EINVAL, -ENOMEM. */
int index_create(uint32_t slots_max, struct index **out);
void index_destroy(struct index *index);

/* The hash that the other calls want. */
uint64_t index_hash(uint64_t seed, struct wire_key key);

/*
 * A new object, OBJECT_NEW, with a copy of the key, everything else 0. Not in
 * the map. -ENOMEM, -ENOSPC (all slots are in use).
 */
int index_add(struct index *index, struct wire_key key, uint64_t hash, uint32_t *slot);

/* Put an object whose key is not there into the map, or take it out again. */
void index_publish(struct index *index, uint32_t slot);
void index_withdraw(struct index *index, uint32_t slot);

/* Free the slot of an object that is not in the map. */
void index_release(struct index *index, uint32_t slot);

/* The slot of a key in the map, or INDEX_NONE. */
uint32_t index_find(const struct index *index, struct wire_key key, uint64_t hash);

/* The object of a slot below index_slots(), in use or not. */
struct object *index_object(const struct index *index, uint32_t slot);

/* The object, or NULL if the slot holds none of this generation. */
struct object *index_get(const struct index *index, uint32_t slot, uint32_t generation);

uint32_t index_slots(const struct index *index); /* slots that were ever in use */
uint32_t index_count(const struct index *index); /* objects in the map */

/* 0, or -EINVAL if map and objects contradict each other. Walks everything. */
int index_check(const struct index *index);

#endif
