/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sharing.c - several clients, and several threads of one, at once
 *
 * Threads count what went wrong; only the main thread asserts.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"
#include "victim.h"

enum {
	MIB = 1 << 20,
	WRITERS = 4,
	SAME = 4, /* keys that all writers store at once */
	OWN = 3,  /* times its number: those that a writer stores before */
	OWN_MAX = OWN * (WRITERS - 1),
	OTHERS = OWN * WRITERS * (WRITERS - 1) / 2,
	LEN = MIB + 77,
	STRESS_MS = 4000,
	STRESS_KEYS = 24,
	STRESS_LEN = 256 << 10,
	VICTIMS = 6,
};

static struct spawn server;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "96MiB", "--workers", "2", NULL};

	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int tear_down(void **state)
{
	(void)state;
	return spawn_end(&server, SIGTERM);
}

struct writer {
	pthread_t thread;
	pthread_barrier_t *start;
	struct client client;
	unsigned version; /* of what it says */
	int err;
	unsigned winners[SAME]; /* whose version it finds when its store is over */
};

/* Whose content it is, whole; WRITERS: nobody's. */
static unsigned whose(const struct remora_key *key, const void *data)
{
	unsigned version;

	for (version = 0; version < WRITERS; version++)
		if (item_is(key, version, data, LEN))
			break;
	return version;
}

/*
 * Store the keys that all store, behind some of its own that take time: all
 * reserve at once, but do not commit at once.
 */
static int store_same(struct writer *writer, const struct items *same)
{
	struct remora_key keys[OWN_MAX + SAME];
	struct remora_object objects[OWN_MAX + SAME];
	size_t own = (size_t)OWN * writer->version;
	struct items *first;
	char prefix[16];
	int err;

	snprintf(prefix, sizeof(prefix), "own-%u", writer->version);
	first = items_create(prefix, own, writer->client.arena + (size_t)SAME * LEN, LEN);
	memcpy(keys, first->keys, own * sizeof(keys[0]));
	memcpy(keys + own, same->keys, SAME * sizeof(keys[0]));
	memcpy(objects, first->objects, own * sizeof(objects[0]));
	memcpy(objects + own, same->objects, SAME * sizeof(objects[0]));
	pthread_barrier_wait(writer->start);
	err = client_store(&writer->client, keys, objects, own + SAME, NULL);
	items_destroy(first);
	return err;
}

static void *write_same(void *arg)
{
	struct writer *writer = arg;
	struct items *items = items_create("same", SAME, writer->client.arena, LEN);
	size_t i;

	for (i = 0; i < SAME; i++)
		item_fill(&items->keys[i], writer->version, items->objects[i].data, LEN);
	writer->err = store_same(writer, items);
	items_wipe(items);
	if (client_load(&writer->client, items->keys, items->objects, SAME) != SAME)
		writer->err = -EIO;
	for (i = 0; i < SAME; i++)
		writer->winners[i] = whose(&items->keys[i], items->objects[i].data);
	items_destroy(items);
	return NULL;
}

static void write_all_at_once(struct writer writers[WRITERS])
{
	pthread_barrier_t start;
	unsigned i;

	pthread_barrier_init(&start, NULL, WRITERS);
	for (i = 0; i < WRITERS; i++) {
		writers[i].version = i;
		writers[i].start = &start;
		assert_int_equal(
			client_open(&writers[i].client, &server, (size_t)(OWN_MAX + SAME) * LEN, 0),
			0);
	}
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&writers[i].thread, NULL, write_same, &writers[i]), 0);
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
	pthread_barrier_destroy(&start);
}

static void close_all(struct writer writers[WRITERS])
{
	unsigned i;

	for (i = 0; i < WRITERS; i++)
		client_close(&writers[i].client);
}

/* All succeed, and whoever looks, and whenever, sees the same. */
static void assert_agreed(const struct writer writers[WRITERS], const unsigned winners[SAME])
{
	unsigned i, j;

	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(writers[i].err, 0);
		for (j = 0; j < SAME; j++)
			assert_int_equal(writers[i].winners[j], winners[j]);
	}
	for (j = 0; j < SAME; j++)
		assert_true(winners[j] < WRITERS);
}

static void writers_of_the_same_keys_all_succeed_and_one_of_them_wins(void **state)
{
	struct writer writers[WRITERS] = {{0}};
	struct remora_usage usage;
	unsigned winners[SAME];

	(void)state;
	write_all_at_once(writers);
	memcpy(winners, writers[0].winners, sizeof(winners));
	assert_agreed(writers, winners);
	close_all(writers);

	/* Nobody changes it any more, and the losers' memory is free. */
	write_all_at_once(writers);
	assert_agreed(writers, winners);
	assert_int_equal(remora_usage(writers[0].client.adapter, &usage), 0);
	assert_int_equal(usage.reserved, 0);
	assert_int_equal(usage.objects, SAME + OTHERS);
	assert_int_equal(usage.used, (SAME + OTHERS) * ((LEN + 4095) / 4096 * 4096));
	close_all(writers);
}

/* One adapter, as an engine uses it: one thread stores, another prefetches. */
struct stress {
	struct client client;
	uint64_t end_ms;
	_Atomic size_t newest; /* key that was stored */
	size_t stored, loaded, torn, strange;
};

