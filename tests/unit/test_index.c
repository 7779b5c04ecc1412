/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "index.h"

static int setup(void **state)
{
	struct index *index;

	assert_int_equal(index_create(1u << 20, &index), 0);
	*state = index;
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(index_check(*state), 0);
	index_destroy(*state);
	return 0;
}

static struct wire_key key_of(const void *data, size_t len)
{
	return (struct wire_key){data, (uint16_t)len};
}

static uint32_t add(struct index *index, struct wire_key key, uint64_t hash)
{
	uint32_t slot;

	assert_int_equal(index_add(index, key, hash, &slot), 0);
	index_publish(index, slot);
	return slot;
}

static void drop(struct index *index, uint32_t slot)
{
	index_withdraw(index, slot);
	index_release(index, slot);
}

static void object_is_found_only_while_it_is_published(void **state)
{
	struct wire_key key = key_of("abc", 3);
	uint64_t hash = index_hash(1, key);
	uint32_t slot;

	assert_int_equal(index_add(*state, key, hash, &slot), 0);
	assert_int_equal(index_find(*state, key, hash), INDEX_NONE);
	index_publish(*state, slot);
	assert_int_equal(index_find(*state, key, hash), slot);
	index_withdraw(*state, slot);
	assert_int_equal(index_find(*state, key, hash), INDEX_NONE);
	index_release(*state, slot);
	assert_int_equal(index_count(*state), 0);
}

static void keys_of_one_hash_are_told_apart(void **state)
{
	enum { COUNT = 300 };
	uint32_t slots[COUNT];

	for (uint32_t i = 0; i < COUNT; i++)
		slots[i] = add(*state, key_of(&i, sizeof(i)), 7);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(index_find(*state, key_of(&i, sizeof(i)), 7), slots[i]);
	for (uint32_t i = 0; i < COUNT; i += 3)
		drop(*state, slots[i]);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(index_find(*state, key_of(&i, sizeof(i)), 7),
			i % 3 ? slots[i] : INDEX_NONE);
}

static void keys_that_differ_in_one_byte_or_in_length_are_different(void **state)
{
	uint8_t bytes[WIRE_KEY_MAX] = {0};
	uint32_t whole = add(*state, key_of(bytes, WIRE_KEY_MAX), 7);

	for (size_t i = 0; i < WIRE_KEY_MAX; i++) {
		bytes[i] = 1;
		assert_int_equal(index_find(*state, key_of(bytes, WIRE_KEY_MAX), 7), INDEX_NONE);
		bytes[i] = 0;
	}
	for (size_t len = 1; len < WIRE_KEY_MAX; len++)
		assert_int_equal(index_find(*state, key_of(bytes, len), 7), INDEX_NONE);
	assert_int_not_equal(add(*state, key_of(bytes, 1), 7), whole);
	assert_int_equal(index_find(*state, key_of(bytes, WIRE_KEY_MAX), 7), whole);
}

static void hash_depends_on_seed_length_and_every_byte(void **state)
{
	uint8_t bytes[WIRE_KEY_MAX] = {0};
	uint64_t hash = index_hash(1, key_of(bytes, WIRE_KEY_MAX));

	(void)state;
	assert_int_not_equal(hash, index_hash(2, key_of(bytes, WIRE_KEY_MAX)));
	assert_int_not_equal(hash, index_hash(1, key_of(bytes, WIRE_KEY_MAX - 1)));
	for (size_t i = 0; i < WIRE_KEY_MAX; i++) {
		bytes[i] = 1;
		assert_int_not_equal(hash, index_hash(1, key_of(bytes, WIRE_KEY_MAX)));
		bytes[i] = 0;
	}
}

static void slot_that_is_used_again_has_a_new_generation(void **state)
{
	struct wire_key key = key_of("a", 1);
	uint32_t slot = add(*state, key, 7), generation, again;

	generation = index_object(*state, slot)->generation;
	assert_int_not_equal(generation, 0);
	assert_non_null(index_get(*state, slot, generation));
	drop(*state, slot);
	assert_null(index_get(*state, slot, generation));
	again = add(*state, key, 7);
	assert_int_equal(again, slot);
	assert_null(index_get(*state, slot, generation));
	assert_non_null(index_get(*state, slot, generation + 1));
	assert_null(index_get(*state, slot + 1, 1));
	assert_null(index_get(*state, UINT32_MAX, 1));
}

