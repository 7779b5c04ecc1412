/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arenas.h - the extents of all arenas, each behind its own mutex
 *
 * Any thread may call. A shard's mutex may be held while calling, never the
 * other way round. Sizes are pages of STORE_PAGE bytes.
 */
#ifndef ARENAS_H
#define ARENAS_H

#include <stddef.h>
#include <stdint.h>

#include "extent.h"

enum { ARENAS_MAX = 65535 };

struct arenas;

struct place {
	uint32_t arena;
	uint32_t first;
	uint32_t pages;
};

/*
 * `bytes` of each of `count` arenas, multiples of STORE_PAGE. -EINVAL (none, too
 * many, or such a length), -ENOMEM.
 */
int arenas_create(const size_t *bytes, unsigned count, struct arenas **out);
void arenas_destroy(struct arenas *arenas);

unsigned arenas_count(const struct arenas *arenas);
uint64_t arenas_pages(const struct arenas *arenas);     /* of all */
uint32_t arenas_max_pages(const struct arenas *arenas); /* of the longest */

/* Take an extent, beginning where the last one was found. -ENOSPC. */
int arenas_alloc(struct arenas *arenas, uint32_t pages, uint32_t owner, struct place *place);

/* Free it, and begin there next time. -EINVAL as extent_free(). */
int arenas_free(struct arenas *arenas, struct place place, struct extent_hole *hole);

/* EXTENT_NOBODY if the place is not exactly one taken extent. */
uint32_t arenas_owner(struct arenas *arenas, struct place place);

/* For audits: pages taken in one arena, or a negative errno if its books are broken. */
int64_t arenas_audit(struct arenas *arenas, uint32_t arena);

#endif
