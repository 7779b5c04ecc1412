/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room.c - free the extents of objects: on their way out, or to make room
 */
#include "room.h"

#include <errno.h>

enum { ALONE_MAX = 8 }; /* victims by age alone, before their neighbours go */

void room_vacate(struct store *store, struct shard *shard, uint32_t slot, struct vacancy *vacancy)
{
	const struct object *object = index_object(shard->index, slot);
	struct extent_hole hole;

	arenas_free(store->arenas, shard_place(object), &hole);
	if (vacancy)
		*vacancy = (struct vacancy){object->arena, object->pages, hole};
	salts_put(store->salts, object->salt);
	index_release(shard->index, slot);
}

void room_remove(struct store *store, struct shard *shard, uint32_t slot, struct vacancy *vacancy)
{
	const struct object *object = index_object(shard->index, slot);

	salts_refund(store->salts, object->salt, object->len);
	shard->counts.used -= shard_bytes(object);
	shard->counts.objects--;
	eviction_remove(&shard->order, shard->index, slot);
	index_withdraw(shard->index, slot);
	room_vacate(store, shard, slot, vacancy);
}

static void evict(struct store *store, struct shard *shard, uint32_t slot, struct vacancy *vacancy)
{
	room_remove(store, shard, slot, vacancy);
	shard->counts.evictions++;
}

/* -ENOENT: all objects are locked, or there are none. No mutex may be held. */
static int evict_oldest(struct store *store, struct vacancy *vacancy)
{
	uint64_t oldest = EVICTION_NEVER;
	struct shard *shard = NULL;
	uint32_t slot;

	for (unsigned i = 0; i < store->shard_count; i++) {
		uint64_t stamp = eviction_oldest_stamp(&store->shards[i].order);

		if (stamp < oldest) {
			oldest = stamp;
			shard = &store->shards[i];
		}
	}
	if (!shard)
		return -ENOENT;

	*vacancy = (struct vacancy){.hole = {.left = EXTENT_NOBODY, .right = EXTENT_NOBODY}};
	pthread_mutex_lock(&shard->mutex);
	slot = eviction_oldest(&shard->order);
	if (slot != INDEX_NONE) /* else somebody was faster: nothing freed */
		evict(store, shard, slot, vacancy);
	pthread_mutex_unlock(&shard->mutex);
	return 0;
}

/*
 * Evict the owner of the extent beside a hole, if it is still there and may go.
 * No mutex may be held.
 */
static int evict_beside(struct store *store, uint32_t owner, struct vacancy *vacancy)
{
	const struct extent_hole *hole = &vacancy->hole;
	struct object *object;
	struct shard *shard;
	int err = -EBUSY;

	if (owner == EXTENT_NOBODY)
		return -ENOENT;
	shard = shard_find_slot(store, &owner);
	pthread_mutex_lock(&shard->mutex);
	object = index_object(shard->index, owner);
	if (object->state == OBJECT_VISIBLE && !object->locks && object->arena == vacancy->arena &&
		(object->first == hole->first + hole->pages ||
			object->first + object->pages == hole->first)) {
		evict(store, shard, owner, vacancy);
		err = 0;
	}
	pthread_mutex_unlock(&shard->mutex);
	return err;
}

/* Evict on both sides of a hole until it is long enough: 1. */
static int widen(struct store *store, uint32_t pages, struct vacancy *vacancy, unsigned *victims)
{
	while (vacancy->hole.pages < pages) {
		if (!*victims)
			return 0;
		if (evict_beside(store, vacancy->hole.right, vacancy) &&
			evict_beside(store, vacancy->hole.left, vacancy))
			return 0;
		--*victims;
	}
	return 1;
}

/*
 * The oldest objects go first. Once they had together the space that is wanted,
 * or are much too short to ever make a hole of it, it is only scattered: then
 * their neighbours go whatever their age is.
 */
int room_make(struct store *store, uint32_t pages, unsigned *victims)
{
	struct vacancy vacancy;
	uint64_t freed = 0;

	for (unsigned alone = 1; *victims; alone++) {
		--*victims;
		if (evict_oldest(store, &vacancy))
			return 0;
		freed += vacancy.pages;
		if (vacancy.hole.pages >= pages)
			return 1;
		if ((freed >= pages || alone >= ALONE_MAX) &&
			widen(store, pages, &vacancy, victims))
			return 1;
	}
	return 0;
}
