/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_authentication.c - clients that do not know the secret, or the way in
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "landlord.h"
#include "raw.h"

enum {
	PORT = 7611,
	STRANGERS = 3,
	CROWD = 3 * STRANGERS,
	FAILURES_MAX = 10, /* of one address, before it is turned away */
	STEPS = 3000,
	STEP_US = 10000,
};

static const char settings[] = "workers = 1\nmax-unauthenticated = 3\nlease-ms = 120000\n";

static struct landlord landlord;
static struct secret secrets[LANDLORD_TENANTS];

static int start_server(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LANDLORD_TENANTS; i++) {
		secrets[i].len = strlen(landlord_secrets[i]);
		memcpy(secrets[i].key, landlord_secrets[i], secrets[i].len);
	}
	return landlord_start(&landlord, PORT, settings, "");
}

static int stop_server(void **state)
{
	(void)state;
	return landlord_end(&landlord, SIGTERM);
}

/* Connected, and with something to say in raw->hello. */
static void connect_as(struct raw *raw, const char *tenant)
{
	struct wire_connect want = raw_control();

	assert_int_equal(raw_open(raw, &landlord.spawn.addr, &want), 0);
	raw->hello = (struct wire_hello){.version = WIRE_VERSION, .nonce = {1}};
	raw->hello.tenant_len = (uint8_t)strlen(tenant);
	memcpy(raw->hello.tenant, tenant, raw->hello.tenant_len);
}

static void challenge(struct raw *raw, const char *tenant)
{
	connect_as(raw, tenant);
	assert_int_equal(raw_say_hello(raw), 0);
	assert_int_equal(raw->challenge.status, WIRE_OK);
}

/* The server says no, tells nothing, and hangs up. */
static void expect_denied(struct raw *raw, const uint8_t proof[WIRE_PROOF_LEN])
{
	assert_int_equal(raw_say_auth(raw, proof), 0);
	assert_int_equal(raw->welcome.status, WIRE_DENIED);
	assert_int_equal(raw->reply_len, WIRE_HEADER_LEN + 3);
	assert_int_equal(raw_wait_disconnected(raw), 0);
	raw_close(raw);
}

static void expect_refused(struct raw *raw, struct wire_writer *w, enum wire_status status)
{
	struct wire_refusal refusal;
	struct wire_reader r;

	assert_int_equal(raw_call(raw, w, &r), WIRE_REFUSED);
	assert_int_equal(wire_get_refusal(&r, &refusal), 0);
	assert_int_equal(refusal.status, status);
}

static void put_auth(struct raw *raw, struct wire_writer *w)
{
	uint8_t proof[WIRE_PROOF_LEN] = {0};

	raw_begin(raw, w, WIRE_AUTH, 0);
	wire_put_auth(w, proof);
}

static void who_knows_the_secret_of_a_tenant_is_let_in(void **state)
{
	struct raw raw;

	(void)state;
	for (unsigned i = 0; i < LANDLORD_TENANTS; i++) {
		assert_int_equal(
			raw_enter(&raw, &landlord.spawn.addr, i ? "b" : "a", &secrets[i]), 0);
		raw_close(&raw);
	}
}

static void a_wrong_proof_is_denied(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];
	struct raw raw;

	(void)state;
	challenge(&raw, "a");
	raw_prove(&raw, &secrets[0], proof);
	proof[WIRE_PROOF_LEN - 1] ^= 1;
	expect_denied(&raw, proof);
	/* The secret of another tenant is a wrong one. */
	challenge(&raw, "a");
	raw_prove(&raw, &secrets[1], proof);
	expect_denied(&raw, proof);
	challenge(&raw, "nobody");
	raw_prove(&raw, &secrets[0], proof);
	expect_denied(&raw, proof);
	assert_int_equal(spawn_logged(&landlord.spawn, "authentication failed: peer="), 3);
	assert_int_equal(spawn_logged(&landlord.spawn, "tenant=\"nobody\""), 1);
}

