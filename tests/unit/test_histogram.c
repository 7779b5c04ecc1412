/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_histogram.c - counting values and telling percentiles
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "histogram.h"

static struct histogram *empty(void)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	assert_non_null(histogram);
	return histogram;
}

static void an_empty_histogram_tells_zero(void **state)
{
	struct histogram *histogram = empty();

	(void)state;
	assert_int_equal(histogram_percentile(histogram, 50.0), 0);
	assert_int_equal(histogram_percentile(histogram, 100.0), 0);
	free(histogram);
}

static void small_values_are_exact(void **state)
{
	struct histogram *histogram = empty();
	uint64_t i;

	(void)state;
	for (i = 1; i <= 50; i++)
		histogram_record(histogram, i);
	assert_int_equal(histogram_percentile(histogram, 0.0), 1);
	assert_int_equal(histogram_percentile(histogram, 50.0), 25);
	assert_int_equal(histogram_percentile(histogram, 99.0), 50);
	assert_int_equal(histogram_percentile(histogram, 100.0), 50);
	free(histogram);
}

/* A value alone in a histogram, recorded below another, larger one. */
static uint64_t told(uint64_t value)
{
	struct histogram *histogram = empty();
	uint64_t result;

	histogram_record(histogram, value);
	histogram_record(histogram, UINT64_MAX);
	result = histogram_percentile(histogram, 50.0);
	free(histogram);
	return result;
}

static void every_value_is_told_within_two_percent_and_never_too_low(void **state)
{
	uint64_t value;
	int bit;

	(void)state;
	for (bit = 0; bit < 63; bit++) {
		for (value = (UINT64_C(1) << bit) - 1; value <= (UINT64_C(1) << bit) + 1; value++) {
			assert_true(told(value) >= value);
			assert_true(told(value) - value <= value / 64);
		}
	}
	assert_int_equal(told(UINT64_MAX), UINT64_MAX);
}

static void a_rare_outlier_shows_in_the_last_percentile_only(void **state)
{
	struct histogram *histogram = empty();
	int i;

	(void)state;
	for (i = 0; i < 999; i++)
		histogram_record(histogram, 10);
	histogram_record(histogram, 1000000);
	assert_int_equal(histogram_percentile(histogram, 99.9), 10);
	assert_int_equal(histogram_percentile(histogram, 100.0), 1000000);
	free(histogram);
}

static void merge_is_as_if_all_had_been_recorded_in_one(void **state)
{
	struct histogram *odd = empty(), *even = empty(), *all = empty();
	uint64_t i;

	(void)state;
	for (i = 1; i < 100000; i += 7) {
		histogram_record(i % 2 ? odd : even, i * i);
		histogram_record(all, i * i);
	}
	histogram_merge(odd, even);
	histogram_merge(odd, &(struct histogram){0});
	assert_memory_equal(odd, all, sizeof(*all));
	free(odd);
	free(even);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_histogram_tells_zero),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(every_value_is_told_within_two_percent_and_never_too_low),
		cmocka_unit_test(a_rare_outlier_shows_in_the_last_percentile_only),
		cmocka_unit_test(merge_is_as_if_all_had_been_recorded_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
