/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "salts.h"

static int setup(void **state)
{
	struct salts *salts;
	int err = salts_create(42, &salts);

	*state = salts;
	return err;
}

static int teardown(void **state)
{
	salts_destroy(*state);
	return 0;
}

static struct wire_salt salt_of(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, (uint8_t)strlen(text)};
}

static uint16_t get(struct salts *salts, const char *text)
{
	uint16_t id = 0;

	assert_int_equal(salts_get(salts, salt_of(text), &id), 0);
	return id;
}

/* What a listing told, and how much of it there may be. */
struct told {
	unsigned room;
	unsigned count;
	uint64_t bytes;
	char last[WIRE_SALT_MAX + 1];
};

static int tell(void *arg, struct wire_salt salt, uint64_t bytes)
{
	struct told *told = arg;

	if (!told->room)
		return 1;
	told->room--;
	told->count++;
	told->bytes += bytes;
	memcpy(told->last, salt.data, salt.len);
	told->last[salt.len] = '\0';
	return 0;
}

static struct told list(struct salts *salts)
{
	struct told told = {.room = SALTS_MAX};
	uint64_t cursor = 0;

	salts_list(salts, &cursor, tell, &told);
	assert_int_equal(cursor, 0);
	return told;
}

static void same_text_has_the_same_number(void **state)
{
	uint16_t a = get(*state, "a"), b = get(*state, "b"), none = get(*state, "");
	uint64_t bytes;

	assert_true(a != b && a != none && b != none);
	assert_int_equal(get(*state, "a"), a);
	assert_int_equal(get(*state, ""), none);
	assert_int_equal(salts_audit(*state, a, &bytes), 2);
	assert_int_equal(salts_audit(*state, b, &bytes), 1);
}

static void bytes_are_counted_by_salt(void **state)
{
	uint16_t a = get(*state, "a"), b = get(*state, "b");

	salts_charge(*state, a, UINT64_C(1) << 40);
	salts_charge(*state, b, 5);
	salts_refund(*state, a, 1);
	assert_int_equal(list(*state).bytes, (UINT64_C(1) << 40) + 4);
	salts_refund(*state, b, 5);
	assert_int_equal(list(*state).count, 1);
	assert_string_equal(list(*state).last, "a");
}

static void salt_without_bytes_is_not_told(void **state)
{
	uint16_t a = get(*state, "a");

	assert_int_equal(list(*state).count, 0);
	salts_charge(*state, a, 1);
	assert_int_equal(list(*state).count, 1);
	salts_refund(*state, a, 1);
	assert_int_equal(list(*state).count, 0);
}

static void number_is_free_after_the_last_reference(void **state)
{
	uint16_t a = get(*state, "a");
	uint64_t bytes;

	get(*state, "a");
	salts_put(*state, a);
	assert_int_equal(salts_audit(*state, a, &bytes), 1);
	salts_put(*state, a);
	assert_int_equal(salts_audit(*state, a, &bytes), 0);
	assert_int_equal(get(*state, "b"), a);
	assert_int_not_equal(get(*state, "a"), a);
}

static void longest_salt_comes_back_whole(void **state)
{
	char text[WIRE_SALT_MAX + 1] = {0};

	memset(text, 'x', WIRE_SALT_MAX);
	salts_charge(*state, get(*state, text), 1);
	assert_string_equal(list(*state).last, text);
}

static void table_is_full_only_while_all_numbers_are_taken(void **state)
{
	char text[16];
	uint16_t id = 0;

	for (int i = 0; i < SALTS_MAX; i++) {
		snprintf(text, sizeof(text), "%d", i);
		id = get(*state, text);
		salts_charge(*state, id, 1);
	}
	assert_int_equal(salts_get(*state, salt_of("new"), &id), -ENOSPC);
	assert_int_equal(get(*state, text), id);
	assert_int_equal(list(*state).count, SALTS_MAX);
	salts_refund(*state, id, 1);
	salts_put(*state, id);
	salts_put(*state, id);
	assert_int_equal(get(*state, "new"), id);
}

static void pages_tell_what_stays_exactly_once(void **state)
{
	struct told told = {0};
	uint64_t cursor = 0;
	char text[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		salts_charge(*state, get(*state, text), 1);
	}
	do {
		told.room = 7;
		salts_list(*state, &cursor, tell, &told);
		if (told.count == 70) /* one that was told goes meanwhile */
			salts_put(*state, 3);
	} while (cursor);
	assert_int_equal(told.count, 1000);
}

static void any_cursor_is_harmless(void **state)
{
	const uint64_t wild[] = {UINT64_MAX, 2, SALTS_MAX, SALTS_MAX + 1, UINT64_C(1) << 32};
	struct told told = {.room = 10};

	salts_charge(*state, get(*state, "a"), 1);
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		uint64_t cursor = wild[i];

		salts_list(*state, &cursor, tell, &told);
		assert_int_equal(cursor, 0);
	}
	assert_int_equal(told.count, 0);
}

static void *come_and_go(void *arg)
{
	char text[] = "a";

	for (int i = 0; i < 20000; i++) {
		uint16_t id = 0;

		text[0] = (char)('a' + i % 3);
		if (salts_get(arg, salt_of(text), &id))
			abort();
		salts_charge(arg, id, 7);
		salts_refund(arg, id, 7);
		salts_put(arg, id);
	}
	return NULL;
}

static void four_threads_leave_nothing_behind(void **state)
{
	pthread_t threads[4];
	uint64_t bytes;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, *state), 0);
	for (int i = 0; i < 100; i++)
		list(*state);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t id = 0; id < SALTS_MAX; id++)
		assert_int_equal(salts_audit(*state, (uint16_t)id, &bytes), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_text_has_the_same_number),
		TEST(bytes_are_counted_by_salt),
		TEST(salt_without_bytes_is_not_told),
		TEST(number_is_free_after_the_last_reference),
		TEST(longest_salt_comes_back_whole),
		TEST(table_is_full_only_while_all_numbers_are_taken),
		TEST(pages_tell_what_stays_exactly_once),
		TEST(any_cursor_is_harmless),
		TEST(four_threads_leave_nothing_behind),
	};

	return cmocka_run_group_tests_name("salts", tests, NULL, NULL);
}
