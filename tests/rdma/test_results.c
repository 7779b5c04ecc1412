/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_results.c - how results are told: event fds, once, in bitmaps that fit
 *
 * Keys are used by one test each, so that the order of tests does not matter.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, LEN = 4096, LONG = 600, WAIT_MS = 10000 };

static struct spawn server;
static struct client client;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	return client_open(&client, &server, 4 * MIB, 0);
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

static struct items *stored(const char *prefix, size_t count)
{
	struct items *items = items_create(prefix, count, client.arena, LEN);

	assert_non_null(items);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, count, NULL), 0);
	return items;
}

static bool readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void event_fds_are_distinct_stable_and_quiet_at_first(void **state)
{
	struct client other;
	int fds[6], i, j;

	(void)state;
	assert_int_equal(client_open(&other, &server, 0, 0), 0);
	for (i = 0; i < 2; i++) {
		const struct remora_adapter *adapter = i ? other.adapter : client.adapter;

		fds[3 * i] = remora_store_fd(adapter);
		fds[3 * i + 1] = remora_lookup_fd(adapter);
		fds[3 * i + 2] = remora_load_fd(adapter);
		assert_int_equal(fds[3 * i], remora_store_fd(adapter));
	}
	for (i = 0; i < 6; i++) {
		assert_true(fds[i] >= 0);
		for (j = 0; j < i; j++)
			assert_int_not_equal(fds[i], fds[j]);
	}
	for (i = 3; i < 6; i++)
		assert_false(readable(fds[i]));
	client_close(&other);
}

static void each_kind_of_task_signals_its_own_fd(void **state)
{
	struct items *items = items_create("signals", 1, client.arena, LEN);
	struct remora_store_result result;
	struct remora_bitmap *bits;
	int64_t task;

	(void)state;
	items_fill(items);
	assert_true(remora_submit_store(client.adapter, items->keys, 1, items->objects, 1) > 0);
	assert_int_equal(client_wait_fd(remora_store_fd(client.adapter), WAIT_MS), 0);
	assert_int_equal(remora_pop_stores(client.adapter, &result, 1), 1);
	assert_false(readable(remora_lookup_fd(client.adapter)));

	task = remora_submit_lookup(client.adapter, items->keys, 1);
	assert_int_equal(client_wait_fd(remora_lookup_fd(client.adapter), WAIT_MS), 0);
	assert_int_equal(remora_query_lookup(client.adapter, task, &bits), 0);
	remora_bitmap_destroy(bits);
	assert_false(readable(remora_load_fd(client.adapter)));

	task = remora_submit_load(client.adapter, items->keys, 1, items->objects, 1);
	assert_int_equal(client_wait_fd(remora_load_fd(client.adapter), WAIT_MS), 0);
	assert_int_equal(remora_query_load(client.adapter, task, &bits), 0);
	remora_bitmap_destroy(bits);
	assert_false(readable(remora_store_fd(client.adapter)));
	remora_submit_unlock(client.adapter, items->keys, 1);
	items_destroy(items);
}

static void a_store_is_popped_exactly_once(void **state)
{
	struct items *items = stored("popped", 1);
	struct remora_store_result result;

	(void)state;
	assert_int_equal(remora_pop_stores(client.adapter, &result, 1), 0);
	assert_int_equal(remora_pop_stores(client.adapter, &result, 0), 0);
	items_destroy(items);
}

static void several_stores_are_popped_together(void **state)
{
	struct items *items = items_create("together", 5, client.arena, LEN);
	struct remora_store_result results[8];
	unsigned long seen = 0;
	int64_t tasks[5];
	size_t count = 0, i, j;

	(void)state;
	items_fill(items);
	for (i = 0; i < 5; i++)
		tasks[i] = remora_submit_store(
			client.adapter, &items->keys[i], 1, &items->objects[i], 1);
	while (count < 5) {
		assert_int_equal(client_wait_fd(remora_store_fd(client.adapter), WAIT_MS), 0);
		count += remora_pop_stores(client.adapter, results + count, 8 - count);
	}
	assert_int_equal(count, 5);
	for (i = 0; i < 5; i++)
		for (j = 0; j < 5; j++)
			if (results[i].task == tasks[j] && !results[i].error)
				seen |= 1ul << j;
	assert_int_equal(seen, 0x1f);
	items_destroy(items);
}

