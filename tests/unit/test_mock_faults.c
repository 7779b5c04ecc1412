/* SPDX-License-Identifier: Apache-2.0 */
/* test_mock_faults.c - which tasks are hit, and that it repeats */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mock_faults.h"

enum { TASKS = 1000 };

static struct mock_faults make(const char *more)
{
	struct mock_faults faults;
	struct remora_config *config;
	char json[256], error[256];

	snprintf(json, sizeof(json), "{\"type\": \"mock\", \"max_size_gb\": 1%s}", more);
	if (remora_config_parse(json, NULL, &config, error, sizeof(error)))
		fail_msg("%s", error);
	mock_faults_init(&faults, config);
	remora_config_destroy(config);
	return faults;
}

/* How many of TASKS fail; the last that did in *last, counted from 1. */
static unsigned failures(struct mock_faults *faults, enum mock_fault_kind kind, unsigned *last)
{
	unsigned i, count = 0;

	for (i = 1; i <= TASKS; i++) {
		if (!mock_faults_next(faults, kind).fails)
			continue;
		count++;
		*last = i;
	}
	return count;
}

static void without_fields_nothing_is_hit(void **state)
{
	struct mock_faults faults = make("");
	struct mock_verdict verdict;
	unsigned i;

	(void)state;
	for (i = 0; i < TASKS; i++) {
		verdict = mock_faults_next(&faults, (enum mock_fault_kind)(i % 3));
		assert_false(verdict.fails);
		assert_int_equal(verdict.delay_ns, 0);
	}
}

static void the_nth_of_its_kind_fails_and_no_other(void **state)
{
	struct mock_faults faults = make(", \"fail_load_nth\": 17");
	unsigned last = 0;

	(void)state;
	assert_int_equal(failures(&faults, MOCK_FAULT_STORE, &last), 0);
	assert_int_equal(failures(&faults, MOCK_FAULT_LOAD, &last), 1);
	assert_int_equal(last, 17);
}

static void about_the_share_fails(void **state)
{
	struct mock_faults faults = make(", \"fail_store_share\": 0.25");
	unsigned last, count = failures(&faults, MOCK_FAULT_STORE, &last);

	(void)state;
	assert_in_range(count, 180, 320);
}

static void a_share_of_one_is_all(void **state)
{
	struct mock_faults faults = make(", \"fail_lookup_share\": 1");
	unsigned last;

	(void)state;
	assert_int_equal(failures(&faults, MOCK_FAULT_LOOKUP, &last), TASKS);
}

/* One bit a task that fails. */
static uint64_t pattern(const char *more, unsigned others)
{
	struct mock_faults faults = make(more);
	uint64_t bits = 0;
	unsigned i, j;

	for (i = 0; i < 64; i++) {
		for (j = 0; j < others; j++)
			mock_faults_next(&faults, MOCK_FAULT_LOAD);
		bits = bits << 1 | mock_faults_next(&faults, MOCK_FAULT_STORE).fails;
	}
	return bits;
}

static void a_seed_repeats_whatever_other_kinds_do(void **state)
{
	static const char seven[] = ", \"fail_store_share\": 0.5, \"fault_seed\": 7";
	static const char eight[] = ", \"fail_store_share\": 0.5, \"fault_seed\": 8";

	(void)state;
	assert_true(pattern(seven, 0) == pattern(seven, 3));
	assert_true(pattern(seven, 0) != pattern(eight, 0));
}

static void a_delay_is_for_all_or_for_the_nth(void **state)
{
	struct mock_faults all = make(", \"delay_load_ms\": 5");
	struct mock_faults second = make(", \"delay_load_ms\": 5, \"delay_load_nth\": 2");

	(void)state;
	assert_int_equal(mock_faults_next(&all, MOCK_FAULT_LOAD).delay_ns, 5000000);
	assert_int_equal(mock_faults_next(&all, MOCK_FAULT_LOAD).delay_ns, 5000000);
	assert_int_equal(mock_faults_next(&all, MOCK_FAULT_STORE).delay_ns, 0);
	assert_int_equal(mock_faults_next(&second, MOCK_FAULT_LOAD).delay_ns, 0);
	assert_int_equal(mock_faults_next(&second, MOCK_FAULT_LOAD).delay_ns, 5000000);
	assert_int_equal(mock_faults_next(&second, MOCK_FAULT_LOAD).delay_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_fields_nothing_is_hit),
		cmocka_unit_test(the_nth_of_its_kind_fails_and_no_other),
		cmocka_unit_test(about_the_share_fails),
		cmocka_unit_test(a_share_of_one_is_all),
		cmocka_unit_test(a_seed_repeats_whatever_other_kinds_do),
		cmocka_unit_test(a_delay_is_for_all_or_for_the_nth),
	};

	return cmocka_run_group_tests_name("mock_faults", tests, NULL, NULL);
}
