/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.h - what the files of the store share: the store and its shards
 *
 * Lock order: a shard's mutex, then an arena's (arenas.c) or the salts'. Nobody holds two
 * shards' mutexes, but for store_check(), which takes them all by their number.
 * Extents change hands only under the mutex of the shard that owns the object.
 */
#ifndef SHARD_H
#define SHARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "arenas.h"
#include "eviction.h"
#include "index.h"
#include "salts.h"
#include "store.h"

/* A cache line of its own: neighbours are used by different threads. */
struct shard {
	_Alignas(64) pthread_mutex_t mutex;
	struct index *index;
	struct eviction order;
	struct store_stats counts; /* of this shard; capacity is not used */
};

struct store {
	struct arenas *arenas;
	struct salts *salts;
	struct shard *shards;
	unsigned shard_count;
	unsigned shard_bits;
	uint64_t seed;
	_Atomic uint64_t clock; /* stamps of use */
};

/* The shard comes from other bits of the hash than the bucket. */
static inline struct shard *shard_of_hash(struct store *store, uint64_t hash)
{
	return &store->shards[hash >> 32 & (store->shard_count - 1)];
}

/* Slots outside carry their shard in the low bits. */
static inline uint32_t shard_slot_outside(
	const struct store *store, const struct shard *shard, uint32_t slot)
{
	return slot << store->shard_bits | (uint32_t)(shard - store->shards);
}

static inline struct shard *shard_find_slot(const struct store *store, uint32_t *slot)
{
	struct shard *shard = &store->shards[*slot & (store->shard_count - 1)];

	*slot >>= store->shard_bits;
	return shard;
}

static inline uint64_t shard_bytes(const struct object *object)
{
	return (uint64_t)object->pages * STORE_PAGE;
}

static inline struct place shard_place(const struct object *object)
{
	return (struct place){object->arena, object->first, object->pages};
}

#endif
