/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire_connect.c - the private data of a lane, and the statuses
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire.h"
#include "wire_samples.h"

enum { ROCE_LEN = 56, VERSION_AT = 10 };

static void assert_same(const struct wire_connect *a, const struct wire_connect *b)
{
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->frame, b->frame);
	assert_int_equal(a->credits, b->credits);
	assert_int_equal(a->session, b->session);
	assert_memory_equal(a->token, b->token, WIRE_TOKEN_LEN);
}

static void private_data_comes_back(void **state)
{
	struct wire_connect sent = sample_connect(), got;
	uint8_t buf[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(buf, &sent);
	assert_int_equal(wire_decode_connect(buf, sizeof(buf), &got), 0);
	assert_same(&got, &sent);
}

static void private_data_padded_with_zeroes_comes_back(void **state)
{
	struct wire_connect sent = sample_connect(), got;
	uint8_t buf[ROCE_LEN] = {0};

	(void)state;
	wire_encode_connect(buf, &sent);
	assert_int_equal(wire_decode_connect(buf, sizeof(buf), &got), 0);
	assert_same(&got, &sent);
}

static void private_data_has_the_documented_bytes(void **state)
{
	static const uint8_t expected[WIRE_CONNECT_LEN] = {'R', 'e', 'm', 'o', 'r', 'a', 'L', '2',
		44, 0, 3, 0, WIRE_LANE_DATA, 0, 32, 0, 0x00, 0x40, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
		0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77,
		0x77, 0x77};
	struct wire_connect sent = sample_connect();
	uint8_t buf[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(buf, &sent);
	assert_memory_equal(buf, expected, sizeof(buf));
}

static void short_private_data_is_refused(void **state)
{
	struct wire_connect connect = sample_connect();
	uint8_t buf[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(buf, &connect);
	for (size_t len = 0; len < sizeof(buf); len++) {
		uint8_t *part = malloc(len ? len : 1);

		assert_non_null(part);
		memcpy(part, buf, len);
		assert_int_equal(wire_decode_connect(part, len, &connect), -EPROTO);
		free(part);
	}
	assert_int_equal(wire_decode_connect(NULL, 0, &connect), -EPROTO);
}

static void every_wrong_magic_or_length_is_refused(void **state)
{
	struct wire_connect connect = sample_connect();
	uint8_t buf[ROCE_LEN] = {0};

	(void)state;
	wire_encode_connect(buf, &connect);
	for (unsigned bit = 0; bit < VERSION_AT * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(wire_decode_connect(buf, sizeof(buf), &connect), -EPROTO);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void another_version_is_told_and_refused(void **state)
{
	struct wire_connect connect = sample_connect(), got;
	uint8_t buf[ROCE_LEN] = {0};

	(void)state;
	connect.version = 7;
	connect.status = WIRE_BAD_VERSION;
	wire_encode_connect(buf, &connect);
	buf[8] = 50; /* as long as a newer version may be */
	assert_int_equal(wire_decode_connect(buf, sizeof(buf), &got), -EPROTONOSUPPORT);
	assert_int_equal(got.version, 7);
	assert_int_equal(got.kind, WIRE_LANE_DATA);
	assert_int_equal(got.status, WIRE_BAD_VERSION);
	assert_int_equal(got.session, 0);
}

static int decode_changed(uint32_t frame, uint16_t credits, uint8_t kind, uint8_t status)
{
	struct wire_connect connect = sample_connect();
	uint8_t buf[WIRE_CONNECT_LEN];

	connect.frame = frame;
	connect.credits = credits;
	connect.kind = kind;
	connect.status = status;
	wire_encode_connect(buf, &connect);
	return wire_decode_connect(buf, sizeof(buf), &connect);
}

static void frames_credits_and_kinds_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_changed(WIRE_FRAME_MIN, 1, WIRE_LANE_CONTROL, 0), 0);
	assert_int_equal(decode_changed(WIRE_FRAME_MAX, UINT16_MAX, WIRE_LANE_DATA, 0), 0);
	assert_int_equal(decode_changed(WIRE_FRAME_MIN - 1, 1, WIRE_LANE_DATA, 0), -EPROTO);
	assert_int_equal(decode_changed(WIRE_FRAME_MAX + 1, 1, WIRE_LANE_DATA, 0), -EPROTO);
	assert_int_equal(decode_changed(WIRE_FRAME_MIN, 0, WIRE_LANE_DATA, 0), -EPROTO);
	assert_int_equal(decode_changed(WIRE_FRAME_MIN, 1, 0, 0), -EPROTO);
	assert_int_equal(decode_changed(WIRE_FRAME_MIN, 1, WIRE_LANE_DATA + 1, 0), -EPROTO);
}

static void a_reject_needs_nothing_but_its_status(void **state)
{
	(void)state;
	assert_int_equal(decode_changed(0, 0, 0, WIRE_DENIED), 0);
	assert_int_equal(decode_changed(0, 0, 0, 200), 0);
	assert_int_equal(decode_changed(0, 0, 0, WIRE_OK), -EPROTO);
}

static void every_flipped_bit_of_private_data_is_harmless(void **state)
{
	struct wire_connect connect = sample_connect(), got;
	uint8_t buf[WIRE_CONNECT_LEN];

	(void)state;
	wire_encode_connect(buf, &connect);
	for (unsigned bit = 0; bit < WIRE_CONNECT_LEN * 8; bit++) {
		int err;

		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = wire_decode_connect(buf, sizeof(buf), &got);
		assert_true(err == 0 || err == -EPROTO || err == -EPROTONOSUPPORT);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void statuses_map_to_errors_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(wire_status_to_errno(WIRE_OK), 0);
	for (unsigned a = 1; a <= WIRE_LIMIT; a++) {
		assert_true(wire_status_to_errno((enum wire_status)a) < 0);
		for (unsigned b = 0; b < a; b++)
			assert_int_not_equal(wire_status_to_errno((enum wire_status)a),
				wire_status_to_errno((enum wire_status)b));
	}
	assert_int_equal(wire_status_to_errno((enum wire_status)(WIRE_LIMIT + 1)), -EPROTO);
}

static void every_status_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (unsigned a = 0; a <= WIRE_LIMIT; a++)
		for (unsigned b = a + 1; b <= WIRE_LIMIT + 1; b++)
			assert_string_not_equal(wire_status_text((enum wire_status)a),
				wire_status_text((enum wire_status)b));
	assert_string_equal(wire_status_text((enum wire_status)200), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_data_comes_back),
		cmocka_unit_test(private_data_padded_with_zeroes_comes_back),
		cmocka_unit_test(private_data_has_the_documented_bytes),
		cmocka_unit_test(short_private_data_is_refused),
		cmocka_unit_test(every_wrong_magic_or_length_is_refused),
		cmocka_unit_test(another_version_is_told_and_refused),
		cmocka_unit_test(frames_credits_and_kinds_out_of_range_are_refused),
		cmocka_unit_test(a_reject_needs_nothing_but_its_status),
		cmocka_unit_test(every_flipped_bit_of_private_data_is_harmless),
		cmocka_unit_test(statuses_map_to_errors_of_their_own),
		cmocka_unit_test(every_status_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests_name("wire, connect", tests, NULL, NULL);
}