/* The object of a key, in a part of the arena that is the calling thread's. */
static struct items *stress_items(size_t first, uint8_t *memory)
{
	char prefix[ITEMS_KEY_LEN];

	snprintf(prefix, sizeof(prefix), "stress-%zu", first / STRESS_KEYS);
	return items_create(prefix, STRESS_KEYS, memory, STRESS_LEN);
}

static void *store_for_a_while(void *arg)
{
	struct stress *stress = arg;
	struct items *items;
	size_t first;

	for (first = 0; client_now_ms() < stress->end_ms; first += STRESS_KEYS) {
		items = stress_items(first, stress->client.arena);
		items_fill(items);
		if (client_store(&stress->client, items->keys, items->objects, STRESS_KEYS, NULL))
			stress->strange++;
		else
			stress->stored += STRESS_KEYS;
		atomic_store(&stress->newest, first);
		items_destroy(items);
	}
	return NULL;
}

/* Load those keys that the lookup found, and give their locks back. */
static void prefetch(struct stress *stress, struct items *items, struct remora_bitmap *found)
{
	size_t i, count = 0;

	for (i = 0; i < items->count; i++) {
		if (!remora_bitmap_test(found, i))
			continue;
		items->keys[count] = items->keys[i];
		items->objects[count++] = items->objects[i];
	}
	items->count = count;
	items_wipe(items);
	if (client_load(&stress->client, items->keys, items->objects, count) != (int)count)
		stress->strange++;
	if (items_wrong(items) != count)
		stress->torn++;
	stress->loaded += count;
	remora_submit_unlock(stress->client.adapter, items->keys, count);
}

static void prefetch_for_a_while(struct stress *stress)
{
	size_t back = 0, newest;
	struct remora_bitmap *found, *again;
	struct items *items;
	int64_t task;

	while (client_now_ms() < stress->end_ms) {
		newest = atomic_load(&stress->newest);
		back = (back + STRESS_KEYS) % (20 * STRESS_KEYS);
		items = stress_items(back > newest ? 0 : newest - back,
			stress->client.arena + (size_t)STRESS_KEYS * STRESS_LEN);
		task = remora_submit_lookup(stress->client.adapter, items->keys, items->count);
		found = client_await_lookup(&stress->client, task);
		if (!found || remora_query_lookup(stress->client.adapter, task, &again) != -ENOENT)
			stress->strange++;
		else
			prefetch(stress, items, found);
		remora_bitmap_destroy(found);
		items_destroy(items);
	}
}

static void one_thread_stores_while_another_prefetches(void **state)
{
	struct stress *stress = calloc(1, sizeof(*stress));
	pthread_t thread;

	(void)state;
	assert_int_equal(
		client_open(&stress->client, &server, (size_t)2 * STRESS_KEYS * STRESS_LEN, 0), 0);
	stress->end_ms = client_now_ms() + STRESS_MS;
	assert_int_equal(pthread_create(&thread, NULL, store_for_a_while, stress), 0);
	prefetch_for_a_while(stress);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(stress->strange, 0);
	assert_int_equal(stress->torn, 0);
	assert_true(stress->stored > 0);
	assert_true(stress->loaded > 0);
	assert_true(client_usage_becomes(&stress->client, CLIENT_LOCKED, 0));
	assert_true(client_usage_becomes(&stress->client, CLIENT_RESERVED, 0));
	client_close(&stress->client);
	free(stress);
}

/*
 * Writers are killed in the middle of their WRITEs. What they had reserved is
 * used again at once: nothing of theirs may turn up in it.
 */
static void the_memory_of_a_killed_writer_is_used_again_only_when_quiet(void **state)
{
	struct items *items;
	struct client client;
	struct victim victim;
	char prefix[16], line[32];
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&client, &server, 8 * LEN, 0), 0);
	for (i = 0; i < VICTIMS; i++) {
		const char *const args[] = {
			"store", client_server(&server), "victim", "4000000", NULL};

		assert_int_equal(victim_start(&victim, args, NULL), 0);
		victim_hear(&victim, line, sizeof(line));
		assert_string_equal(line, "storing");
		usleep(30000 + i * 20000);
		victim_kill(&victim);
		snprintf(prefix, sizeof(prefix), "heir-%u", i);
		items = items_create(prefix, 8, client.arena, LEN);
		items_fill(items);
		assert_int_equal(client_store(&client, items->keys, items->objects, 8, NULL), 0);
		assert_int_equal(client_lookup(&client, items->keys, 8), 8);
		assert_true(client_usage_becomes(&client, CLIENT_SESSIONS, 1));
		assert_true(client_usage_becomes(&client, CLIENT_RESERVED, 0));
		items_wipe(items);
		assert_int_equal(client_load(&client, items->keys, items->objects, 8), 8);
		assert_int_equal(items_wrong(items), 8);
		remora_submit_unlock(client.adapter, items->keys, 8);
		items_destroy(items);
	}
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_of_the_same_keys_all_succeed_and_one_of_them_wins),
		cmocka_unit_test(one_thread_stores_while_another_prefetches),
		cmocka_unit_test(the_memory_of_a_killed_writer_is_used_again_only_when_quiet),
	};

	if (!client_has_lab(200))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