/* The client says again all that it said; the server's nonce is new. */
static void a_proof_is_not_accepted_again(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];
	struct raw raw;

	(void)state;
	challenge(&raw, "a");
	raw_prove(&raw, &secrets[0], proof);
	assert_int_equal(raw_say_auth(&raw, proof), 0);
	assert_int_equal(raw.welcome.status, WIRE_OK);
	raw_close(&raw);
	challenge(&raw, "a");
	expect_denied(&raw, proof);
}

static void a_proof_of_another_boot_is_not_accepted(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];
	struct wire_writer w;
	uint64_t old, new;
	struct raw raw;

	(void)state;
	challenge(&raw, "a");
	old = raw.boot;
	raw_close(&raw);
	assert_int_equal(landlord_restart(&landlord, PORT), 0);
	challenge(&raw, "a");
	new = raw.boot;
	assert_true(old != new);
	raw.boot = old;
	raw_prove(&raw, &secrets[0], proof);
	/* As the header says, so it is refused; and with the right header it is wrong. */
	put_auth(&raw, &w);
	expect_refused(&raw, &w, WIRE_STALE);
	raw.boot = new;
	expect_denied(&raw, proof);
}

static void the_greeting_has_an_order(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];
	struct wire_writer w;
	struct raw raw;

	(void)state;
	connect_as(&raw, "a");
	put_auth(&raw, &w);
	expect_refused(&raw, &w, WIRE_DENIED);
	assert_int_equal(raw_say_hello(&raw), 0);
	raw_begin(&raw, &w, WIRE_HELLO, 0);
	wire_put_hello(&w, &raw.hello);
	expect_refused(&raw, &w, WIRE_BAD_REQUEST);
	raw_prove(&raw, &secrets[0], proof);
	assert_int_equal(raw_say_auth(&raw, proof), 0);
	assert_int_equal(raw.welcome.status, WIRE_OK);
	put_auth(&raw, &w);
	expect_refused(&raw, &w, WIRE_BAD_REQUEST);
	raw_begin(&raw, &w, WIRE_HELLO, 0);
	wire_put_hello(&w, &raw.hello);
	expect_refused(&raw, &w, WIRE_BAD_REQUEST);
	raw_close(&raw);
}

static void ask_everything(struct raw *raw)
{
	struct wire_writer w;

	for (uint8_t type = WIRE_RESERVE; type < WIRE_AUTH; type++) {
		raw_begin(raw, &w, type, 0);
		expect_refused(raw, &w, WIRE_DENIED);
	}
}

static void nothing_is_told_before_the_proof(void **state)
{
	struct raw raw;

	(void)state;
	connect_as(&raw, "a");
	ask_everything(&raw);
	assert_int_equal(raw_say_hello(&raw), 0);
	ask_everything(&raw);
	raw_close(&raw);
}

static void expect_no_lane(const struct wire_connect *want)
{
	struct raw lane;

	assert_int_equal(raw_open(&lane, &landlord.spawn.addr, want), -ECONNREFUSED);
	assert_int_equal(lane.rejected, WIRE_DENIED);
}

static void a_data_lane_needs_the_token_of_its_session(void **state)
{
	struct wire_connect want, stolen;
	struct raw a, b, stranger;

	(void)state;
	assert_int_equal(raw_enter(&a, &landlord.spawn.addr, "a", &secrets[0]), 0);
	assert_int_equal(raw_enter(&b, &landlord.spawn.addr, "b", &secrets[1]), 0);
	challenge(&stranger, "a");
	want = raw_data(&a);
	stolen = raw_data(&b);
	want.session = stolen.session;
	expect_no_lane(&want);
	memset(want.token, 0, sizeof(want.token));
	expect_no_lane(&want);
	want = raw_data(&stranger);
	expect_no_lane(&want);
	assert_non_null(raw_data_lane(&b));
	raw_close(&stranger);
	raw_close(&b);
	raw_close(&a);
}

