/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pins.c - locked objects stay, whatever happens; the others go by age
 *
 * Each test has a server of its own with a small pool, because it fills it.
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

#include "client.h"
#include "items.h"
#include "victim.h"

enum { MIB = 1 << 20, LEN = MIB, POOL = 16, FULL = 64 };

static struct spawn server;
static struct client client;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "16MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	return client_open(&client, &server, 20 * MIB, 0);
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

/* Store each key by a task of its own; how many succeeded. */
static size_t store_one_by_one(struct items *items)
{
	size_t i, stored = 0;

	items_fill(items);
	for (i = 0; i < items->count; i++)
		stored += !client_store(&client, &items->keys[i], &items->objects[i], 1, NULL);
	return stored;
}

/* Store `count` objects one after the other from one buffer, to push others out. */
static void overflow(const char *prefix, size_t count)
{
	struct items *one;
	char name[16];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s-%zu", prefix, i);
		one = items_create(name, 1, client.arena + (size_t)19 * MIB, LEN);
		assert_int_equal(store_one_by_one(one), 1);
		items_destroy(one);
	}
}

static void locked_objects_survive_an_overflow(void **state)
{
	struct items *items = items_create("locked", 4, client.arena, LEN);
	struct remora_usage usage;

	(void)state;
	assert_int_equal(store_one_by_one(items), 4);
	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	overflow("flood", FULL);
	assert_int_equal(remora_usage(client.adapter, &usage), 0);
	assert_int_equal(usage.locked, 4);
	assert_true(usage.evictions >= FULL - POOL);
	items_wipe(items);
	assert_int_equal(client_load(&client, items->keys, items->objects, 4), 4);
	assert_int_equal(items_wrong(items), 4);
	items_destroy(items);
}

static void a_reader_without_the_lock_sees_what_the_lock_keeps(void **state)
{
	struct items *items = items_create("seen", 4, client.arena, LEN);
	struct client other;

	(void)state;
	assert_int_equal(store_one_by_one(items), 4);
	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	overflow("flood", FULL);
	assert_int_equal(client_open(&other, &server, 0, 0), 0);
	items_wipe(items);
	assert_int_equal(client_load(&other, items->keys, items->objects, 4), 4);
	assert_int_equal(items_wrong(items), 4);
	client_close(&other);
	items_destroy(items);
}

static void unlocked_objects_go_oldest_first(void **state)
{
	struct items *items = items_create("aging", POOL, client.arena, LEN);
	struct remora_bitmap *bits;
	size_t gone;

	(void)state;
	assert_int_equal(store_one_by_one(items), POOL);
	overflow("younger", 4);
	bits = client_await_lookup(
		&client, remora_submit_lookup(client.adapter, items->keys, POOL));
	assert_non_null(bits);
	gone = remora_bitmap_count_leading_zeros(bits);
	assert_true(gone >= 4 && gone < POOL);
	assert_int_equal(remora_bitmap_popcount(bits), POOL - gone);
	remora_bitmap_destroy(bits);
	items_destroy(items);
}

static void two_lookups_need_two_unlocks(void **state)
{
	struct items *items = items_create("twice", 1, client.arena, LEN);

	(void)state;
	assert_int_equal(store_one_by_one(items), 1);
	assert_int_equal(client_lookup(&client, items->keys, 1), 1);
	assert_int_equal(client_lookup(&client, items->keys, 1), 1);
	remora_submit_unlock(client.adapter, items->keys, 1);
	overflow("first", 2 * POOL);
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 1);
	remora_submit_unlock(client.adapter, items->keys, 1);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	overflow("second", 2 * POOL);
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 0);
	items_destroy(items);
}

static void locks_of_two_clients_count_apart(void **state)
{
	struct items *items = items_create("shared", 1, client.arena, LEN);
	struct client other;

	(void)state;
	assert_int_equal(store_one_by_one(items), 1);
	assert_int_equal(client_open(&other, &server, 0, 0), 0);
	assert_int_equal(client_lookup(&client, items->keys, 1), 1);
	assert_int_equal(client_lookup(&other, items->keys, 1), 1);
	/* Nobody gives back another's lock, however often he unlocks. */
	remora_submit_unlock(other.adapter, items->keys, 1);
	remora_submit_unlock(other.adapter, items->keys, 1);
	assert_int_equal(remora_delete(other.adapter, items->keys, 1, NULL), -EBUSY);
	remora_submit_unlock(client.adapter, items->keys, 1);
	assert_int_equal(remora_delete(client.adapter, items->keys, 1, NULL), 0);
	client_close(&other);
	items_destroy(items);
}

