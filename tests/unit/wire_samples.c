/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_samples.c - one frame of each message, and a reader of them all
 */
#include "wire_samples.h"

#include <errno.h>
#include <string.h>

static const struct wire_extent extent = {
	.addr = 0x7f0011223000,
	.len = 2097152,
	.rkey = 0xcafe,
	.handle = {.slot = 17, .generation = 3},
};

static struct wire_key text_key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static struct wire_salt text_salt(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, (uint8_t)strlen(text)};
}

static void put_hello(struct wire_writer *w)
{
	struct wire_hello hello = {.version = WIRE_VERSION, .tenant_len = 5};

	memset(hello.client_id, 0xa5, sizeof(hello.client_id));
	memset(hello.nonce, 0x96, sizeof(hello.nonce));
	memcpy(hello.tenant, "teamA", 5);
	wire_put_hello(w, &hello);
}

static void put_auth(struct wire_writer *w)
{
	uint8_t proof[WIRE_PROOF_LEN];

	memset(proof, 0x69, sizeof(proof));
	wire_put_auth(w, proof);
}

static void put_reserves(struct wire_writer *w)
{
	wire_put_reserve(w, text_key("model@0000/aaaa"), 1 << 20, text_salt("team A"));
	wire_put_reserve(w, text_key("model@0000/aabb"), 1 << 21, text_salt("team A"));
	wire_put_reserve(w, text_key("model@0001/aabb"), 1, text_salt(""));
	wire_put_reserve(w, text_key("model@0001/aacc"), 1, text_salt("B"));
}

static void put_keys(struct wire_writer *w)
{
	wire_put_key(w, text_key("model@0000/aaaa"));
	wire_put_key(w, text_key("model@0000/aaaa"));
	wire_put_key(w, text_key("m"));
	wire_put_key(w, text_key("model"));
}

static void put_handles(struct wire_writer *w)
{
	wire_put_handle(w, (struct wire_handle){.slot = 1, .generation = 2});
	wire_put_handle(w, (struct wire_handle){.slot = UINT32_MAX, .generation = 0});
}

static void put_list(struct wire_writer *w)
{
	wire_put_list(w, 0x1122334455667788, text_key("model@"));
}

static void put_nothing(struct wire_writer *w)
{
	(void)w;
}

static void put_challenge(struct wire_writer *w)
{
	struct wire_challenge challenge = {
		.status = WIRE_OK,
		.version = WIRE_VERSION,
		.method = WIRE_METHOD_HMAC_SHA256,
		.session = 12,
	};

	memset(challenge.nonce, 0x4b, sizeof(challenge.nonce));
	wire_put_challenge(w, &challenge);
}

static void put_no_challenge(struct wire_writer *w)
{
	struct wire_challenge challenge = {.status = WIRE_BAD_VERSION, .version = WIRE_VERSION};

	wire_put_challenge(w, &challenge);
}

static void put_welcome(struct wire_writer *w)
{
	struct wire_welcome welcome = {
		.status = WIRE_OK,
		.version = WIRE_VERSION,
		.lease_ms = 10000,
		.max_object = UINT64_C(1) << 30,
		.max_reserved = UINT64_C(1) << 29,
		.max_reservations = 1000,
	};

	memset(welcome.proof, 0x3d, sizeof(welcome.proof));
	memset(welcome.token, 0x5a, sizeof(welcome.token));
	wire_put_welcome(w, &welcome);
}

static void put_unwelcome(struct wire_writer *w)
{
	struct wire_welcome welcome = {.status = WIRE_DENIED, .version = WIRE_VERSION};

	wire_put_welcome(w, &welcome);
}

static void put_extents(struct wire_writer *w)
{
	wire_put_extent(w, &extent);
	wire_put_status(w, WIRE_NOT_FOUND);
	wire_put_extent(w, &extent);
	wire_put_status(w, WIRE_NO_SPACE);
}

