/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_hostile.c - requests of a peer that may be anybody */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "request_fixture.h"

static void hello_of_another_version_gets_no_challenge(void **state)
{
	struct wire_challenge challenge;
	struct fixture *f = *state;

	put_hello(f, WIRE_VERSION + 1, "t");
	assert_int_equal(ask(f, f->a), WIRE_HELLO | WIRE_REPLY);
	assert_int_equal(wire_get_challenge(&f->in, &challenge), 0);
	assert_int_equal(challenge.status, WIRE_BAD_VERSION);
	assert_int_equal(challenge.version, WIRE_VERSION);
	begin(f, WIRE_AUTH, 0);
	expect_refusal(f, f->a, WIRE_DENIED);
	begin(f, WIRE_PING, 0);
	expect_refusal(f, f->a, WIRE_DENIED);
}

/* Whatever it says next. */
static void expect_dismissed(struct fixture *f, struct session *session)
{
	assert_int_equal(session->stage, SESSION_DISMISSED);
	assert_null(session->tenant);
	put_hello(f, WIRE_VERSION, "t");
	expect_refusal(f, session, WIRE_BAD_REQUEST);
	begin(f, WIRE_AUTH, 0);
	expect_refusal(f, session, WIRE_BAD_REQUEST);
	begin(f, WIRE_USAGE, 0);
	expect_refusal(f, session, WIRE_DENIED);
}

static void a_wrong_secret_is_denied(void **state)
{
	const struct secret wrong = {.key = "a secret of texts", .len = 17};
	struct fixture *f = *state;
	struct wire_welcome welcome;

	say_hello(f, f->a, "t");
	welcome = say_auth(f, f->a, &wrong);
	assert_int_equal(welcome.status, WIRE_DENIED);
	assert_int_equal(f->reply_len, WIRE_HEADER_LEN + 3);
	expect_dismissed(f, f->a);
}

static void no_secret_is_denied(void **state)
{
	const struct secret none = {.len = 0};
	struct fixture *f = *state;

	say_hello(f, f->a, "t");
	assert_int_equal(say_auth(f, f->a, &none).status, WIRE_DENIED);
	expect_dismissed(f, f->a);
}

static void an_unknown_tenant_is_told_from_a_wrong_secret_by_nothing(void **state)
{
	static const char *const names[] = {"", "T", "tt", "u"};
	struct fixture *f = *state;
	struct wire_challenge challenge;
	struct session *session;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(session_create(10 + i, &session), 0);
		challenge = say_hello(f, session, names[i]);
		assert_int_equal(challenge.status, WIRE_OK);
		assert_int_equal(challenge.method, WIRE_METHOD_HMAC_SHA256);
		assert_int_equal(say_auth(f, session, &f->tenant.secret).status, WIRE_DENIED);
		assert_int_equal(f->reply_len, WIRE_HEADER_LEN + 3);
		expect_dismissed(f, session);
		session_destroy(session);
	}
}

/* Not even who guesses what an unknown tenant is compared with. */
static void an_unknown_tenant_has_no_secret(void **state)
{
	struct fixture *f = *state;

	say_hello(f, f->a, "u");
	assert_int_equal(say_auth(f, f->a, &f->service.decoy).status, WIRE_DENIED);
	expect_dismissed(f, f->a);
}

static void a_proof_is_good_for_one_session(void **state)
{
	const struct auth_talk *talk;
	struct fixture *f = *state;
	uint8_t proof[WIRE_PROOF_LEN];
	struct wire_welcome welcome;

	say_hello(f, f->a, "t");
	say_hello(f, f->b, "t");
	talk = &(struct auth_talk){BOOT, &f->a->hello, &f->a->challenge};
	auth_prove(&f->tenant.secret, talk, AUTH_CLIENT, proof);
	begin(f, WIRE_AUTH, 0);
	wire_put_auth(&f->out, proof);
	assert_int_equal(ask(f, f->b), WIRE_AUTH | WIRE_REPLY);
	assert_int_equal(wire_get_welcome(&f->in, &welcome), 0);
	assert_int_equal(welcome.status, WIRE_DENIED);
	expect_dismissed(f, f->b);
}

