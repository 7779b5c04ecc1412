/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_synthetic.c - made-up conversations
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "synthetic.h"

static struct trace trace, other;

static int empty(void **state)
{
	(void)state;
	trace_fini(&trace);
	trace_fini(&other);
	return 0;
}

static void generate(const struct synthetic_options *options, struct trace *into)
{
	assert_int_equal(synthetic_generate(options, into), 0);
	assert_true(into->request_count > 0);
}

static void the_same_seed_makes_the_same_trace(void **state)
{
	const struct synthetic_options options = {.seed = 7};

	(void)state;
	generate(&options, &trace);
	generate(&options, &other);
	assert_int_equal(trace.request_count, other.request_count);
	assert_int_equal(trace.id_count, other.id_count);
	assert_memory_equal(
		trace.requests, other.requests, trace.request_count * sizeof(*trace.requests));
	assert_memory_equal(trace.ids, other.ids, trace.id_count * sizeof(*trace.ids));
}

static void the_trace_of_a_seed_never_changes(void **state)
{
	(void)state;
	generate(&(struct synthetic_options){.seed = 1, .conversations = 3}, &trace);
	assert_int_equal(trace.request_count, 13);
	assert_int_equal(trace.id_count, 266);
	assert_int_equal(trace.ids[0], UINT64_C(0x302d65a6cd50c68e));
}

static void another_seed_shares_no_block(void **state)
{
	struct trace_survey alone, together;
	size_t i;

	(void)state;
	generate(&(struct synthetic_options){.seed = 1}, &trace);
	generate(&(struct synthetic_options){.seed = 2}, &other);
	assert_int_equal(trace_survey(&trace, &alone), 0);
	together = alone;
	assert_int_equal(trace_survey(&other, &alone), 0);
	together.distinct += alone.distinct;
	for (i = 0; i < other.request_count; i++)
		assert_int_equal(
			trace_append(&trace, &other.requests[i],
				other.ids + other.requests[i].first, other.requests[i].block_count),
			0);
	assert_int_equal(trace_survey(&trace, &alone), 0);
	assert_int_equal(alone.distinct, together.distinct);
}

static void requests_are_ordered_by_time(void **state)
{
	size_t i;

	(void)state;
	generate(&(struct synthetic_options){.seed = 3}, &trace);
	for (i = 1; i < trace.request_count; i++)
		assert_true(trace.requests[i - 1].time_us <= trace.requests[i].time_us);
}

static void conversations_share_system_prompts(void **state)
{
	const struct synthetic_options options = {.conversations = 200, .system_prompts = 3};
	uint64_t first[4] = {0};
	size_t i, k, kinds = 0;

	(void)state;
	generate(&options, &trace);
	for (i = 0; i < trace.request_count; i++) {
		uint64_t id = trace.ids[trace.requests[i].first];

		for (k = 0; k < kinds && first[k] != id; k++)
			;
		if (k == kinds)
			first[kinds++] = id;
		assert_in_range(kinds, 1, 3);
	}
	assert_int_equal(kinds, 3);
}

static void a_turn_repeats_all_that_was_said_before(void **state)
{
	const struct synthetic_options options = {.conversations = 1, .turns = 20};
	size_t i;

	(void)state;
	generate(&options, &trace);
	for (i = 1; i < trace.request_count; i++) {
		const struct trace_request *before = &trace.requests[i - 1], *now = before + 1;

		assert_true(now->block_count > before->block_count);
		assert_memory_equal(trace.ids + before->first, trace.ids + now->first,
			before->block_count * sizeof(*trace.ids));
	}
}

static void no_request_has_a_block_twice(void **state)
{
	struct trace_survey survey;

	(void)state;
	generate(&(struct synthetic_options){.conversations = 1, .turns = 1, .turn_blocks = 5000},
		&trace);
	trace.request_count = 1;
	assert_int_equal(trace_survey(&trace, &survey), 0);
	assert_int_equal(survey.distinct, survey.blocks);
}

static void most_of_a_trace_could_be_hit(void **state)
{
	struct trace_survey survey;

	(void)state;
	generate(&(struct synthetic_options){.seed = 1}, &trace);
	assert_int_equal(trace_survey(&trace, &survey), 0);
	assert_true(survey.leading * 2 > survey.blocks);
	assert_true(survey.leading < survey.blocks);
}

static void options_beyond_their_limits_are_refused(void **state)
{
	(void)state;
	assert_int_equal(
		synthetic_generate(&(struct synthetic_options){.turns = UINT32_MAX}, &trace),
		-EINVAL);
	assert_int_equal(synthetic_generate(
				 &(struct synthetic_options){.conversations = UINT32_MAX}, &trace),
		-EINVAL);
	assert_int_equal(trace.request_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_same_seed_makes_the_same_trace, empty),
		cmocka_unit_test_teardown(the_trace_of_a_seed_never_changes, empty),
		cmocka_unit_test_teardown(another_seed_shares_no_block, empty),
		cmocka_unit_test_teardown(requests_are_ordered_by_time, empty),
		cmocka_unit_test_teardown(conversations_share_system_prompts, empty),
		cmocka_unit_test_teardown(a_turn_repeats_all_that_was_said_before, empty),
		cmocka_unit_test_teardown(no_request_has_a_block_twice, empty),
		cmocka_unit_test_teardown(most_of_a_trace_could_be_hit, empty),
		cmocka_unit_test_teardown(options_beyond_their_limits_are_refused, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
