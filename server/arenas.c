/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arenas.c - the extents of all arenas, each behind its own mutex
 */
#include "arenas.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store.h"

/* A cache line each: neighbours are used by different threads. */
struct arena {
	_Alignas(64) pthread_mutex_t mutex;
	struct extent_map *map; /* under the mutex */
	_Atomic uint32_t bound; /* nothing longer is free: skips full arenas without the mutex */
};

struct arenas {
	struct arena *all;
	unsigned count;
	uint32_t max_pages;
	uint64_t pages;
	_Atomic uint32_t hint;
};

/* Relaxed: both only save work, the map decides. */
static void publish(struct arenas *arenas, struct arena *arena)
{
	uint32_t at = (uint32_t)(arena - arenas->all);

	atomic_store_explicit(
		&arena->bound, extent_largest_bound(arena->map), memory_order_relaxed);
	if (atomic_load_explicit(&arenas->hint, memory_order_relaxed) != at)
		atomic_store_explicit(&arenas->hint, at, memory_order_relaxed);
}

static int open_arena(struct arenas *arenas, size_t bytes)
{
	struct arena *arena = &arenas->all[arenas->count];
	size_t pages = bytes / STORE_PAGE;
	int err;

	if (bytes % STORE_PAGE || pages > EXTENT_PAGES_MAX)
		return -EINVAL;
	err = extent_create((uint32_t)pages, &arena->map);
	if (err)
		return err;
	pthread_mutex_init(&arena->mutex, NULL);
	atomic_init(&arena->bound, (uint32_t)pages);
	arenas->count++;
	arenas->pages += pages;
	if (pages > arenas->max_pages)
		arenas->max_pages = (uint32_t)pages;
	return 0;
}

int arenas_create(const size_t *bytes, unsigned count, struct arenas **out)
{
	struct arenas *arenas;
	int err = -ENOMEM;

	if (!count || count > ARENAS_MAX)
		return -EINVAL;
	arenas = calloc(1, sizeof(*arenas));
	if (!arenas)
		return -ENOMEM;
	arenas->all = aligned_alloc(_Alignof(struct arena), count * sizeof(*arenas->all));
	if (!arenas->all)
		goto destroy;
	for (unsigned i = 0; i < count; i++) {
		err = open_arena(arenas, bytes[i]);
		if (err)
			goto destroy;
	}
	*out = arenas;
	return 0;

destroy:
	arenas_destroy(arenas);
	return err;
}

void arenas_destroy(struct arenas *arenas)
{
	if (!arenas)
		return;
	for (unsigned i = 0; i < arenas->count; i++) {
		extent_destroy(arenas->all[i].map);
		pthread_mutex_destroy(&arenas->all[i].mutex);
	}
	free(arenas->all);
	free(arenas);
}

unsigned arenas_count(const struct arenas *arenas)
{
	return arenas->count;
}

uint64_t arenas_pages(const struct arenas *arenas)
{
	return arenas->pages;
}

uint32_t arenas_max_pages(const struct arenas *arenas)
{
	return arenas->max_pages;
}

static int alloc_in(struct arenas *arenas, uint32_t at, uint32_t owner, struct place *place)
{
	struct arena *arena = &arenas->all[at];
	int err;

	if (atomic_load_explicit(&arena->bound, memory_order_relaxed) < place->pages)
		return -ENOSPC;
	pthread_mutex_lock(&arena->mutex);
	err = extent_alloc(arena->map, place->pages, owner, &place->first);
	if (!err)
		publish(arenas, arena);
	pthread_mutex_unlock(&arena->mutex);
	place->arena = at;
	return err;
}

int arenas_alloc(struct arenas *arenas, uint32_t pages, uint32_t owner, struct place *place)
{
	uint32_t at = atomic_load_explicit(&arenas->hint, memory_order_relaxed);
	struct place found = {.pages = pages};

	for (unsigned i = 0; i < arenas->count; i++) {
		if (!alloc_in(arenas, at, owner, &found)) {
			*place = found;
			return 0;
		}
		at = at + 1 < arenas->count ? at + 1 : 0;
	}
	return -ENOSPC;
}

int arenas_free(struct arenas *arenas, struct place place, struct extent_hole *hole)
{
	struct arena *arena;
	int err;

	if (place.arena >= arenas->count)
		return -EINVAL;
	arena = &arenas->all[place.arena];
	pthread_mutex_lock(&arena->mutex);
	err = extent_free(arena->map, place.first, place.pages, hole);
	if (!err)
		publish(arenas, arena);
	pthread_mutex_unlock(&arena->mutex);
	return err;
}

uint32_t arenas_owner(struct arenas *arenas, struct place place)
{
	struct arena *arena;
	uint32_t owner;

	if (place.arena >= arenas->count)
		return EXTENT_NOBODY;
	arena = &arenas->all[place.arena];
	pthread_mutex_lock(&arena->mutex);
	owner = extent_owner(arena->map, place.first, place.pages);
	pthread_mutex_unlock(&arena->mutex);
	return owner;
}

int64_t arenas_audit(struct arenas *arenas, uint32_t at)
{
	struct arena *arena;
	int64_t taken;

	if (at >= arenas->count)
		return -EINVAL;
	arena = &arenas->all[at];
	pthread_mutex_lock(&arena->mutex);
	taken = extent_check(arena->map);
	if (!taken)
		taken = (int64_t)extent_pages(arena->map) - extent_free_pages(arena->map);
	pthread_mutex_unlock(&arena->mutex);
	return taken;
}