static void a_locked_key_is_not_deleted_and_others_are(void **state)
{
	struct items *items = items_create("delete", 3, client.arena, LEN);
	struct remora_bitmap *deleted;

	(void)state;
	assert_int_equal(store_one_by_one(items), 3);
	assert_int_equal(client_lookup(&client, &items->keys[1], 1), 1);
	assert_int_equal(remora_delete(client.adapter, items->keys, 3, &deleted), -EBUSY);
	assert_true(remora_bitmap_test(deleted, 0));
	assert_false(remora_bitmap_test(deleted, 1));
	assert_true(remora_bitmap_test(deleted, 2));
	remora_bitmap_destroy(deleted);
	items_wipe(items);
	assert_int_equal(client_load(&client, &items->keys[1], &items->objects[1], 1), 1);
	assert_true(item_is(&items->keys[1], 0, items->objects[1].data, LEN));
	items_destroy(items);
}

static void a_store_fails_quickly_when_all_is_locked_and_succeeds_after_an_unlock(void **state)
{
	struct items *items = items_create("all", POOL, client.arena, LEN);
	struct items *more = items_create("more", 1, client.arena + (size_t)19 * MIB, LEN);
	uint64_t start;

	(void)state;
	assert_int_equal(store_one_by_one(items), POOL);
	assert_int_equal(client_lookup(&client, items->keys, POOL), POOL);
	items_fill(more);
	start = client_now_ms();
	assert_int_equal(client_store(&client, more->keys, more->objects, 1, NULL), -ENOSPC);
	assert_true(client_now_ms() - start < 5000); /* an answer, not a timeout of 30 s */
	remora_submit_unlock(client.adapter, &items->keys[5], 1);
	assert_int_equal(client_store(&client, more->keys, more->objects, 1, NULL), 0);
	assert_int_equal(client_lookup(&client, &items->keys[5], 1), 0);
	items_wipe(items);
	assert_int_equal(client_load(&client, items->keys, items->objects, 5), 5);
	items_destroy(items);
	items_destroy(more);
}

static void the_locks_of_a_killed_client_are_released(void **state)
{
	const char *const args[] = {"lock", client_server(&server), "widow", "3", NULL};
	struct items *items = items_create("widow", 3, client.arena, LEN);
	struct victim victim;
	char line[32];

	(void)state;
	assert_int_equal(store_one_by_one(items), 3);
	assert_int_equal(victim_start(&victim, args, NULL), 0);
	victim_hear(&victim, line, sizeof(line));
	assert_string_equal(line, "locked");
	assert_int_equal(remora_delete(client.adapter, items->keys, 3, NULL), -EBUSY);
	victim_kill(&victim);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	assert_int_equal(remora_delete(client.adapter, items->keys, 3, NULL), 0);
	items_destroy(items);
}

static void the_locks_of_a_closed_client_are_released(void **state)
{
	struct items *items = items_create("left", 3, client.arena, LEN);
	struct client other;

	(void)state;
	assert_int_equal(store_one_by_one(items), 3);
	assert_int_equal(client_open(&other, &server, 0, 0), 0);
	assert_int_equal(client_lookup(&other, items->keys, 3), 3);
	client_close(&other);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	items_destroy(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PINS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		PINS(locked_objects_survive_an_overflow),
		PINS(a_reader_without_the_lock_sees_what_the_lock_keeps),
		PINS(unlocked_objects_go_oldest_first),
		PINS(two_lookups_need_two_unlocks),
		PINS(locks_of_two_clients_count_apart),
		PINS(a_locked_key_is_not_deleted_and_others_are),
		PINS(a_store_fails_quickly_when_all_is_locked_and_succeeds_after_an_unlock),
		PINS(the_locks_of_a_killed_client_are_released),
		PINS(the_locks_of_a_closed_client_are_released),
	};

	if (!client_has_lab(120))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
