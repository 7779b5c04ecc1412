/* SPDX-License-Identifier: Apache-2.0 */
/* test_mock_store.c - objects in RAM: capacity, eviction, locks, accounts */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mock_store.h"

enum { CAPACITY = 1000, LEN = 100 };

static struct mock_store *store;
static uint8_t bytes[CAPACITY + 1];

static int set_up(void **state)
{
	(void)state;
	store = mock_store_create(CAPACITY);
	return store ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	mock_store_destroy(store);
	return 0;
}

static struct wire_key key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static int reserve(const char *name, size_t len, const void *owner, struct mock_object **object)
{
	struct remora_object from = {.data = bytes, .len = len, .salt = "s"};

	return mock_store_reserve(store, key(name), &from, owner, object);
}

/* Store an object whose bytes all have the value. 1: it was there. */
static int put(const char *name, size_t len, uint8_t value)
{
	struct mock_object *object;
	int err;

	memset(bytes, value, len);
	err = reserve(name, len, store, &object);
	return err ? err : !mock_store_publish(store, object);
}

static bool has(const char *name)
{
	uint64_t len;

	return !mock_store_length(store, key(name), &len);
}

static struct remora_usage usage(void)
{
	struct remora_usage told;

	mock_store_usage(store, &told);
	return told;
}

static void fill(void)
{
	char name[2] = "0";

	for (; *name <= '9'; ++*name)
		assert_int_equal(put(name, LEN, (uint8_t)*name), 0);
}

static void what_is_stored_is_copied_back(void **state)
{
	uint8_t out[LEN];

	(void)state;
	assert_int_equal(put("a", LEN, 7), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_true(mock_store_copy(store, key("a"), out, LEN));
	assert_int_equal(out[0], 7);
	assert_int_equal(out[LEN - 1], 7);
}

static void another_length_is_a_miss_and_touches_nothing(void **state)
{
	uint8_t out[LEN + 1] = {3};

	(void)state;
	assert_int_equal(put("a", LEN, 7), 0);
	assert_false(mock_store_copy(store, key("a"), out, LEN - 1));
	assert_false(mock_store_copy(store, key("a"), out, LEN + 1));
	assert_int_equal(out[0], 3);
}

static void an_existing_key_keeps_its_bytes(void **state)
{
	uint8_t out[LEN];

	(void)state;
	assert_int_equal(put("a", LEN, 1), 0);
	assert_int_equal(put("a", LEN, 2), 1);
	assert_true(mock_store_copy(store, key("a"), out, LEN));
	assert_int_equal(out[0], 1);
	assert_int_equal(usage().used, LEN);
}

static void a_reserved_object_is_not_visible(void **state)
{
	struct mock_object *object;

	(void)state;
	assert_int_equal(reserve("a", LEN, store, &object), 0);
	assert_false(has("a"));
	assert_false(mock_store_lock(store, key("a")));
	assert_int_equal(usage().reserved, LEN);
	assert_int_equal(usage().objects, 0);
	mock_store_abort(store, object);
	assert_int_equal(usage().used, 0);
	assert_int_equal(usage().reserved, 0);
}

static void the_first_of_two_reservations_wins(void **state)
{
	struct mock_object *one, *two;

	(void)state;
	assert_int_equal(reserve("a", LEN, &one, &one), 0);
	assert_int_equal(reserve("a", LEN, &two, &two), 0);
	assert_true(mock_store_publish(store, two));
	assert_false(mock_store_publish(store, one));
	assert_int_equal(usage().used, LEN);
	assert_int_equal(usage().objects, 1);
}

static void an_owner_reserves_a_key_once(void **state)
{
	struct mock_object *one, *two;

	(void)state;
	assert_int_equal(reserve("a", LEN, store, &one), 0);
	assert_int_equal(reserve("a", LEN, store, &two), 0);
	assert_null(two);
	assert_true(mock_store_publish(store, one));
}

static void the_oldest_goes_first(void **state)
{
	(void)state;
	fill();
	assert_int_equal(put("new", 2 * LEN, 0), 0);
	assert_false(has("0"));
	assert_false(has("1"));
	assert_true(has("2"));
	assert_int_equal(usage().evictions, 2);
	assert_int_equal(usage().used, CAPACITY);
}

static void locked_objects_are_skipped_and_keep_their_age(void **state)
{
	(void)state;
	fill();
	assert_true(mock_store_lock(store, key("0")));
	assert_true(mock_store_lock(store, key("1")));
	assert_int_equal(put("x", LEN, 0), 0);
	assert_true(has("0"));
	assert_false(has("2"));
	mock_store_unlock(store, key("1"));
	mock_store_unlock(store, key("0"));
	assert_int_equal(put("y", LEN, 0), 0);
	assert_false(has("0"));
	assert_true(has("1"));
}

static void without_enough_unlocked_nothing_is_evicted(void **state)
{
	struct mock_object *object;
	char name[2] = "0";

	(void)state;
	fill();
	for (; *name <= '8'; ++*name)
		assert_true(mock_store_lock(store, key(name)));
	assert_int_equal(reserve("x", 2 * LEN, store, &object), -ENOSPC);
	assert_true(has("9"));
	assert_int_equal(usage().evictions, 0);
	assert_int_equal(usage().locked, 9);
}

static void an_object_above_the_capacity_is_refused(void **state)
{
	struct mock_object *object;

	(void)state;
	fill();
	assert_int_equal(reserve("x", CAPACITY + 1, store, &object), -EFBIG);
	assert_int_equal(usage().objects, 10);
	assert_int_equal(put("x", CAPACITY, 0), 0);
	assert_int_equal(usage().objects, 1);
}

static void two_locks_need_two_unlocks(void **state)
{
	(void)state;
	assert_int_equal(put("a", LEN, 0), 0);
	assert_true(mock_store_lock(store, key("a")));
	assert_true(mock_store_lock(store, key("a")));
	mock_store_unlock(store, key("a"));
	assert_int_equal(mock_store_delete(store, key("a")), -EBUSY);
	mock_store_unlock(store, key("a"));
	assert_int_equal(mock_store_delete(store, key("a")), 0);
	assert_int_equal(mock_store_delete(store, key("a")), -ENOENT);
}

static void more_unlocks_than_locks_do_nothing(void **state)
{
	(void)state;
	assert_int_equal(put("a", LEN, 0), 0);
	mock_store_unlock(store, key("a"));
	mock_store_unlock(store, key("nothing"));
	assert_true(mock_store_lock(store, key("a")));
	assert_int_equal(mock_store_delete(store, key("a")), -EBUSY);
	mock_store_unlock_all(store);
	assert_int_equal(usage().locked, 0);
	assert_int_equal(mock_store_delete(store, key("a")), 0);
}

static void what_a_store_relies_on_is_neither_deleted_nor_evicted(void **state)
{
	struct mock_object *there, *none;

	(void)state;
	fill();
	assert_int_equal(reserve("0", LEN, store, &there), 0);
	assert_false(mock_store_is_new(there));
	assert_int_equal(mock_store_delete(store, key("0")), -EBUSY);
	assert_int_equal(reserve("x", CAPACITY, store, &none), -ENOSPC);
	assert_int_equal(put("y", LEN, 0), 0);
	assert_true(has("0"));
	assert_false(mock_store_publish(store, there));
	assert_int_equal(mock_store_delete(store, key("0")), 0);
}

static void pages_name_each_object_once(void **state)
{
	static struct mock_listed page[MOCK_PAGE_LEN];
	unsigned seen[200] = {0}, i;
	uint64_t cursor = 0;
	char name[8];
	size_t count;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		assert_int_equal(put(name, 1, 0), 0);
	}
	assert_int_equal(put("other", 1, 0), 0);
	do {
		count = mock_store_page(store, key("k"), &cursor, page);
		while (count--)
			seen[atoi((char *)page[count].key + 1)]++;
		memset(page, 0, sizeof(page));
	} while (cursor);
	for (i = 0; i < 200; i++)
		assert_int_equal(seen[i], 1);
}