static void a_lookup_is_told_exactly_once(void **state)
{
	struct items *items = stored("once", 1);
	struct remora_bitmap *bits;
	int64_t task = remora_submit_lookup(client.adapter, items->keys, 1);

	(void)state;
	bits = client_await_lookup(&client, task);
	assert_non_null(bits);
	remora_bitmap_destroy(bits);
	assert_int_equal(remora_query_lookup(client.adapter, task, &bits), -ENOENT);
	remora_submit_unlock(client.adapter, items->keys, 1);
	items_destroy(items);
}

static void a_load_is_told_exactly_once(void **state)
{
	struct items *items = stored("loaded once", 1);
	struct remora_bitmap *bits;
	int64_t task = remora_submit_load(client.adapter, items->keys, 1, items->objects, 1);

	(void)state;
	bits = client_await_load(&client, task);
	assert_non_null(bits);
	remora_bitmap_destroy(bits);
	assert_int_equal(remora_query_load(client.adapter, task, &bits), -ENOENT);
	items_destroy(items);
}

static void unknown_ids_are_told_apart_from_unfinished_tasks(void **state)
{
	static const int64_t ids[] = {0, -1, 1 << 20, INT64_MAX, INT64_MIN};
	struct remora_bitmap *bits;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_int_equal(remora_query_lookup(client.adapter, ids[i], &bits), -ENOENT);
		assert_int_equal(remora_query_load(client.adapter, ids[i], &bits), -ENOENT);
	}
}

static void a_query_of_the_wrong_kind_leaves_the_result_alone(void **state)
{
	struct items *items = stored("wrong kind", 1);
	int64_t task = remora_submit_lookup(client.adapter, items->keys, 1);
	struct remora_store_result result;
	struct remora_bitmap *bits;

	(void)state;
	assert_int_equal(client_wait_fd(remora_lookup_fd(client.adapter), WAIT_MS), 0);
	assert_int_equal(remora_query_load(client.adapter, task, &bits), -ENOENT);
	assert_int_equal(remora_pop_stores(client.adapter, &result, 1), 0);
	bits = client_await_lookup(&client, task);
	assert_non_null(bits);
	assert_true(remora_bitmap_test(bits, 0));
	remora_bitmap_destroy(bits);
	remora_submit_unlock(client.adapter, items->keys, 1);
	items_destroy(items);
}

/* Keys 0 and 2 of three are there. */
static struct items *mixed(const char *prefix)
{
	struct items *items = stored(prefix, 3);

	assert_int_equal(remora_delete(client.adapter, &items->keys[1], 1, NULL), 0);
	return items;
}

static void a_lookup_tells_hits_and_misses_key_by_key(void **state)
{
	struct items *items = mixed("mixed");
	struct remora_bitmap *bits;

	(void)state;
	bits = client_await_lookup(&client, remora_submit_lookup(client.adapter, items->keys, 3));
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_size(bits), 3);
	assert_true(remora_bitmap_test(bits, 0));
	assert_false(remora_bitmap_test(bits, 1));
	assert_true(remora_bitmap_test(bits, 2));
	remora_bitmap_destroy(bits);
	remora_submit_unlock(client.adapter, items->keys, 3);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	items_destroy(items);
}

static void a_load_leaves_the_buffers_of_misses_untouched(void **state)
{
	struct items *items = mixed("partial");
	struct remora_bitmap *bits;

	(void)state;
	memset(client.arena, 0x77, (size_t)3 * LEN);
	bits = client_await_load(
		&client, remora_submit_load(client.adapter, items->keys, 3, items->objects, 3));
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_popcount(bits), 2);
	assert_false(remora_bitmap_test(bits, 1));
	remora_bitmap_destroy(bits);
	assert_int_equal(items_wrong(items), 1);
	assert_true(bytes_are(items->objects[1].data, 0x77, LEN));
	assert_true(item_is(&items->keys[2], 0, items->objects[2].data, LEN));
	items_destroy(items);
}

