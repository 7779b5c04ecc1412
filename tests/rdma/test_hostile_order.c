/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_order.c - what is right by itself, but not now, not here, not in this version
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostile.h"

enum { PORT = 7585, LAST_TYPE = WIRE_AUTH };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint16_t versions[] = {0, 1, WIRE_VERSION - 1, WIRE_VERSION + 1, 0xffff};
static const struct secret none = {.len = 0};

static struct attacker attacker;

static int start(void **state)
{
	(void)state;
	return hostile_begin(PORT, NULL);
}

static int teardown(void **state)
{
	(void)state;
	attacker_close(&attacker);
	hostile_audit();
	return 0;
}

/* Ask for something without entries, whatever the type wants. */
static int ask(struct raw *raw, uint8_t type, enum wire_status *why)
{
	struct wire_refusal refusal;
	struct wire_writer w;
	struct wire_reader r;
	int got;

	raw_begin(raw, &w, type, 0);
	got = raw_call(raw, &w, &r);
	if (got == WIRE_REFUSED) {
		assert_int_equal(wire_get_refusal(&r, &refusal), 0);
		*why = (enum wire_status)refusal.status;
	}
	return got;
}

static void expect_refusal(struct raw *raw, uint8_t type, enum wire_status status)
{
	enum wire_status why = WIRE_OK;

	assert_int_equal(ask(raw, type, &why), WIRE_REFUSED);
	assert_int_equal(why, status);
}

/* Nothing but the greeting is told from anything else before it is over. */
static void expect_silence(struct raw *raw, uint8_t but)
{
	for (unsigned type = 0; type <= UINT8_MAX; type++) {
		bool known = type >= WIRE_HELLO && type <= LAST_TYPE;

		if (type != WIRE_HELLO && type != but)
			expect_refusal(raw, (uint8_t)type, known ? WIRE_DENIED : WIRE_UNKNOWN_TYPE);
	}
}

static void nothing_is_answered_before_the_greeting_is_over(void **state)
{
	(void)state;
	attacker_open_lane(&attacker);
	expect_silence(&attacker.raw, WIRE_HELLO);
	assert_int_equal(raw_introduce(&attacker.raw, ""), 0);
	assert_int_equal(raw_say_hello(&attacker.raw), 0);
	expect_silence(&attacker.raw, WIRE_AUTH);
	expect_refusal(&attacker.raw, WIRE_HELLO, WIRE_BAD_REQUEST);
}

static void a_greeting_is_said_once(void **state)
{
	(void)state;
	attacker_open(&attacker);
	expect_refusal(&attacker.raw, WIRE_HELLO, WIRE_BAD_REQUEST);
	expect_refusal(&attacker.raw, WIRE_AUTH, WIRE_BAD_REQUEST);
	/* And the session is none the worse. */
	assert_int_equal(raw_handle(&attacker.raw, WIRE_COMMIT, attacker.reserved), WIRE_OK);
}

static void a_greeting_of_another_version_is_told_ours(void **state)
{
	(void)state;
	attacker_open_lane(&attacker);
	for (unsigned i = 0; i < COUNT(versions); i++) {
		assert_int_equal(raw_introduce(&attacker.raw, ""), 0);
		attacker.raw.hello.version = versions[i];
		assert_int_equal(raw_say_hello(&attacker.raw), 0);
		assert_int_equal(attacker.raw.challenge.status, WIRE_BAD_VERSION);
		assert_int_equal(attacker.raw.challenge.version, WIRE_VERSION);
	}
	expect_silence(&attacker.raw, WIRE_HELLO);
	assert_int_equal(raw_greet(&attacker.raw, "", &none), 0);
}

static void a_data_lane_answers_only_what_belongs_there(void **state)
{
	struct wire_connect want;
	struct raw data;

	(void)state;
	attacker_open(&attacker);
	want = raw_data(&attacker.raw);
	assert_int_equal(raw_open(&data, &hostile_server.addr, &want), 0);
	data.boot = attacker.raw.boot;
	for (uint8_t type = WIRE_HELLO; type <= LAST_TYPE; type++) {
		enum wire_status why = WIRE_OK;

		if (type == WIRE_COMMIT || type == WIRE_ABORT || type == WIRE_PING)
			assert_int_equal(ask(&data, type, &why), type | WIRE_REPLY);
		else
			expect_refusal(&data, type, WIRE_BAD_REQUEST);
	}
	raw_close(&data);
}

static void expect_denied(const struct wire_connect *want)
{
	struct raw raw;

	assert_int_not_equal(raw_open(&raw, &hostile_server.addr, want), 0);
	assert_int_equal(raw.rejected, WIRE_DENIED);
}

static void a_data_lane_joins_no_session_that_is_not_welcome(void **state)
{
	struct wire_connect want;

	(void)state;
	attacker_open_lane(&attacker);
	assert_int_equal(raw_introduce(&attacker.raw, ""), 0);
	assert_int_equal(raw_say_hello(&attacker.raw), 0);
	want = raw_data(&attacker.raw);
	want.session = attacker.raw.challenge.session;
	expect_denied(&want);
}

