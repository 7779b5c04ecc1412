/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c - request frames in, replies out */
#include <string.h>

#include "request_fixture.h"

static void hello_is_answered_with_a_challenge(void **state)
{
	static const uint8_t none[WIRE_NONCE_LEN];
	struct wire_challenge first, second;
	struct fixture *f = *state;

	first = say_hello(f, f->a, "t");
	second = say_hello(f, f->b, "t");
	assert_int_equal(first.status, WIRE_OK);
	assert_int_equal(first.method, WIRE_METHOD_HMAC_SHA256);
	assert_int_equal(first.session, 1);
	assert_memory_not_equal(first.nonce, none, WIRE_NONCE_LEN);
	assert_memory_not_equal(first.nonce, second.nonce, WIRE_NONCE_LEN);
	assert_false(session_is_welcome(f->a));
}

static void a_server_without_a_secret_says_so(void **state)
{
	struct fixture *f = *state;

	f->tenant.secret.len = 0;
	assert_int_equal(say_hello(f, f->a, "t").method, WIRE_METHOD_NONE);
	assert_int_equal(say_auth(f, f->a, &f->tenant.secret).status, WIRE_OK);
}

static void the_right_proof_is_answered_with_a_proof_and_a_token(void **state)
{
	static const uint8_t none[WIRE_TOKEN_LEN];
	struct fixture *f = *state;
	const struct auth_talk talk = {BOOT, &f->a->hello, &f->a->challenge};
	struct wire_welcome welcome;

	say_hello(f, f->a, "t");
	welcome = say_auth(f, f->a, &f->tenant.secret);
	assert_int_equal(welcome.status, WIRE_OK);
	assert_true(session_is_welcome(f->a));
	assert_true(auth_accepts(&f->tenant.secret, &talk, AUTH_SERVER, welcome.proof));
	assert_false(auth_accepts(&f->tenant.secret, &talk, AUTH_CLIENT, welcome.proof));
	assert_int_equal(welcome.lease_ms, 10000);
	assert_int_equal(welcome.max_object, ARENA);
	assert_true(session_token_matches(f->a, welcome.token));
	assert_false(session_token_matches(f->b, welcome.token));
	assert_memory_not_equal(welcome.token, none, WIRE_TOKEN_LEN);
}

static void a_ping_is_answered_with_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_PING, 0);
	assert_int_equal(ask(f, f->a), WIRE_PING | WIRE_REPLY);
	assert_int_equal(f->header.count, 0);
	assert_int_equal(f->reply_len, WIRE_HEADER_LEN);
}

static void a_committed_object_is_found_where_it_was_reserved(void **state)
{
	struct wire_extent reserved, found;
	struct fixture *f = *state;
	unsigned arena;

	assert_int_equal(reserve(f, f->a, "k", OBJECT, &reserved), WIRE_OK);
	assert_int_equal(lookup(f, f->b, "k", 0, &found), WIRE_NOT_FOUND);
	assert_int_equal(with_handle(f, f->a, WIRE_COMMIT, reserved.handle), WIRE_OK);
	assert_int_equal(lookup(f, f->b, "k", 0, &found), WIRE_OK);
	assert_int_equal(found.addr, reserved.addr);
	assert_int_equal(found.len, OBJECT);
	assert_true(found.rkey == 17 || found.rkey == 18);
	arena = found.rkey - 17;
	assert_true(found.addr >= arenas[arena].addr);
	assert_true(found.addr + found.len <= arenas[arena].addr + ARENA);
}

static void a_key_that_exists_is_not_reserved_again(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(reserve(f, f->b, "k", OBJECT, &extent), WIRE_EXISTS);
}

static void an_aborted_reservation_is_free_again(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	assert_int_equal(reserve(f, f->a, "k", OBJECT, &extent), WIRE_OK);
	assert_true(usage_of(f).reserved >= OBJECT);
	assert_int_equal(with_handle(f, f->a, WIRE_ABORT, extent.handle), WIRE_OK);
	assert_int_equal(usage_of(f).reserved, 0);
}

static void two_lookups_need_two_unlocks(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_OK);
	assert_int_equal(delete_key(f, f->b, "k"), WIRE_LOCKED);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_STALE);
	assert_int_equal(delete_key(f, f->b, "k"), WIRE_OK);
	assert_int_equal(delete_key(f, f->b, "k"), WIRE_NOT_FOUND);
}