static void put_statuses(struct wire_writer *w)
{
	wire_put_status(w, WIRE_OK);
	wire_put_status(w, WIRE_STALE);
	wire_put_status(w, WIRE_LIMIT);
}

static void put_usage(struct wire_writer *w)
{
	struct wire_usage usage = {.capacity = 1 << 30, .used = 1 << 20, .system_cpu_us = 9};

	wire_put_usage(w, &usage);
}

static void put_listed(struct wire_writer *w)
{
	wire_put_cursor(w, 0);
	wire_put_listed(w, text_key("model@0000/aaaa"), 1 << 20, 0);
	wire_put_listed(w, text_key("model@0000/aabb"), 1 << 20, 4);
	wire_set_cursor(w, 77);
}

static void put_cursor(struct wire_writer *w)
{
	wire_put_cursor(w, 0x1122334455667788);
}

static void put_salts(struct wire_writer *w)
{
	wire_put_cursor(w, 3);
	wire_put_salt(w, text_salt("team A"), 1 << 20);
	wire_put_salt(w, text_salt(""), 1);
}

static void put_refusal(struct wire_writer *w)
{
	wire_put_refusal(w, WIRE_UNKNOWN_TYPE, "request type 99 is not known");
}

static const struct {
	uint8_t type;
	void (*put)(struct wire_writer *w);
} samples[] = {
	{WIRE_HELLO, put_hello},
	{WIRE_RESERVE, put_reserves},
	{WIRE_COMMIT, put_handles},
	{WIRE_ABORT, put_handles},
	{WIRE_LOOKUP, put_keys},
	{WIRE_UNLOCK, put_handles},
	{WIRE_DELETE, put_keys},
	{WIRE_USAGE, put_nothing},
	{WIRE_LIST, put_list},
	{WIRE_PING, put_nothing},
	{WIRE_SALTS, put_cursor},
	{WIRE_AUTH, put_auth},
	{WIRE_REPLY | WIRE_HELLO, put_challenge},
	{WIRE_REPLY | WIRE_HELLO, put_no_challenge},
	{WIRE_REPLY | WIRE_RESERVE, put_extents},
	{WIRE_REPLY | WIRE_COMMIT, put_statuses},
	{WIRE_REPLY | WIRE_ABORT, put_statuses},
	{WIRE_REPLY | WIRE_LOOKUP, put_extents},
	{WIRE_REPLY | WIRE_UNLOCK, put_statuses},
	{WIRE_REPLY | WIRE_DELETE, put_statuses},
	{WIRE_REPLY | WIRE_USAGE, put_usage},
	{WIRE_REPLY | WIRE_LIST, put_listed},
	{WIRE_REPLY | WIRE_PING, put_nothing},
	{WIRE_REPLY | WIRE_SALTS, put_salts},
	{WIRE_REPLY | WIRE_AUTH, put_welcome},
	{WIRE_REPLY | WIRE_AUTH, put_unwelcome},
	{WIRE_REFUSED, put_refusal},
};

unsigned sample_count(void)
{
	return sizeof(samples) / sizeof(samples[0]);
}

size_t sample_build(unsigned which, uint8_t buf[SAMPLE_LEN_MAX])
{
	struct wire_header header = {.type = samples[which].type, .task = 42, .boot = 4711};
	struct wire_writer w;

	wire_begin(&w, buf, SAMPLE_LEN_MAX, &header);
	samples[which].put(&w);
	return wire_end(&w);
}

struct wire_connect sample_connect(void)
{
	struct wire_connect connect = {
		.version = WIRE_VERSION,
		.kind = WIRE_LANE_DATA,
		.frame = 16384,
		.credits = 32,
		.session = 0x0102030405060708,
	};

	memset(connect.token, 0x77, sizeof(connect.token));
	return connect;
}

/* What is told is used, so that a checker of memory sees bytes never written. */
static volatile unsigned sink;

static void look_at(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	if (sum == 1)
		sink++;
}

