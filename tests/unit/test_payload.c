/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_payload.c - contents that are a function of the key, and their check
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "payload.h"

enum { MOST = 4096 };

static uint64_t buffer[MOST / 8 + 2];
static uint8_t *const bytes = (uint8_t *)buffer;

/* Lengths around the steps of the loops. */
static const size_t lengths[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000, MOST};

enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static uint64_t seed_of(const char *key)
{
	return payload_seed(key, strlen(key));
}

static void what_was_filled_is_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LENGTHS; i++) {
		payload_fill(buffer, lengths[i], seed_of("key"));
		assert_true(payload_check(buffer, lengths[i], seed_of("key")) == PAYLOAD_GOOD);
	}
}

static void any_single_changed_byte_is_found_where_it_is(void **state)
{
	uint64_t seed = seed_of("key");
	size_t i, at;

	(void)state;
	for (i = 0; i < LENGTHS; i++) {
		payload_fill(buffer, lengths[i], seed);
		for (at = 0; at < lengths[i]; at++) {
			bytes[at] ^= (uint8_t)(1 << at % 8);
			assert_int_equal(payload_check(buffer, lengths[i], seed), at);
			bytes[at] ^= (uint8_t)(1 << at % 8);
		}
	}
}

static void shifted_data_is_found_at_once(void **state)
{
	uint64_t seed = seed_of("key");
	size_t shift;

	(void)state;
	for (shift = 8; shift <= MOST / 2; shift += 8) {
		payload_fill(buffer, MOST, seed);
		memmove(bytes, bytes + shift, MOST - shift);
		assert_in_range(payload_check(buffer, MOST, seed), 0, 7);
	}
}

static void a_page_in_the_place_of_another_is_found(void **state)
{
	uint64_t seed = seed_of("key");

	(void)state;
	payload_fill(buffer, MOST, seed);
	memcpy(bytes + 2048, bytes, 1024);
	assert_in_range(payload_check(buffer, MOST, seed), 2048, 2055);
}

static void the_object_of_another_key_is_found_in_its_first_word(void **state)
{
	char key[] = "replay/r0/0000";
	int i;

	(void)state;
	for (i = 1; i < 1000; i++) {
		key[10] = (char)('0' + i / 100);
		key[11] = (char)('0' + i / 10 % 10);
		key[12] = (char)('0' + i % 10);
		payload_fill(buffer, 64, seed_of(key));
		assert_in_range(payload_check(buffer, 64, seed_of("replay/r0/0000")), 0, 7);
	}
}

static void every_byte_of_a_poisoned_buffer_is_wrong(void **state)
{
	uint64_t seed = seed_of("key");
	size_t i, at;

	(void)state;
	for (i = 0; i < LENGTHS; i++) {
		payload_poison(buffer, lengths[i], seed);
		for (at = 0; at < lengths[i]; at++)
			assert_int_not_equal(bytes[at], payload_byte(at, seed));
	}
}

static void nothing_beyond_the_length_is_written(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LENGTHS; i++) {
		memset(buffer, 0x5a, sizeof(buffer));
		payload_fill(buffer, lengths[i], 1);
		payload_poison(buffer, lengths[i], 1);
		assert_int_equal(bytes[lengths[i]], 0x5a);
		assert_int_equal(bytes[lengths[i] + 7], 0x5a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_filled_is_good),
		cmocka_unit_test(any_single_changed_byte_is_found_where_it_is),
		cmocka_unit_test(shifted_data_is_found_at_once),
		cmocka_unit_test(a_page_in_the_place_of_another_is_found),
		cmocka_unit_test(the_object_of_another_key_is_found_in_its_first_word),
		cmocka_unit_test(every_byte_of_a_poisoned_buffer_is_wrong),
		cmocka_unit_test(nothing_beyond_the_length_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
