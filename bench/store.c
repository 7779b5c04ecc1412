/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store - what the server's store costs, without any network
 *
 * usage: bench_store [OBJECTS]   (default 1000000; 10000000 needs 1.5 GiB)
 *
 * One thread. No pool is behind the extents: only the books are measured.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "extent.h"
#include "store.h"

enum { ROUNDS = 1000000, CHUNK_PAGES = 16, KEY_LEN = 40 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t draw(void)
{
	static uint64_t random = 88172645463325252u;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random;
}

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_store: %s\n", what);
	exit(EXIT_FAILURE);
}

static void report(const char *what, uint64_t objects, uint64_t start, uint64_t count)
{
	printf("%-42s %10llu objects %8.1f ns\n", what, (unsigned long long)objects,
		(double)(now_ns() - start) / (double)count);
}

/* A key as long as those of a KV cache: a common prefix, then a number. */
static struct wire_key key_of(uint8_t bytes[KEY_LEN], uint64_t number)
{
	memcpy(bytes + KEY_LEN - sizeof(number), &number, sizeof(number));
	return (struct wire_key){bytes, KEY_LEN};
}

static struct store *open_store(uint64_t pages)
{
	const uint64_t arena = (uint64_t)1 << 18; /* 1 GiB */
	size_t count = (size_t)((pages + arena - 1) / arena);
	size_t *lens = calloc(count, sizeof(*lens));
	struct store_params params = {.arenas = lens, .arena_count = (unsigned)count, .seed = 1};
	struct store *store;

	require(lens != NULL, "no memory");
	for (size_t i = 0; i < count; i++)
		lens[i] = (size_t)arena * STORE_PAGE;
	require(!store_create(&params, &store), "cannot create a store of this size");
	free(lens);
	return store;
}

static uint64_t put(struct store *store, uint64_t number, uint64_t pages)
{
	uint8_t bytes[KEY_LEN] = "model@world@rank@";
	const struct store_wish wish = {
		.key = key_of(bytes, number),
		.len = pages * STORE_PAGE,
		.salt = {(const uint8_t *)"tenant", 6},
	};
	struct store_object object;

	if (store_reserve(store, &wish, &object) != WIRE_OK)
		return 0;
	require(store_commit(store, object.handle) == WIRE_OK, "a commit failed");
	return 1;
}

struct taken {
	uint32_t first, pages;
};

static uint32_t draw_pages(int mixed)
{
	return mixed ? CHUNK_PAGES + (uint32_t)(draw() >> 20) % 240 : CHUNK_PAGES;
}

/* Replace random extents of a map that holds `count` of them. */
static void bench_extents(uint32_t count, int mixed)
{
	struct taken *all = calloc(count, sizeof(*all));
	struct extent_map *map;
	uint32_t failed = 0;
	uint64_t start;

	require(all && !extent_create(count * (mixed ? 150 : CHUNK_PAGES), &map), "no memory");
	for (uint32_t i = 0; i < count; i++) {
		all[i].pages = draw_pages(mixed);
		require(!extent_alloc(map, all[i].pages, i, &all[i].first), "arena too small");
	}
	start = now_ns();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t owner = (uint32_t)(draw() >> 20) % count;
		struct taken *taken = &all[owner];

		if (taken->pages && extent_free(map, taken->first, taken->pages, NULL))
			require(0, "a free failed");
		taken->pages = draw_pages(mixed);
		if (extent_alloc(map, taken->pages, owner, &taken->first)) {
			taken->pages = 0;
			failed++;
		}
	}
	report(mixed ? "extent: free + alloc, 64 KiB to 1 MiB" : "extent: free + alloc, 64 KiB",
		count, start, ROUNDS);
	require(failed < ROUNDS / 100, "extents did not fit");
	extent_destroy(map);
	free(all);
}

static void bench_fill(struct store *store, uint64_t objects)
{
	uint64_t start = now_ns(), last = start, slowest = 0;

	for (uint64_t i = 0; i < objects; i++) {
		uint64_t now;

		require((int)put(store, i, CHUNK_PAGES), "the pool is too small");
		now = now_ns();
		if (now - last > slowest)
			slowest = now - last;
		last = now;
	}
	report("store: reserve + commit, growing from empty", objects, start, objects);
	printf("%-42s %10s         %8.1f us\n", "    the slowest one", "", (double)slowest / 1000);
}

