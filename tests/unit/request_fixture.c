/* SPDX-License-Identifier: Apache-2.0 */
/* request_fixture.c - a server without a network, for the tests of requests */
#include "request_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct arena arenas[2] = {
	{.addr = UINT64_C(0x7f0000000000), .len = ARENA, .rkey = 17},
	{.addr = UINT64_C(0x7f8000000000), .len = ARENA, .rkey = 18},
};

void begin(struct fixture *f, uint8_t type, uint8_t flags)
{
	struct wire_header header = {.type = type, .flags = flags, .task = 99, .boot = f->boot};

	wire_begin(&f->out, f->frame, sizeof(f->frame), &header);
}

void hand_over(struct fixture *f, struct session *session, size_t len)
{
	struct request request = {
		.lane = f->lane,
		.frame = memcpy(malloc(len), f->frame, len), /* so that ASan sees its end */
		.len = len,
		.reply = f->reply,
		.cap = sizeof(f->reply),
	};

	f->reply_len = request_handle(&f->service, session, &request);
	free((void *)request.frame);
	if (f->reply_len < 0)
		return;
	assert_int_equal(wire_open(&f->in, f->reply, (size_t)f->reply_len, &f->header), 0);
	assert_int_equal(f->header.task, 99);
	assert_int_equal(f->header.boot, BOOT);
}

int ask(struct fixture *f, struct session *session)
{
	hand_over(f, session, wire_end(&f->out));
	return f->reply_len < 0 ? f->reply_len : f->header.type;
}

void expect_refusal(struct fixture *f, struct session *session, enum wire_status status)
{
	struct wire_refusal refusal;

	assert_int_equal(ask(f, session), WIRE_REFUSED);
	assert_int_equal(wire_get_refusal(&f->in, &refusal), 0);
	assert_int_equal(wire_close(&f->in), 0);
	assert_int_equal(refusal.status, status);
	assert_true(refusal.text_len > 0);
}

struct wire_key key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

struct wire_salt salt(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, text ? (uint8_t)strlen(text) : 0};
}

enum wire_status get_extent(struct fixture *f, struct wire_extent *extent)
{
	enum wire_status status;

	assert_int_equal(wire_get_extent(&f->in, &status, extent), 0);
	return status;
}

enum wire_status reserve(struct fixture *f, struct session *s, const char *k, uint64_t len,
	struct wire_extent *extent)
{
	begin(f, WIRE_RESERVE, 0);
	wire_put_reserve(&f->out, key(k), len, salt(f->salt));
	assert_int_equal(ask(f, s), WIRE_RESERVE | WIRE_REPLY);
	return get_extent(f, extent);
}

enum wire_status lookup(struct fixture *f, struct session *s, const char *k, uint8_t flags,
	struct wire_extent *extent)
{
	begin(f, WIRE_LOOKUP, flags);
	wire_put_key(&f->out, key(k));
	assert_int_equal(ask(f, s), WIRE_LOOKUP | WIRE_REPLY);
	return get_extent(f, extent);
}

enum wire_status with_handle(
	struct fixture *f, struct session *s, uint8_t type, struct wire_handle handle)
{
	enum wire_status status;

	begin(f, type, 0);
	wire_put_handle(&f->out, handle);
	assert_int_equal(ask(f, s), type | WIRE_REPLY);
	assert_int_equal(wire_get_status(&f->in, &status), 0);
	return status;
}

enum wire_status delete_key(struct fixture *f, struct session *s, const char *k)
{
	enum wire_status status;

	begin(f, WIRE_DELETE, 0);
	wire_put_key(&f->out, key(k));
	assert_int_equal(ask(f, s), WIRE_DELETE | WIRE_REPLY);
	assert_int_equal(wire_get_status(&f->in, &status), 0);
	return status;
}

struct wire_usage usage_of(struct fixture *f)
{
	struct wire_usage usage;

