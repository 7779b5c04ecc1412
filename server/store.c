/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - the life of an object: reserve, commit, lookup, unlock, delete, evict
 *
 * An object that goes frees its extent at once: only holders of locks may read,
 * and a locked object does not go.
 */
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"
#include "shard.h"

enum {
	SHARDS_DEFAULT = 16,
	SHARDS_MAX = 4096,
	EVICT_MIN = 64,      /* victims that one reservation may cost */
	EVICT_PER_PAGES = 8, /* and one more for so many pages of it */
};

static int open_shards(struct store *store, unsigned count)
{
	uint32_t slots_max;

	store->shards = aligned_alloc(_Alignof(struct shard), count * sizeof(*store->shards));
	if (!store->shards)
		return -ENOMEM;
	memset(store->shards, 0, count * sizeof(*store->shards));
	store->shard_bits = (unsigned)__builtin_ctz(count);
	slots_max = EXTENT_OWNER_MAX >> store->shard_bits;

	for (; store->shard_count < count; store->shard_count++) {
		struct shard *shard = &store->shards[store->shard_count];
		int err = index_create(slots_max, &shard->index);

		if (err)
			return err;
		pthread_mutex_init(&shard->mutex, NULL);
		eviction_init(&shard->order);
	}
	return 0;
}

int store_create(const struct store_params *params, struct store **out)
{
	unsigned shards = params->shards ? params->shards : SHARDS_DEFAULT;
	struct store *store;
	int err;

	if (shards & (shards - 1) || shards > SHARDS_MAX)
		return -EINVAL;
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->seed = params->seed;
	atomic_init(&store->clock, 0);
	err = arenas_create(params->arenas, params->arena_count, &store->arenas);
	if (err)
		goto destroy;
	err = salts_create(params->seed, &store->salts);
	if (err)
		goto destroy;
	err = open_shards(store, shards);
	if (err)
		goto destroy;
	*out = store;
	return 0;

destroy:
	store_destroy(store);
	return err;
}

void store_destroy(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < store->shard_count; i++) {
		index_destroy(store->shards[i].index);
		pthread_mutex_destroy(&store->shards[i].mutex);
	}
	free(store->shards);
	salts_destroy(store->salts);
	arenas_destroy(store->arenas);
	free(store);
}

uint64_t store_max_object(const struct store *store)
{
	return (uint64_t)arenas_max_pages(store->arenas) * STORE_PAGE;
}

static int is_key(struct wire_key key)
{
	return key.len && key.len <= WIRE_KEY_MAX;
}

static int is_salt(struct wire_salt salt)
{
	return !salt.len || (salt.len <= WIRE_SALT_MAX && !memchr(salt.data, 0, salt.len));
}

/* With the shard's mutex held. */
static void describe(const struct store *store, const struct shard *shard, uint32_t slot,
	struct store_object *out)
{
	const struct object *object = index_object(shard->index, slot);

	*out = (struct store_object){
		.arena = object->arena,
		.offset = (uint64_t)object->first * STORE_PAGE,
		.len = object->len,
		.handle = {shard_slot_outside(store, shard, slot), object->generation},
	};
}

/*
 * Make an unlocked object the newest; `listed` if it is in the order already.
 * With the shard's mutex held.
 */
static void touch(struct store *store, struct shard *shard, uint32_t slot, int listed)
{
	uint64_t now = atomic_fetch_add_explicit(&store->clock, 1, memory_order_relaxed);

	if (listed)
		eviction_remove(&shard->order, shard->index, slot);
	eviction_add(&shard->order, shard->index, slot, now);
}

/* With the shard's mutex held. */
static enum wire_status place_object(
	struct store *store, struct shard *shard, uint32_t slot, uint64_t len)
{
	struct object *object = index_object(shard->index, slot);
	uint32_t pages = (uint32_t)((len + STORE_PAGE - 1) / STORE_PAGE);
	struct place place;

