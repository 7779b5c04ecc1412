/* SPDX-License-Identifier: Apache-2.0 */
/* test_bounce.c - slots of the bounce ring */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounce.h"

enum { SLOT = 4096, SLOTS = 5, LEN = SLOTS * SLOT + 100 };

static uint8_t memory[LEN];

static int create(void **state)
{
	*state = bounce_create(memory, LEN, SLOT);
	return *state ? 0 : -1;
}

static int destroy(void **state)
{
	bounce_destroy(*state);
	return 0;
}

static void slots_lie_side_by_side_in_the_memory(void **state)
{
	struct bounce_slot *slot;
	int seen[SLOTS] = {0}, i;
	size_t at;

	assert_int_equal(bounce_slot_len(*state), SLOT);
	for (i = 0; i < SLOTS; i++) {
		slot = bounce_take(*state);
		assert_non_null(slot);
		at = (size_t)(slot->data - memory);
		assert_int_equal(at % SLOT, 0);
		assert_true(at + SLOT <= LEN);
		seen[at / SLOT]++;
	}
	for (i = 0; i < SLOTS; i++)
		assert_int_equal(seen[i], 1);
}

static void there_are_no_more_slots_than_fit(void **state)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		assert_non_null(bounce_take(*state));
	assert_null(bounce_take(*state));
}

static void a_slot_that_was_given_back_can_be_taken(void **state)
{
	struct bounce_slot *slot = NULL;
	int i;

	for (i = 0; i < SLOTS; i++)
		slot = bounce_take(*state);
	bounce_give(*state, slot);
	assert_ptr_equal(bounce_take(*state), slot);
	assert_null(bounce_take(*state));
}

static void a_reset_frees_all_slots(void **state)
{
	int i;

	while (bounce_take(*state))
		;
	bounce_reset(*state);
	for (i = 0; i < SLOTS; i++)
		assert_non_null(bounce_take(*state));
	assert_null(bounce_take(*state));
}

static void a_slot_is_told_from_other_pointers(void **state)
{
	struct bounce_slot *slot = bounce_take(*state);

	assert_true(bounce_owns(*state, slot));
	assert_false(bounce_owns(*state, slot->data));
	assert_false(bounce_owns(*state, state));
	assert_false(bounce_owns(*state, NULL));
}

static void destroying_nothing_is_allowed(void **state)
{
	(void)state;
	bounce_destroy(NULL);
}

int main(void)
{
#define BOUNCE(name) cmocka_unit_test_setup_teardown(name, create, destroy)
	const struct CMUnitTest tests[] = {
		BOUNCE(slots_lie_side_by_side_in_the_memory),
		BOUNCE(there_are_no_more_slots_than_fit),
		BOUNCE(a_slot_that_was_given_back_can_be_taken),
		BOUNCE(a_reset_frees_all_slots),
		BOUNCE(a_slot_is_told_from_other_pointers),
		cmocka_unit_test(destroying_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
