/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay.c - a client of a replay, against an adapter that misbehaves
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "fake_adapter.h"
#include "replay_client.h"
#include "replay_totals.h"

enum { LEN = 1000, STEP = 1024, BLOCKS = 5 };

static struct trace trace;
static struct replay_plan plan;
static struct replay_progress progress;
static struct replay_totals totals;
static struct remora_adapter *adapter;

/* Three requests: the second goes on where the first ended, the third begins anew. */
static int set_up(void **state)
{
	static const uint64_t ids[] = {10, 11, 12, 13, 14};
	static const uint64_t others[] = {10, 99};
	const struct trace_request request = {0};

	(void)state;
	trace_append(&trace, &request, ids, 3);
	trace_append(&trace, &request, ids, BLOCKS);
	trace_append(&trace, &request, others, 2);
	plan = (struct replay_plan){
		.trace = &trace,
		.prefix = "test/1000",
		.ranks = 1,
		.object_len = LEN,
		.in_flight = 1,
		.request_memory = 8 * STEP,
		.max_failures = 100,
		.task_ms = 10000,
	};
	memset(&progress, 0, sizeof(progress));
	memset(&totals, 0, sizeof(totals));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trace_fini(&trace);
	fake_adapter_destroy(adapter);
	adapter = NULL;
	return 0;
}

static void replay_once(void)
{
	struct replay_client *client;
	size_t arena_len;
	void *arena;

	atomic_store(&progress.next, 0);
	progress.start_ns = clock_ns();
	assert_int_equal(replay_client_create(&plan, &progress, &client), 0);
	arena = replay_client_arena(client, &arena_len);
	fake_adapter_set_arena(adapter, arena, arena_len);
	assert_int_equal(replay_client_start(client, adapter), 0);
	replay_client_join(client, &totals);
	replay_client_destroy(client);
	assert_int_equal(atomic_load(&progress.running), 0);
}

static void replay(const struct fake_faults *faults)
{
	adapter = fake_adapter_create(faults);
	replay_once();
}

static void requests_load_their_leading_run_and_store_the_rest(void **state)
{
	(void)state;
	replay(&(struct fake_faults){0});
	assert_true(replay_totals_good(&totals));
	assert_int_equal(totals.requests, 3);
	assert_int_equal(totals.blocks, 10);
	assert_int_equal(totals.hits, 4);
	assert_int_equal(totals.leading_hits, 4);
	assert_int_equal(totals.bytes_loaded, 4 * LEN);
	assert_int_equal(totals.bytes_verified, 4 * LEN);
	assert_int_equal(totals.objects_stored, 6);
	assert_int_equal(totals.bytes_stored, 6 * LEN);
}

static void every_lock_is_given_back_and_every_load_was_locked(void **state)
{
	(void)state;
	replay(&(struct fake_faults){0});
	replay_once();
	assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
	assert_int_equal(fake_adapter_counts(adapter)->loaded_unlocked, 0);
	assert_int_equal(fake_adapter_counts(adapter)->buffers_outside, 0);
}

static void one_lookup_and_at_most_one_load_and_store_a_request(void **state)
{
	(void)state;
	replay(&(struct fake_faults){0});
	assert_int_equal(fake_adapter_counts(adapter)->lookups, 3);
	assert_int_equal(fake_adapter_counts(adapter)->loads, 2);
	assert_int_equal(fake_adapter_counts(adapter)->stores, 3);
}

static void a_request_larger_than_its_memory_goes_in_pieces(void **state)
{
	(void)state;
	plan.request_memory = 2 * STEP;
	replay(&(struct fake_faults){0});
	replay_once();
	assert_true(replay_totals_good(&totals));
	assert_int_equal(fake_adapter_counts(adapter)->largest_task, 2);
	assert_int_equal(fake_adapter_counts(adapter)->objects, 6);
	assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
	assert_int_equal(totals.bytes_loaded, (4 + 10) * LEN);
}

static void hits_after_a_gap_are_unlocked_and_not_loaded(void **state)
{
	(void)state;
	replay(&(struct fake_faults){0});
	fake_adapter_forget(adapter, 1); /* the second block of the first two requests */
	totals = (struct replay_totals){0};
	trace.request_count = 1;
	replay_once();
	assert_int_equal(totals.hits, 2);
	assert_int_equal(totals.leading_hits, 1);
	assert_int_equal(totals.objects_loaded, 1);
	assert_int_equal(totals.objects_stored, 1);
	assert_int_equal(totals.objects_existed, 1);
	assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
}

