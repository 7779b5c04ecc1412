/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_request.c - any requests of two sessions, to a server without a network
 *
 * The input is a list of steps: a byte that says what to ask, one that says how
 * much follows, and that. Random bytes rarely make a request that means
 * something, so most steps are requests that are written by the encoder, about
 * few keys and the handles that were told before; others are any bytes behind a
 * right header, or any bytes at all. What is answered goes to the ledger; in
 * the end the sessions end, and the store must be sound and hold nothing of
 * theirs.
 */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "ledger.h"
#include "request.h"

enum {
	FRAME = 4096,
	ARENA = 1 << 20,
	BOOT = 4711,
	HANDLES = 32,
	/* What to ask, beside the types of requests. */
	ASK_ENTER = 0,
	ASK_BODY = 13,
	ASK_FRAME = 14,
	ASK_END = 15,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct arena arenas[2] = {
	{.addr = UINT64_C(0x7f0000000000), .len = ARENA, .rkey = 17},
	{.addr = UINT64_C(0x7f8000000000), .len = ARENA, .rkey = 18},
};

static struct {
	struct service service;
	struct tenant tenant;
	struct session *sessions[LEDGER_SESSIONS];
	uint64_t serial; /* of the last session */
	struct ledger ledger;
	struct wire_handle handles[HANDLES]; /* told lately, whatever of */
	unsigned handle_count;
} server;

/* One step of the input. */
struct step {
	unsigned ask, session;
	uint8_t flags;
	enum wire_lane_kind lane;
	const uint8_t *body;
	size_t len;
};

static void check(int condition)
{
	if (!condition)
		abort();
}

static void begin(void)
{
	const size_t lengths[] = {ARENA, ARENA};
	struct store_params params = {.arenas = lengths, .arena_count = 2, .seed = 1, .shards = 2};

	memset(&server, 0, sizeof(server));
	server.tenant = (struct tenant){
		.name = "t",
		.secret = {.key = "a secret of tests", .len = 17},
		.arenas = arenas,
		.arena_count = 2,
		.limits = {.reserved = ARENA, .reservations = 8, .locks = 5},
		.max_sessions = LEDGER_SESSIONS,
		.max_locks = 8,
	};
	server.service = (struct service){
		.tenants = &server.tenant,
		.tenant_count = 1,
		.decoy = {.key = "nobody knows this", .len = 17},
		.boot = BOOT,
		.lease_ms = 10000,
		.max_sessions = LEDGER_SESSIONS,
	};
	check(!store_create(&params, &server.tenant.store));
	for (unsigned i = 0; i < LEDGER_SESSIONS; i++)
		check(!session_create(++server.serial, &server.sessions[i]));
}

static void end_session(unsigned i)
{
	session_destroy(server.sessions[i]);
	ledger_ended(&server.ledger, i);
	check(!session_create(++server.serial, &server.sessions[i]));
}

static void end(void)
{
	struct store_stats stats;
	char text[200];

	for (unsigned i = 0; i < LEDGER_SESSIONS; i++)
		session_destroy(server.sessions[i]);
	check(!store_check(server.tenant.store, text, sizeof(text)));
	store_stats(server.tenant.store, &stats);
	check(!stats.reserved && !stats.locked);
	check(!server.tenant.sessions && !server.tenant.locks);
	store_destroy(server.tenant.store);
}

/* Remember what handles were told, so that later steps can name them. */
static void remember_handles(const uint8_t *reply, size_t len)
{
	struct wire_extent extent;
	struct wire_header header;
	enum wire_status status;
	struct wire_reader r;

	check(!wire_open(&r, reply, len, &header));
	if (header.type != (WIRE_RESERVE | WIRE_REPLY) && header.type != (WIRE_LOOKUP | WIRE_REPLY))
		return;
	for (unsigned i = 0; i < header.count; i++) {
		check(!wire_get_extent(&r, &status, &extent));
		if (status == WIRE_OK)
			server.handles[server.handle_count++ % HANDLES] = extent.handle;
	}
}

/* An address is told to nobody who is not welcome, and never outside the arenas. */
static void check_told(const struct session *session, const uint8_t *reply, size_t len)
{
	struct wire_header header;
	struct wire_reader r;

	check(!wire_open(&r, reply, len, &header));
	check(header.boot == BOOT);
	if (session_is_welcome(session))
		return;
	check(header.type == WIRE_REFUSED || header.type == (WIRE_HELLO | WIRE_REPLY) ||
		header.type == (WIRE_AUTH | WIRE_REPLY));
}

static void hand_over(const struct step *step, const uint8_t *bytes, size_t len)
{
	struct session *session = server.sessions[step->session];
	uint8_t reply[FRAME], *frame = malloc(len ? len : 1); /* so that its end is seen */
	struct request request = {
		.lane = step->lane, .frame = frame, .len = len, .reply = reply, .cap = FRAME};
	int reply_len;

	check(frame != NULL);
	if (len)
		memcpy(frame, bytes, len);
	reply_len = request_handle(&server.service, session, &request);
	if (reply_len >= 0) {
		check_told(session, reply, (size_t)reply_len);
		ledger_answered(
			&server.ledger, step->session, frame, len, reply, (size_t)reply_len);
		remember_handles(reply, (size_t)reply_len);
	}
	free(frame);
	if (reply_len < 0 || session->stage == SESSION_DISMISSED)
		end_session(step->session);
}

static void start_frame(struct wire_writer *w, uint8_t *frame, uint8_t type, uint8_t flags)
{
	struct wire_header header = {.type = type, .flags = flags, .task = 99, .boot = BOOT};

	wire_begin(w, frame, FRAME, &header);
}

/* HELLO and AUTH, as an honest client says them. */
static void enter(const struct step *step)
{
	struct wire_hello hello = {.version = WIRE_VERSION, .tenant_len = 1, .tenant = "t"};
	const struct session *session = server.sessions[step->session];
	const struct auth_talk talk = {BOOT, &session->hello, &session->challenge};
	uint8_t frame[FRAME], proof[WIRE_PROOF_LEN];
	struct wire_writer w;

	start_frame(&w, frame, WIRE_HELLO, 0);
	wire_put_hello(&w, &hello);
	hand_over(step, frame, wire_end(&w));
	check(!auth_prove(&server.tenant.secret, &talk, AUTH_CLIENT, proof));
	start_frame(&w, frame, WIRE_AUTH, 0);
	wire_put_auth(&w, proof);
	hand_over(step, frame, wire_end(&w));
}

/* One of few keys, of which some begin alike. */
static struct wire_key some_key(uint8_t byte)
{
	static const char text[] = "abcdefgh";

