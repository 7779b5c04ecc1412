/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trace.c - reading request traces, also hostile ones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "trace.h"

#define LINE(time, ids)                                                                            \
	"{\"timestamp\": " time                                                                    \
	", \"input_length\": 600, \"output_length\": 5, \"hash_ids\": " ids "}\n"

static struct trace trace;
static char error[TRACE_ERROR_LEN];

static int parse(const char *text)
{
	return trace_parse(&trace, "t", text, strlen(text), SIZE_MAX, error);
}

static int empty(void **state)
{
	(void)state;
	trace_fini(&trace);
	error[0] = '\0';
	return 0;
}

static void requests_are_read_with_their_blocks(void **state)
{
	(void)state;
	assert_int_equal(
		parse(LINE("0", "[1, 2]") "\n" LINE("27482", "[1, 9223372036854775807]")), 0);
	assert_int_equal(trace.request_count, 2);
	assert_int_equal(trace.requests[1].time_us, 27482000);
	assert_int_equal(trace.requests[1].input_tokens, 600);
	assert_int_equal(trace.requests[1].output_tokens, 5);
	assert_int_equal(trace.requests[1].block_count, 2);
	assert_int_equal(trace.ids[trace.requests[1].first], 1);
	assert_int_equal(trace.ids[trace.requests[1].first + 1], INT64_MAX);
}

static void the_last_line_needs_no_newline_and_others_may_be_blank(void **state)
{
	(void)state;
	assert_int_equal(parse("\r\n \n{\"timestamp\": 0.5, \"input_length\": 1, "
			       "\"output_length\": 1, \"hash_ids\": [], \"more\": {}}"),
		0);
	assert_int_equal(trace.request_count, 1);
	assert_int_equal(trace.requests[0].time_us, 500);
	assert_int_equal(trace.requests[0].block_count, 0);
}

static void reading_ends_after_the_requests_wanted(void **state)
{
	const char *text = LINE("0", "[1]") LINE("1", "[2]") "not JSON";

	(void)state;
	assert_int_equal(trace_parse(&trace, "t", text, strlen(text), 2, error), 0);
	assert_int_equal(trace.request_count, 2);
}

static void mistakes_are_told_with_line_field_and_value(void **state)
{
	(void)state;
	assert_int_equal(parse(LINE("0", "[1]") LINE("-3", "[1]")), -EINVAL);
	assert_non_null(strstr(error, "t:2: timestamp is -3"));
	assert_int_equal(parse(LINE("0", "[1, 2, \"x\"]")), -EINVAL);
	assert_non_null(strstr(error, "t:1: hash_ids[2] is \"x\""));
	assert_int_equal(
		parse("{\"timestamp\": 1, \"output_length\": 1, \"hash_ids\": []}"), -EINVAL);
	assert_non_null(strstr(error, "t:1: input_length is missing"));
	assert_int_equal(parse("\n\n{\"timestamp\": 1,"), -EINVAL);
	assert_non_null(strstr(error, "t:3: no JSON at column"));
	/* What came before the mistakes stays. */
	assert_int_equal(trace.request_count, 1);
}

static void hostile_lines_are_refused(void **state)
{
	static const char *const lines[] = {"[]", "null", "7", "\"x\"", "{}", "{\"timestamp\": 1}",
		LINE("1e300", "[1]"), LINE("1000000000001", "[1]"), LINE("true", "[1]"),
		LINE("null", "[1]"), LINE("0", "[-1]"), LINE("0", "[1.5]"), LINE("0", "[[1]]"),
		LINE("0", "{}"), LINE("0", "[99999999999999999999]"),
		LINE("0, \"timestamp\": 1", "[]"),
		("{\"timestamp\": 0, \"input_length\": 4294967296, \"output_length\": 0, "
		 "\"hash_ids\": []}"),
		"\xff\xfe", "{\"timestamp\": 0} {\"timestamp\": 0}"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(lines[i]), -EINVAL);
	assert_int_equal(trace.request_count, 0);
}

static void bytes_after_a_nul_do_not_go_unseen(void **state)
{
	static const char text[] = LINE("0", "[1]") "\0\n" LINE("1", "[2]");

	(void)state;
	assert_int_equal(
		trace_parse(&trace, "t", text, sizeof(text) - 1, SIZE_MAX, error), -EINVAL);
	assert_non_null(strstr(error, "t:2:"));
}

static void deep_nesting_does_not_use_up_the_stack(void **state)
{
	size_t len = 1 << 20;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_int_equal(trace_parse(&trace, "t", text, len, SIZE_MAX, error), -EINVAL);
	free(text);
}

static void a_line_that_is_too_long_is_refused(void **state)
{
	size_t len = (16 << 20) + 1;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '1', len);
	assert_int_equal(trace_parse(&trace, "t", text, len, SIZE_MAX, error), -EINVAL);
	assert_non_null(strstr(error, "t:1: the line has 16777217 bytes"));
	free(text);
}

static void a_survey_counts_blocks_and_what_could_be_hit(void **state)
{
	struct trace_survey survey;

	(void)state;
	assert_int_equal(
		parse(LINE("0", "[0, 1, 2]") LINE("1", "[0, 1, 3]") LINE("2", "[4, 0]")), 0);
	assert_int_equal(trace_survey(&trace, &survey), 0);
	assert_int_equal(survey.blocks, 8);
	assert_int_equal(survey.distinct, 5);
	assert_int_equal(survey.leading, 2);
	assert_int_equal(survey.longest, 3);
}

static void files_that_cannot_be_read_are_told_by_name(void **state)
{
	(void)state;
	assert_int_equal(trace_load(&trace, "/nonexistent/trace", SIZE_MAX, error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/trace: cannot open"));
	assert_int_equal(trace_load(&trace, "/", SIZE_MAX, error), -EINVAL);
	assert_non_null(strstr(error, "not a regular file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(requests_are_read_with_their_blocks, empty),
		cmocka_unit_test_teardown(
			the_last_line_needs_no_newline_and_others_may_be_blank, empty),
		cmocka_unit_test_teardown(reading_ends_after_the_requests_wanted, empty),
		cmocka_unit_test_teardown(mistakes_are_told_with_line_field_and_value, empty),
		cmocka_unit_test_teardown(hostile_lines_are_refused, empty),
		cmocka_unit_test_teardown(bytes_after_a_nul_do_not_go_unseen, empty),
		cmocka_unit_test_teardown(deep_nesting_does_not_use_up_the_stack, empty),
		cmocka_unit_test_teardown(a_line_that_is_too_long_is_refused, empty),
		cmocka_unit_test_teardown(a_survey_counts_blocks_and_what_could_be_hit, empty),
		cmocka_unit_test_teardown(files_that_cannot_be_read_are_told_by_name, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