static void a_data_lane_joins_no_session_that_has_ended(void **state)
{
	struct wire_connect want;

	(void)state;
	attacker_open(&attacker);
	want = raw_data(&attacker.raw);
	attacker_close(&attacker);
	hostile_wait_sessions(1);
	expect_denied(&want);
	/* Nor one that another is in, whose token it has not. */
	want.session = hostile_honest.challenge.session;
	expect_denied(&want);
}

/* On RoCE zeroes follow what was said. */
static bool makes_sense(const uint8_t *said, size_t len)
{
	uint8_t padded[56] = {0};
	struct wire_connect got;

	memcpy(padded, said, len);
	return (!wire_decode_connect(said, len, &got) ||
		       !wire_decode_connect(padded, sizeof(padded), &got)) &&
	       got.kind == WIRE_LANE_CONTROL;
}

/* What a connect request says, spoiled; it may be let in only if it still makes sense. */
static void try_connect(const uint8_t *said, size_t len, unsigned *accepted, unsigned *rejected)
{
	struct wire_connect want = attacker_connect();

	if (raw_open_saying(&attacker.raw, &hostile_server.addr, &want, said, len)) {
		++*rejected;
		return;
	}
	++*accepted;
	assert_true(makes_sense(said, len));
	raw_close(&attacker.raw);
}

static void every_flipped_bit_of_a_connect_request_is_rejected_or_harmless(void **state)
{
	struct wire_connect want = attacker_connect();
	unsigned accepted = 0, rejected = 0;
	uint8_t said[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(said, &want);
	for (unsigned bit = 0; bit < sizeof(said) * 8; bit += bit < 24 * 8 ? 1 : 9) {
		said[bit / 8] ^= (uint8_t)(1 << bit % 8);
		try_connect(said, sizeof(said), &accepted, &rejected);
		said[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	print_message("connect requests: %u accepted, %u rejected\n", accepted, rejected);
	assert_true(accepted && rejected);
}

static void a_connect_request_cut_short_is_rejected_or_as_good(void **state)
{
	struct wire_connect want = attacker_connect();
	unsigned accepted = 0, rejected = 0;
	uint8_t said[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(said, &want);
	for (size_t len = 0; len < sizeof(said); len++)
		try_connect(said, len, &accepted, &rejected);
	assert_true(rejected);
}

static void a_connect_request_of_another_version_is_told_why(void **state)
{
	struct wire_connect want = attacker_connect();
	uint8_t said[WIRE_CONNECT_LEN];
	struct raw raw;

	(void)state;
	wire_encode_connect(said, &want);
	for (unsigned i = 0; i < COUNT(versions); i++) {
		said[10] = (uint8_t)versions[i];
		said[11] = (uint8_t)(versions[i] >> 8);
		assert_int_not_equal(
			raw_open_saying(&raw, &hostile_server.addr, &want, said, sizeof(said)), 0);
		assert_int_equal(raw.rejected, WIRE_BAD_VERSION);
	}
}

static void wishes_beyond_all_limits_are_cut_or_rejected(void **state)
{
	static const struct {
		uint32_t frame;
		uint16_t credits;
		int granted;
	} wishes[] = {
		{WIRE_FRAME_MIN, 1, 1},
		{WIRE_FRAME_MAX, 0xffff, 1},
		{0, 1, 0},
		{WIRE_FRAME_MIN - 1, 1, 0},
		{WIRE_FRAME_MAX + 1, 1, 0},
		{UINT32_MAX, 1, 0},
		{WIRE_FRAME_MIN, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(wishes); i++) {
		struct wire_connect want = attacker_connect();
		struct raw raw;
		int err;

		want.frame = wishes[i].frame;
		want.credits = wishes[i].credits;
		err = raw_open(&raw, &hostile_server.addr, &want);
		assert_int_equal(!err, wishes[i].granted);
		if (err) {
			assert_int_equal(raw.rejected, WIRE_BAD_REQUEST);
			continue;
		}
		assert_in_range(raw.credits, 1, RAW_CREDITS);
		assert_in_range(raw.frame, WIRE_FRAME_MIN, RAW_FRAME);
		raw_close(&raw);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_answered_before_the_greeting_is_over),
		TEST(a_greeting_is_said_once),
		TEST(a_greeting_of_another_version_is_told_ours),
		TEST(a_data_lane_answers_only_what_belongs_there),
		TEST(a_data_lane_joins_no_session_that_is_not_welcome),
		TEST(a_data_lane_joins_no_session_that_has_ended),
		TEST(every_flipped_bit_of_a_connect_request_is_rejected_or_harmless),
		TEST(a_connect_request_cut_short_is_rejected_or_as_good),
		TEST(a_connect_request_of_another_version_is_told_why),
		TEST(wishes_beyond_all_limits_are_cut_or_rejected),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile order", tests, start, hostile_end);
}
