/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent.c - two-level segregated fit over page tags
 *
 * Every page has a tag. The first and the last page of an extent say what it
 * is: of a taken one its owner, of a free one its node; pages between them have
 * no tag. So neighbours are found in one step, and since owners are unique, the
 * tags around a range tell whether it is exactly one taken extent.
 *
 * Free extents hang in bins by length: exact below 32 pages, 32 bins for each
 * power of two above. Two levels of bitmaps find the next bin that is in use.
 */
#include "extent.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SUB_BITS = 5,
	SUBS = 1 << SUB_BITS,
	ROWS = 31 - SUB_BITS + 1,
	BINS = ROWS * SUBS,
	LOOK_FIRST = 8,  /* own bin, before a longer extent is split */
	LOOK_LAST = 256, /* own bin, when there is nothing longer */
};

#define TAKEN 0x80000000u

/* A free extent. Nodes are named by their index; node 0 is none. */
struct node {
	uint32_t first;
	uint32_t pages;
	uint32_t prev;
	uint32_t next; /* in its bin, or of the spare nodes */
};

struct extent_map {
	uint32_t pages;
	uint32_t free_pages;
	uint32_t free_count;
	uint32_t *tags;
	struct node *nodes;
	uint32_t spare;   /* nodes given back */
	uint32_t virgins; /* nodes from here on were never used */
	uint32_t rows;
	uint32_t subs[ROWS];
	uint32_t bins[BINS];
};

static unsigned bin_of(uint32_t pages)
{
	unsigned log, row;

	if (pages < SUBS)
		return pages;
	log = 31 - (unsigned)__builtin_clz(pages);
	row = log - SUB_BITS + 1;
	return row * SUBS + (pages >> (log - SUB_BITS)) - SUBS;
}

/* The shortest length that the bin does not hold. */
static uint32_t bin_end(unsigned bin)
{
	unsigned row = bin / SUBS, sub = bin % SUBS;

	return row ? (SUBS + sub + 1) << (row - 1) : sub + 1;
}

/* The first bin in use from `bin` on; BINS if there is none. */
static unsigned next_bin(const struct extent_map *map, unsigned bin)
{
	unsigned row = bin / SUBS;
	uint32_t left;

	if (bin >= BINS)
		return BINS;
	left = map->subs[row] & (~0u << bin % SUBS);
	if (!left) {
		left = map->rows & (~0u << row & ~(1u << row));
		if (!left)
			return BINS;
		row = (unsigned)__builtin_ctz(left);
		left = map->subs[row];
	}
	return row * SUBS + (unsigned)__builtin_ctz(left);
}

static unsigned last_bin(const struct extent_map *map)
{
	unsigned row = 31 - (unsigned)__builtin_clz(map->rows);

	return row * SUBS + 31 - (unsigned)__builtin_clz(map->subs[row]);
}

static uint32_t take_node(struct extent_map *map)
{
	uint32_t n = map->spare;

	if (!n)
		return map->virgins++;
	map->spare = map->nodes[n].next;
	return n;
}

static void add_free(struct extent_map *map, uint32_t first, uint32_t pages)
{
	unsigned bin = bin_of(pages);
	uint32_t n = take_node(map), head = map->bins[bin];

	map->nodes[n] = (struct node){.first = first, .pages = pages, .next = head};
	map->nodes[head].prev = n;
	map->bins[bin] = n;
	map->subs[bin / SUBS] |= 1u << bin % SUBS;
	map->rows |= 1u << bin / SUBS;

	map->tags[first] = n;
	map->tags[first + pages - 1] = n;
	map->free_pages += pages;
	map->free_count++;
}

static void remove_free(struct extent_map *map, uint32_t n)
{
	struct node *node = &map->nodes[n];
	unsigned bin = bin_of(node->pages);

	map->nodes[node->next].prev = node->prev;
	if (node->prev)
		map->nodes[node->prev].next = node->next;
	else
		map->bins[bin] = node->next;
	if (!map->bins[bin]) {
		map->subs[bin / SUBS] &= ~(1u << bin % SUBS);
		if (!map->subs[bin / SUBS])
			map->rows &= ~(1u << bin / SUBS);
	}

	map->tags[node->first] = 0;
	map->tags[node->first + node->pages - 1] = 0;
	map->free_pages -= node->pages;
	map->free_count--;
	node->next = map->spare;
	map->spare = n;
}

