/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks.c - open addressing with linear probing
 *
 * A dropped entry is filled from the ones behind it, so the table never has to
 * be swept and a session that lives for months stays as quick as a new one.
 */
#include "locks.h"

#include <errno.h>
#include <stdlib.h>

struct locks_entry {
	struct wire_handle handle;
	uint32_t count; /* 0: the entry is empty */
};

enum { CAPACITY_MIN = 64, CAPACITY_MAX = 1 << 30 };

void locks_init(struct locks *locks)
{
	*locks = (struct locks){0};
}

void locks_fini(struct locks *locks)
{
	free(locks->entries);
	*locks = (struct locks){0};
}

/* Slots of a busy server are dense: the multiplication spreads them. */
static uint32_t home_of(const struct locks *locks, struct wire_handle handle)
{
	uint64_t name = (uint64_t)handle.generation << 32 | handle.slot;

	return (uint32_t)(name * 0x9e3779b97f4a7c15u >> 32) & (locks->capacity - 1);
}

/* The handle's entry, or the empty one where it belongs. */
static uint32_t find(const struct locks *locks, struct wire_handle handle)
{
	uint32_t i = home_of(locks, handle);

	for (;; i = (i + 1) & (locks->capacity - 1)) {
		const struct locks_entry *entry = &locks->entries[i];

		if (!entry->count || (entry->handle.slot == handle.slot &&
					     entry->handle.generation == handle.generation))
			return i;
	}
}

static int grow(struct locks *locks)
{
	struct locks wider = {
		.capacity = locks->capacity ? 2 * locks->capacity : CAPACITY_MIN,
		.used = locks->used,
	};

	if (wider.capacity > CAPACITY_MAX)
		return -ENOMEM;
	wider.entries = calloc(wider.capacity, sizeof(*wider.entries));
	if (!wider.entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < locks->capacity; i++) {
		const struct locks_entry *entry = &locks->entries[i];

		if (entry->count)
			wider.entries[find(&wider, entry->handle)] = *entry;
	}
	free(locks->entries);
	*locks = wider;
	return 0;
}

int locks_add(struct locks *locks, struct wire_handle handle)
{
	struct locks_entry *entry;

	if (locks->used >= locks->capacity / 4 * 3) {
		int err = grow(locks);

		if (err)
			return err;
	}
	entry = &locks->entries[find(locks, handle)];
	if (entry->count == UINT32_MAX)
		return -EOVERFLOW;
	if (!entry->count)
		locks->used++;
	entry->handle = handle;
	entry->count++;
	return 0;
}

/* Empty entry i, then move up what could not be found past the gap. */
static void close_gap(struct locks *locks, uint32_t gap)
{
	uint32_t mask = locks->capacity - 1, i = gap;

	for (;;) {
		uint32_t home;

		i = (i + 1) & mask;
		if (!locks->entries[i].count)
			break;
		home = home_of(locks, locks->entries[i].handle);
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			locks->entries[gap] = locks->entries[i];
			gap = i;
		}
	}
	locks->entries[gap].count = 0;
}

int locks_drop(struct locks *locks, struct wire_handle handle)
{
	uint32_t i;

	if (!locks_count(locks, handle))
		return -ENOENT;
	i = find(locks, handle);
	if (!--locks->entries[i].count) {
		close_gap(locks, i);
		locks->used--;
	}
	return 0;
}

uint32_t locks_count(const struct locks *locks, struct wire_handle handle)
{
	return locks->capacity ? locks->entries[find(locks, handle)].count : 0;
}

uint32_t locks_handles(const struct locks *locks)
{
	return locks->used;
}

void locks_clear(struct locks *locks, locks_clear_fn fn, void *arg)
{
	for (uint32_t i = 0; i < locks->capacity; i++) {
		struct locks_entry *entry = &locks->entries[i];

		if (entry->count)
			fn(arg, entry->handle, entry->count);
		entry->count = 0;
	}
	locks->used = 0;
}