static int take_key(struct wire_reader *r, uint8_t type)
{
	struct wire_salt salt = {0};
	struct wire_key key = {0};
	uint64_t number = 0;
	uint32_t locks = 0;
	int err;

	if (type == WIRE_RESERVE)
		err = wire_get_reserve(r, &key, &number, &salt);
	else if (type == WIRE_LIST)
		err = wire_get_list(r, &number, &key);
	else if (type == (WIRE_REPLY | WIRE_LIST))
		err = wire_get_listed(r, &key, &number, &locks);
	else
		err = wire_get_key(r, &key);
	if (err)
		return err;
	look_at(key.data, key.len);
	look_at(salt.data, salt.len);
	look_at(&number, sizeof(number));
	return key.len > WIRE_KEY_MAX || salt.len > WIRE_SALT_MAX ? -ERANGE : 0;
}

static int take_salt(struct wire_reader *r)
{
	struct wire_salt salt = {0};
	uint64_t bytes = 0;
	int err = wire_get_salt(r, &salt, &bytes);

	look_at(salt.data, salt.len);
	look_at(&bytes, sizeof(bytes));
	return !err && salt.len > WIRE_SALT_MAX ? -ERANGE : err;
}

static int take_extent(struct wire_reader *r)
{
	struct wire_extent got = {0};
	enum wire_status status;
	int err = wire_get_extent(r, &status, &got);

	look_at(&got, sizeof(got));
	return err;
}

static int take_single(struct wire_reader *r, uint8_t type)
{
	union {
		struct wire_hello hello;
		struct wire_challenge challenge;
		struct wire_welcome welcome;
		uint8_t proof[WIRE_PROOF_LEN];
		struct wire_usage usage;
		struct wire_refusal refusal;
		struct wire_handle handle;
		enum wire_status status;
	} got;
	int err = -EOPNOTSUPP;

	memset(&got, 0, sizeof(got));
	if (type == WIRE_HELLO)
		err = wire_get_hello(r, &got.hello);
	else if (type == (WIRE_REPLY | WIRE_HELLO))
		err = wire_get_challenge(r, &got.challenge);
	else if (type == WIRE_AUTH)
		err = wire_get_auth(r, got.proof);
	else if (type == (WIRE_REPLY | WIRE_AUTH))
		err = wire_get_welcome(r, &got.welcome);
	else if (type == (WIRE_REPLY | WIRE_USAGE))
		err = wire_get_usage(r, &got.usage);
	else if (type == WIRE_REFUSED)
		err = wire_get_refusal(r, &got.refusal);
	else if (type == WIRE_COMMIT || type == WIRE_ABORT || type == WIRE_UNLOCK)
		err = wire_get_handle(r, &got.handle);
	else if (type > WIRE_REPLY)
		err = wire_get_status(r, &got.status);
	look_at(&got, sizeof(got));
	return err;
}

static int take_entry(struct wire_reader *r, uint8_t type, unsigned index)
{
	uint64_t cursor;

	switch (type) {
	case WIRE_RESERVE:
	case WIRE_LOOKUP:
	case WIRE_DELETE:
	case WIRE_LIST: return take_key(r, type);
	case WIRE_SALTS: return wire_get_cursor(r, &cursor);
	case WIRE_REPLY | WIRE_LIST: return index ? take_key(r, type) : wire_get_cursor(r, &cursor);
	case WIRE_REPLY | WIRE_SALTS: return index ? take_salt(r) : wire_get_cursor(r, &cursor);
	case WIRE_REPLY | WIRE_RESERVE:
	case WIRE_REPLY | WIRE_LOOKUP: return take_extent(r);
	case WIRE_USAGE:
	case WIRE_PING:
	case WIRE_REPLY | WIRE_PING: return -EPROTO;
	}
	return take_single(r, type);
}

int sample_decode(const void *buf, size_t len)
{
	struct wire_header header;
	struct wire_reader r;
	int err = wire_open(&r, buf, len, &header);

	for (unsigned i = 0; !err && i < header.count; i++)
		err = take_entry(&r, header.type, i);
	return err ? err : wire_close(&r);
}