/* One byte more and one byte less than is stored, between keys that are right. */
static void a_wrong_length_misses_and_touches_nothing(void **state)
{
	struct items *items = stored("lengths", 4);
	struct remora_bitmap *bits;

	(void)state;
	memset(client.arena, 0x77, (size_t)4 * LEN);
	items->objects[1].len = LEN - 1;
	items->objects[2].len = LEN + 1;
	bits = client_await_load(
		&client, remora_submit_load(client.adapter, items->keys, 4, items->objects, 4));
	assert_non_null(bits);
	assert_true(remora_bitmap_test(bits, 0));
	assert_false(remora_bitmap_test(bits, 1));
	assert_false(remora_bitmap_test(bits, 2));
	assert_true(remora_bitmap_test(bits, 3));
	remora_bitmap_destroy(bits);
	assert_true(bytes_are(client.arena + LEN, 0x77, (size_t)2 * LEN));
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	items_destroy(items);
}

static void a_wrong_length_of_a_locked_key_misses_too(void **state)
{
	struct items *items = stored("locked length", 1);

	(void)state;
	assert_int_equal(client_lookup(&client, items->keys, 1), 1);
	memset(client.arena, 0x77, (size_t)2 * LEN);
	items->objects[0].len = LEN + 1;
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 0);
	assert_true(bytes_are(client.arena, 0x77, (size_t)2 * LEN));
	items->objects[0].len = LEN;
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 1);
	assert_int_equal(items_wrong(items), 1);
	remora_submit_unlock(client.adapter, items->keys, 1);
	items_destroy(items);
}

static void empty_batches_complete(void **state)
{
	struct remora_store_result result;
	struct remora_bitmap *bits;

	(void)state;
	assert_int_equal(client_store(&client, NULL, NULL, 0, &result), 0);
	assert_int_equal(result.bytes, 0);
	bits = client_await_lookup(&client, remora_submit_lookup(client.adapter, NULL, 0));
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_size(bits), 0);
	remora_bitmap_destroy(bits);
	bits = client_await_load(&client, remora_submit_load(client.adapter, NULL, 0, NULL, 0));
	assert_non_null(bits);
	remora_bitmap_destroy(bits);
	remora_submit_unlock(client.adapter, NULL, 0);
	assert_int_equal(remora_delete(client.adapter, NULL, 0, NULL), 0);
}

static void a_key_that_exists_keeps_its_content_and_moves_nothing(void **state)
{
	struct items *items = stored("kept", 1);
	struct remora_store_result result;
	struct remora_usage before, after;

	(void)state;
	assert_int_equal(remora_usage(client.adapter, &before), 0);
	memset(client.arena, 0, LEN);
	assert_int_equal(client_store(&client, items->keys, items->objects, 1, &result), 0);
	assert_int_equal(result.bytes, 0);
	assert_int_equal(remora_usage(client.adapter, &after), 0);
	assert_int_equal(after.objects, before.objects);
	assert_int_equal(after.used, before.used);
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 1);
	assert_int_equal(items_wrong(items), 1);
	items_destroy(items);
}

static void a_key_twice_in_a_store_is_stored_once(void **state)
{
	struct items *items = items_create("twice", 1, client.arena, LEN);
	struct remora_key keys[2] = {items->keys[0], items->keys[0]};
	struct remora_object objects[2] = {items->objects[0], items->objects[0]};
	struct remora_usage before, after;

	(void)state;
	items_fill(items);
	assert_int_equal(remora_usage(client.adapter, &before), 0);
	assert_int_equal(client_store(&client, keys, objects, 2, NULL), 0);
	assert_int_equal(remora_usage(client.adapter, &after), 0);
	assert_int_equal(after.objects, before.objects + 1);
	assert_int_equal(after.used, before.used + LEN);
	assert_int_equal(after.reserved, 0);
	items_destroy(items);
}