	begin(f, WIRE_USAGE, 0);
	assert_int_equal(ask(f, f->a), WIRE_USAGE | WIRE_REPLY);
	assert_int_equal(wire_get_usage(&f->in, &usage), 0);
	return usage;
}

void store(struct fixture *f, struct session *s, const char *k)
{
	struct wire_extent extent;

	assert_int_equal(reserve(f, s, k, OBJECT, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, s, WIRE_COMMIT, extent.handle), WIRE_OK);
}

void put_hello(struct fixture *f, uint16_t version, const char *tenant)
{
	struct wire_hello hello = {
		.version = version,
		.client_id = {1},
		.nonce = {2},
		.tenant_len = (uint8_t)strlen(tenant),
	};

	memcpy(hello.tenant, tenant, hello.tenant_len);
	begin(f, WIRE_HELLO, 0);
	wire_put_hello(&f->out, &hello);
}

struct wire_challenge say_hello(struct fixture *f, struct session *session, const char *tenant)
{
	struct wire_challenge challenge;

	put_hello(f, WIRE_VERSION, tenant);
	assert_int_equal(ask(f, session), WIRE_HELLO | WIRE_REPLY);
	assert_int_equal(wire_get_challenge(&f->in, &challenge), 0);
	return challenge;
}

struct wire_welcome say_auth(
	struct fixture *f, struct session *session, const struct secret *secret)
{
	const struct auth_talk talk = {f->boot, &session->hello, &session->challenge};
	struct wire_welcome welcome;
	uint8_t proof[WIRE_PROOF_LEN];

	assert_int_equal(auth_prove(secret, &talk, AUTH_CLIENT, proof), 0);
	begin(f, WIRE_AUTH, 0);
	wire_put_auth(&f->out, proof);
	assert_int_equal(ask(f, session), WIRE_AUTH | WIRE_REPLY);
	assert_int_equal(wire_get_welcome(&f->in, &welcome), 0);
	return welcome;
}

enum wire_status greet(struct fixture *f, struct session *session)
{
	assert_int_equal(say_hello(f, session, "t").status, WIRE_OK);
	return (enum wire_status)say_auth(f, session, &f->tenant.secret).status;
}

int setup(void **state)
{
	const size_t lengths[] = {ARENA, ARENA};
	struct store_params params = {.arenas = lengths, .arena_count = 2, .seed = 1};
	struct fixture *f = calloc(1, sizeof(*f));

	f->tenant = (struct tenant){
		.name = "t",
		.secret = {.key = "a secret of tests", .len = 17},
		.arenas = arenas,
		.arena_count = 2,
		.limits = {.reserved = ARENA, .reservations = 8, .locks = 3},
		.max_sessions = 2,
		.max_locks = 5,
	};
	f->service = (struct service){
		.tenants = &f->tenant,
		.tenant_count = 1,
		.decoy = {.key = "nobody knows this", .len = 17},
		.boot = BOOT,
		.lease_ms = 10000,
		.max_sessions = 4,
	};
	f->lane = WIRE_LANE_CONTROL;
	f->boot = BOOT;
	*state = f;
	if (store_create(&params, &f->tenant.store))
		return -1;
	return session_create(1, &f->a) || session_create(2, &f->b);
}

int setup_welcome(void **state)
{
	int err = setup(state);
	struct fixture *f = *state;

	return err || greet(f, f->a) != WIRE_OK || greet(f, f->b) != WIRE_OK;
}

int teardown(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;
	char text[200];
	int err;

	session_destroy(f->a);
	session_destroy(f->b);
	store_stats(f->tenant.store, &stats);
	err = store_check(f->tenant.store, text, sizeof(text));
	err = err || f->tenant.locks || f->tenant.sessions;
	store_destroy(f->tenant.store);
	free(f);
	/* Whatever a test did: the end of the sessions gives all of it back. */
	return err || stats.reserved || stats.locked;
}