/* What the server says to prove itself is of no use to its reader. */
static void a_server_s_proof_is_no_client_s(void **state)
{
	struct fixture *f = *state;
	const struct auth_talk talk = {BOOT, &f->a->hello, &f->a->challenge};
	struct wire_welcome welcome;
	uint8_t proof[WIRE_PROOF_LEN];

	say_hello(f, f->a, "t");
	auth_prove(&f->tenant.secret, &talk, AUTH_SERVER, proof);
	begin(f, WIRE_AUTH, 0);
	wire_put_auth(&f->out, proof);
	assert_int_equal(ask(f, f->a), WIRE_AUTH | WIRE_REPLY);
	assert_int_equal(wire_get_welcome(&f->in, &welcome), 0);
	assert_int_equal(welcome.status, WIRE_DENIED);
}

/* The boot id is part of the proof, not only of the header. */
static void a_proof_of_another_boot_is_denied(void **state)
{
	struct fixture *f = *state;
	const struct auth_talk talk = {BOOT - 1, &f->a->hello, &f->a->challenge};
	struct wire_welcome welcome;
	uint8_t proof[WIRE_PROOF_LEN];

	say_hello(f, f->a, "t");
	auth_prove(&f->tenant.secret, &talk, AUTH_CLIENT, proof);
	begin(f, WIRE_AUTH, 0);
	wire_put_auth(&f->out, proof);
	assert_int_equal(ask(f, f->a), WIRE_AUTH | WIRE_REPLY);
	assert_int_equal(wire_get_welcome(&f->in, &welcome), 0);
	assert_int_equal(welcome.status, WIRE_DENIED);
}

static void auth_before_hello_is_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_AUTH, 0);
	expect_refusal(f, f->a, WIRE_DENIED);
	assert_int_equal(f->a->stage, SESSION_NEW);
}

static void nobody_is_let_in_by_hello_alone(void **state)
{
	struct fixture *f = *state;

	say_hello(f, f->a, "t");
	for (uint8_t type = WIRE_RESERVE; type < WIRE_AUTH; type++) {
		begin(f, type, 0);
		expect_refusal(f, f->a, WIRE_DENIED);
	}
	put_hello(f, WIRE_VERSION, "t");
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
}

static void a_second_auth_is_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_AUTH, 0);
	expect_refusal(f, f->a, WIRE_BAD_REQUEST);
	begin(f, WIRE_PING, 0);
	assert_int_equal(ask(f, f->a), WIRE_PING | WIRE_REPLY);
}

static void a_tenant_has_no_more_sessions_than_it_may(void **state)
{
	struct fixture *f = *state;
	struct session *third;

	assert_int_equal(session_create(3, &third), 0);
	assert_int_equal(greet(f, third), WIRE_LIMIT);
	expect_dismissed(f, third);
	session_destroy(third);
	session_destroy(f->b);
	assert_int_equal(session_create(4, &f->b), 0);
	assert_int_equal(greet(f, f->b), WIRE_OK);
}

/* The fixture's tenant may have 5 locks, each of its sessions 3. */
static void a_tenant_has_no_more_locks_than_it_may(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(lookup(f, f->b, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(lookup(f, f->b, "k", WIRE_FLAG_LOCK, &extent), WIRE_LIMIT);
	assert_int_equal(lookup(f, f->b, "k", 0, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->a, WIRE_UNLOCK, extent.handle), WIRE_OK);
	assert_int_equal(lookup(f, f->b, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	session_destroy(f->a);
	f->a = NULL;
	assert_int_equal(f->tenant.locks, 3);
}

static void nothing_is_answered_before_hello(void **state)
{
	struct fixture *f = *state;

	for (uint8_t type = WIRE_RESERVE; type <= WIRE_AUTH; type++) {
		begin(f, type, 0);
		expect_refusal(f, f->a, WIRE_DENIED);
	}
}

static void a_second_hello_is_refused(void **state)
{
	struct fixture *f = *state;

	put_hello(f, WIRE_VERSION, "t");
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
	static const uint8_t types[] = {0, WIRE_AUTH + 1, WIRE_PING | WIRE_REPLY, WIRE_REFUSED};
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
		COLD(hello_of_another_version_gets_no_challenge),
		COLD(a_wrong_secret_is_denied),
		COLD(no_secret_is_denied),
		COLD(an_unknown_tenant_is_told_from_a_wrong_secret_by_nothing),
		COLD(an_unknown_tenant_has_no_secret),
		COLD(a_proof_is_good_for_one_session),
		COLD(a_server_s_proof_is_no_client_s),
		COLD(a_proof_of_another_boot_is_denied),
		COLD(auth_before_hello_is_refused),
		COLD(nobody_is_let_in_by_hello_alone),
		TEST(a_second_auth_is_refused),
		TEST(a_tenant_has_no_more_sessions_than_it_may),
		TEST(a_tenant_has_no_more_locks_than_it_may),
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
