/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire_batch.c - keys that share prefixes, and frames that are full
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire.h"
#include "wire_link.h"

static void the_shortest_and_the_longest_key_come_back(void **state)
{
	uint8_t longest[WIRE_KEY_MAX];
	struct wire_writer *w = link_begin(*state, WIRE_LOOKUP);
	struct wire_reader *r;
	struct wire_key key;

	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (uint8_t)(i * 7);
	assert_int_equal(wire_put_key(w, key_of(longest, 1)), 0);
	assert_int_equal(wire_put_key(w, key_of(longest, WIRE_KEY_MAX)), 0);
	assert_int_equal(wire_put_key(w, key_of(longest, 1)), 0);
	assert_int_equal(wire_put_key(w, key_of(longest + 1, WIRE_KEY_MAX - 1)), 0);
	r = link_deliver(*state, 4);
	assert_int_equal(wire_get_key(r, &key), 0);
	assert_key(key, longest, 1);
	assert_int_equal(wire_get_key(r, &key), 0);
	assert_key(key, longest, WIRE_KEY_MAX);
	assert_int_equal(wire_get_key(r, &key), 0);
	assert_key(key, longest, 1);
	assert_int_equal(wire_get_key(r, &key), 0);
	assert_key(key, longest + 1, WIRE_KEY_MAX - 1);
	assert_int_equal(wire_close(r), 0);
}

static void keys_that_the_protocol_does_not_carry_are_refused(void **state)
{
	uint8_t bytes[WIRE_KEY_MAX + 1] = {0};
	struct wire_writer *w = link_begin(*state, WIRE_LOOKUP);

	assert_int_equal(wire_put_key(w, key_of(bytes, 0)), -EINVAL);
	assert_int_equal(wire_put_key(w, key_of(NULL, 4)), -EINVAL);
	assert_int_equal(wire_put_key(w, key_of(bytes, WIRE_KEY_MAX + 1)), -EINVAL);
	assert_int_equal(wire_put_reserve(w, key_of(bytes, 0), 1, salt_of("")), -EINVAL);
	assert_int_equal(wire_put_listed(w, key_of(bytes, 0), 1, 0), -EINVAL);
	assert_int_equal(wire_put_list(w, 0, key_of(bytes, WIRE_KEY_MAX + 1)), -EINVAL);
	link_deliver(*state, 0);
}

static void a_shared_prefix_of_any_length_is_sent_once(void **state)
{
	uint8_t a[64], b[64];

	memset(a, 'a', sizeof(a));
	for (size_t shared = 0; shared <= sizeof(a); shared++) {
		struct wire_writer *w = link_begin(*state, WIRE_LOOKUP);
		struct wire_reader *r;
		struct wire_key key;

		memset(b, 'b', sizeof(b));
		memcpy(b, a, shared);
		assert_int_equal(wire_put_key(w, key_of(a, sizeof(a))), 0);
		assert_int_equal(wire_put_key(w, key_of(b, sizeof(b))), 0);
		r = link_deliver(*state, 2);
		assert_int_equal(r->len, WIRE_HEADER_LEN + 4 + 64 + 4 + 64 - shared);
		assert_int_equal(wire_get_key(r, &key), 0);
		assert_int_equal(wire_get_key(r, &key), 0);
		assert_key(key, b, sizeof(b));
	}
}

static int put_long_key(struct wire_writer *w)
{
	uint8_t key[300];

	memset(key, 'k', sizeof(key));
	key[0] = (uint8_t)w->count;
	return wire_put_reserve(
		w, key_of(key, sizeof(key)), 1, salt_of(key[0] & 2 ? "a team" : "b"));
}

static int put_full_hello(struct wire_writer *w)
{
	struct wire_hello hello = {.version = WIRE_VERSION, .tenant_len = WIRE_TENANT_MAX};

	return wire_put_hello(w, &hello);
}

static int put_one_welcome(struct wire_writer *w)
{
	struct wire_welcome welcome = {.version = WIRE_VERSION};

	return wire_put_welcome(w, &welcome);
}

static int put_one_extent(struct wire_writer *w)
{
	struct wire_extent extent = {.addr = 4096, .len = 4096};

	return wire_put_extent(w, &extent);
}

static int put_one_usage(struct wire_writer *w)
{
	struct wire_usage usage = {.capacity = 1};

	return wire_put_usage(w, &usage);
}

static int put_one_refusal(struct wire_writer *w)
{
	return wire_put_refusal(w, WIRE_DENIED, "not you");
}

static int put_one_handle(struct wire_writer *w)
{
	return wire_put_handle(w, (struct wire_handle){1, 2});
}

static int put_one_salt(struct wire_writer *w)
{
	return wire_put_salt(w, salt_of("somebody"), 1);
}