static void a_lookup_without_the_flag_locks_nothing(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->a, "k", 0, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_STALE);
	assert_int_equal(delete_key(f, f->a, "k"), WIRE_OK);
}

static void the_end_of_a_session_gives_its_locks_back(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->b, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(lookup(f, f->b, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(reserve(f, f->b, "m", OBJECT, &extent), WIRE_OK);
	session_destroy(f->b);
	f->b = NULL;
	assert_int_equal(usage_of(f).locked, 0);
	assert_int_equal(usage_of(f).reserved, 0);
	assert_int_equal(delete_key(f, f->a, "k"), WIRE_OK);
}

/* "a" and "c" are stored; asks for "a", "b" and "c". */
static void lookup_three(struct fixture *f, uint8_t flags, enum wire_status last)
{
	struct wire_extent extent;

	store(f, f->a, "a");
	store(f, f->a, "c");
	begin(f, WIRE_LOOKUP, flags);
	wire_put_key(&f->out, key("a"));
	wire_put_key(&f->out, key("b"));
	wire_put_key(&f->out, key("c"));
	assert_int_equal(ask(f, f->a), WIRE_LOOKUP | WIRE_REPLY);
	assert_int_equal(f->header.count, 3);
	assert_int_equal(get_extent(f, &extent), WIRE_OK);
	assert_int_equal(get_extent(f, &extent), WIRE_NOT_FOUND);
	assert_int_equal(get_extent(f, &extent), last);
	assert_int_equal(wire_close(&f->in), 0);
}

static void a_lookup_tells_each_key(void **state)
{
	lookup_three(*state, 0, WIRE_OK);
}

static void a_lookup_stops_at_a_miss_if_asked_to(void **state)
{
	struct fixture *f = *state;

	lookup_three(f, WIRE_FLAG_LOCK | WIRE_FLAG_STOP_AT_MISS, WIRE_NOT_FOUND);
	assert_int_equal(delete_key(f, f->b, "a"), WIRE_LOCKED);
	assert_int_equal(delete_key(f, f->b, "c"), WIRE_OK);
}

static void draining_lets_nothing_new_in(void **state)
{
	struct wire_extent locked, reserved, extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &locked), WIRE_OK);
	assert_int_equal(reserve(f, f->a, "m", OBJECT, &reserved), WIRE_OK);
	atomic_store(&f->service.draining, true);
	assert_int_equal(reserve(f, f->a, "n", OBJECT, &extent), WIRE_DRAINING);
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_DRAINING);
	assert_int_equal(with_handle(f, f->a, WIRE_COMMIT, reserved.handle), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, locked.handle), WIRE_OK);
	begin(f, WIRE_PING, 0);
	assert_int_equal(ask(f, f->a), WIRE_PING | WIRE_REPLY);
}

static void draining_welcomes_nobody(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->service.draining, true);
	assert_int_equal(greet(f, f->a), WIRE_DRAINING);
	assert_false(session_is_welcome(f->a));
}

static void usage_tells_the_store_and_the_sessions(void **state)
{
	struct fixture *f = *state;
	struct wire_usage usage;

	store(f, f->a, "k");
	usage = usage_of(f);
	assert_int_equal(usage.capacity, 2 * ARENA);
	assert_int_equal(usage.objects, 1);
	assert_int_equal(usage.stored, 1);
	assert_int_equal(usage.sessions, 2);
	assert_true(usage.used >= OBJECT);
}

/* Follow the pages of a listing; returns how many objects were told. */
static unsigned list_all(struct fixture *f, const char *prefix)
{
	struct wire_key listed;
	uint64_t cursor = 0, len;
	unsigned count = 0;
	uint32_t locks;

	do {
		begin(f, WIRE_LIST, 0);
		wire_put_list(&f->out, cursor, key(prefix));
		assert_int_equal(ask(f, f->a), WIRE_LIST | WIRE_REPLY);
		assert_int_equal(wire_get_cursor(&f->in, &cursor), 0);
		for (unsigned i = 1; i < f->header.count; i++, count++)
			assert_int_equal(wire_get_listed(&f->in, &listed, &len, &locks), 0);
		assert_int_equal(wire_close(&f->in), 0);
	} while (cursor);
	return count;
}

