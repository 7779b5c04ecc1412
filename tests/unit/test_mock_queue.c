/* SPDX-License-Identifier: Apache-2.0 */
/* test_mock_queue.c - the least comes out first, whatever goes in between */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mock_queue.h"

enum { COUNT = 500 };

static struct mock_queue queue;
static struct mock_place places[COUNT];

static int set_up(void **state)
{
	unsigned i;

	(void)state;
	queue = (struct mock_queue){0};
	if (mock_queue_reserve(&queue, COUNT))
		return -1;
	/* 7 and COUNT have no common factor: each number once, out of order. */
	for (i = 0; i < COUNT; i++) {
		places[i] = (struct mock_place){.number = i * 7 % COUNT};
		mock_queue_add(&queue, &places[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mock_queue_fini(&queue);
	return 0;
}

static void drain(uint64_t step)
{
	struct mock_place *place;
	uint64_t wanted = 0;

	for (; (place = mock_queue_first(&queue)); wanted += step) {
		assert_int_equal(place->number, wanted);
		mock_queue_remove(&queue, place);
		assert_int_equal(place->at, 0);
	}
	assert_int_equal(wanted, COUNT);
}

static void they_come_out_in_order(void **state)
{
	(void)state;
	drain(1);
}

static void those_taken_out_in_between_do_not_come(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT; i++)
		if (places[i].number % 2)
			mock_queue_remove(&queue, &places[i]);
	drain(2);
}

static void taking_out_what_is_not_in_does_nothing(void **state)
{
	struct mock_place place = {.number = 1};

	(void)state;
	mock_queue_remove(&queue, &place);
	assert_int_equal(queue.count, COUNT);
}

static void an_empty_queue_has_no_first(void **state)
{
	struct mock_queue empty = {0};

	(void)state;
	assert_null(mock_queue_first(&empty));
	mock_queue_fini(&empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_come_out_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			those_taken_out_in_between_do_not_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			taking_out_what_is_not_in_does_nothing, set_up, tear_down),
		cmocka_unit_test(an_empty_queue_has_no_first),
	};

	return cmocka_run_group_tests_name("mock_queue", tests, NULL, NULL);
}