/* The one that waits longest has to go, and who knows the secret gets in. */
static void a_crowd_that_never_speaks_keeps_nobody_out(void **state)
{
	struct wire_connect want = raw_control();
	struct raw crowd[CROWD], raw;

	(void)state;
	for (unsigned i = 0; i < CROWD; i++)
		assert_int_equal(raw_open(&crowd[i], &landlord.spawn.addr, &want), 0);
	assert_int_equal(raw_enter(&raw, &landlord.spawn.addr, "a", &secrets[0]), 0);
	assert_true(spawn_logged(&landlord.spawn, "others want to come in") > 0);
	for (unsigned i = 0; i < CROWD; i++)
		raw_close(&crowd[i]);
	raw_close(&raw);
}

static int fail_once(void)
{
	struct raw raw;
	int status;

	if (raw_enter(&raw, &landlord.spawn.addr, "a", &secrets[1]) == -ECONNREFUSED)
		return raw.rejected;
	status = raw.welcome.status;
	raw_close(&raw);
	return status;
}

/*
 * Those who are in stay in, and the others are heard again after a while. That
 * may be before we have looked: then we have failed once more.
 */
static void who_fails_too_often_is_not_heard_for_a_while(void **state)
{
	unsigned failures = 0, steps;
	struct raw inside, raw;
	int err;

	(void)state;
	assert_int_equal(landlord_restart(&landlord, PORT), 0);
	assert_int_equal(raw_enter(&inside, &landlord.spawn.addr, "a", &secrets[0]), 0);
	while (failures < 1000 && fail_once() == WIRE_DENIED)
		failures++;
	assert_in_range(failures, FAILURES_MAX, 999);
	assert_non_null(raw_data_lane(&inside));
	raw_close(&inside);
	for (steps = 0; steps < STEPS; steps++) {
		err = raw_enter(&raw, &landlord.spawn.addr, "a", &secrets[0]);
		if (!err)
			break;
		assert_int_equal(err, -ECONNREFUSED);
		assert_int_equal(raw.rejected, WIRE_LIMIT);
		usleep(STEP_US);
	}
	assert_int_equal(err, 0);
	raw_close(&raw);
}

static int start_narrow_server(void **state)
{
	(void)state;
	return landlord_start(&landlord, PORT, settings, "max-sessions = 1\n");
}

/* Both have the same client id; the lease is longer than this test. */
static int enter_again(struct raw *raw)
{
	uint8_t proof[WIRE_PROOF_LEN];

	challenge(raw, "a");
	raw_prove(raw, &secrets[0], proof);
	assert_int_equal(raw_say_auth(raw, proof), 0);
	return raw->welcome.status;
}

static void a_client_that_is_back_gets_the_room_of_its_old_session(void **state)
{
	struct raw old, new;
	unsigned steps;
	int status;

	(void)state;
	assert_int_equal(enter_again(&old), WIRE_OK);
	assert_int_equal(raw_enter(&new, &landlord.spawn.addr, "a", &secrets[0]), -EACCES);
	assert_int_equal(new.welcome.status, WIRE_LIMIT);
	raw_close(&new);
	for (steps = 0; steps < STEPS; steps++) {
		status = enter_again(&new);
		if (status == WIRE_OK)
			break;
		assert_int_equal(status, WIRE_LIMIT);
		raw_close(&new);
		usleep(STEP_US);
	}
	assert_int_equal(status, WIRE_OK);
	raw_close(&new);
	raw_close(&old);
}

int main(void)
{
	const struct CMUnitTest narrow[] = {
		cmocka_unit_test(a_client_that_is_back_gets_the_room_of_its_old_session),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_knows_the_secret_of_a_tenant_is_let_in),
		cmocka_unit_test(a_wrong_proof_is_denied),
		cmocka_unit_test(a_proof_is_not_accepted_again),
		cmocka_unit_test(a_proof_of_another_boot_is_not_accepted),
		cmocka_unit_test(the_greeting_has_an_order),
		cmocka_unit_test(nothing_is_told_before_the_proof),
		cmocka_unit_test(a_data_lane_needs_the_token_of_its_session),
		cmocka_unit_test(a_crowd_that_never_speaks_keeps_nobody_out),
		cmocka_unit_test(who_fails_too_often_is_not_heard_for_a_while),
	};
	char address[64];

	alarm(230);
	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("authentication", tests, start_server, stop_server) +
	       cmocka_run_group_tests_name("one session", narrow, start_narrow_server, stop_server);
}
