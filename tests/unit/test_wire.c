/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire.c - every message comes back as it was put
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
#include "wire_link.h"

static void a_header_comes_back(void **state)
{
	struct link *link = *state;
	struct wire_header sent = {
		.type = WIRE_LOOKUP,
		.flags = WIRE_FLAG_KNOWN,
		.task = 0x0102030405060708,
		.boot = UINT64_MAX,
	};
	struct wire_header got;

	wire_begin(&link->w, link->buf, LINK_FRAME, &sent);
	assert_int_equal(wire_put_key(&link->w, key_of("k", 1)), 0);
	assert_int_equal(wire_end(&link->w), WIRE_HEADER_LEN + 5);
	assert_int_equal(wire_open(&link->r, link->buf, WIRE_HEADER_LEN + 5, &got), 0);
	assert_int_equal(got.length, WIRE_HEADER_LEN + 5);
	assert_int_equal(got.type, WIRE_LOOKUP);
	assert_int_equal(got.flags, WIRE_FLAG_KNOWN);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.task, sent.task);
	assert_int_equal(got.boot, sent.boot);
}

static void a_frame_has_the_documented_bytes(void **state)
{
	static const uint8_t expected[] = {57, 0, 0, 0, WIRE_RESERVE, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0,
		0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 't', '1', 0, 0, 3, 0, 'a', 'b', 'c', 0x34, 0x12, 0, 0,
		0, 0, 0, 0, 0xff, 2, 0, 2, 0, 'X', 'Y', 1, 0, 0, 0, 0, 0, 0, 0};
	struct link *link = *state;
	struct wire_writer *w = link_begin(link, WIRE_RESERVE);

	assert_int_equal(wire_put_reserve(w, key_of("abc", 3), 0x1234, salt_of("t1")), 0);
	assert_int_equal(wire_put_reserve(w, key_of("abXY", 4), 1, salt_of("t1")), 0);
	assert_int_equal(wire_end(w), sizeof(expected));
	assert_memory_equal(link->buf, expected, sizeof(expected));
}

