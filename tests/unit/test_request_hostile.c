/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_hostile.c - requests of a peer that may be anybody */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "request_fixture.h"

static void hello_of_another_version_gets_no_token(void **state)
{
	struct fixture *f = *state;
	struct wire_welcome welcome = say_hello(f, f->a, WIRE_VERSION + 1);

	assert_int_equal(welcome.status, WIRE_BAD_VERSION);
	assert_int_equal(welcome.version, WIRE_VERSION);
	assert_false(f->a->welcome);
	begin(f, WIRE_PING, 0);
	expect_refusal(f, f->a, WIRE_DENIED);
}

static void nothing_is_answered_before_hello(void **state)
{
	struct fixture *f = *state;

	for (uint8_t type = WIRE_RESERVE; type <= WIRE_PING; type++) {
		begin(f, type, 0);
		expect_refusal(f, f->a, WIRE_DENIED);
	}
}

static void a_second_hello_is_refused(void **state)
{
	struct fixture *f = *state;

	put_hello(f, WIRE_VERSION);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
}

static void another_boot_id_is_refused(void **state)
{
	struct fixture *f = *state;

	f->boot = BOOT + 1;
	begin(f, WIRE_PING, 0);
	expect_refusal(f, f->a, WIRE_STALE);
}

static void unknown_types_are_refused(void **state)
{
	static const uint8_t types[] = {0, WIRE_SALTS + 1, WIRE_PING | WIRE_REPLY, WIRE_REFUSED};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(types); i++) {
		begin(f, types[i], 0);
		expect_refusal(f, f->a, WIRE_UNKNOWN_TYPE);
	}
}

static void unknown_flags_are_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_LOOKUP, WIRE_FLAG_KNOWN + 1);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
	begin(f, WIRE_PING, WIRE_FLAG_LOCK);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
}

static void data_lanes_take_only_what_belongs_there(void **state)
{
	struct fixture *f = *state;

	f->lane = WIRE_LANE_DATA;
	for (uint8_t type = WIRE_RESERVE; type < WIRE_PING; type++) {
		begin(f, type, 0);
		if (type == WIRE_COMMIT || type == WIRE_ABORT)
			assert_int_equal(ask(f, f->a), type | WIRE_REPLY);
		else
			expect_refusal(f, f->a, WIRE_BAD_REQUEST);
	}
	begin(f, WIRE_PING, 0);
	assert_int_equal(ask(f, f->a), WIRE_PING | WIRE_REPLY);
}

static void reservations_of_others_are_stale(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	assert_int_equal(reserve(f, f->a, "k", OBJECT, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->b, WIRE_COMMIT, extent.handle), WIRE_STALE);
	assert_int_equal(with_handle(f, f->b, WIRE_ABORT, extent.handle), WIRE_STALE);
	assert_int_equal(with_handle(f, f->a, WIRE_COMMIT, extent.handle), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_COMMIT, extent.handle), WIRE_STALE);
	assert_int_equal(with_handle(f, f->a, WIRE_ABORT, extent.handle), WIRE_STALE);
}

static void locks_of_others_cannot_be_undone(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->b, WIRE_UNLOCK, extent.handle), WIRE_STALE);
	assert_int_equal(delete_key(f, f->b, "k"), WIRE_LOCKED);
}

static void locks_have_a_limit(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	for (int i = 0; i < 3; i++)
		assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_LIMIT);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_OK);
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
}

static void reservations_have_a_limit_in_number(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++)
		assert_int_equal(reserve(f, f->a, "k", OBJECT, &extent), WIRE_OK);
	assert_int_equal(reserve(f, f->a, "k", OBJECT, &extent), WIRE_LIMIT);
	assert_int_equal(reserve(f, f->b, "k", OBJECT, &extent), WIRE_OK);
}

static void reservations_have_a_limit_in_bytes(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	assert_int_equal(reserve(f, f->a, "k", ARENA - 4096, &extent), WIRE_OK);
	assert_int_equal(reserve(f, f->a, "m", 4097, &extent), WIRE_LIMIT);
	assert_int_equal(reserve(f, f->a, "m", 4096, &extent), WIRE_OK);
	assert_int_equal(reserve(f, f->a, "n", 1, &extent), WIRE_LIMIT);
	assert_int_equal(with_handle(f, f->a, WIRE_ABORT, extent.handle), WIRE_OK);
	assert_int_equal(reserve(f, f->a, "n", 1, &extent), WIRE_OK);
}