int extent_create(uint32_t pages, struct extent_map **out)
{
	struct extent_map *map;

	if (!pages || pages > EXTENT_PAGES_MAX)
		return -EINVAL;
	map = calloc(1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	map->tags = calloc(pages, sizeof(*map->tags));
	if (!map->tags)
		goto free_map;

	/*
	 * Room for the most free extents there can be (every other page), so
	 * that freeing never fails. Only nodes that are used become resident.
	 */
	map->nodes = calloc((size_t)pages / 2 + 2, sizeof(*map->nodes));
	if (!map->nodes)
		goto free_tags;

	map->pages = pages;
	map->virgins = 1;
	add_free(map, 0, pages);
	*out = map;
	return 0;

free_tags:
	free(map->tags);
free_map:
	free(map);
	return -ENOMEM;
}

void extent_destroy(struct extent_map *map)
{
	if (!map)
		return;
	free(map->nodes);
	free(map->tags);
	free(map);
}

static uint32_t look(const struct extent_map *map, unsigned bin, uint32_t pages, int depth)
{
	uint32_t n = map->bins[bin];

	while (n && depth-- && map->nodes[n].pages < pages)
		n = map->nodes[n].next;
	return depth >= 0 ? n : 0;
}

/*
 * Extents in higher bins all fit, those in the own bin perhaps. The own bin
 * comes first: objects of one size then reuse each other's holes.
 */
static uint32_t find_fit(const struct extent_map *map, uint32_t pages)
{
	unsigned bin = bin_of(pages), higher;
	uint32_t n = look(map, bin, pages, LOOK_FIRST);

	if (n)
		return n;
	higher = next_bin(map, bin + 1);
	return higher < BINS ? map->bins[higher] : look(map, bin, pages, LOOK_LAST);
}

int extent_alloc(struct extent_map *map, uint32_t pages, uint32_t owner, uint32_t *first)
{
	struct node node;
	uint32_t n;

	if (!pages || owner > EXTENT_OWNER_MAX)
		return -EINVAL;
	if (pages > map->free_pages)
		return -ENOSPC;
	n = find_fit(map, pages);
	if (!n)
		return -ENOSPC;

	node = map->nodes[n];
	remove_free(map, n);
	if (node.pages > pages)
		add_free(map, node.first + pages, node.pages - pages);
	map->tags[node.first] = TAKEN | owner;
	map->tags[node.first + pages - 1] = TAKEN | owner;
	*first = node.first;
	return 0;
}

/* Does one extent end right before `page` and another one begin there? */
static int is_border(const struct extent_map *map, uint32_t page)
{
	const uint32_t *tags = map->tags;

	if (!page || page == map->pages)
		return 1;
	return tags[page - 1] && tags[page] && tags[page - 1] != tags[page];
}

uint32_t extent_owner(const struct extent_map *map, uint32_t first, uint32_t pages)
{
	uint32_t tag;

	if (!pages || first >= map->pages || pages > map->pages - first)
		return EXTENT_NOBODY;
	tag = map->tags[first];
	if (!(tag & TAKEN) || map->tags[first + pages - 1] != tag)
		return EXTENT_NOBODY;
	if (!is_border(map, first) || !is_border(map, first + pages))
		return EXTENT_NOBODY;
	return tag & ~TAKEN;
}

static void absorb(struct extent_map *map, uint32_t page, struct extent_hole *hole)
{
	uint32_t n;

	/* UINT32_MAX is the page left of page 0. */
	if (page >= map->pages || map->tags[page] & TAKEN)
		return;
	n = map->tags[page];
	hole->pages += map->nodes[n].pages;
	if (map->nodes[n].first < hole->first)
		hole->first = map->nodes[n].first;
	remove_free(map, n);
}

static uint32_t neighbour(const struct extent_map *map, uint32_t page)
{
	return page < map->pages ? map->tags[page] & ~TAKEN : EXTENT_NOBODY;
}

int extent_free(struct extent_map *map, uint32_t first, uint32_t pages, struct extent_hole *hole)
{
	struct extent_hole merged = {.first = first, .pages = pages};

	if (extent_owner(map, first, pages) == EXTENT_NOBODY)
		return -EINVAL;
	map->tags[first] = 0;
	map->tags[first + pages - 1] = 0;
	absorb(map, first - 1, &merged);
	absorb(map, first + pages, &merged);
	add_free(map, merged.first, merged.pages);

	if (hole) {
		merged.left = neighbour(map, merged.first - 1);
		merged.right = neighbour(map, merged.first + merged.pages);
		*hole = merged;
	}
	return 0;
}

uint32_t extent_pages(const struct extent_map *map)
{
	return map->pages;
}

uint32_t extent_free_pages(const struct extent_map *map)
{
	return map->free_pages;
}

uint32_t extent_free_count(const struct extent_map *map)
{
	return map->free_count;
}

uint32_t extent_largest(const struct extent_map *map)
{
	uint32_t largest = 0;

	if (!map->rows)
		return 0;
	for (uint32_t n = map->bins[last_bin(map)]; n; n = map->nodes[n].next)
		if (map->nodes[n].pages > largest)
			largest = map->nodes[n].pages;
	return largest;
}

uint32_t extent_largest_bound(const struct extent_map *map)
{
	return map->rows ? bin_end(last_bin(map)) - 1 : 0;
}

/* The pages of the extent that begins at `first`; 0 if its tags are broken. */
static uint32_t measure(const struct extent_map *map, uint32_t first)
{
	uint32_t tag = map->tags[first], next = first + 1;

	if (!tag)
		return 0;
	if (!(tag & TAKEN)) {
		const struct node *node = &map->nodes[tag];

		if (tag >= map->virgins || node->first != first || node->pages > map->pages - first)
			return 0;
		return map->tags[first + node->pages - 1] == tag ? node->pages : 0;
	}
	while (next < map->pages && !map->tags[next])
		next++;
	if (next < map->pages && map->tags[next] == tag)
		return next - first + 1;
	return next == first + 1 ? 1 : 0;
}

/* Pages of the extents in a bin; UINT64_MAX if the bin is broken. */
static uint64_t sum_bin(const struct extent_map *map, unsigned bin, uint32_t *count)
{
	int used = map->subs[bin / SUBS] >> bin % SUBS & 1;
	uint32_t prev = 0;
	uint64_t sum = 0;

	if (used != !!map->bins[bin] || (used && !(map->rows >> bin / SUBS & 1)))
		return UINT64_MAX;
	for (uint32_t n = map->bins[bin]; n; prev = n, n = map->nodes[n].next) {
		const struct node *node = &map->nodes[n];

		if (node->prev != prev || bin_of(node->pages) != bin)
			return UINT64_MAX;
		if (map->tags[node->first] != n || ++*count > map->free_count)
			return UINT64_MAX;
		sum += node->pages;
	}
	return sum;
}

static int check_bins(const struct extent_map *map)
{
	uint64_t sum = 0;
	uint32_t count = 0;

	for (unsigned bin = 0; bin < BINS; bin++) {
		uint64_t pages = sum_bin(map, bin, &count);

		if (pages == UINT64_MAX)
			return -EINVAL;
		sum += pages;
	}
	return sum == map->free_pages && count == map->free_count ? 0 : -EINVAL;
}

int extent_check(const struct extent_map *map)
{
	uint32_t free_pages = 0, free_count = 0, pages;
	int was_free = 0;

	for (uint32_t page = 0; page < map->pages; page += pages) {
		int is_free = !(map->tags[page] & TAKEN);

		pages = measure(map, page);
		if (!pages || (is_free && was_free))
			return -EINVAL;
		if (is_free) {
			free_pages += pages;
			free_count++;
		}
		was_free = is_free;
	}
	if (free_pages != map->free_pages || free_count != map->free_count)
		return -EINVAL;
	return check_bins(map);
}