/* The second object is in another request, and on its way long before the first. */
static void a_key_twice_in_a_long_store_is_its_first_object(void **state)
{
	struct items *items = items_create("long", LONG, client.arena, LEN);
	uint64_t len = 0;

	(void)state;
	items->keys[LONG - 1] = items->keys[0];
	items->objects[0].len = 2 * MIB;
	assert_int_equal(client_store(&client, items->keys, items->objects, LONG, NULL), 0);
	assert_int_equal(remora_length(client.adapter, items->keys, &len), 0);
	assert_int_equal(len, 2 * MIB);
	assert_int_equal(remora_delete(client.adapter, items->keys, LONG, NULL), 0);
	items_destroy(items);
}

static void a_key_twice_in_a_lookup_is_locked_twice(void **state)
{
	struct items *items = stored("locked twice", 1);
	struct remora_key keys[2] = {items->keys[0], items->keys[0]};

	(void)state;
	assert_int_equal(client_lookup(&client, keys, 2), 2);
	remora_submit_unlock(client.adapter, keys, 1);
	assert_int_equal(remora_delete(client.adapter, keys, 1, NULL), -EBUSY);
	remora_submit_unlock(client.adapter, keys, 1);
	assert_int_equal(remora_delete(client.adapter, keys, 1, NULL), 0);
	items_destroy(items);
}

static void a_key_twice_in_a_load_fills_both_buffers(void **state)
{
	struct items *items = stored("filled twice", 1);
	struct remora_key keys[2] = {items->keys[0], items->keys[0]};
	struct remora_object objects[2] = {
		{.data = client.arena + MIB, .len = LEN},
		{.data = client.arena + 2 * MIB + 1, .len = LEN},
	};

	(void)state;
	assert_int_equal(client_load(&client, keys, objects, 2), 2);
	assert_true(item_is(&keys[0], 0, objects[0].data, LEN));
	assert_true(item_is(&keys[0], 0, objects[1].data, LEN));
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	items_destroy(items);
}

static void a_load_of_absent_keys_misses(void **state)
{
	struct items *items = items_create("absent", 3, client.arena, LEN);

	(void)state;
	assert_int_equal(client_load(&client, items->keys, items->objects, 3), 0);
	assert_int_equal(client_lookup(&client, items->keys, 3), 0);
	items_destroy(items);
}

static void ids_are_positive_and_unique(void **state)
{
	struct remora_key key = client_key("nothing");
	int64_t ids[64];
	size_t i, j;

	(void)state;
	for (i = 0; i < 64; i++) {
		ids[i] = remora_submit_lookup(client.adapter, &key, 1);
		assert_true(ids[i] > 0);
		for (j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	for (i = 0; i < 64; i++)
		remora_bitmap_destroy(client_await_lookup(&client, ids[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_fds_are_distinct_stable_and_quiet_at_first),
		cmocka_unit_test(each_kind_of_task_signals_its_own_fd),
		cmocka_unit_test(a_store_is_popped_exactly_once),
		cmocka_unit_test(several_stores_are_popped_together),
		cmocka_unit_test(a_lookup_is_told_exactly_once),
		cmocka_unit_test(a_load_is_told_exactly_once),
		cmocka_unit_test(unknown_ids_are_told_apart_from_unfinished_tasks),
		cmocka_unit_test(a_query_of_the_wrong_kind_leaves_the_result_alone),
		cmocka_unit_test(a_lookup_tells_hits_and_misses_key_by_key),
		cmocka_unit_test(a_load_leaves_the_buffers_of_misses_untouched),
		cmocka_unit_test(a_wrong_length_misses_and_touches_nothing),
		cmocka_unit_test(a_wrong_length_of_a_locked_key_misses_too),
		cmocka_unit_test(empty_batches_complete),
		cmocka_unit_test(a_key_that_exists_keeps_its_content_and_moves_nothing),
		cmocka_unit_test(a_key_twice_in_a_store_is_stored_once),
		cmocka_unit_test(a_key_twice_in_a_long_store_is_its_first_object),
		cmocka_unit_test(a_key_twice_in_a_lookup_is_locked_twice),
		cmocka_unit_test(a_key_twice_in_a_load_fills_both_buffers),
		cmocka_unit_test(a_load_of_absent_keys_misses),
		cmocka_unit_test(ids_are_positive_and_unique),
	};

	if (!client_has_lab(60))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
