/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_limits.c - counts, lengths and numbers at and beyond their limits
 */
#include <errno.h>
#include <string.h>

#include "hostile.h"

enum { PORT = 7582 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint64_t numbers[] = {1, 4095, 4096, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63,
	UINT64_MAX - 4095, UINT64_MAX - 1, UINT64_MAX};

static struct attacker attacker;

static int start(void **state)
{
	(void)state;
	return hostile_begin(PORT, NULL);
}

static int setup(void **state)
{
	(void)state;
	attacker_open(&attacker);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	attacker_close(&attacker);
	hostile_audit();
	return 0;
}

static void expect_end(void)
{
	assert_int_equal(raw_await(&attacker.raw), 0);
	attacker_close(&attacker);
}

static void expect_refusal(struct wire_writer *w, enum wire_status status)
{
	struct wire_refusal refusal;
	struct wire_reader r;

	assert_int_equal(raw_call(&attacker.raw, w, &r), WIRE_REFUSED);
	assert_int_equal(wire_get_refusal(&r, &refusal), 0);
	assert_int_equal(refusal.status, status);
}

/* One more entry, of which a frame holds as many as its replies; -EMSGSIZE. */
static int put_entry(struct wire_writer *w, uint8_t type)
{
	struct wire_key key = {.data = (const uint8_t *)"k", .len = 1};

	if (type == WIRE_RESERVE)
		return wire_put_reserve(w, key, HOSTILE_OBJECT, (struct wire_salt){.len = 0});
	if (type == WIRE_LOOKUP || type == WIRE_DELETE)
		return wire_put_key(w, key);
	return wire_put_handle(w, (struct wire_handle){.slot = UINT32_MAX});
}

static unsigned put_entries(struct wire_writer *w, uint8_t type, unsigned count)
{
	unsigned i;

	raw_begin(&attacker.raw, w, type, 0);
	for (i = 0; i < count && !put_entry(w, type); i++)
		;
	return i;
}

static void a_batch_may_be_empty_full_and_no_more(void **state)
{
	struct wire_writer w;
	struct wire_reader r;

	(void)state;
	for (uint8_t type = WIRE_RESERVE; type <= WIRE_DELETE; type++) {
		unsigned max = wire_batch_max((enum wire_type)type, attacker.raw.frame);

		put_entries(&w, type, 0);
		assert_int_equal(raw_call(&attacker.raw, &w, &r), type | WIRE_REPLY);
		put_entries(&w, type, max);
		assert_int_equal(raw_call(&attacker.raw, &w, &r), type | WIRE_REPLY);
		/* Of some types a frame is full before its reply would be. */
		if (put_entries(&w, type, max + 1) > max)
			expect_refusal(&w, WIRE_BAD_REQUEST);
		else
			assert_int_equal(raw_call(&attacker.raw, &w, &r), type | WIRE_REPLY);
	}
}

static void a_count_that_is_a_lie_ends_the_session(void **state)
{
	static const uint16_t lies[] = {0, 1, 3, 0x7fff, 0x8000, 0xffff};
	struct wire_writer w;

	(void)state;
	for (unsigned i = 0; i < COUNT(lies); i++) {
		attacker_open(&attacker);
		put_entries(&w, WIRE_COMMIT, 2);
		w.count = lies[i];
		assert_int_equal(raw_send(&attacker.raw, &w), 0);
		expect_end();
	}
}

static void a_count_where_none_belongs_is_refused(void **state)
{
	static const uint8_t types[] = {WIRE_USAGE, WIRE_PING};
	struct wire_writer w;

	(void)state;
	for (unsigned i = 0; i < COUNT(types); i++) {
		put_entries(&w, types[i], 1);
		expect_refusal(&w, WIRE_BAD_REQUEST);
	}
	for (uint16_t count = 0; count <= 2; count += 2) {
		raw_begin(&attacker.raw, &w, WIRE_SALTS, 0);
		for (uint16_t j = 0; j < count; j++)
			wire_put_cursor(&w, 0);
		expect_refusal(&w, WIRE_BAD_REQUEST);
	}
}

static void a_length_that_lies_ends_the_session(void **state)
{
	static const uint32_t lies[] = {0, 1, 23, 25, 0xffff, 0x10000, 0x80000000, 0xffffffff};
	uint8_t frame[WIRE_HEADER_LEN] = {[4] = WIRE_PING};

	(void)state;
	for (unsigned i = 0; i < COUNT(lies); i++) {
		attacker_open(&attacker);
		for (unsigned at = 0; at < 4; at++)
			frame[at] = (uint8_t)(lies[i] >> (8 * at));
		assert_int_equal(raw_send_bytes(&attacker.raw, frame, sizeof(frame)), 0);
		expect_end();
	}
}

/* The server has posted receives of 4096 bytes there, whatever was wished for. */
static void a_frame_longer_than_the_lanes_ends_the_session(void **state)
{
	struct wire_connect want = raw_data(&attacker.raw);
	static uint8_t frame[WIRE_FRAME_MIN + 1];
	struct raw data;

	(void)state;
	want.frame = 2 * WIRE_FRAME_MIN;
	assert_int_equal(raw_open(&data, &hostile_server.addr, &want), 0);
	assert_int_equal(data.frame, WIRE_FRAME_MIN);
	frame[1] = sizeof(frame) >> 8;
	frame[0] = sizeof(frame) & 0xff;
	frame[4] = WIRE_PING;
	assert_int_equal(raw_send_bytes(&data, frame, sizeof(frame)), 0);
	assert_int_equal(raw_await(&data), 0);
	raw_close(&data);
	expect_end();
}

static void lengths_of_objects_are_answered_with_a_status(void **state)
{
	uint64_t longest = attacker.raw.welcome.max_object;
	struct wire_extent extent;
	struct raw *raw = &attacker.raw;
	int status;

	(void)state;
	assert_int_equal(raw_reserve(raw, "l", 0, &extent), WIRE_BAD_REQUEST);
	assert_int_equal(raw_reserve(raw, "l", longest + 1, &extent), WIRE_TOO_LARGE);
	for (unsigned i = 0; i < COUNT(numbers); i++) {
		status = raw_reserve(raw, "l", numbers[i], &extent);
		assert_int_equal(status, numbers[i] > longest ? WIRE_TOO_LARGE : WIRE_OK);
		if (status == WIRE_OK)
			assert_int_equal(raw_handle(raw, WIRE_ABORT, extent.handle), WIRE_OK);
	}
	status = raw_reserve(raw, "l", longest, &extent);
	assert_true(status == WIRE_LIMIT || status == WIRE_NO_SPACE || status == WIRE_OK);
}

static void numbers_of_handles_are_stale(void **state)
{
	static const uint8_t types[] = {WIRE_COMMIT, WIRE_ABORT, WIRE_UNLOCK};

	(void)state;
	for (unsigned i = 0; i < COUNT(types) * COUNT(numbers) * COUNT(numbers); i++) {
		uint8_t type = types[i % COUNT(types)];
		struct wire_handle handle = {
			.slot = (uint32_t)numbers[i / COUNT(types) % COUNT(numbers)],
			.generation = (uint32_t)numbers[i / COUNT(types) / COUNT(numbers)],
		};

		if (handle.slot == attacker.reserved.slot || handle.slot == attacker.locked.slot)
			continue;
		assert_int_equal(raw_handle(&attacker.raw, type, handle), WIRE_STALE);
	}
}

static void any_cursor_is_answered(void **state)
{
	struct wire_writer w;
	struct wire_reader r;

	(void)state;
	for (unsigned i = 0; i < COUNT(numbers); i++) {
		raw_begin(&attacker.raw, &w, WIRE_LIST, 0);
		assert_int_equal(wire_put_list(&w, numbers[i], (struct wire_key){.len = 0}), 0);
		assert_int_equal(raw_call(&attacker.raw, &w, &r), WIRE_LIST | WIRE_REPLY);
		raw_begin(&attacker.raw, &w, WIRE_SALTS, 0);
		assert_int_equal(wire_put_cursor(&w, numbers[i]), 0);
		assert_int_equal(raw_call(&attacker.raw, &w, &r), WIRE_SALTS | WIRE_REPLY);
	}
}

/* A LOOKUP of one key of which this is said. */
static void send_key(uint16_t shared, uint16_t rest, size_t bytes)
{
	struct wire_writer w;
	uint8_t *p;

	raw_begin(&attacker.raw, &w, WIRE_LOOKUP, 0);
	p = w.buf + w.len;
	p[0] = (uint8_t)shared;
	p[1] = (uint8_t)(shared >> 8);
	p[2] = (uint8_t)rest;
	p[3] = (uint8_t)(rest >> 8);
	memset(p + 4, 'k', bytes);
	w.len += 4 + bytes;
	w.count = 1;
	assert_int_equal(raw_send(&attacker.raw, &w), 0);
}

static void a_key_at_its_limits_is_answered_and_one_beyond_ends_the_session(void **state)
{
	static const struct {
		uint16_t shared, rest, bytes;
		int answered;
	} keys[] = {
		{0, 1, 1, 1},
		{0, WIRE_KEY_MAX, WIRE_KEY_MAX, 1},
		{0, 0, 0, 0},
		{0, WIRE_KEY_MAX + 1, WIRE_KEY_MAX + 1, 0},
		{1, 1, 1, 0},
		{0xffff, 1, 1, 0},
		{0, 0xffff, 1, 0},
		{0xffff, 0xffff, 1, 0},
		{1, 0xffff, 1, 0},
		{0, 2, 1, 0},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(keys); i++) {
		attacker_open(&attacker);
		send_key(keys[i].shared, keys[i].rest, keys[i].bytes);
		if (keys[i].answered)
			assert_int_equal(raw_await(&attacker.raw), 1);
		else
			expect_end();
	}
}

static void flags_and_boot_ids_that_are_not_ours_are_refused(void **state)
{
	struct raw *raw = &attacker.raw;
	struct wire_writer w;
	uint64_t boot = raw->boot;

	(void)state;
	for (unsigned bit = 2; bit < 8; bit++) {
		raw_begin(raw, &w, WIRE_LOOKUP, (uint8_t)(1 << bit));
		expect_refusal(&w, WIRE_BAD_REQUEST);
	}
	for (unsigned bit = 0; bit < 8; bit++) {
		raw_begin(raw, &w, WIRE_RESERVE, (uint8_t)(1 << bit));
		expect_refusal(&w, WIRE_BAD_REQUEST);
	}
	for (unsigned i = 0; i < COUNT(numbers); i++) {
		raw->boot = numbers[i];
		raw_begin(raw, &w, WIRE_PING, 0);
		expect_refusal(&w, WIRE_STALE);
	}
	raw->boot = boot;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_batch_may_be_empty_full_and_no_more),
		TEST(a_count_that_is_a_lie_ends_the_session),
		TEST(a_count_where_none_belongs_is_refused),
		TEST(a_length_that_lies_ends_the_session),
		TEST(a_frame_longer_than_the_lanes_ends_the_session),
		TEST(lengths_of_objects_are_answered_with_a_status),
		TEST(numbers_of_handles_are_stale),
		TEST(any_cursor_is_answered),
		TEST(a_key_at_its_limits_is_answered_and_one_beyond_ends_the_session),
		TEST(flags_and_boot_ids_that_are_not_ours_are_refused),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile limits", tests, start, hostile_end);
}