	return (struct wire_key){
		.data = (const uint8_t *)text + byte % 3, .len = (uint16_t)(1 + byte / 3 % 5)};
}

static uint64_t some_length(uint8_t byte)
{
	static const uint64_t lengths[] = {1, 4096, 4097, 65536, 200000, 500000, ARENA, 0,
		ARENA + 1, UINT64_MAX, UINT64_MAX - 4095};

	return lengths[byte % (sizeof(lengths) / sizeof(lengths[0]))];
}

static struct wire_handle some_handle(uint8_t byte)
{
	unsigned count = server.handle_count < HANDLES ? server.handle_count : HANDLES;

	if (byte >= 0xe0 || !count)
		return (struct wire_handle){.slot = byte & 7, .generation = byte >> 3 & 3};
	return server.handles[byte % count];
}

static void put_entry(struct wire_writer *w, unsigned type, const uint8_t *bytes)
{
	static const struct wire_salt salts[] = {{NULL, 0}, {(const uint8_t *)"salt", 4}};

	if (type == WIRE_RESERVE)
		wire_put_reserve(
			w, some_key(bytes[0]), some_length(bytes[1]), salts[bytes[1] >> 7]);
	else if (type == WIRE_LOOKUP || type == WIRE_DELETE)
		wire_put_key(w, some_key(bytes[0]));
	else if (type == WIRE_LIST)
		wire_put_list(w, bytes[1], some_key(bytes[0]));
	else if (type == WIRE_SALTS)
		wire_put_cursor(w, bytes[0]);
	else
		wire_put_handle(w, some_handle(bytes[0]));
}

/* A request of entries by the encoder, two bytes of the input to each. */
static void ask(const struct step *step)
{
	uint8_t frame[FRAME];
	struct wire_writer w;

	start_frame(&w, frame, (uint8_t)step->ask,
		step->ask == WIRE_LOOKUP ? step->flags & WIRE_FLAG_KNOWN : 0);
	for (size_t at = 0; at + 2 <= step->len; at += 2)
		put_entry(&w, step->ask, step->body + at);
	hand_over(step, frame, wire_end(&w));
}

/* Type, flags, count, and any bytes behind a header that is right otherwise. */
static void ask_body(const struct step *step)
{
	uint8_t frame[FRAME];
	struct wire_writer w;

	if (step->len < 3)
		return;
	start_frame(&w, frame, step->body[0], step->body[1]);
	memcpy(frame + w.len, step->body + 3, step->len - 3);
	w.len += step->len - 3;
	w.count = step->body[2];
	hand_over(step, frame, wire_end(&w));
}

static void take(const struct step *step)
{
	if (step->ask == ASK_ENTER)
		enter(step);
	else if (step->ask == ASK_BODY)
		ask_body(step);
	else if (step->ask == ASK_FRAME)
		hand_over(step, step->body, step->len);
	else if (step->ask == ASK_END)
		end_session(step->session);
	else
		ask(step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step step;
	size_t at = 0;

	begin();
	while (size - at >= 2) {
		step.ask = data[at] & 15;
		step.session = data[at] >> 4 & 1;
		step.lane = data[at] & 0x20 ? WIRE_LANE_DATA : WIRE_LANE_CONTROL;
		step.flags = data[at] >> 6;
		step.len = data[at + 1];
		at += 2;
		if (step.len > size - at)
			step.len = size - at;
		step.body = data + at;
		at += step.len;
		take(&step);
	}
	end();
	return 0;
}