static void absurd_lengths_are_answered_with_a_status(void **state)
{
	static const uint64_t lengths[] = {0, UINT64_MAX, UINT64_MAX - 4095, UINT64_C(1) << 63};
	struct wire_extent extent;
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_int_not_equal(reserve(f, f->a, "k", lengths[i], &extent), WIRE_OK);
	assert_int_equal(usage_of(f).used, 0);
}

static void more_entries_than_allowed_are_refused(void **state)
{
	struct fixture *f = *state;
	unsigned max = wire_batch_max(WIRE_LOOKUP, FRAME);

	begin(f, WIRE_LOOKUP, WIRE_FLAG_LOCK);
	for (unsigned i = 0; i <= max; i++)
		assert_int_equal(wire_put_key(&f->out, key("k")), 0);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
}

static void wrong_counts_are_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_PING, 0);
	wire_put_key(&f->out, key("k"));
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
	begin(f, WIRE_LIST, 0);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
	begin(f, WIRE_LIST, 0);
	wire_put_list(&f->out, 0, key(""));
	wire_put_list(&f->out, 0, key(""));
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
}

static void every_truncation_ends_the_session(void **state)
{
	struct fixture *f = *state;
	size_t len;

	begin(f, WIRE_RESERVE, 0);
	wire_put_reserve(&f->out, key("some key"), OBJECT, salt("some salt"));
	wire_put_reserve(&f->out, key("some other key"), OBJECT, salt("some salt"));
	len = wire_end(&f->out);
	for (size_t cut = 1; cut < len; cut++) {
		hand_over(f, f->a, cut);
		assert_int_equal(f->reply_len, -EPROTO);
		f->frame[0] = (uint8_t)cut; /* now with a length that agrees */
		hand_over(f, f->a, cut);
		assert_true(f->reply_len == -EPROTO);
		assert_true(f->a->problem[0]);
		f->frame[0] = (uint8_t)len;
	}
}

static void bytes_left_over_end_the_session(void **state)
{
	struct fixture *f = *state;
	size_t len;

	begin(f, WIRE_LOOKUP, 0);
	wire_put_key(&f->out, key("k"));
	wire_put_key(&f->out, key("m"));
	len = wire_end(&f->out);
	f->frame[6] = 1; /* entries */
	hand_over(f, f->a, len);
	assert_int_equal(f->reply_len, -EPROTO);
}

static void random_frames_break_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 1;

	store(f, f->a, "k");
	for (int i = 0; i < 20000; i++) {
		size_t len = WIRE_HEADER_LEN + (size_t)rand_r(&seed) % 64;

		for (size_t at = 0; at < len; at++)
			f->frame[at] = (uint8_t)(rand_r(&seed) % (at < WIRE_HEADER_LEN ? 12 : 256));
		f->frame[0] = (uint8_t)len;
		memset(f->frame + 1, 0, 3);
		f->frame[5] &= 3;
		f->frame[7] = 0;
		memset(f->frame + 8, 0, 16);
		f->frame[8] = 99;
		memcpy(f->frame + 16, &f->service.boot, 8);
		hand_over(f, f->a, len);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_welcome, teardown)
#define COLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COLD(hello_of_another_version_gets_no_token),
		COLD(nothing_is_answered_before_hello),
		TEST(a_second_hello_is_refused),
		TEST(another_boot_id_is_refused),
		TEST(unknown_types_are_refused),
		TEST(unknown_flags_are_refused),
		TEST(data_lanes_take_only_what_belongs_there),
		TEST(reservations_of_others_are_stale),
		TEST(locks_of_others_cannot_be_undone),
		TEST(locks_have_a_limit),
		TEST(reservations_have_a_limit_in_number),
		TEST(reservations_have_a_limit_in_bytes),
		TEST(absurd_lengths_are_answered_with_a_status),
		TEST(more_entries_than_allowed_are_refused),
		TEST(wrong_counts_are_refused),
		TEST(every_truncation_ends_the_session),
		TEST(bytes_left_over_end_the_session),
		TEST(random_frames_break_nothing),
	};

	return cmocka_run_group_tests_name("request hostile", tests, NULL, NULL);
}
