/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c - request frames in, replies out; the peer may be anybody */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "request.h"

enum { FRAME = 16384, ARENA = 16 << 20, OBJECT = 100000, BOOT = 4711 };

static const struct arena arenas[] = {
	{.addr = UINT64_C(0x7f0000000000), .len = ARENA, .rkey = 17},
	{.addr = UINT64_C(0x7f8000000000), .len = ARENA, .rkey = 18},
};

/* A server with one store and two sessions, a and b. */
struct fixture {
	struct service service;
	struct session *a, *b;
	enum wire_lane_kind lane;
	uint64_t boot;
	uint8_t frame[FRAME], reply[FRAME];
	int reply_len; /* or -EPROTO */
	struct wire_header header;
	struct wire_reader in;
	struct wire_writer out;
};

static void begin(struct fixture *f, uint8_t type, uint8_t flags)
{
	struct wire_header header = {.type = type, .flags = flags, .task = 99, .boot = f->boot};

	wire_begin(&f->out, f->frame, sizeof(f->frame), &header);
}

/* Hand len bytes of the frame over, and open the reply if there is one. */
static void hand_over(struct fixture *f, struct session *session, size_t len)
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

/* Returns the reply's type. */
static int ask(struct fixture *f, struct session *session)
{
	hand_over(f, session, wire_end(&f->out));
	return f->reply_len < 0 ? f->reply_len : f->header.type;
}

static void expect_refusal(struct fixture *f, struct session *session, enum wire_status status)
{
	struct wire_refusal refusal;

	assert_int_equal(ask(f, session), WIRE_REFUSED);
	assert_int_equal(wire_get_refusal(&f->in, &refusal), 0);
	assert_int_equal(wire_close(&f->in), 0);
	assert_int_equal(refusal.status, status);
	assert_true(refusal.text_len > 0);
}

static struct wire_key key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static enum wire_status get_extent(struct fixture *f, struct wire_extent *extent)
{
	enum wire_status status;

	assert_int_equal(wire_get_extent(&f->in, &status, extent), 0);
	return status;
}

static enum wire_status reserve(struct fixture *f, struct session *s, const char *k, uint64_t len,
	struct wire_extent *extent)
{
	begin(f, WIRE_RESERVE, 0);
	wire_put_reserve(&f->out, key(k), len);
	assert_int_equal(ask(f, s), WIRE_RESERVE | WIRE_REPLY);
	return get_extent(f, extent);
}

static enum wire_status lookup(struct fixture *f, struct session *s, const char *k, uint8_t flags,
	struct wire_extent *extent)
{
	begin(f, WIRE_LOOKUP, flags);
	wire_put_key(&f->out, key(k));
	assert_int_equal(ask(f, s), WIRE_LOOKUP | WIRE_REPLY);
	return get_extent(f, extent);
}

static enum wire_status with_handle(
	struct fixture *f, struct session *s, uint8_t type, struct wire_handle handle)
{
	enum wire_status status;

	begin(f, type, 0);
	wire_put_handle(&f->out, handle);
	assert_int_equal(ask(f, s), type | WIRE_REPLY);
	assert_int_equal(wire_get_status(&f->in, &status), 0);
	return status;
}

static enum wire_status delete_key(struct fixture *f, struct session *s, const char *k)
{
	enum wire_status status;

	begin(f, WIRE_DELETE, 0);
	wire_put_key(&f->out, key(k));
	assert_int_equal(ask(f, s), WIRE_DELETE | WIRE_REPLY);
	assert_int_equal(wire_get_status(&f->in, &status), 0);
	return status;
}

static struct wire_usage usage_of(struct fixture *f)
{
	struct wire_usage usage;

	begin(f, WIRE_USAGE, 0);
	assert_int_equal(ask(f, f->a), WIRE_USAGE | WIRE_REPLY);
	assert_int_equal(wire_get_usage(&f->in, &usage), 0);
	return usage;
}

static void store(struct fixture *f, struct session *s, const char *k)
{
	struct wire_extent extent;

	assert_int_equal(reserve(f, s, k, OBJECT, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, s, WIRE_COMMIT, extent.handle), WIRE_OK);
}

static void put_hello(struct fixture *f, uint16_t version)
{
	struct wire_hello hello = {.version = version, .client_id = {1}, .tenant_len = 1};

	begin(f, WIRE_HELLO, 0);
	wire_put_hello(&f->out, &hello);
}

static struct wire_welcome say_hello(struct fixture *f, struct session *session, uint16_t version)
{
	struct wire_welcome welcome;

	put_hello(f, version);
	assert_int_equal(ask(f, session), WIRE_HELLO | WIRE_REPLY);
	assert_int_equal(wire_get_welcome(&f->in, &welcome), 0);
	return welcome;
}

static int setup(void **state)
{
	const size_t lengths[] = {ARENA, ARENA};
	struct store_params params = {.arenas = lengths, .arena_count = 2, .seed = 1};
	struct fixture *f = calloc(1, sizeof(*f));

	f->service = (struct service){
		.arenas = arenas,
		.arena_count = 2,
		.boot = BOOT,
		.lease_ms = 10000,
		.max_sessions = 2,
		.limits = {.reserved = ARENA, .reservations = 8, .locks = 3},
	};
	f->lane = WIRE_LANE_CONTROL;
	f->boot = BOOT;
	*state = f;
	if (store_create(&params, &f->service.store))
		return -1;
	return session_create(1, &f->a) || session_create(2, &f->b);
}

