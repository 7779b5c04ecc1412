/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reservations.c - the reservations of one session
 *
 * Linear probing in a table that is at most half full; removing moves later
 * entries of the run back, so there are no tombstones. A session's worker
 * only.
 */
#include "reservations.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_ENTRIES = 64 };

struct reservation {
	struct wire_handle handle;
	uint64_t bytes; /* 0: a free entry */
};

static uint32_t home(const struct reservations *set, struct wire_handle handle)
{
	uint32_t mixed = (handle.slot ^ handle.generation * 0x85ebca6b) * 0x9e3779b1;

	return (mixed ^ mixed >> 15) & set->mask;
}

static int same(struct wire_handle a, struct wire_handle b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

static void insert(struct reservations *set, struct reservation reservation)
{
	uint32_t i = home(set, reservation.handle);

	while (set->table[i].bytes)
		i = (i + 1) & set->mask;
	set->table[i] = reservation;
}

static int grow(struct reservations *set)
{
	struct reservations bigger = *set;
	uint32_t entries = set->table ? 2 * (set->mask + 1) : FIRST_ENTRIES;
	uint32_t i;

	bigger.table = calloc(entries, sizeof(*bigger.table));
	if (!bigger.table)
		return -ENOMEM;
	bigger.mask = entries - 1;
	for (i = 0; set->table && i <= set->mask; i++)
		if (set->table[i].bytes)
			insert(&bigger, set->table[i]);
	free(set->table);
	*set = bigger;
	return 0;
}

void reservations_fini(struct reservations *set)
{
	free(set->table);
	*set = (struct reservations){0};
}

int reservations_add(struct reservations *set, struct wire_handle handle, uint64_t bytes)
{
	int err;

	if (!set->table || set->count >= (set->mask + 1) / 2) {
		err = grow(set);
		if (err)
			return err;
	}
	insert(set, (struct reservation){.handle = handle, .bytes = bytes});
	set->count++;
	set->bytes += bytes;
	return 0;
}

static void remove_at(struct reservations *set, uint32_t hole)
{
	uint32_t i = hole;

	set->count--;
	set->bytes -= set->table[hole].bytes;
	for (;;) {
		i = (i + 1) & set->mask;
		if (!set->table[i].bytes)
			break;
		/* An entry may fill the hole if its home is not behind the hole. */
		if (((i - home(set, set->table[i].handle)) & set->mask) < ((i - hole) & set->mask))
			continue;
		set->table[hole] = set->table[i];
		hole = i;
	}
	set->table[hole].bytes = 0;
}

int reservations_take(struct reservations *set, struct wire_handle handle)
{
	uint32_t i;

	if (!set->count)
		return -ENOENT;
	for (i = home(set, handle); set->table[i].bytes; i = (i + 1) & set->mask) {
		if (!same(set->table[i].handle, handle))
			continue;
		remove_at(set, i);
		return 0;
	}
	return -ENOENT;
}

int reservations_next(const struct reservations *set, uint32_t *at, struct wire_handle *handle)
{
	while (set->table && *at <= set->mask) {
		const struct reservation *reservation = &set->table[(*at)++];

		if (!reservation->bytes)
			continue;
		*handle = reservation->handle;
		return 0;
	}
	return -ENOENT;
}