static int put_one_status(struct wire_writer *w)
{
	return wire_put_status(w, WIRE_OK);
}

static void a_put_that_does_not_fit_leaves_the_frame_as_it_was(void **state)
{
	static int (*const puts[])(struct wire_writer *) = {put_long_key, put_full_hello,
		put_one_welcome, put_one_extent, put_one_usage, put_one_refusal, put_one_handle,
		put_one_status, put_one_salt};
	struct link *link = *state;
	struct link *before = malloc(sizeof(*before));

	assert_non_null(before);
	for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
		struct wire_writer *w = link_begin(link, WIRE_RESERVE);
		int err;

		do {
			memcpy(before, link, sizeof(*before));
			err = puts[i](w);
		} while (!err);
		assert_int_equal(err, -EMSGSIZE);
		assert_true(w->len > LINK_FRAME - 400 && w->len <= LINK_FRAME);
		assert_memory_equal(before, link, sizeof(*before));
	}
	free(before);
}

static void a_frame_goes_on_after_a_put_that_did_not_fit(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_RESERVE);
	struct wire_reader *r;
	struct wire_salt salt;
	struct wire_key key;
	uint64_t len;
	unsigned count;

	while (!put_long_key(w))
		continue;
	count = w->count;
	assert_int_equal(wire_put_reserve(w, key_of("\x01k!", 3), 5, w->salt), 0);
	r = link_deliver(*state, count + 1);
	for (unsigned i = 0; i <= count; i++)
		assert_int_equal(wire_get_reserve(r, &key, &len, &salt), 0);
	assert_key(key, "\x01k!", 3);
	assert_int_equal(wire_close(r), 0);
}

static void the_salt_of_the_entry_before_is_sent_once(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_RESERVE);
	struct wire_reader *r;
	struct wire_salt salt;
	struct wire_key key;
	uint64_t len;

	for (int i = 0; i < 10; i++)
		assert_int_equal(wire_put_reserve(w, key_of("key", 3), 1, salt_of("team")), 0);
	assert_int_equal(w->len, WIRE_HEADER_LEN + 10 * (1 + 4 + 8) + 3 + 4);
	assert_int_equal(wire_put_reserve(w, key_of("key", 3), 1, salt_of("tea")), 0);
	r = link_deliver(*state, 11);
	for (int i = 0; i < 11; i++) {
		assert_int_equal(wire_get_reserve(r, &key, &len, &salt), 0);
		assert_salt(salt, i < 10 ? "team" : "tea");
	}
	assert_int_equal(wire_close(r), 0);
}

static void salts_that_the_protocol_does_not_carry_are_refused(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_RESERVE);
	uint8_t text[WIRE_SALT_MAX + 1];
	struct wire_salt salt = {text, WIRE_SALT_MAX + 1};

	memset(text, 's', sizeof(text));
	assert_int_equal(wire_put_reserve(w, key_of("k", 1), 1, salt), -EINVAL);
	assert_int_equal(wire_put_salt(w, salt, 1), -EINVAL);
	salt = (struct wire_salt){(const uint8_t *)"a\0b", 3};
	assert_int_equal(wire_put_reserve(w, key_of("k", 1), 1, salt), -EINVAL);
	assert_int_equal(wire_put_salt(w, salt, 1), -EINVAL);
	salt.data = NULL;
	assert_int_equal(wire_put_reserve(w, key_of("k", 1), 1, salt), -EINVAL);
	assert_int_equal(w->len, WIRE_HEADER_LEN);
}

enum { KEYS = 4096, KEY_LEN = 100 };

/* Keys as a cache of one model has them: a common part, then a hash. */
static void prompt_key(unsigned i, char text[KEY_LEN + 1])
{
	uint64_t hash = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	snprintf(text, KEY_LEN + 1, "%068d%016llx%016llx", 70, (unsigned long long)hash,
		(unsigned long long)(hash * hash));
}

/* Puts keys from number `first` on; returns the first that did not fit. */
static unsigned put_prompt(struct wire_writer *w, unsigned first)
{
	char text[KEY_LEN + 1];

	for (; first < KEYS; first++) {
		int err;

		prompt_key(first, text);
		err = wire_put_key(w, key_of(text, KEY_LEN));
		if (err) {
			assert_int_equal(err, -EMSGSIZE);
			break;
		}
	}
	return first;
}

static void a_long_prompt_is_cut_into_frames_and_comes_back(void **state)
{
	unsigned sent = 0, got = 0, frames = 0;
	char text[KEY_LEN + 1];

	for (; sent < KEYS; frames++) {
		struct wire_reader *r;
		struct wire_key key;

		sent = put_prompt(link_begin(*state, WIRE_LOOKUP), sent);
		for (r = link_deliver(*state, sent - got); got < sent; got++) {
			prompt_key(got, text);
			assert_int_equal(wire_get_key(r, &key), 0);
			assert_key(key, text, KEY_LEN);
		}
		assert_int_equal(wire_close(r), 0);
	}
	/* 36 bytes a key; without front coding it would be 26 frames. */
	assert_int_equal(frames, 10);
}