static void a_listing_of_many_pages_names_all(void **state)
{
	struct fixture *f = *state;
	char name[512];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 100; i++) {
		name[0] = (char)('0' + i / 10);
		name[1] = (char)('0' + i % 10);
		store(f, f->a, name);
	}
	assert_int_equal(list_all(f, ""), 100);
	assert_int_equal(list_all(f, "3"), 10);
	assert_int_equal(list_all(f, "y"), 0);
}

/* Follow the pages of the salts; returns how many were told, all with one OBJECT. */
static unsigned salts_all(struct fixture *f, unsigned *pages)
{
	uint64_t cursor = 0, bytes;
	struct wire_salt told;
	unsigned count = 0;

	for (*pages = 0; !*pages || cursor; ++*pages) {
		begin(f, WIRE_SALTS, 0);
		wire_put_cursor(&f->out, cursor);
		assert_int_equal(ask(f, f->b), WIRE_SALTS | WIRE_REPLY);
		assert_int_equal(wire_get_cursor(&f->in, &cursor), 0);
		for (unsigned i = 1; i < f->header.count; i++, count++) {
			assert_int_equal(wire_get_salt(&f->in, &told, &bytes), 0);
			assert_int_equal(bytes, OBJECT);
		}
		assert_int_equal(wire_close(&f->in), 0);
	}
	return count;
}

static void salts_tell_the_bytes_of_committed_objects(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;
	unsigned pages;

	f->salt = "committed";
	store(f, f->a, "k");
	f->salt = "reserved";
	assert_int_equal(reserve(f, f->a, "m", OBJECT, &extent), WIRE_OK);
	assert_int_equal(salts_all(f, &pages), 1);
	assert_int_equal(pages, 1);
	assert_int_equal(with_handle(f, f->a, WIRE_COMMIT, extent.handle), WIRE_OK);
	assert_int_equal(salts_all(f, &pages), 2);
	assert_int_equal(delete_key(f, f->a, "k"), WIRE_OK);
	assert_int_equal(delete_key(f, f->a, "m"), WIRE_OK);
	assert_int_equal(salts_all(f, &pages), 0);
}

static void salts_of_many_pages_are_all_told(void **state)
{
	char name[WIRE_SALT_MAX + 1] = {0};
	struct fixture *f = *state;
	unsigned pages;

	memset(name, 'x', WIRE_SALT_MAX);
	f->salt = name;
	for (int i = 0; i < 150; i++) {
		name[0] = (char)('0' + i / 10);
		name[1] = (char)('0' + i % 10);
		store(f, f->a, name);
	}
	assert_int_equal(salts_all(f, &pages), 150);
	assert_int_equal(pages, 2);
}

static void as_many_entries_as_allowed_are_answered(void **state)
{
	struct fixture *f = *state;
	unsigned max = wire_batch_max(WIRE_LOOKUP, FRAME);
	struct wire_extent extent;

	store(f, f->a, "k");
	begin(f, WIRE_LOOKUP, 0);
	for (unsigned i = 0; i < max; i++)
		assert_int_equal(wire_put_key(&f->out, key("k")), 0);
	assert_int_equal(ask(f, f->a), WIRE_LOOKUP | WIRE_REPLY);
	assert_int_equal(f->header.count, max);
	for (unsigned i = 0; i < max; i++)
		assert_int_equal(get_extent(f, &extent), WIRE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_welcome, teardown)
#define COLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COLD(hello_is_answered_with_a_challenge),
		COLD(a_server_without_a_secret_says_so),
		COLD(the_right_proof_is_answered_with_a_proof_and_a_token),
		TEST(a_ping_is_answered_with_nothing),
		TEST(a_committed_object_is_found_where_it_was_reserved),
		TEST(a_key_that_exists_is_not_reserved_again),
		TEST(an_aborted_reservation_is_free_again),
		TEST(two_lookups_need_two_unlocks),
		TEST(a_lookup_without_the_flag_locks_nothing),
		TEST(the_end_of_a_session_gives_its_locks_back),
		TEST(a_lookup_tells_each_key),
		TEST(a_lookup_stops_at_a_miss_if_asked_to),
		TEST(draining_lets_nothing_new_in),
		COLD(draining_welcomes_nobody),
		TEST(usage_tells_the_store_and_the_sessions),
		TEST(a_listing_of_many_pages_names_all),
		TEST(salts_tell_the_bytes_of_committed_objects),
		TEST(salts_of_many_pages_are_all_told),
		TEST(as_many_entries_as_allowed_are_answered),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