static void a_block_is_a_hit_when_all_ranks_have_it(void **state)
{
	(void)state;
	plan.ranks = 2;
	plan.request_memory = 16 * STEP;
	replay(&(struct fake_faults){0});
	assert_int_equal(totals.blocks, 10);
	assert_int_equal(totals.objects_stored, 12);
	fake_adapter_forget(adapter, 3); /* the second block, of rank 1 */
	totals = (struct replay_totals){0};
	trace.request_count = 1;
	replay_once();
	assert_int_equal(totals.hits, 2);
	assert_int_equal(totals.leading_hits, 1);
	assert_int_equal(totals.objects_loaded, 2);
	assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
}

static void a_wrong_byte_is_counted_and_told(void **state)
{
	(void)state;
	replay(&(struct fake_faults){.flip_load = 2});
	assert_false(replay_totals_good(&totals));
	assert_int_equal(totals.mismatches, 1);
	assert_non_null(strstr(totals.first_error, "test/1000/r0/000000000000000a"));
	assert_non_null(strstr(totals.first_error, "byte 500 of 1000"));
}

static void a_buffer_that_was_not_touched_is_noticed(void **state)
{
	(void)state;
	replay(&(struct fake_faults){.skip_load = 1});
	assert_false(replay_totals_good(&totals));
	assert_int_equal(totals.mismatches, 3);
}

static void a_load_that_misses_a_locked_key_is_a_failed_task(void **state)
{
	(void)state;
	replay(&(struct fake_faults){.miss_load = 1});
	assert_false(replay_totals_good(&totals));
	assert_int_equal(totals.load.failed, 1);
	assert_int_equal(totals.bytes_loaded, 3 * LEN);
	assert_int_equal(totals.requests, 3);
	assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
}

static void a_store_that_fails_is_a_failed_task(void **state)
{
	(void)state;
	replay(&(struct fake_faults){.fail_store = 2});
	assert_false(replay_totals_good(&totals));
	assert_int_equal(totals.store.failed, 1);
	assert_int_equal(totals.objects_stored, 4);
	assert_int_equal(totals.objects_existed, 0);
}

static void a_task_that_is_not_accepted_is_a_failed_task(void **state)
{
	unsigned nth;

	(void)state;
	for (nth = 1; nth <= 8; nth++) {
		memset(&totals, 0, sizeof(totals));
		replay(&(struct fake_faults){.refuse = nth});
		assert_int_equal(replay_totals_failed(&totals), 1);
		assert_int_equal(totals.requests, 3);
		assert_int_equal(fake_adapter_counts(adapter)->locks, 0);
		fake_adapter_destroy(adapter);
	}
	adapter = fake_adapter_create(&(struct fake_faults){0});
}

static void no_request_begins_after_too_many_failures(void **state)
{
	(void)state;
	plan.max_failures = 1;
	replay(&(struct fake_faults){.fail_store = 1});
	assert_int_equal(totals.requests, 1);
	assert_false(replay_totals_good(&totals));
}

static void a_task_without_a_result_does_not_hang_the_replay(void **state)
{
	(void)state;
	plan.task_ms = 1;
	replay(&(struct fake_faults){.lose_lookup = 2});
	assert_int_equal(totals.lost, 1);
	assert_false(replay_totals_good(&totals));
	assert_non_null(strstr(totals.first_error, "had no result after 1 ms"));
}

static void requests_without_blocks_are_done_at_once(void **state)
{
	(void)state;
	trace.requests[0].block_count = trace.requests[2].block_count = 0;
	replay(&(struct fake_faults){0});
	assert_true(replay_totals_good(&totals));
	assert_int_equal(totals.requests, 3);
	assert_int_equal(totals.objects_stored, BLOCKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(requests_load_their_leading_run_and_store_the_rest),
		TEST(every_lock_is_given_back_and_every_load_was_locked),
		TEST(one_lookup_and_at_most_one_load_and_store_a_request),
		TEST(a_request_larger_than_its_memory_goes_in_pieces),
		TEST(hits_after_a_gap_are_unlocked_and_not_loaded),
		TEST(a_block_is_a_hit_when_all_ranks_have_it),
		TEST(a_wrong_byte_is_counted_and_told),
		TEST(a_buffer_that_was_not_touched_is_noticed),
		TEST(a_load_that_misses_a_locked_key_is_a_failed_task),
		TEST(a_store_that_fails_is_a_failed_task),
		TEST(a_task_that_is_not_accepted_is_a_failed_task),
		TEST(no_request_begins_after_too_many_failures),
		TEST(a_task_without_a_result_does_not_hang_the_replay),
		TEST(requests_without_blocks_are_done_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
