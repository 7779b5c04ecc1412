/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_size.c - sizes in bytes as people write and read them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "size.h"

static void assert_size(const char *text, uint64_t wanted)
{
	uint64_t bytes = 0;

	assert_int_equal(size_parse(text, &bytes), 0);
	assert_int_equal(bytes, wanted);
}

static void parse_takes_plain_numbers(void **state)
{
	(void)state;
	assert_size("0", 0);
	assert_size("4096", 4096);
	assert_size("7b", 7);
	assert_size("18446744073709551615", UINT64_MAX);
}

static void units_are_powers_of_1024_however_they_are_written(void **state)
{
	(void)state;
	assert_size("64K", 64 << 10);
	assert_size("64k", 64 << 10);
	assert_size("64KB", 64 << 10);
	assert_size("64 KiB", 64 << 10);
	assert_size("3m", 3 << 20);
	assert_size("2GiB", UINT64_C(2) << 30);
	assert_size("1T", UINT64_C(1) << 40);
}

static void parse_takes_fractions_of_a_unit(void **state)
{
	(void)state;
	assert_size("1.5K", 1536);
	assert_size("15.75M", 16515072);
	assert_size("0.25G", 1 << 28);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const texts[] = {"", "-1", "+1", " 1", "K", "1X", "1KK", "1Kx", "1.K",
		".5K", "1.5", "1.5b", "0x10", "1e6", "1K ", "nan"};
	uint64_t bytes = 99;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(size_parse(texts[i], &bytes), -EINVAL);
	assert_int_equal(bytes, 99);
}

static void what_needs_more_than_64_bits_is_refused(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_int_equal(size_parse("18446744073709551616", &bytes), -ERANGE);
	assert_int_equal(size_parse("16777216T", &bytes), -ERANGE);
	assert_size("16777215T", UINT64_C(16777215) << 40);
	assert_int_equal(size_parse("18014398509481983.99999999999K", &bytes), -ERANGE);
}

static void print_chooses_the_unit(void **state)
{
	char text[SIZE_TEXT_LEN];

	(void)state;
	assert_string_equal(size_print(0, text), "0 B");
	assert_string_equal(size_print(1023, text), "1023 B");
	assert_string_equal(size_print(65536, text), "64 KiB");
	assert_string_equal(size_print(17989632, text), "17.16 MiB");
	assert_string_equal(size_print(1048575, text), "1.00 MiB");
	assert_string_equal(size_print(UINT64_MAX, text), "16.00 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_takes_plain_numbers),
		cmocka_unit_test(units_are_powers_of_1024_however_they_are_written),
		cmocka_unit_test(parse_takes_fractions_of_a_unit),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(what_needs_more_than_64_bits_is_refused),
		cmocka_unit_test(print_chooses_the_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
