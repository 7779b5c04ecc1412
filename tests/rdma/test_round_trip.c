/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_round_trip.c - what is stored is loaded again, whatever its size and place
 *
 * One server for all tests; each leaves it empty of locks.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remora/config.h>

#include "client.h"
#include "items.h"

enum {
	MIB = 1 << 20,
	GUARD = 64, /* bytes around a buffer that nobody may touch */
	GUARD_BYTE = 0xa5,
	LARGEST = 96 * MIB,
	ARENA = LARGEST + 2 * MIB,
	MANY = 4096,
	SMALL = 512,
};

static struct spawn server;
static struct client client;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "256MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	return client_open(&client, &server, ARENA, 0);
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

/* Store from memory + GUARD, load to the same place, and look at what is around it. */
static void round_trip(const char *name, uint8_t *memory, size_t len)
{
	struct remora_key key = client_key(name);
	struct remora_object object = {.data = memory + GUARD, .len = len};
	struct remora_store_result result;

	item_fill(&key, 0, object.data, len);
	assert_int_equal(client_store(&client, &key, &object, 1, &result), 0);
	assert_int_equal(result.bytes, len);

	memset(memory, GUARD_BYTE, len + (size_t)2 * GUARD);
	assert_int_equal(client_lookup(&client, &key, 1), 1);
	assert_int_equal(client_load(&client, &key, &object, 1), 1);
	remora_submit_unlock(client.adapter, &key, 1);
	assert_true(item_is(&key, 0, object.data, len));
	assert_true(bytes_are(memory, GUARD_BYTE, GUARD));
	assert_true(bytes_are(memory + GUARD + len, GUARD_BYTE, GUARD));
	assert_int_equal(remora_delete(client.adapter, &key, 1, NULL), 0);
}

static const size_t sizes[] = {1, 7, 4095, 4096, 4097, MIB, MIB + 1, 17989632};

static void objects_in_the_arena_come_back_whole(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip("in the arena", client.arena, sizes[i]);
}

static void objects_at_odd_addresses_come_back_whole(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip("at an odd address", client.arena + 3 + i, sizes[i]);
}

static void objects_outside_the_arena_come_back_whole(void **state)
{
	uint8_t *memory = malloc(sizes[7] + (size_t)3 * GUARD);
	struct remora_status before, after;
	size_t i, sum = 0;

	(void)state;
	assert_non_null(memory);
	remora_status(client.adapter, &before);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		round_trip("elsewhere", memory + 1, sizes[i]);
		sum += 2 * sizes[i];
	}
	remora_status(client.adapter, &after);
	assert_int_equal(after.bytes_bounced - before.bytes_bounced, sum);
	free(memory);
}

static void an_object_of_many_work_requests_comes_back_whole(void **state)
{
	struct remora_status before, after;

	(void)state;
	remora_status(client.adapter, &before);
	round_trip("large", client.arena, LARGEST);
	remora_status(client.adapter, &after);
	assert_int_equal(after.bytes_bounced, before.bytes_bounced);
	assert_true(after.work_requests - before.work_requests >= 2 * LARGEST / MIB);
}

static void an_object_larger_than_the_bounce_ring_comes_back_whole(void **state)
{
	uint8_t *memory = malloc(32 * MIB + 2 * GUARD);

	(void)state;
	assert_non_null(memory);
	round_trip("larger than the ring", memory, 32 * MIB);
	free(memory);
}

/* The arena of the adapter ends in the middle of a mapping that goes on. */
static void an_object_across_the_arenas_end_comes_back_whole(void **state)
{
	const struct remora_host host = {.arena = client.arena, .arena_len = 4 * MIB};
	struct remora_config *config;
	struct remora_object object = {.data = client.arena + 2 * MIB + 5, .len = 4 * MIB};
	uint8_t *end = (uint8_t *)object.data + object.len;
	struct remora_key key = client_key("across");
	struct client small = {0};

	(void)state;
	memset(end, GUARD_BYTE, GUARD);
	assert_int_equal(remora_config_create("rdma", &config), 0);
	assert_int_equal(remora_config_set(config, "server", client_server(&server), NULL, 0), 0);
	assert_int_equal(remora_open(config, &host, &small.adapter), 0);
	remora_config_destroy(config);
	item_fill(&key, 0, object.data, object.len);
	assert_int_equal(client_store(&small, &key, &object, 1, NULL), 0);
	memset(object.data, 0, object.len);
	assert_int_equal(client_load(&small, &key, &object, 1), 1);
	assert_true(item_is(&key, 0, object.data, object.len));
	assert_true(bytes_are(end, GUARD_BYTE, GUARD));
	remora_destroy(small.adapter);
	assert_int_equal(remora_delete(client.adapter, &key, 1, NULL), 0);
}

/* Store, look up, load, unlock and delete a batch. */
static void batch_round_trip(const char *prefix, size_t count, size_t len)
{
	struct items *items = items_create(prefix, count, client.arena, len);
	struct remora_store_result result;

	assert_non_null(items);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, count, &result), 0);
	assert_int_equal(result.bytes, count * len);
	items_wipe(items);
	assert_int_equal(client_lookup(&client, items->keys, count), count);
	assert_int_equal(client_load(&client, items->keys, items->objects, count), count);
	assert_int_equal(items_wrong(items), count);
	remora_submit_unlock(client.adapter, items->keys, count);
	assert_int_equal(remora_delete(client.adapter, items->keys, count, NULL), 0);
	items_destroy(items);
}

