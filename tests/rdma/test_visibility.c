/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_visibility.c - an object is seen only after all of its bytes are in place
 *
 * A writer stores large objects while readers ask for them as fast as they can;
 * the pool is so small that the memory holds older objects meanwhile. Loopback
 * hides much: run it with a delay between the hosts as well.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, LEN = 6 * MIB + 4321, ROUNDS = 24, BATCH = 3 };

static struct spawn server;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", "--workers", "2", NULL};

	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int tear_down(void **state)
{
	(void)state;
	return spawn_end(&server, SIGTERM);
}

/* A reader that wants the objects of each round, until it has had them. */
struct reader {
	pthread_t thread;
	struct client client;
	_Atomic unsigned *round; /* what the writer is at; ROUNDS: it is done */
	unsigned hits;
	unsigned torn;
	int err;
};

static struct items *round_items(unsigned round, void *memory)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "round-%u", round);
	return items_create(prefix, BATCH, memory, LEN);
}

/* Look for one key; if it is there, all of it must be. */
static void look(struct reader *reader, struct items *items, size_t i)
{
	items_wipe(items);
	if (client_lookup(&reader->client, &items->keys[i], 1) != 1)
		return;
	reader->hits++;
	if (client_load(&reader->client, &items->keys[i], &items->objects[i], 1) != 1)
		reader->err = -EIO;
	else if (!item_is(&items->keys[i], 0, items->objects[i].data, LEN))
		reader->torn++;
	remora_submit_unlock(reader->client.adapter, &items->keys[i], 1);
}

static void *read_all(void *arg)
{
	struct reader *reader = arg;
	struct items *items = NULL;
	unsigned round, last = ROUNDS;

	while ((round = atomic_load(reader->round)) < ROUNDS) {
		if (round != last) {
			items_destroy(items);
			items = round_items(round, reader->client.arena);
			last = round;
		}
		for (size_t i = 0; i < BATCH; i++)
			look(reader, items, i);
	}
	items_destroy(items);
	return NULL;
}

static void write_all(struct client *writer, _Atomic unsigned *round)
{
	struct items *items;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		items = round_items(i, writer->arena);
		items_fill(items);
		atomic_store(round, i);
		assert_int_equal(client_store(writer, items->keys, items->objects, BATCH, NULL), 0);
		items_destroy(items);
	}
	atomic_store(round, ROUNDS);
}

static void a_reader_never_sees_an_object_before_its_bytes(void **state)
{
	_Atomic unsigned round = 0;
	struct reader reader = {.round = &round};
	struct client writer;

	(void)state;
	assert_int_equal(client_open(&writer, &server, BATCH * LEN, 0), 0);
	assert_int_equal(client_open(&reader.client, &server, BATCH * LEN, 0), 0);
	assert_int_equal(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
	write_all(&writer, &round);
	assert_int_equal(pthread_join(reader.thread, NULL), 0);
	assert_int_equal(reader.err, 0);
	assert_int_equal(reader.torn, 0);
	assert_true(reader.hits > 0);
	client_close(&reader.client);
	client_close(&writer);
}

/* The writer's memory is the caller's again: what he does with it must not show. */
static void the_buffer_is_free_when_the_store_is_told(void **state)
{
	struct client client;
	struct items *items;
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&client, &server, BATCH * LEN, 0), 0);
	for (i = 0; i < 4; i++) {
		items = round_items(100 + i, client.arena);
		items_fill(items);
		assert_int_equal(
			client_store(&client, items->keys, items->objects, BATCH, NULL), 0);
		items_wipe(items);
		assert_int_equal(client_load(&client, items->keys, items->objects, BATCH), BATCH);
		assert_int_equal(items_wrong(items), BATCH);
		items_destroy(items);
	}
	client_close(&client);
}

/* Small ones share a lane's list of requests with others, so more may go wrong. */
static void a_batch_of_small_objects_is_whole_when_it_is_told(void **state)
{
	enum { COUNT = 500, SMALL = 9000 };
	struct client writer, reader;
	struct items *items, *copies;
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&writer, &server, COUNT * SMALL, 0), 0);
	assert_int_equal(client_open(&reader, &server, COUNT * SMALL, 0), 0);
	for (i = 0; i < 4; i++) {
		char prefix[16];

		snprintf(prefix, sizeof(prefix), "small-%u", i);
		items = items_create(prefix, COUNT, writer.arena, SMALL);
		copies = items_create(prefix, COUNT, reader.arena, SMALL);
		items_fill(items);
		items_wipe(copies);
		assert_int_equal(
			client_store(&writer, items->keys, items->objects, COUNT, NULL), 0);
		items_wipe(items);
		assert_int_equal(client_load(&reader, copies->keys, copies->objects, COUNT), COUNT);
		assert_int_equal(items_wrong(copies), COUNT);
		items_destroy(items);
		items_destroy(copies);
	}
	client_close(&writer);
	client_close(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_never_sees_an_object_before_its_bytes),
		cmocka_unit_test(the_buffer_is_free_when_the_store_is_told),
		cmocka_unit_test(a_batch_of_small_objects_is_whole_when_it_is_told),
	};

	if (!client_has_lab(200))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
