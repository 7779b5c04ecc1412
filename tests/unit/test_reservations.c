/* SPDX-License-Identifier: Apache-2.0 */
/* test_reservations.c - the set of a session's reservations */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reservations.h"

static struct wire_handle handle(uint32_t slot, uint32_t generation)
{
	return (struct wire_handle){.slot = slot, .generation = generation};
}

static void what_was_added_is_taken_once(void **state)
{
	struct reservations set = {0};

	(void)state;
	assert_int_equal(reservations_add(&set, handle(1, 1), 4096), 0);
	assert_int_equal(set.bytes, 4096);
	assert_int_equal(reservations_take(&set, handle(1, 1)), 0);
	assert_int_equal(reservations_take(&set, handle(1, 1)), -ENOENT);
	assert_int_equal(set.count, 0);
	assert_int_equal(set.bytes, 0);
	reservations_fini(&set);
}

static void an_empty_set_has_nothing(void **state)
{
	struct reservations set = {0};
	struct wire_handle found;
	uint32_t at = 0;

	(void)state;
	assert_int_equal(reservations_take(&set, handle(0, 0)), -ENOENT);
	assert_int_equal(reservations_next(&set, &at, &found), -ENOENT);
	reservations_fini(&set);
}

static void another_generation_is_another_handle(void **state)
{
	struct reservations set = {0};

	(void)state;
	assert_int_equal(reservations_add(&set, handle(1, 1), 4096), 0);
	assert_int_equal(reservations_take(&set, handle(1, 2)), -ENOENT);
	assert_int_equal(reservations_take(&set, handle(1, 1)), 0);
	reservations_fini(&set);
}

/* Against a plain array of what should be there. */
static void it_agrees_with_a_model_for_long(void **state)
{
	enum { SLOTS = 500 };
	uint64_t model[SLOTS] = {0}, bytes = 0;
	struct reservations set = {0};
	unsigned seed = 7, slot;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		slot = (unsigned)rand_r(&seed) % SLOTS;
		if (model[slot]) {
			assert_int_equal(reservations_take(&set, handle(slot, 5)), 0);
			bytes -= model[slot];
			model[slot] = 0;
		} else {
			model[slot] = 4096 * (1 + slot);
			bytes += model[slot];
			assert_int_equal(reservations_add(&set, handle(slot, 5), model[slot]), 0);
		}
		assert_int_equal(set.bytes, bytes);
	}
	reservations_fini(&set);
}

static void a_walk_tells_each_handle_once(void **state)
{
	struct reservations set = {0};
	uint8_t seen[1000] = {0};
	struct wire_handle found;
	unsigned count = 0;
	uint32_t at = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(reservations_add(&set, handle(i, i), 4096), 0);
	while (!reservations_next(&set, &at, &found)) {
		assert_int_equal(seen[found.slot]++, 0);
		count++;
	}
	assert_int_equal(count, 1000);
	reservations_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_taken_once),
		cmocka_unit_test(an_empty_set_has_nothing),
		cmocka_unit_test(another_generation_is_another_handle),
		cmocka_unit_test(it_agrees_with_a_model_for_long),
		cmocka_unit_test(a_walk_tells_each_handle_once),
	};

	return cmocka_run_group_tests_name("reservations", tests, NULL, NULL);
}