static void batches_of_one_and_of_five_come_back_whole(void **state)
{
	(void)state;
	batch_round_trip("one", 1, MIB);
	batch_round_trip("five", 5, MIB + 1);
}

static void a_batch_of_4096_keys_comes_back_whole(void **state)
{
	(void)state;
	batch_round_trip("many", MANY, SMALL);
}

static void a_batch_that_was_never_locked_is_loaded(void **state)
{
	struct items *items = items_create("unlocked", MANY, client.arena, SMALL);

	(void)state;
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, MANY, NULL), 0);
	items_wipe(items);
	assert_int_equal(client_load(&client, items->keys, items->objects, MANY), MANY);
	assert_int_equal(items_wrong(items), MANY);
	/* The locks of the load itself are given back. */
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	assert_int_equal(remora_delete(client.adapter, items->keys, MANY, NULL), 0);
	items_destroy(items);
}

static void keys_have_any_bytes_and_1_to_1024_of_them(void **state)
{
	uint8_t name[REMORA_KEY_MAX];
	struct remora_key keys[3] = {
		{.data = name, .len = 1},
		{.data = name, .len = REMORA_KEY_MAX},
		{.data = name + 1, .len = REMORA_KEY_MAX - 1},
	};
	struct remora_object objects[3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(name); i++)
		name[i] = (uint8_t)(i * 7); /* begins with a zero byte */
	for (i = 0; i < 3; i++) {
		objects[i] = (struct remora_object){.data = client.arena + i * 8192, .len = 5000};
		item_fill(&keys[i], 0, objects[i].data, objects[i].len);
	}
	assert_int_equal(client_store(&client, keys, objects, 3, NULL), 0);
	memset(client.arena, 0, 3 * 8192);
	assert_int_equal(client_load(&client, keys, objects, 3), 3);
	for (i = 0; i < 3; i++)
		assert_true(item_is(&keys[i], 0, objects[i].data, objects[i].len));
	assert_int_equal(remora_delete(client.adapter, keys, 3, NULL), 0);
}

static void keys_that_differ_in_their_last_byte_are_different(void **state)
{
	uint8_t names[256][REMORA_KEY_MAX];
	struct remora_key keys[256];
	struct remora_object objects[256];
	size_t i;

	(void)state;
	memset(names, 0x55, sizeof(names));
	for (i = 0; i < 256; i++) {
		names[i][REMORA_KEY_MAX - 1] = (uint8_t)i;
		keys[i] = (struct remora_key){names[i], REMORA_KEY_MAX};
		objects[i] = (struct remora_object){.data = client.arena + i * SMALL, .len = SMALL};
		item_fill(&keys[i], 0, objects[i].data, SMALL);
	}
	assert_int_equal(client_store(&client, keys, objects, 256, NULL), 0);
	memset(client.arena, 0, (size_t)256 * SMALL);
	assert_int_equal(client_load(&client, keys, objects, 256), 256);
	for (i = 0; i < 256; i++)
		assert_true(item_is(&keys[i], 0, objects[i].data, SMALL));
	assert_int_equal(remora_delete(client.adapter, keys, 256, NULL), 0);
}

static void held_keys_are_loaded_without_a_request(void **state)
{
	struct items *items = items_create("held", 16, client.arena, 4096);
	struct remora_usage before, after;

	(void)state;
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, 16, NULL), 0);
	assert_int_equal(client_lookup(&client, items->keys, 16), 16);
	assert_int_equal(remora_usage(client.adapter, &before), 0);
	assert_int_equal(client_load(&client, items->keys, items->objects, 16), 16);
	assert_int_equal(remora_usage(client.adapter, &after), 0);
	assert_int_equal(after.hits, before.hits);
	remora_submit_unlock(client.adapter, items->keys, 16);
	assert_int_equal(remora_delete(client.adapter, items->keys, 16, NULL), 0);
	items_destroy(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_in_the_arena_come_back_whole),
		cmocka_unit_test(objects_at_odd_addresses_come_back_whole),
		cmocka_unit_test(objects_outside_the_arena_come_back_whole),
		cmocka_unit_test(an_object_of_many_work_requests_comes_back_whole),
		cmocka_unit_test(an_object_larger_than_the_bounce_ring_comes_back_whole),
		cmocka_unit_test(an_object_across_the_arenas_end_comes_back_whole),
		cmocka_unit_test(batches_of_one_and_of_five_come_back_whole),
		cmocka_unit_test(a_batch_of_4096_keys_comes_back_whole),
		cmocka_unit_test(a_batch_that_was_never_locked_is_loaded),
		cmocka_unit_test(keys_have_any_bytes_and_1_to_1024_of_them),
		cmocka_unit_test(keys_that_differ_in_their_last_byte_are_different),
		cmocka_unit_test(held_keys_are_loaded_without_a_request),
	};

	if (!client_has_lab(120))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
