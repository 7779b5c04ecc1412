/* SPDX-License-Identifier: Apache-2.0 */
/* test_held.c - the client's book of the locks it holds */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "held.h"

static int create(void **state)
{
	*state = held_create();
	return *state ? 0 : -1;
}

static int destroy(void **state)
{
	held_destroy(*state);
	return 0;
}

static struct wire_key key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static struct wire_extent extent(uint32_t slot)
{
	return (struct wire_extent){
		.addr = 0x1000,
		.len = 10,
		.rkey = 5,
		.handle = {.slot = slot, .generation = 1},
	};
}

static struct held_entry *add(struct held *held, const char *name, uint32_t slot)
{
	struct wire_extent where = extent(slot);

	return held_add(held, key(name), &where);
}

static void a_lock_is_found_by_its_key(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);

	assert_non_null(entry);
	assert_ptr_equal(held_find(*state, key("a")), entry);
	assert_int_equal(entry->extent.handle.slot, 7);
	assert_null(held_find(*state, key("b")));
	assert_null(held_find(*state, key("aa")));
}

static void two_locks_need_two_unlocks(void **state)
{
	struct wire_handle handle = {0};

	assert_non_null(add(*state, "a", 7));
	assert_non_null(add(*state, "a", 7));
	assert_int_equal(held_unlock(*state, key("a"), &handle), 1);
	assert_int_equal(handle.slot, 7);
	assert_non_null(held_find(*state, key("a")));
	assert_int_equal(held_unlock(*state, key("a"), &handle), 1);
	assert_null(held_find(*state, key("a")));
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
}

static void unlocking_an_unknown_key_gives_nothing_back(void **state)
{
	struct wire_handle handle;

	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
}

static void another_version_of_a_held_key_is_refused(void **state)
{
	struct wire_extent other = extent(7);

	assert_non_null(add(*state, "a", 7));
	assert_null(add(*state, "a", 8));
	other.handle.generation = 2;
	assert_null(held_add(*state, key("a"), &other));
	assert_int_equal(held_find(*state, key("a"))->locks, 1);
}

static void the_last_lock_of_a_pinned_entry_waits_for_the_pin(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);
	struct wire_handle handle;

	held_pin(entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
	assert_non_null(held_find(*state, key("a")));
	assert_int_equal(held_unpin(*state, entry, &handle), 1);
	assert_int_equal(handle.slot, 7);
	assert_null(held_find(*state, key("a")));
}

static void only_the_last_lock_waits(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);
	struct wire_handle handle;

	add(*state, "a", 7);
	held_pin(entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 1);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
	assert_int_equal(held_unpin(*state, entry, &handle), 1);
}

static void the_last_of_several_pins_gives_the_lock_back(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);
	struct wire_handle handle;

	held_pin(entry);
	held_pin(entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
	assert_int_equal(held_unpin(*state, entry, &handle), 0);
	assert_int_equal(held_unpin(*state, entry, &handle), 1);
	assert_null(held_find(*state, key("a")));
}

static void a_pin_without_an_unlock_keeps_the_lock(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);
	struct wire_handle handle;

	held_pin(entry);
	assert_int_equal(held_unpin(*state, entry, &handle), 0);
	assert_ptr_equal(held_find(*state, key("a")), entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 1);
}

static void a_lock_taken_while_one_is_owed_stays_after_the_pin(void **state)
{
	struct held_entry *entry = add(*state, "a", 7);
	struct wire_handle handle;

	held_pin(entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 0);
	assert_ptr_equal(add(*state, "a", 7), entry);
	assert_int_equal(held_unpin(*state, entry, &handle), 1);
	assert_ptr_equal(held_find(*state, key("a")), entry);
	assert_int_equal(held_unlock(*state, key("a"), &handle), 1);
}

/* What is added for as many clients as a long prompt has chunks. */
static void thousands_of_keys_are_told_apart(void **state)
{
	struct wire_handle handle;
	char name[16];
	uint32_t i;

	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "key-%u", i);
		assert_non_null(add(*state, name, i));
	}
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "key-%u", i);
		assert_int_equal(held_unlock(*state, key(name), &handle), 1);
		assert_int_equal(handle.slot, i);
	}
}

static void clearing_forgets_everything(void **state)
{
	add(*state, "a", 7);
	add(*state, "b", 8);
	held_clear(*state);
	assert_null(held_find(*state, key("a")));
	assert_null(held_find(*state, key("b")));
	assert_non_null(add(*state, "a", 9));
}

int main(void)
{
#define HELD(name) cmocka_unit_test_setup_teardown(name, create, destroy)
	const struct CMUnitTest tests[] = {
		HELD(a_lock_is_found_by_its_key),
		HELD(two_locks_need_two_unlocks),
		HELD(unlocking_an_unknown_key_gives_nothing_back),
		HELD(another_version_of_a_held_key_is_refused),
		HELD(the_last_lock_of_a_pinned_entry_waits_for_the_pin),
		HELD(only_the_last_lock_waits),
		HELD(the_last_of_several_pins_gives_the_lock_back),
		HELD(a_pin_without_an_unlock_keeps_the_lock),
		HELD(a_lock_taken_while_one_is_owed_stays_after_the_pin),
		HELD(thousands_of_keys_are_told_apart),
		HELD(clearing_forgets_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
