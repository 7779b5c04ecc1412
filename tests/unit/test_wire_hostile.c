/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire_hostile.c - bytes that no honest peer sends
 *
 * Every frame lies in memory of exactly its length, so that a checker of
 * memory sees a read behind it.
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

struct frame {
	uint8_t *buf;
	size_t len;
};

static struct frame frame_open(unsigned which)
{
	uint8_t whole[SAMPLE_LEN_MAX];
	struct frame frame = {.len = sample_build(which, whole)};

	frame.buf = malloc(frame.len);
	assert_non_null(frame.buf);
	memcpy(frame.buf, whole, frame.len);
	return frame;
}

/* The first len bytes of a frame, in memory of their own, decoded. */
static int decode_part(const struct frame *frame, size_t len, int with_length)
{
	uint8_t *part = malloc(len ? len : 1);
	int err;

	assert_non_null(part);
	memcpy(part, frame->buf, len);
	if (with_length) {
		part[0] = (uint8_t)len;
		part[1] = (uint8_t)(len >> 8);
	}
	err = sample_decode(part, len);
	free(part);
	return err;
}

static void every_sample_is_valid(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		assert_int_equal(sample_decode(frame.buf, frame.len), 0);
		free(frame.buf);
	}
}

static void a_frame_cut_short_anywhere_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		for (size_t len = 0; len < frame.len; len++)
			assert_int_equal(decode_part(&frame, len, 0), -EPROTO);
		free(frame.buf);
	}
}

static void a_frame_cut_short_with_a_matching_length_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		for (size_t len = WIRE_HEADER_LEN; len < frame.len; len++)
			assert_int_equal(decode_part(&frame, len, 1), -EPROTO);
		free(frame.buf);
	}
}

static void bytes_behind_the_last_entry_are_refused(void **state)
{
	uint8_t buf[SAMPLE_LEN_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		size_t len = sample_build(i, buf);

		buf[len++] = 0;
		buf[0] = (uint8_t)len;
		buf[1] = (uint8_t)(len >> 8);
		assert_int_equal(sample_decode(buf, len), -EPROTO);
	}
}

static void every_wrong_count_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);
		unsigned right = frame.buf[6];

		for (unsigned count = 0; count <= UINT16_MAX; count++) {
			frame.buf[6] = (uint8_t)count;
			frame.buf[7] = (uint8_t)(count >> 8);
			assert_int_equal(
				sample_decode(frame.buf, frame.len), count == right ? 0 : -EPROTO);
		}
		free(frame.buf);
	}
}

static void every_wrong_length_is_refused(void **state)
{
	struct frame frame = frame_open(0);

	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		frame.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(sample_decode(frame.buf, frame.len), -EPROTO);
		frame.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(frame.buf);
}

static void assert_harmless(const struct frame *frame)
{
	int err = sample_decode(frame->buf, frame->len);

	/* A flipped type may name one that does not exist. */
	assert_true(err == 0 || err == -EPROTO || err == -EOPNOTSUPP);
}

static void every_flipped_bit_is_harmless(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		for (size_t bit = 0; bit < frame.len * 8; bit++) {
			frame.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_harmless(&frame);
			frame.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(frame.buf);
	}
}

static void every_body_is_harmless_under_every_type(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		for (unsigned type = 0; type <= UINT8_MAX; type++) {
			frame.buf[4] = (uint8_t)type;
			assert_harmless(&frame);
		}
		free(frame.buf);
	}
}

static void every_byte_of_all_ones_or_zeroes_is_harmless(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sample_count(); i++) {
		struct frame frame = frame_open(i);

		for (size_t at = 0; at < frame.len; at++) {
			uint8_t was = frame.buf[at];

			frame.buf[at] = 0xff;
			assert_harmless(&frame);
			frame.buf[at] = 0;
			assert_harmless(&frame);
			frame.buf[at] = was;
		}
		free(frame.buf);
	}
}

/* A LOOKUP of one key whose head says this. */
static int decode_key_head(unsigned shared, unsigned rest, size_t bytes)
{
	static uint8_t buf[WIRE_FRAME_MAX];
	struct wire_header header = {.type = WIRE_LOOKUP};
	size_t len = WIRE_HEADER_LEN + 4 + bytes;
	struct wire_writer w;
	uint8_t *p = buf + WIRE_HEADER_LEN;

	wire_begin(&w, buf, sizeof(buf), &header);
	w.len = len;
	w.count = 1;
	wire_end(&w);
	p[0] = (uint8_t)shared;
	p[1] = (uint8_t)(shared >> 8);
	p[2] = (uint8_t)rest;
	p[3] = (uint8_t)(rest >> 8);
	return sample_decode(buf, len);
}

static void a_first_key_that_shares_a_prefix_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_key_head(0, 4, 4), 0);
	assert_int_equal(decode_key_head(1, 4, 4), -EPROTO);
	assert_int_equal(decode_key_head(4, 0, 0), -EPROTO);
	assert_int_equal(decode_key_head(UINT16_MAX, 4, 4), -EPROTO);
	assert_int_equal(decode_key_head(UINT16_MAX, UINT16_MAX, 4), -EPROTO);
}

