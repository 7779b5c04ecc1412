/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent.h - which pages of one arena are taken, and by whom
 *
 * An extent is a run of pages. Objects get extents of exactly their number of
 * pages; free neighbours are merged at once, so two free extents never touch.
 * Nothing is written into the arena itself: no remote write can reach these
 * books. They cost 4 bytes a page and 16 bytes a free extent.
 *
 * Pure: no threads, no verbs. A map is used by one thread at a time.
 */
#ifndef EXTENT_H
#define EXTENT_H

#include <stdint.h>

enum { EXTENT_OWNER_MAX = 0x7fffffff, EXTENT_PAGES_MAX = 0x7fffffff };

#define EXTENT_NOBODY UINT32_MAX

struct extent_map;

/* The free extent that a freed one became a part of, and who lies beside it. */
struct extent_hole {
	uint32_t first;
	uint32_t pages;
	uint32_t left;  /* owner; EXTENT_NOBODY at the arena's start */
	uint32_t right; /* owner; EXTENT_NOBODY at the arena's end */
};

/* -EINVAL: no pages or more than EXTENT_PAGES_MAX; -ENOMEM. */
int extent_create(uint32_t pages, struct extent_map **out);
void extent_destroy(struct extent_map *map);

/*
 * Take `pages` pages for `owner`, who has no other extent in this map. Constant
 * time. -ENOSPC: no free extent is long enough (or, rarely, an exact fit hides
 * behind hundreds of slightly shorter ones); -EINVAL: no pages or a bad owner.
 */
int extent_alloc(struct extent_map *map, uint32_t pages, uint32_t owner, uint32_t *first);

/*
 * Free exactly what an extent_alloc() gave. Constant time. -EINVAL for anything
 * else (a part of an extent, free pages, pages outside): nothing changes then.
 * `hole` may be NULL.
 */
int extent_free(struct extent_map *map, uint32_t first, uint32_t pages, struct extent_hole *hole);

/* Who took exactly these pages; EXTENT_NOBODY if they are no taken extent. */
uint32_t extent_owner(const struct extent_map *map, uint32_t first, uint32_t pages);

uint32_t extent_pages(const struct extent_map *map);
uint32_t extent_free_pages(const struct extent_map *map);
uint32_t extent_free_count(const struct extent_map *map); /* free extents */

/* The longest free extent's pages; walks all extents of about its length. */
uint32_t extent_largest(const struct extent_map *map);

/* No free extent is longer than this; at most 1/32 too much. Constant time. */
uint32_t extent_largest_bound(const struct extent_map *map);

/* 0, or -EINVAL if the books contradict themselves. Walks all pages. */
int extent_check(const struct extent_map *map);

#endif