static void generation_never_becomes_zero(void **state)
{
	uint32_t slot = add(*state, key_of("a", 1), 7);

	index_object(*state, slot)->generation = UINT32_MAX;
	drop(*state, slot);
	assert_int_equal(add(*state, key_of("a", 1), 7), slot);
	assert_int_equal(index_object(*state, slot)->generation, 1);
}

static void objects_never_move(void **state)
{
	struct object *first;
	uint32_t i = 0, slot = add(*state, key_of(&i, sizeof(i)), 0);

	first = index_object(*state, slot);
	for (i = 1; i < 50000; i++)
		add(*state, key_of(&i, sizeof(i)), i);
	assert_ptr_equal(index_object(*state, slot), first);
	i = 0;
	assert_int_equal(index_find(*state, key_of(&i, sizeof(i)), 0), slot);
}

static void full_index_refuses_and_recovers(void **state)
{
	struct index *index;
	uint32_t slot;

	(void)state;
	assert_int_equal(index_create(0, &index), -EINVAL);
	assert_int_equal(index_create(2, &index), 0);
	add(index, key_of("a", 1), 1);
	slot = add(index, key_of("b", 1), 2);
	assert_int_equal(index_add(index, key_of("c", 1), 3, &slot), -ENOSPC);
	drop(index, slot);
	add(index, key_of("c", 1), 3);
	assert_int_equal(index_check(index), 0);
	index_destroy(index);
	index_destroy(NULL);
}

/* Key number i: 1 to 1024 bytes, each unlike the others. */
static struct wire_key long_key(uint8_t bytes[WIRE_KEY_MAX], uint32_t i)
{
	size_t len = i % 7 ? sizeof(i) + i % 60 : WIRE_KEY_MAX - i % 5;

	memset(bytes, 'x', WIRE_KEY_MAX);
	memcpy(bytes + len - sizeof(i), &i, sizeof(i));
	return key_of(bytes, len);
}

static void expect_model(const struct index *index, const uint32_t *model, uint32_t keys)
{
	uint8_t bytes[WIRE_KEY_MAX];

	for (uint32_t i = 0; i < keys; i++) {
		struct wire_key key = long_key(bytes, i);

		assert_int_equal(index_find(index, key, index_hash(3, key)), model[i]);
	}
	assert_int_equal(index_check(index), 0);
}

static void random_use_agrees_with_a_naive_model(void **state)
{
	enum { KEYS = 5000, STEPS = 60000 };
	static uint32_t model[KEYS]; /* slots */
	uint8_t bytes[WIRE_KEY_MAX];
	uint64_t random = 1;

	memset(model, 0xff, sizeof(model));
	for (int step = 0; step < STEPS; step++) {
		uint32_t i;

		random = random * 6364136223846793005u + 1442695040888963407u;
		i = (uint32_t)(random >> 33) % KEYS;
		if (model[i] == INDEX_NONE) {
			struct wire_key key = long_key(bytes, i);

			model[i] = add(*state, key, index_hash(3, key));
		} else if (random >> 62) {
			drop(*state, model[i]);
			model[i] = INDEX_NONE;
		}
		if (step % (STEPS / 8) == 0)
			expect_model(*state, model, KEYS);
	}
	expect_model(*state, model, KEYS);
}

#define WITH_INDEX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_INDEX(object_is_found_only_while_it_is_published),
		WITH_INDEX(keys_of_one_hash_are_told_apart),
		WITH_INDEX(keys_that_differ_in_one_byte_or_in_length_are_different),
		WITH_INDEX(slot_that_is_used_again_has_a_new_generation),
		WITH_INDEX(generation_never_becomes_zero),
		WITH_INDEX(objects_never_move),
		WITH_INDEX(random_use_agrees_with_a_naive_model),
		cmocka_unit_test(hash_depends_on_seed_length_and_every_byte),
		cmocka_unit_test(full_index_refuses_and_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