static int setup_welcome(void **state)
{
	int err = setup(state);
	struct fixture *f = *state;

	if (err)
		return err;
	say_hello(f, f->a, WIRE_VERSION);
	say_hello(f, f->b, WIRE_VERSION);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;
	char text[200];
	int err;

	session_destroy(f->a, f->service.store);
	session_destroy(f->b, f->service.store);
	store_stats(f->service.store, &stats);
	err = store_check(f->service.store, text, sizeof(text));
	store_destroy(f->service.store);
	free(f);
	/* Whatever a test did: the end of the sessions gives all of it back. */
	return err || stats.reserved || stats.locked;
}

static void hello_is_answered_with_a_token(void **state)
{
	static const uint8_t none[WIRE_TOKEN_LEN];
	struct fixture *f = *state;
	struct wire_welcome welcome = say_hello(f, f->a, WIRE_VERSION);

	assert_int_equal(welcome.status, WIRE_OK);
	assert_int_equal(welcome.session, 1);
	assert_int_equal(welcome.lease_ms, 10000);
	assert_int_equal(welcome.max_object, ARENA);
	assert_true(session_token_matches(f->a, welcome.token));
	assert_false(session_token_matches(f->b, welcome.token));
	assert_memory_not_equal(welcome.token, none, WIRE_TOKEN_LEN);
}

static void hello_of_another_version_gets_no_token(void **state)
{
	struct fixture *f = *state;
	struct wire_welcome welcome = say_hello(f, f->a, WIRE_VERSION + 1);

	assert_int_equal(welcome.status, WIRE_BAD_VERSION);
	assert_int_equal(welcome.version, WIRE_VERSION);
	assert_false(f->a->welcome);
	begin(f, WIRE_PING, 0);
	expect_refusal(f, f->a, WIRE_DENIED);
}

static void nothing_is_answered_before_hello(void **state)
{
	struct fixture *f = *state;

	for (uint8_t type = WIRE_RESERVE; type <= WIRE_PING; type++) {
		begin(f, type, 0);
		expect_refusal(f, f->a, WIRE_DENIED);
	}
}

static void a_second_hello_is_refused(void **state)
{
	struct fixture *f = *state;

	put_hello(f, WIRE_VERSION);
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
	static const uint8_t types[] = {0, WIRE_PING + 1, WIRE_PING | WIRE_REPLY, WIRE_REFUSED};
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

static void a_ping_is_answered_with_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f, WIRE_PING, 0);
	assert_int_equal(ask(f, f->a), WIRE_PING | WIRE_REPLY);
	assert_int_equal(f->header.count, 0);
	assert_int_equal(f->reply_len, WIRE_HEADER_LEN);
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

static void locks_of_others_cannot_be_undone(void **state)
{
	struct wire_extent extent;
	struct fixture *f = *state;

	store(f, f->a, "k");
	assert_int_equal(lookup(f, f->a, "k", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(with_handle(f, f->b, WIRE_UNLOCK, extent.handle), WIRE_STALE);
	assert_int_equal(delete_key(f, f->b, "k"), WIRE_LOCKED);
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
	session_destroy(f->b, f->service.store);
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
	assert_int_equal(say_hello(f, f->a, WIRE_VERSION).status, WIRE_DRAINING);
	assert_false(f->a->welcome);
}

static void usage_tells_the_store_and_the_sessions(void **state)
{
	struct fixture *f = *state;
	struct wire_usage usage;

	atomic_store(&f->service.sessions, 2);
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
	wire_put_reserve(&f->out, key("some key"), OBJECT);
	wire_put_reserve(&f->out, key("some other key"), OBJECT);
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(hello_is_answered_with_a_token, setup, teardown),
	cmocka_unit_test_setup_teardown(hello_of_another_version_gets_no_token, setup, teardown),
	cmocka_unit_test_setup_teardown(nothing_is_answered_before_hello, setup, teardown),
	cmocka_unit_test_setup_teardown(draining_welcomes_nobody, setup, teardown),
#define WELCOME(name) cmocka_unit_test_setup_teardown(name, setup_welcome, teardown)
	WELCOME(a_second_hello_is_refused),
	WELCOME(another_boot_id_is_refused),
	WELCOME(unknown_types_are_refused),
	WELCOME(unknown_flags_are_refused),
	WELCOME(a_ping_is_answered_with_nothing),
	WELCOME(data_lanes_take_only_what_belongs_there),
	WELCOME(a_committed_object_is_found_where_it_was_reserved),
	WELCOME(a_key_that_exists_is_not_reserved_again),
	WELCOME(reservations_of_others_are_stale),
	WELCOME(an_aborted_reservation_is_free_again),
	WELCOME(two_lookups_need_two_unlocks),
	WELCOME(locks_of_others_cannot_be_undone),
	WELCOME(a_lookup_without_the_flag_locks_nothing),
	WELCOME(the_end_of_a_session_gives_its_locks_back),
	WELCOME(a_lookup_tells_each_key),
	WELCOME(a_lookup_stops_at_a_miss_if_asked_to),
	WELCOME(locks_have_a_limit),
	WELCOME(reservations_have_a_limit_in_number),
	WELCOME(reservations_have_a_limit_in_bytes),
	WELCOME(absurd_lengths_are_answered_with_a_status),
	WELCOME(draining_lets_nothing_new_in),
	WELCOME(usage_tells_the_store_and_the_sessions),
	WELCOME(a_listing_of_many_pages_names_all),
	WELCOME(as_many_entries_as_allowed_are_answered),
	WELCOME(more_entries_than_allowed_are_refused),
	WELCOME(wrong_counts_are_refused),
	WELCOME(every_truncation_ends_the_session),
	WELCOME(bytes_left_over_end_the_session),
	WELCOME(random_frames_break_nothing),
};

int main(void)
{
	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