static void a_key_of_no_bytes_or_of_too_many_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_key_head(0, 0, 0), -EPROTO);
	assert_int_equal(decode_key_head(0, WIRE_KEY_MAX, WIRE_KEY_MAX), 0);
	assert_int_equal(decode_key_head(0, WIRE_KEY_MAX + 1, WIRE_KEY_MAX + 1), -EPROTO);
	assert_int_equal(decode_key_head(0, UINT16_MAX, 100), -EPROTO);
	assert_int_equal(decode_key_head(0, 60000, 60000), -EPROTO);
}

static void a_key_may_share_no_more_than_the_one_before_had(void **state)
{
	uint8_t buf[WIRE_FRAME_MIN];
	struct wire_header header = {.type = WIRE_LOOKUP};
	struct wire_key key = {.data = (const uint8_t *)"abcdef", .len = 6};
	struct wire_writer w;
	size_t len;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_key(&w, key), 0);
	key.len = 2;
	assert_int_equal(wire_put_key(&w, key), 0);
	assert_int_equal(wire_put_key(&w, key), 0);
	len = wire_end(&w);
	assert_int_equal(sample_decode(buf, len), 0);
	/* The third key shares the second's two bytes; four more lie there from the first. */
	buf[len - 4] = 3;
	assert_int_equal(sample_decode(buf, len), -EPROTO);
}

static void statuses_that_we_do_not_know_are_refused(void **state)
{
	uint8_t buf[SAMPLE_LEN_MAX];
	struct wire_header header = {.type = WIRE_REPLY | WIRE_COMMIT};
	struct wire_writer w;
	size_t len;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_status(&w, WIRE_OK), 0);
	assert_int_equal(wire_put_status(&w, (enum wire_status)(WIRE_LIMIT + 1)), -EINVAL);
	len = wire_end(&w);
	for (unsigned status = 0; status <= UINT8_MAX; status++) {
		int expected = status <= WIRE_LIMIT ? 0 : -EPROTO;

		buf[WIRE_HEADER_LEN] = (uint8_t)status;
		assert_int_equal(sample_decode(buf, len), expected);
	}
}

static void an_extent_that_is_empty_or_wraps_is_refused(void **state)
{
	uint8_t buf[SAMPLE_LEN_MAX];
	struct wire_header header = {.type = WIRE_REPLY | WIRE_LOOKUP};
	struct wire_extent extent = {.addr = UINT64_MAX - 4096, .len = 4096};
	struct wire_writer w;
	size_t len;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_extent(&w, &extent), 0);
	len = wire_end(&w);
	assert_int_equal(sample_decode(buf, len), 0);
	buf[WIRE_HEADER_LEN + 9]++;
	assert_int_equal(sample_decode(buf, len), -EPROTO);
	memset(buf + WIRE_HEADER_LEN + 9, 0, 8);
	assert_int_equal(sample_decode(buf, len), -EPROTO);
	extent.len = 0;
	assert_int_equal(wire_put_extent(&w, &extent), -EINVAL);
}

/* The length is right, the frame longer than any may be. */
static void a_frame_longer_than_the_longest_is_refused(void **state)
{
	static uint8_t buf[WIRE_FRAME_MAX + 1] = {0, 0, 1, 0, WIRE_PING};
	struct wire_header header;
	struct wire_reader r;

	(void)state;
	assert_int_equal(wire_open(&r, buf, WIRE_FRAME_MAX, &header), 0);
	buf[0]++;
	assert_int_equal(wire_open(&r, buf, WIRE_FRAME_MAX + 1, &header), -EPROTO);
}

static void a_count_of_more_entries_than_bytes_is_refused_at_once(void **state)
{
	uint8_t buf[WIRE_HEADER_LEN + 2] = {WIRE_HEADER_LEN + 2, 0, 0, 0, 99, 0, 2};
	struct wire_header header;
	struct wire_reader r;

	(void)state;
	assert_int_equal(wire_open(&r, buf, sizeof(buf), &header), 0);
	buf[6]++;
	assert_int_equal(wire_open(&r, buf, sizeof(buf), &header), -EPROTO);
}

static void a_tenant_longer_than_its_field_is_refused(void **state)
{
	uint8_t buf[WIRE_FRAME_MIN] = {0};
	struct wire_header header = {.type = WIRE_HELLO};
	struct wire_hello hello = {.version = WIRE_VERSION, .tenant_len = WIRE_TENANT_MAX};
	struct wire_writer w;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_hello(&w, &hello), 0);
	assert_int_equal(sample_decode(buf, wire_end(&w)), 0);
	buf[WIRE_HEADER_LEN + 2 + WIRE_ID_LEN + WIRE_NONCE_LEN] = WIRE_TENANT_MAX + 1;
	w.len++;
	assert_int_equal(sample_decode(buf, wire_end(&w)), -EPROTO);
}