static void a_hello_comes_back(void **state)
{
	struct wire_hello sent = {.version = WIRE_VERSION, .tenant_len = WIRE_TENANT_MAX}, got;
	struct wire_reader *r;

	memset(sent.client_id, 0xee, sizeof(sent.client_id));
	memset(sent.nonce, 0x11, sizeof(sent.nonce));
	memset(sent.tenant, 't', sizeof(sent.tenant));
	assert_int_equal(wire_put_hello(link_begin(*state, WIRE_HELLO), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_hello(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.version, WIRE_VERSION);
	assert_int_equal(got.tenant_len, WIRE_TENANT_MAX);
	assert_memory_equal(got.client_id, sent.client_id, WIRE_ID_LEN);
	assert_memory_equal(got.nonce, sent.nonce, WIRE_NONCE_LEN);
	assert_memory_equal(got.tenant, sent.tenant, WIRE_TENANT_MAX);
	sent.tenant_len++;
	assert_int_equal(wire_put_hello(link_begin(*state, WIRE_HELLO), &sent), -EINVAL);
}

static void a_hello_of_another_version_tells_the_version_only(void **state)
{
	struct wire_hello sent = {.version = WIRE_VERSION + 1, .tenant_len = 3}, got;
	struct wire_reader *r;

	memcpy(sent.tenant, "abc", 3);
	assert_int_equal(wire_put_hello(link_begin(*state, WIRE_HELLO), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_hello(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.version, WIRE_VERSION + 1);
	assert_int_equal(got.tenant_len, 0);
}

static void reservations_come_back(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_RESERVE);
	struct wire_reader *r;
	struct wire_key key;
	uint64_t len;
	struct wire_salt salt;

	assert_int_equal(wire_put_reserve(w, key_of("first", 5), UINT64_MAX, salt_of("a")), 0);
	assert_int_equal(wire_put_reserve(w, key_of("fi", 2), 0, salt_of("")), 0);
	r = link_deliver(*state, 2);
	assert_int_equal(wire_get_reserve(r, &key, &len, &salt), 0);
	assert_key(key, "first", 5);
	assert_int_equal(len, UINT64_MAX);
	assert_salt(salt, "a");
	assert_int_equal(wire_get_reserve(r, &key, &len, &salt), 0);
	assert_key(key, "fi", 2);
	assert_int_equal(len, 0);
	assert_salt(salt, "");
	assert_int_equal(wire_close(r), 0);
}

static void handles_come_back(void **state)
{
	struct wire_handle sent = {.slot = 0xfffffffe, .generation = 0x01020304}, got;
	struct wire_reader *r;

	assert_int_equal(wire_put_handle(link_begin(*state, WIRE_UNLOCK), sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_handle(r, &got), 0);
	assert_int_equal(got.slot, sent.slot);
	assert_int_equal(got.generation, sent.generation);
	assert_int_equal(wire_close(r), 0);
}

static void a_listing_may_have_an_empty_prefix(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_LIST);
	struct wire_reader *r;
	struct wire_key prefix;
	uint64_t cursor;

	assert_int_equal(wire_put_list(w, UINT64_MAX, key_of(NULL, 0)), 0);
	assert_int_equal(wire_put_list(w, 1, key_of("pre", 3)), 0);
	r = link_deliver(*state, 2);
	assert_int_equal(wire_get_list(r, &cursor, &prefix), 0);
	assert_int_equal(cursor, UINT64_MAX);
	assert_int_equal(prefix.len, 0);
	assert_int_equal(wire_get_list(r, &cursor, &prefix), 0);
	assert_int_equal(cursor, 1);
	assert_key(prefix, "pre", 3);
	assert_int_equal(wire_close(r), 0);
}

static void a_challenge_comes_back(void **state)
{
	struct wire_challenge sent = {.version = WIRE_VERSION, .method = 99, .session = 3}, got;
	struct wire_reader *r;

	memset(sent.nonce, 0x2d, sizeof(sent.nonce));
	assert_int_equal(wire_put_challenge(link_begin(*state, WIRE_HELLO), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_challenge(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.status, WIRE_OK);
	assert_int_equal(got.method, 99);
	assert_int_equal(got.session, 3);
	assert_memory_equal(got.nonce, sent.nonce, WIRE_NONCE_LEN);
}

static void a_challenge_that_refuses_tells_its_version_and_no_more(void **state)
{
	struct wire_challenge sent = {.status = 77, .version = 12, .session = 3}, got;
	struct wire_reader *r;

	assert_int_equal(wire_put_challenge(link_begin(*state, WIRE_HELLO), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(r->len, WIRE_HEADER_LEN + 3);
	assert_int_equal(wire_get_challenge(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.status, 77);
	assert_int_equal(got.version, 12);
	assert_int_equal(got.session, 0);
}

static void a_proof_comes_back(void **state)
{
	uint8_t sent[WIRE_PROOF_LEN], got[WIRE_PROOF_LEN];
	struct wire_reader *r;

	memset(sent, 0x6e, sizeof(sent));
	assert_int_equal(wire_put_auth(link_begin(*state, WIRE_AUTH), sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_auth(r, got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_memory_equal(got, sent, WIRE_PROOF_LEN);
}

static void a_welcome_comes_back(void **state)
{
	struct wire_welcome sent = {
		.version = WIRE_VERSION,
		.lease_ms = 10000,
		.max_object = UINT64_MAX,
		.max_reserved = UINT64_MAX - 1,
		.max_reservations = 4096,
	};
	struct wire_welcome got;
	struct wire_reader *r;

	memset(sent.proof, 0x4d, sizeof(sent.proof));
	memset(sent.token, 0x3c, sizeof(sent.token));
	assert_int_equal(wire_put_welcome(link_begin(*state, WIRE_AUTH), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_welcome(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.status, WIRE_OK);
	assert_memory_equal(got.proof, sent.proof, WIRE_PROOF_LEN);
	assert_int_equal(got.lease_ms, 10000);
	assert_int_equal(got.max_object, UINT64_MAX);
	assert_int_equal(got.max_reserved, UINT64_MAX - 1);
	assert_int_equal(got.max_reservations, 4096);
	assert_memory_equal(got.token, sent.token, WIRE_TOKEN_LEN);
}

static void a_welcome_that_refuses_tells_its_version_and_no_secret(void **state)
{
	struct wire_welcome sent = {.status = 77, .version = 12, .lease_ms = 3}, got;
	struct wire_reader *r;

	assert_int_equal(wire_put_welcome(link_begin(*state, WIRE_AUTH), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(r->len, WIRE_HEADER_LEN + 3);
	assert_int_equal(wire_get_welcome(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_int_equal(got.status, 77);
	assert_int_equal(got.version, 12);
	assert_int_equal(got.lease_ms, 0);
}

static void a_welcome_of_another_version_is_refused(void **state)
{
	struct wire_welcome sent = {.status = WIRE_OK, .version = WIRE_VERSION + 1}, got;

	assert_int_equal(wire_put_welcome(link_begin(*state, WIRE_AUTH), &sent), 0);
	assert_int_equal(wire_get_welcome(link_deliver(*state, 1), &got), -EPROTO);
}

static void extents_and_statuses_come_back_mixed(void **state)
{
	struct wire_extent sent = {.addr = 1, .len = 2, .rkey = 3, .handle = {4, 5}}, got = {0};
	struct wire_writer *w = link_begin(*state, WIRE_LOOKUP);
	struct wire_reader *r;
	enum wire_status status;

	assert_int_equal(wire_put_status(w, WIRE_EXISTS), 0);
	assert_int_equal(wire_put_extent(w, &sent), 0);
	r = link_deliver(*state, 2);
	assert_int_equal(wire_get_extent(r, &status, &got), 0);
	assert_int_equal(status, WIRE_EXISTS);
	assert_int_equal(got.len, 0);
	assert_int_equal(wire_get_extent(r, &status, &got), 0);
	assert_int_equal(status, WIRE_OK);
	assert_int_equal(got.addr, 1);
	assert_int_equal(got.len, 2);
	assert_int_equal(got.rkey, 3);
	assert_int_equal(got.handle.slot, 4);
	assert_int_equal(got.handle.generation, 5);
	assert_int_equal(wire_close(r), 0);
}

static void every_status_comes_back(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_COMMIT);
	struct wire_reader *r;
	enum wire_status status;

	for (unsigned i = 0; i <= WIRE_LIMIT; i++)
		assert_int_equal(wire_put_status(w, (enum wire_status)i), 0);
	r = link_deliver(*state, WIRE_LIMIT + 1);
	for (unsigned i = 0; i <= WIRE_LIMIT; i++) {
		assert_int_equal(wire_get_status(r, &status), 0);
		assert_int_equal(status, i);
	}
	assert_int_equal(wire_close(r), 0);
}

static void every_number_of_the_usage_comes_back(void **state)
{
	struct wire_usage sent, got;
	uint64_t numbers[sizeof(sent) / sizeof(uint64_t)];
	struct wire_reader *r;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		numbers[i] = 0x0101010101010101 * (i + 1);
	memcpy(&sent, numbers, sizeof(sent));
	assert_int_equal(wire_put_usage(link_begin(*state, WIRE_USAGE), &sent), 0);
	r = link_deliver(*state, 1);
	assert_int_equal(wire_get_usage(r, &got), 0);
	assert_int_equal(wire_close(r), 0);
	assert_memory_equal(&got, &sent, sizeof(sent));
}

static void a_refusal_comes_back_with_its_text_cut(void **state)
{
	char text[WIRE_TEXT_MAX + 10];
	struct wire_refusal got;
	struct wire_writer *w = link_begin(*state, WIRE_REFUSED);
	struct wire_reader *r;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(wire_put_refusal(w, WIRE_OK, text), -EINVAL);
	assert_int_equal(wire_put_refusal(w, WIRE_BAD_REQUEST, text), 0);
	assert_int_equal(wire_put_refusal(w, WIRE_DENIED, NULL), 0);
	r = link_deliver(*state, 2);
	assert_int_equal(wire_get_refusal(r, &got), 0);
	assert_int_equal(got.status, WIRE_BAD_REQUEST);
	assert_int_equal(got.text_len, WIRE_TEXT_MAX);
	assert_memory_equal(got.text, text, WIRE_TEXT_MAX);
	assert_int_equal(wire_get_refusal(r, &got), 0);
	assert_int_equal(got.status, WIRE_DENIED);
	assert_int_equal(got.text_len, 0);
}

static void listed_objects_come_back_behind_the_cursor(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_LIST);
	struct wire_reader *r;
	struct wire_key key;
	uint64_t number;
	uint32_t locks;

	assert_int_equal(wire_put_cursor(w, 0), 0);
	assert_int_equal(wire_put_listed(w, key_of("kkk1", 4), UINT64_MAX, UINT32_MAX), 0);
	wire_set_cursor(w, 0xabcdef);
	assert_int_equal(wire_put_listed(w, key_of("kkk2", 4), 1, 2), 0);
	r = link_deliver(*state, 3);
	assert_int_equal(wire_get_cursor(r, &number), 0);
	assert_int_equal(number, 0xabcdef);
	assert_int_equal(wire_get_listed(r, &key, &number, &locks), 0);
	assert_key(key, "kkk1", 4);
	assert_true(number == UINT64_MAX && locks == UINT32_MAX);
	assert_int_equal(wire_get_listed(r, &key, &number, &locks), 0);
	assert_key(key, "kkk2", 4);
	assert_true(number == 1 && locks == 2);
	assert_int_equal(wire_close(r), 0);
}

static void salts_come_back_behind_the_cursor(void **state)
{
	struct wire_writer *w = link_begin(*state, WIRE_SALTS);
	struct wire_reader *r;
	struct wire_salt salt;
	uint64_t number;

	assert_int_equal(wire_put_cursor(w, 7), 0);
	assert_int_equal(wire_put_salt(w, salt_of("team"), UINT64_MAX), 0);
	assert_int_equal(wire_put_salt(w, salt_of(""), 1), 0);
	r = link_deliver(*state, 3);
	assert_int_equal(wire_get_cursor(r, &number), 0);
	assert_int_equal(wire_get_salt(r, &salt, &number), 0);
	assert_salt(salt, "team");
	assert_true(number == UINT64_MAX);
	assert_int_equal(wire_get_salt(r, &salt, &number), 0);
	assert_salt(salt, "");
	assert_int_equal(number, 1);
	assert_int_equal(wire_close(r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_comes_back),
		cmocka_unit_test(a_frame_has_the_documented_bytes),
		cmocka_unit_test(a_hello_comes_back),
		cmocka_unit_test(a_hello_of_another_version_tells_the_version_only),
		cmocka_unit_test(a_challenge_comes_back),
		cmocka_unit_test(a_challenge_that_refuses_tells_its_version_and_no_more),
		cmocka_unit_test(a_proof_comes_back),
		cmocka_unit_test(reservations_come_back),
		cmocka_unit_test(handles_come_back),
		cmocka_unit_test(a_listing_may_have_an_empty_prefix),
		cmocka_unit_test(a_welcome_comes_back),
		cmocka_unit_test(a_welcome_that_refuses_tells_its_version_and_no_secret),
		cmocka_unit_test(a_welcome_of_another_version_is_refused),
		cmocka_unit_test(extents_and_statuses_come_back_mixed),
		cmocka_unit_test(every_status_comes_back),
		cmocka_unit_test(every_number_of_the_usage_comes_back),
		cmocka_unit_test(a_refusal_comes_back_with_its_text_cut),
		cmocka_unit_test(listed_objects_come_back_behind_the_cursor),
		cmocka_unit_test(salts_come_back_behind_the_cursor),
	};

	return cmocka_run_group_tests_name("wire", tests, link_setup, link_teardown);
}