	if (arenas_alloc(store->arenas, pages, shard_slot_outside(store, shard, slot), &place))
		return WIRE_NO_SPACE;
	object->len = len;
	object->arena = (uint16_t)place.arena;
	object->first = place.first;
	object->pages = place.pages;
	object->state = OBJECT_RESERVED;
	shard->counts.reserved += shard_bytes(object);
	return WIRE_OK;
}

/* With the shard's mutex held. */
static enum wire_status add_object(struct store *store, struct shard *shard,
	const struct store_wish *wish, uint64_t hash, uint32_t *slot)
{
	enum wire_status status = WIRE_LIMIT;
	struct object *object;

	if (index_add(shard->index, wish->key, hash, slot))
		return WIRE_NO_SPACE;
	object = index_object(shard->index, *slot);
	if (salts_get(store->salts, wish->salt, &object->salt))
		goto release;
	status = place_object(store, shard, *slot, wish->len);
	if (status == WIRE_OK)
		return WIRE_OK;
	salts_put(store->salts, object->salt);

release:
	index_release(shard->index, *slot);
	return status;
}

/* Reserve without evicting anything. */
static enum wire_status try_reserve(
	struct store *store, const struct store_wish *wish, struct store_object *object)
{
	uint64_t hash = index_hash(store->seed, wish->key);
	struct shard *shard = shard_of_hash(store, hash);
	enum wire_status status;
	uint32_t slot;

	pthread_mutex_lock(&shard->mutex);
	slot = index_find(shard->index, wish->key, hash);
	if (slot != INDEX_NONE) {
		if (!index_object(shard->index, slot)->locks)
			touch(store, shard, slot, 1);
		status = WIRE_EXISTS;
	} else {
		status = add_object(store, shard, wish, hash, &slot);
	}
	if (status == WIRE_OK)
		describe(store, shard, slot, object);
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

enum wire_status store_reserve(
	struct store *store, const struct store_wish *wish, struct store_object *object)
{
	enum wire_status status;
	unsigned victims;
	uint32_t pages;

	if (!is_key(wish->key) || !is_salt(wish->salt) || !wish->len)
		return WIRE_BAD_REQUEST;
	if (wish->len > store_max_object(store))
		return WIRE_TOO_LARGE;
	pages = (uint32_t)((wish->len + STORE_PAGE - 1) / STORE_PAGE);
	victims = EVICT_MIN + pages / EVICT_PER_PAGES;

	/* Another thread may take the room that was made: once more, on the same account. */
	do {
		status = try_reserve(store, wish, object);
	} while (status == WIRE_NO_SPACE && room_make(store, pages, &victims));
	return status;
}

/* Take the mutex of the handle's shard and find its object: NULL if it is stale. */
static struct object *lock_handle(
	const struct store *store, struct wire_handle handle, struct shard **shard, uint32_t *slot)
{
	*slot = handle.slot;
	*shard = shard_find_slot(store, slot);
	pthread_mutex_lock(&(*shard)->mutex);
	return index_get((*shard)->index, *slot, handle.generation);
}

/* With the shard's mutex held, for a reservation. */
static enum wire_status publish(struct store *store, struct shard *shard, uint32_t slot)
{
	const struct object *object = index_object(shard->index, slot);
	struct wire_key key = {object->key, object->key_len};

	shard->counts.reserved -= shard_bytes(object);
	if (index_find(shard->index, key, object->hash) != INDEX_NONE) {
		room_vacate(store, shard, slot, NULL);
		return WIRE_EXISTS;
	}
	index_publish(shard->index, slot);
	touch(store, shard, slot, 0);
	salts_charge(store->salts, object->salt, object->len);
	shard->counts.used += shard_bytes(object);
	shard->counts.objects++;
	shard->counts.stored++;
	return WIRE_OK;
}

enum wire_status store_commit(struct store *store, struct wire_handle handle)
{
	enum wire_status status = WIRE_STALE;
	const struct object *object;
	struct shard *shard;
	uint32_t slot;