static void a_refusal_with_too_long_a_text_or_without_a_reason_is_refused(void **state)
{
	uint8_t buf[WIRE_FRAME_MIN] = {0};
	struct wire_header header = {.type = WIRE_REFUSED};
	struct wire_writer w;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_refusal(&w, WIRE_DENIED, NULL), 0);
	buf[WIRE_HEADER_LEN + 1] = WIRE_TEXT_MAX;
	w.len += WIRE_TEXT_MAX;
	assert_int_equal(sample_decode(buf, wire_end(&w)), 0);
	buf[WIRE_HEADER_LEN] = WIRE_OK;
	assert_int_equal(sample_decode(buf, wire_end(&w)), -EPROTO);
	buf[WIRE_HEADER_LEN] = WIRE_DENIED;
	buf[WIRE_HEADER_LEN + 1]++;
	w.len++;
	assert_int_equal(sample_decode(buf, wire_end(&w)), -EPROTO);
}

/* A RESERVE of one key of one byte behind a salt that begins so. */
static int decode_salt(const char *salt, size_t len)
{
	static const uint8_t rest[] = {0, 0, 1, 0, 'k', 1, 0, 0, 0, 0, 0, 0, 0};
	uint8_t buf[WIRE_FRAME_MIN];
	struct wire_header header = {.type = WIRE_RESERVE};
	struct wire_writer w;

	wire_begin(&w, buf, sizeof(buf), &header);
	memcpy(buf + w.len, salt, len);
	memcpy(buf + w.len + len, rest, sizeof(rest));
	w.len += len + sizeof(rest);
	w.count = 1;
	return sample_decode(buf, wire_end(&w));
}

static void a_salt_that_is_too_long_or_no_text_is_refused(void **state)
{
	char text[256];

	(void)state;
	memset(text, 's', sizeof(text));
	assert_int_equal(decode_salt("\0", 1), 0);
	assert_int_equal(decode_salt("\xff", 1), 0);
	assert_int_equal(decode_salt("\3abc", 4), 0);
	assert_int_equal(decode_salt("\3a\0c", 4), -EPROTO);
	for (unsigned len = 1; len < 0xff; len++) {
		text[0] = (char)len;
		assert_int_equal(decode_salt(text, 1 + len), len <= WIRE_SALT_MAX ? 0 : -EPROTO);
	}
}

static void a_get_that_fails_changes_nothing(void **state)
{
	uint8_t buf[SAMPLE_LEN_MAX];
	struct wire_header header = {.type = WIRE_LOOKUP};
	struct wire_key key = {.data = (const uint8_t *)"abc", .len = 3}, got = {0};
	struct wire_salt salt = {0};
	struct wire_reader r;
	struct wire_writer w;
	uint64_t number = 99;

	(void)state;
	wire_begin(&w, buf, sizeof(buf), &header);
	assert_int_equal(wire_put_key(&w, key), 0);
	assert_int_equal(wire_open(&r, buf, wire_end(&w), &header), 0);
	assert_int_equal(wire_get_reserve(&r, &got, &number, &salt), -EPROTO);
	assert_null(got.data);
	assert_null(salt.data);
	assert_int_equal(number, 99);
	assert_int_equal(wire_get_key(&r, &got), 0);
	assert_memory_equal(got.data, "abc", 3);
	assert_int_equal(wire_close(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_valid),
		cmocka_unit_test(a_frame_cut_short_anywhere_is_refused),
		cmocka_unit_test(a_frame_cut_short_with_a_matching_length_is_refused),
		cmocka_unit_test(bytes_behind_the_last_entry_are_refused),
		cmocka_unit_test(every_wrong_count_is_refused),
		cmocka_unit_test(every_wrong_length_is_refused),
		cmocka_unit_test(every_flipped_bit_is_harmless),
		cmocka_unit_test(every_body_is_harmless_under_every_type),
		cmocka_unit_test(every_byte_of_all_ones_or_zeroes_is_harmless),
		cmocka_unit_test(a_first_key_that_shares_a_prefix_is_refused),
		cmocka_unit_test(a_key_of_no_bytes_or_of_too_many_is_refused),
		cmocka_unit_test(a_key_may_share_no_more_than_the_one_before_had),
		cmocka_unit_test(statuses_that_we_do_not_know_are_refused),
		cmocka_unit_test(an_extent_that_is_empty_or_wraps_is_refused),
		cmocka_unit_test(a_frame_longer_than_the_longest_is_refused),
		cmocka_unit_test(a_count_of_more_entries_than_bytes_is_refused_at_once),
		cmocka_unit_test(a_tenant_longer_than_its_field_is_refused),
		cmocka_unit_test(a_refusal_with_too_long_a_text_or_without_a_reason_is_refused),
		cmocka_unit_test(a_salt_that_is_too_long_or_no_text_is_refused),
		cmocka_unit_test(a_get_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests_name("wire, hostile", tests, NULL, NULL);
}
