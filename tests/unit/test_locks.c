/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "locks.h"

static int setup(void **state)
{
	static struct locks locks;

	locks_init(&locks);
	*state = &locks;
	return 0;
}

static int teardown(void **state)
{
	locks_fini(*state);
	return 0;
}

static void every_lock_is_counted(void **state)
{
	struct wire_handle handle = {0, 1};

	assert_int_equal(locks_count(*state, handle), 0);
	assert_int_equal(locks_add(*state, handle), 0);
	assert_int_equal(locks_add(*state, handle), 0);
	assert_int_equal(locks_count(*state, handle), 2);
	assert_int_equal(locks_handles(*state), 1);
	assert_int_equal(locks_drop(*state, handle), 0);
	assert_int_equal(locks_drop(*state, handle), 0);
	assert_int_equal(locks_drop(*state, handle), -ENOENT);
	assert_int_equal(locks_handles(*state), 0);
}

static void generations_of_one_slot_are_different_handles(void **state)
{
	assert_int_equal(locks_add(*state, (struct wire_handle){5, 1}), 0);
	assert_int_equal(locks_count(*state, (struct wire_handle){5, 2}), 0);
	assert_int_equal(locks_drop(*state, (struct wire_handle){5, 2}), -ENOENT);
	assert_int_equal(locks_count(*state, (struct wire_handle){5, 1}), 1);
}

static void drop_from_an_empty_table_finds_nothing(void **state)
{
	assert_int_equal(locks_drop(*state, (struct wire_handle){0, 0}), -ENOENT);
}

static void random_use_agrees_with_a_naive_model(void **state)
{
	enum { HANDLES = 700, STEPS = 200000 };
	static uint32_t model[HANDLES];
	uint64_t random = 1;

	for (int step = 0; step < STEPS; step++) {
		struct wire_handle handle;
		uint32_t i;

		random = random * 6364136223846793005u + 1442695040888963407u;
		i = (uint32_t)(random >> 33) % HANDLES;
		/* Strides and generations that collide in a table of this size. */
		handle = (struct wire_handle){i * 64, i / 10};
		assert_int_equal(locks_count(*state, handle), model[i]);
		if (random >> 63) {
			assert_int_equal(locks_add(*state, handle), 0);
			model[i]++;
		} else if (model[i]) {
			assert_int_equal(locks_drop(*state, handle), 0);
			model[i]--;
		} else {
			assert_int_equal(locks_drop(*state, handle), -ENOENT);
		}
	}
}

static void months_of_use_do_not_grow_the_table(void **state)
{
	struct locks *locks = *state;
	uint32_t capacity;

	assert_int_equal(locks_add(locks, (struct wire_handle){0, 1}), 0);
	capacity = locks->capacity;
	for (uint32_t i = 1; i < 100000; i++) {
		assert_int_equal(locks_add(locks, (struct wire_handle){i, 1}), 0);
		assert_int_equal(locks_drop(locks, (struct wire_handle){i - 1, 1}), 0);
	}
	assert_int_equal(locks->capacity, capacity);
	assert_int_equal(locks_handles(locks), 1);
}

static void sum_up(void *arg, struct wire_handle handle, uint32_t count)
{
	uint64_t *sum = arg;

	assert_int_equal(count, handle.slot % 3 + 1);
	*sum += (uint64_t)handle.slot * count;
}

static void clear_tells_each_handle_once_and_forgets_it(void **state)
{
	uint64_t sum = 0, expected = 0;

	for (uint32_t slot = 0; slot < 1000; slot++) {
		for (uint32_t i = 0; i <= slot % 3; i++)
			assert_int_equal(locks_add(*state, (struct wire_handle){slot, 9}), 0);
		expected += (uint64_t)slot * (slot % 3 + 1);
	}
	locks_clear(*state, sum_up, &sum);
	assert_int_equal(sum, expected);
	assert_int_equal(locks_handles(*state), 0);
	locks_clear(*state, sum_up, &sum);
	assert_int_equal(sum, expected);
	assert_int_equal(locks_count(*state, (struct wire_handle){1, 9}), 0);
}

#define WITH_LOCKS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOCKS(every_lock_is_counted),
		WITH_LOCKS(generations_of_one_slot_are_different_handles),
		WITH_LOCKS(drop_from_an_empty_table_finds_nothing),
		WITH_LOCKS(random_use_agrees_with_a_naive_model),
		WITH_LOCKS(months_of_use_do_not_grow_the_table),
		WITH_LOCKS(clear_tells_each_handle_once_and_forgets_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