static void bench_lookup(struct store *store, uint64_t objects, int lock)
{
	uint8_t bytes[KEY_LEN] = "model@world@rank@";
	struct store_object object;
	uint64_t start = now_ns();

	for (int i = 0; i < ROUNDS; i++) {
		struct wire_key key = key_of(bytes, (draw() >> 20) % objects);

		require(store_lookup(store, key, lock, &object) == WIRE_OK, "a lookup missed");
		if (lock)
			store_unlock(store, object.handle);
	}
	report(lock ? "store: lookup with lock + unlock" : "store: lookup", objects, start, ROUNDS);
}

static void bench_misses(struct store *store, uint64_t objects)
{
	uint8_t bytes[KEY_LEN] = "model@world@rank@";
	struct store_object object;
	uint64_t start = now_ns();

	for (int i = 0; i < ROUNDS; i++)
		require(store_lookup(store, key_of(bytes, draw() | (uint64_t)1 << 63), 0,
				&object) == WIRE_NOT_FOUND,
			"a lookup found what is not there");
	report("store: lookup of a missing key", objects, start, ROUNDS);
}

static void bench_objects(uint64_t objects)
{
	struct store *store = open_store(objects * CHUNK_PAGES + ((uint64_t)1 << 18));

	bench_fill(store, objects);
	bench_lookup(store, objects, 0);
	bench_misses(store, objects);
	bench_lookup(store, objects, 1);
	store_destroy(store);
}

/* 2^4 to 2^15 pages (64 KiB to 128 MiB), short ones more often. */
static uint64_t draw_log_pages(void)
{
	uint64_t base = (uint64_t)CHUNK_PAGES << (draw() >> 20) % 11;

	return base + (draw() >> 20) % (base + 1);
}

static void report_full(struct store *store, uint64_t failed, uint64_t fill)
{
	struct store_stats stats;

	store_stats(store, &stats);
	printf("    %llu evicted for %llu stored, %llu refused, %.1f %% of the pool in use\n",
		(unsigned long long)stats.evictions, (unsigned long long)stats.stored,
		(unsigned long long)failed, (double)fill / 10);
}

/* Every reservation evicts. The pool has 64 GiB. */
static void bench_full(int mixed)
{
	const uint64_t pages = (uint64_t)1 << 24;
	const int rounds = mixed ? ROUNDS / 10 : ROUNDS;
	struct store *store = open_store(pages);
	struct store_stats stats;
	uint64_t number = 0, start, failed = 0, fill = 0;

	for (uint64_t used = 0; used < pages + pages / 4;) {
		uint64_t size = mixed ? draw_log_pages() : CHUNK_PAGES;

		put(store, number++, size);
		used += size;
	}
	store_stats(store, &stats);
	start = now_ns();
	for (int i = 0; i < rounds; i++)
		failed += !put(store, number++, mixed ? draw_log_pages() : CHUNK_PAGES);
	report(mixed ? "store: the same, 64 KiB to 128 MiB" : "store: reserve + commit, pool full",
		stats.objects, start, (uint64_t)rounds);
	store_stats(store, &stats);
	fill = stats.used * 1000 / stats.capacity;
	report_full(store, failed, fill);
	store_destroy(store);
}

/* The worst that a request can ask for: much space among many small objects. */
static void bench_long_among_short(void)
{
	const uint64_t pages = (uint64_t)1 << 24, size = 1 << 15;
	struct store *store = open_store(pages);
	uint64_t number = 0, start, failed = 0;
	struct store_stats stats;

	while (number < pages / CHUNK_PAGES + 100000)
		put(store, number++, CHUNK_PAGES);
	for (int i = 0; i < ROUNDS; i++) /* deal the ages out */
		if (draw() & 1)
			put(store, number - 1 - (draw() >> 20) % (pages / CHUNK_PAGES),
				CHUNK_PAGES);
	store_stats(store, &stats);
	start = now_ns();
	for (int i = 0; i < 100; i++)
		failed += !put(store, number++, size);
	report("store: 128 MiB into a pool full of 64 KiB", stats.objects, start, 100);
	store_stats(store, &stats);
	report_full(store, failed, stats.used * 1000 / stats.capacity);
	store_destroy(store);
}

int main(int argc, char **argv)
{
	uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;

	require(most >= 10000 && argc < 3, "usage: bench_store [OBJECTS], at least 10000");
	bench_extents(1000000, 0);
	bench_extents(1000000, 1);
	for (uint64_t objects = 10000; objects <= most; objects *= objects < 1000000 ? 100 : 10)
		bench_objects(objects);
	bench_full(0);
	bench_full(1);
	bench_long_among_short();
	return EXIT_SUCCESS;
}