	object = lock_handle(store, handle, &shard, &slot);
	if (object && object->state == OBJECT_RESERVED)
		status = publish(store, shard, slot);
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

enum wire_status store_abort(struct store *store, struct wire_handle handle)
{
	enum wire_status status = WIRE_STALE;
	const struct object *object;
	struct shard *shard;
	uint32_t slot;

	object = lock_handle(store, handle, &shard, &slot);
	if (object && object->state == OBJECT_RESERVED) {
		shard->counts.reserved -= shard_bytes(object);
		room_vacate(store, shard, slot, NULL);
		status = WIRE_OK;
	}
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

/* With the shard's mutex held. */
static void lock_object(struct shard *shard, uint32_t slot)
{
	struct object *object = index_object(shard->index, slot);

	if (!object->locks++) {
		eviction_remove(&shard->order, shard->index, slot);
		shard->counts.locked++;
	}
}

enum wire_status store_lookup(
	struct store *store, struct wire_key key, int lock, struct store_object *object)
{
	struct shard *shard;
	uint64_t hash;
	uint32_t slot;
	int found;

	if (!is_key(key))
		return WIRE_NOT_FOUND;
	hash = index_hash(store->seed, key);
	shard = shard_of_hash(store, hash);

	pthread_mutex_lock(&shard->mutex);
	slot = index_find(shard->index, key, hash);
	found = slot != INDEX_NONE;
	if (found && lock && index_object(shard->index, slot)->locks == UINT32_MAX)
		found = 0; /* no more locks can be counted: better a miss than a lost one */
	if (found) {
		if (lock)
			lock_object(shard, slot);
		describe(store, shard, slot, object);
		shard->counts.hits++;
	} else {
		shard->counts.misses++;
	}
	pthread_mutex_unlock(&shard->mutex);
	return found ? WIRE_OK : WIRE_NOT_FOUND;
}

enum wire_status store_unlock(struct store *store, struct wire_handle handle)
{
	enum wire_status status = WIRE_STALE;
	struct object *object;
	struct shard *shard;
	uint32_t slot;

	object = lock_handle(store, handle, &shard, &slot);
	if (object && object->locks) {
		if (!--object->locks) {
			touch(store, shard, slot, 0);
			shard->counts.locked--;
		}
		status = WIRE_OK;
	}
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

enum wire_status store_delete(struct store *store, struct wire_key key)
{
	enum wire_status status = WIRE_OK;
	struct shard *shard;
	uint64_t hash;
	uint32_t slot;

	if (!is_key(key))
		return WIRE_NOT_FOUND;
	hash = index_hash(store->seed, key);
	shard = shard_of_hash(store, hash);

	pthread_mutex_lock(&shard->mutex);
	slot = index_find(shard->index, key, hash);
	if (slot == INDEX_NONE)
		status = WIRE_NOT_FOUND;
	else if (index_object(shard->index, slot)->locks)
		status = WIRE_LOCKED;
	else
		room_remove(store, shard, slot, NULL);
	pthread_mutex_unlock(&shard->mutex);
	return status;
}

void store_salts(struct store *store, uint64_t *cursor, store_salts_fn fn, void *arg)
{
	salts_list(store->salts, cursor, fn, arg);
}

static void add_counts(struct store_stats *sum, const struct store_stats *counts)
{
	sum->used += counts->used;
	sum->reserved += counts->reserved;
	sum->objects += counts->objects;
	sum->locked += counts->locked;
	sum->evictions += counts->evictions;
	sum->hits += counts->hits;
	sum->misses += counts->misses;
	sum->stored += counts->stored;
}

void store_stats(struct store *store, struct store_stats *stats)
{
	struct store_stats sum = {.capacity = arenas_pages(store->arenas) * STORE_PAGE};

	for (unsigned i = 0; i < store->shard_count; i++) {
		struct shard *shard = &store->shards[i];

		pthread_mutex_lock(&shard->mutex);
		add_counts(&sum, &shard->counts);
		pthread_mutex_unlock(&shard->mutex);
	}
	*stats = sum;
}