static void assert_reply_is_full(
	struct link *link, enum wire_type type, int (*put)(struct wire_writer *))
{
	unsigned max = wire_batch_max(type, link->cap);
	struct wire_writer *w = link_begin(link, type);

	assert_true(max > 0);
	for (unsigned i = 0; i < max; i++)
		assert_int_equal(put(w), 0);
	assert_int_equal(put(w), -EMSGSIZE);
}

static void the_largest_batch_has_a_reply_that_just_fits(void **state)
{
	struct link *link = *state;

	for (link->cap = WIRE_FRAME_MIN; link->cap < WIRE_FRAME_MIN + 64; link->cap++) {
		assert_reply_is_full(link, WIRE_RESERVE, put_one_extent);
		assert_reply_is_full(link, WIRE_LOOKUP, put_one_extent);
		assert_reply_is_full(link, WIRE_COMMIT, put_one_status);
		assert_reply_is_full(link, WIRE_ABORT, put_one_status);
		assert_reply_is_full(link, WIRE_UNLOCK, put_one_status);
		assert_reply_is_full(link, WIRE_DELETE, put_one_status);
	}
}

static void types_without_a_batch_have_one_entry_or_none(void **state)
{
	(void)state;
	assert_int_equal(wire_batch_max(WIRE_HELLO, LINK_FRAME), 1);
	assert_int_equal(wire_batch_max(WIRE_AUTH, LINK_FRAME), 1);
	assert_int_equal(wire_batch_max(WIRE_LIST, WIRE_FRAME_MIN), 1);
	assert_int_equal(wire_batch_max(WIRE_SALTS, WIRE_FRAME_MIN), 1);
	assert_int_equal(wire_batch_max(WIRE_USAGE, LINK_FRAME), 0);
	assert_int_equal(wire_batch_max(WIRE_PING, LINK_FRAME), 0);
	assert_int_equal(wire_batch_max((enum wire_type)99, LINK_FRAME), 0);
	assert_int_equal(wire_batch_max(WIRE_LOOKUP, 10), 0);
	assert_int_equal(
		wire_batch_max(WIRE_LOOKUP, SIZE_MAX), wire_batch_max(WIRE_LOOKUP, WIRE_FRAME_MAX));
}

static void the_longest_entry_fits_into_the_shortest_frame(void **state)
{
	struct link *link = *state;
	uint8_t longest[WIRE_KEY_MAX] = {0};
	char text[WIRE_SALT_MAX + 1] = {0};
	struct wire_key key = key_of(longest, sizeof(longest));

	link->cap = WIRE_FRAME_MIN;
	memset(text, 'x', WIRE_SALT_MAX);
	assert_int_equal(
		wire_put_reserve(link_begin(link, WIRE_RESERVE), key, 1, salt_of(text)), 0);
	assert_int_equal(wire_put_cursor(link_begin(link, WIRE_SALTS), 1), 0);
	assert_int_equal(wire_put_salt(&link->w, salt_of(text), 1), 0);
	assert_int_equal(wire_put_list(link_begin(link, WIRE_LIST), 1, key), 0);
	assert_int_equal(wire_put_cursor(link_begin(link, WIRE_LIST), 1), 0);
	assert_int_equal(wire_put_listed(&link->w, key, 1, 1), 0);
	assert_int_equal(put_full_hello(link_begin(link, WIRE_HELLO)), 0);
	assert_int_equal(put_one_usage(link_begin(link, WIRE_USAGE)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_and_the_longest_key_come_back),
		cmocka_unit_test(keys_that_the_protocol_does_not_carry_are_refused),
		cmocka_unit_test(a_shared_prefix_of_any_length_is_sent_once),
		cmocka_unit_test(a_put_that_does_not_fit_leaves_the_frame_as_it_was),
		cmocka_unit_test(a_frame_goes_on_after_a_put_that_did_not_fit),
		cmocka_unit_test(the_salt_of_the_entry_before_is_sent_once),
		cmocka_unit_test(salts_that_the_protocol_does_not_carry_are_refused),
		cmocka_unit_test(a_long_prompt_is_cut_into_frames_and_comes_back),
		cmocka_unit_test(the_largest_batch_has_a_reply_that_just_fits),
		cmocka_unit_test(types_without_a_batch_have_one_entry_or_none),
		cmocka_unit_test(the_longest_entry_fits_into_the_shortest_frame),
	};

	return cmocka_run_group_tests_name("wire, batches", tests, link_setup, link_teardown);
}
