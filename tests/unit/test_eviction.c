/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "eviction.h"

enum { COUNT = 10 };

/* An order and the index of its objects, slots 0 to COUNT - 1. */
struct fixture {
	struct index *index;
	struct eviction order;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(index_create(COUNT, &fixture->index), 0);
	eviction_init(&fixture->order);
	for (uint8_t i = 0; i < COUNT; i++) {
		uint32_t slot;

		assert_int_equal(index_add(fixture->index, (struct wire_key){&i, 1}, i, &slot), 0);
		index_publish(fixture->index, slot);
		eviction_add(&fixture->order, fixture->index, slot, 100 + i);
	}
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(eviction_check(&fixture->order, fixture->index), 0);
	index_destroy(fixture->index);
	free(fixture);
	return 0;
}

static void expect_next(struct fixture *fixture, uint32_t slot)
{
	assert_int_equal(eviction_oldest(&fixture->order), slot);
	assert_int_equal(
		eviction_oldest_stamp(&fixture->order), index_object(fixture->index, slot)->stamp);
	eviction_remove(&fixture->order, fixture->index, slot);
}

static void objects_go_in_the_order_they_came(void **state)
{
	for (uint32_t slot = 0; slot < COUNT; slot++)
		expect_next(*state, slot);
}

static void empty_order_has_no_victim(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t slot = COUNT; slot--;)
		eviction_remove(&fixture->order, fixture->index, slot);
	assert_int_equal(eviction_oldest(&fixture->order), INDEX_NONE);
	assert_int_equal(eviction_oldest_stamp(&fixture->order), EVICTION_NEVER);
	eviction_add(&fixture->order, fixture->index, 3, 500);
	expect_next(fixture, 3);
}

static void object_that_comes_back_is_the_newest(void **state)
{
	struct fixture *fixture = *state;
	const uint32_t back[] = {0, 5, COUNT - 1}; /* oldest, one between, newest */

	for (unsigned i = 0; i < 3; i++) {
		eviction_remove(&fixture->order, fixture->index, back[i]);
		eviction_add(&fixture->order, fixture->index, back[i], 500 + i);
		assert_int_equal(eviction_check(&fixture->order, fixture->index), 0);
	}
	for (uint32_t slot = 1; slot < COUNT - 1; slot++)
		if (slot != 5)
			expect_next(fixture, slot);
	for (unsigned i = 0; i < 3; i++)
		expect_next(fixture, back[i]);
}

static void check_sees_a_locked_object_in_the_order(void **state)
{
	struct fixture *fixture = *state;

	index_object(fixture->index, 4)->locks = 1;
	assert_int_equal(eviction_check(&fixture->order, fixture->index), -EINVAL);
	index_object(fixture->index, 4)->locks = 0;
}

#define WITH_ORDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ORDER(objects_go_in_the_order_they_came),
		WITH_ORDER(empty_order_has_no_victim),
		WITH_ORDER(object_that_comes_back_is_the_newest),
		WITH_ORDER(check_sees_a_locked_object_in_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
