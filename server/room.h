/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room.h - free the extents of objects: on their way out, or to make room
 *
 * Any thread may call; what mutexes it holds then is said at each function.
 */
#ifndef ROOM_H
#define ROOM_H

#include "shard.h"

/* Where an object went, and what is free there now. */
struct vacancy {
	uint32_t arena;
	uint32_t pages;
	struct extent_hole hole;
};

/* Free a reservation's extent and slot. With the shard's mutex; vacancy may be NULL. */
void room_vacate(struct store *store, struct shard *shard, uint32_t slot, struct vacancy *vacancy);

/* The same for a visible object that is not locked. */
void room_remove(struct store *store, struct shard *shard, uint32_t slot, struct vacancy *vacancy);

/*
 * Evict at most *victims objects, counted down, until some hole has so many
 * pages: 1. 0: it has not, and another call would hardly help. No mutex held.
 */
int room_make(struct store *store, uint32_t pages, unsigned *victims);

#endif