static void a_salt_without_objects_vanishes(void **state)
{
	struct mock_salt_usage salt;

	(void)state;
	assert_int_equal(mock_store_salt_count(store), 0);
	assert_int_equal(put("a", 40, 0), 0);
	assert_int_equal(put("b", 2, 0), 0);
	assert_int_equal(mock_store_salt_count(store), 1);
	mock_store_salts(store, &salt);
	assert_string_equal(salt.salt, "s");
	assert_int_equal(salt.bytes, 42);
	assert_int_equal(mock_store_delete(store, key("a")), 0);
	assert_int_equal(mock_store_delete(store, key("b")), 0);
	assert_int_equal(mock_store_salt_count(store), 0);
}

static void thousands_of_objects_are_found_again(void **state)
{
	struct mock_store *large = mock_store_create(1 << 20), *small = store;
	char name[16];
	int i;

	(void)state;
	assert_non_null(large);
	store = large;
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(put(name, 1, (uint8_t)i), 0);
	}
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_true(mock_store_copy(store, key(name), bytes, 1));
		assert_int_equal(bytes[0], (uint8_t)i);
	}
	store = small;
	mock_store_destroy(large);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(what_is_stored_is_copied_back),
		WITH_STORE(another_length_is_a_miss_and_touches_nothing),
		WITH_STORE(an_existing_key_keeps_its_bytes),
		WITH_STORE(a_reserved_object_is_not_visible),
		WITH_STORE(the_first_of_two_reservations_wins),
		WITH_STORE(an_owner_reserves_a_key_once),
		WITH_STORE(the_oldest_goes_first),
		WITH_STORE(locked_objects_are_skipped_and_keep_their_age),
		WITH_STORE(without_enough_unlocked_nothing_is_evicted),
		WITH_STORE(an_object_above_the_capacity_is_refused),
		WITH_STORE(two_locks_need_two_unlocks),
		WITH_STORE(more_unlocks_than_locks_do_nothing),
		WITH_STORE(what_a_store_relies_on_is_neither_deleted_nor_evicted),
		WITH_STORE(pages_name_each_object_once),
		WITH_STORE(a_salt_without_objects_vanishes),
		WITH_STORE(thousands_of_objects_are_found_again),
	};

	return cmocka_run_group_tests_name("mock_store", tests, NULL, NULL);
}
