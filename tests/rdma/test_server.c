/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_server.c - a running remorad against bare lanes
 *
 * The clients here follow the protocol by hand, or break it on purpose.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum { PORT = 7571, OBJECT = 100000, WAIT_STEPS = 500, STEP_US = 10000 };

static struct spawn server;

static int start_server(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", "--workers", "2", "--lease-ms",
		"3000", "--max-sessions", "6", "--max-locks", "4", "--max-reservations", "4", NULL};

	(void)state;
	return spawn_server(&server, PORT, options);
}

static void hello(struct raw *raw)
{
	assert_int_equal(raw_hello(raw, &server.addr), 0);
}

static int open_data(struct raw *raw, const struct raw *control)
{
	struct wire_connect want = raw_data(control);
	int err = raw_open(raw, &server.addr, &want);

	raw->boot = control->boot;
	return err;
}

static struct wire_usage usage_of(struct raw *raw)
{
	struct wire_usage usage;

	assert_int_equal(raw_usage(raw, &usage), 0);
	return usage;
}

static void store(struct raw *raw, const char *key, struct wire_extent *extent)
{
	assert_int_equal(raw_reserve(raw, key, OBJECT, extent), WIRE_OK);
	assert_int_equal(raw_write(raw, extent, OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent->handle), WIRE_OK);
}

/* The bytes of one salt, and in *all those of every salt. */
static uint64_t bytes_of(struct raw *raw, const char *salt, uint64_t *all)
{
	uint64_t cursor = 0, bytes, found = 0;
	struct wire_writer w;
	struct wire_reader r;
	struct wire_salt told;

	raw_begin(raw, &w, WIRE_SALTS, 0);
	wire_put_cursor(&w, 0);
	assert_int_equal(raw_call(raw, &w, &r), WIRE_SALTS | WIRE_REPLY);
	assert_int_equal(wire_get_cursor(&r, &cursor), 0);
	assert_int_equal(cursor, 0);
	for (*all = 0; wire_close(&r); *all += bytes) {
		assert_int_equal(wire_get_salt(&r, &told, &bytes), 0);
		if (told.len == strlen(salt) && !memcmp(told.data, salt, told.len))
			found = bytes;
	}
	return found;
}

static void what_is_stored_is_read_back(void **state)
{
	struct wire_extent stored, found;
	struct raw raw;

	(void)state;
	hello(&raw);
	memset(raw.buffer, 0x5a, OBJECT);
	store(&raw, "a", &stored);
	memset(raw.buffer, 0, OBJECT);
	assert_int_equal(raw_lookup(&raw, "a", WIRE_FLAG_LOCK, &found), WIRE_OK);
	assert_int_equal(found.len, OBJECT);
	assert_int_equal(raw_read(&raw, &found, OBJECT), 0);
	for (int i = 0; i < OBJECT; i++)
		assert_int_equal(raw.buffer[i], 0x5a);
	assert_int_equal(raw_delete(&raw, "a"), WIRE_LOCKED);
	assert_int_equal(raw_handle(&raw, WIRE_UNLOCK, found.handle), WIRE_OK);
	assert_int_equal(raw_delete(&raw, "a"), WIRE_OK);
	assert_int_equal(raw_lookup(&raw, "a", 0, &found), WIRE_NOT_FOUND);
	raw_close(&raw);
}

static void bytes_are_accounted_by_salt(void **state)
{
	struct wire_extent extent;
	uint64_t before, all;
	struct raw a, b;

	(void)state;
	hello(&a);
	hello(&b);
	a.salt = "salt a";
	b.salt = "salt b";
	bytes_of(&a, "", &before);
	store(&a, "salted 1", &extent);
	store(&b, "salted 2", &extent);
	store(&b, "salted 3", &extent);
	assert_int_equal(bytes_of(&a, "salt a", &all), OBJECT);
	assert_int_equal(bytes_of(&a, "salt b", &all), 2 * OBJECT);
	assert_int_equal(all, before + 3 * OBJECT);
	assert_int_equal(raw_delete(&a, "salted 1"), WIRE_OK);
	assert_int_equal(raw_delete(&a, "salted 2"), WIRE_OK);
	assert_int_equal(raw_delete(&a, "salted 3"), WIRE_OK);
	assert_int_equal(bytes_of(&b, "salt b", &all), 0);
	assert_int_equal(all, before);
	raw_close(&a);
	raw_close(&b);
}

static void a_reservation_is_invisible(void **state)
{
	struct wire_extent extent, found;
	struct raw raw;

	(void)state;
	hello(&raw);
	assert_int_equal(raw_reserve(&raw, "b", OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_lookup(&raw, "b", WIRE_FLAG_LOCK, &found), WIRE_NOT_FOUND);
	assert_int_equal(raw_handle(&raw, WIRE_ABORT, extent.handle), WIRE_OK);
	assert_int_equal(raw_handle(&raw, WIRE_COMMIT, extent.handle), WIRE_STALE);
	assert_int_equal(usage_of(&raw).reserved, 0);
	raw_close(&raw);
}

static void the_second_commit_of_a_key_is_freed_and_changes_nothing(void **state)
{
	struct wire_extent mine, theirs;
	struct raw a, b;

	(void)state;
	hello(&a);
	hello(&b);
	assert_int_equal(raw_reserve(&a, "c", OBJECT, &mine), WIRE_OK);
	assert_int_equal(raw_reserve(&b, "c", OBJECT, &theirs), WIRE_OK);
	assert_int_not_equal(mine.addr, theirs.addr);
	memset(a.buffer, 0x11, OBJECT);
	memset(b.buffer, 0x22, OBJECT);
	assert_int_equal(raw_write(&a, &mine, OBJECT), 0);
	assert_int_equal(raw_write(&b, &theirs, OBJECT), 0);
	assert_int_equal(raw_handle(&a, WIRE_COMMIT, mine.handle), WIRE_OK);
	assert_int_equal(raw_handle(&b, WIRE_COMMIT, theirs.handle), WIRE_EXISTS);
	assert_int_equal(raw_lookup(&b, "c", 0, &theirs), WIRE_OK);
	assert_int_equal(raw_read(&b, &theirs, OBJECT), 0);
	assert_int_equal(b.buffer[0], 0x11);
	assert_int_equal(b.buffer[OBJECT - 1], 0x11);
	assert_int_equal(raw_reserve(&b, "c", OBJECT, &theirs), WIRE_EXISTS);
	assert_int_equal(raw_delete(&a, "c"), WIRE_OK);
	raw_close(&a);
	raw_close(&b);
}

static void handles_of_another_session_are_stale(void **state)
{
	struct wire_extent extent, found;
	struct raw a, b;

	(void)state;
	hello(&a);
	hello(&b);
	assert_int_equal(raw_reserve(&a, "d", OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_handle(&b, WIRE_COMMIT, extent.handle), WIRE_STALE);
	assert_int_equal(raw_handle(&b, WIRE_ABORT, extent.handle), WIRE_STALE);
	assert_int_equal(raw_handle(&a, WIRE_COMMIT, extent.handle), WIRE_OK);
	assert_int_equal(raw_lookup(&a, "d", WIRE_FLAG_LOCK, &found), WIRE_OK);
	assert_int_equal(raw_handle(&b, WIRE_UNLOCK, found.handle), WIRE_STALE);
	assert_int_equal(raw_delete(&b, "d"), WIRE_LOCKED);
	assert_int_equal(raw_handle(&a, WIRE_UNLOCK, found.handle), WIRE_OK);
	assert_int_equal(raw_delete(&b, "d"), WIRE_OK);
	raw_close(&a);
	raw_close(&b);
}

static void a_data_lane_commits(void **state)
{
	struct wire_extent extent, found;
	struct raw control, data;

	(void)state;
	hello(&control);
	assert_int_equal(open_data(&data, &control), 0);
	assert_int_equal(data.frame, WIRE_FRAME_MIN);
	assert_int_equal(raw_reserve(&control, "e", OBJECT, &extent), WIRE_OK);
	memset(data.buffer, 7, OBJECT);
	assert_int_equal(raw_write(&data, &extent, OBJECT), 0);
	assert_int_equal(raw_handle(&data, WIRE_COMMIT, extent.handle), WIRE_OK);
	assert_int_equal(raw_lookup(&control, "e", 0, &found), WIRE_OK);
	assert_int_equal(raw_read(&control, &found, OBJECT), 0);
	assert_int_equal(control.buffer[OBJECT - 1], 7);
	assert_int_equal(raw_delete(&control, "e"), WIRE_OK);
	raw_close(&data);
	raw_close(&control);
}

static void a_data_lane_takes_no_lookups(void **state)
{
	struct raw control, data;
	struct wire_writer w;
	struct wire_reader r;

	(void)state;
	hello(&control);
	assert_int_equal(open_data(&data, &control), 0);
	raw_begin(&data, &w, WIRE_USAGE, 0);
	assert_int_equal(raw_call(&data, &w, &r), WIRE_REFUSED);
	raw_begin(&data, &w, WIRE_PING, 0);
	assert_int_equal(raw_call(&data, &w, &r), WIRE_PING | WIRE_REPLY);
	raw_close(&data);
	raw_close(&control);
}

static void a_data_lane_with_a_wrong_token_is_rejected(void **state)
{
	struct wire_connect want;
	struct raw control, data;

	(void)state;
	hello(&control);
	want = raw_data(&control);
	want.token[WIRE_TOKEN_LEN - 1] ^= 1;
	assert_int_not_equal(raw_open(&data, &server.addr, &want), 0);
	assert_int_equal(data.rejected, WIRE_DENIED);
	want = raw_data(&control);
	want.session += 256;
	assert_int_not_equal(raw_open(&data, &server.addr, &want), 0);
	assert_int_equal(data.rejected, WIRE_DENIED);
	want.session += 0x80;
	assert_int_not_equal(raw_open(&data, &server.addr, &want), 0);
	assert_int_equal(data.rejected, WIRE_DENIED);
	usage_of(&control);
	raw_close(&control);
}

static void a_session_has_at_most_eight_data_lanes(void **state)
{
	struct raw *data = calloc(9, sizeof(*data)), control;
	int i;

	(void)state;
	hello(&control);
	for (i = 0; i < 8; i++)
		assert_int_equal(open_data(&data[i], &control), 0);
	assert_int_not_equal(open_data(&data[8], &control), 0);
	assert_int_equal(data[8].rejected, WIRE_LIMIT);
	for (i = 0; i < 8; i++)
		raw_close(&data[i]);
	raw_close(&control);
	free(data);
}

static void nothing_is_told_before_hello(void **state)
{
	struct wire_connect want = raw_control();
	struct wire_refusal refusal;
	struct wire_writer w;
	struct wire_reader r;
	struct raw raw;

	(void)state;
	assert_int_equal(raw_open(&raw, &server.addr, &want), 0);
	for (uint8_t type = WIRE_RESERVE; type <= WIRE_PING; type++) {
		raw_begin(&raw, &w, type, 0);
		assert_int_equal(raw_call(&raw, &w, &r), WIRE_REFUSED);
		assert_int_equal(wire_get_refusal(&r, &refusal), 0);
		assert_int_equal(refusal.status, WIRE_DENIED);
	}
	raw_close(&raw);
}

static void another_version_is_rejected_with_the_reason(void **state)
{
	struct wire_connect want = raw_control();
	struct raw raw;

	(void)state;
	want.version++;
	assert_int_not_equal(raw_open(&raw, &server.addr, &want), 0);
	want = raw_control();
	want.frame = WIRE_FRAME_MIN - 1;
	assert_int_not_equal(raw_open(&raw, &server.addr, &want), 0);
	assert_int_equal(raw.rejected, WIRE_BAD_REQUEST);
}

static void a_malformed_frame_ends_the_session(void **state)
{
	struct wire_writer w;
	struct raw raw;

	(void)state;
	hello(&raw);
	raw_begin(&raw, &w, WIRE_COMMIT, 0);
	wire_put_handle(&w, (struct wire_handle){0});
	wire_end(&w);
	w.buf[4] = WIRE_LOOKUP; /* the handle is no key */
	lane_send(raw.lane, w.len);
	assert_int_equal(lane_flush(raw.lane, true), 0);
	assert_int_equal(raw_wait_disconnected(&raw), 0);
	raw_close(&raw);
}

/* Until the server has seen a session's end. */
static struct wire_usage wait_for_sessions(struct raw *raw, uint64_t sessions)
{
	struct wire_usage usage = usage_of(raw);

	for (int i = 0; i < WAIT_STEPS && usage.sessions != sessions; i++) {
		usleep(STEP_US);
		usage = usage_of(raw);
	}
	assert_int_equal(usage.sessions, sessions);
	return usage;
}

static void a_disconnect_frees_what_the_session_held(void **state)
{
	struct wire_extent extent, found;
	struct wire_usage usage;
	struct raw a, b;

	(void)state;
	hello(&a);
	wait_for_sessions(&a, 1);
	hello(&b);
	store(&b, "f", &extent);
	assert_int_equal(raw_lookup(&b, "f", WIRE_FLAG_LOCK, &found), WIRE_OK);
	assert_int_equal(raw_lookup(&b, "f", WIRE_FLAG_LOCK, &found), WIRE_OK);
	assert_int_equal(raw_reserve(&b, "g", OBJECT, &extent), WIRE_OK);
	usage = usage_of(&a);
	assert_int_equal(usage.locked, 1);
	assert_true(usage.reserved >= OBJECT);
	raw_close(&b);
	usage = wait_for_sessions(&a, 1);
	assert_int_equal(usage.locked, 0);
	assert_int_equal(usage.reserved, 0);
	assert_int_equal(raw_delete(&a, "f"), WIRE_OK);
	raw_close(&a);
}

static void the_end_of_one_lane_ends_the_session(void **state)
{
	struct wire_extent extent;
	struct raw a, control, data;

	(void)state;
	hello(&a);
	hello(&control);
	assert_int_equal(open_data(&data, &control), 0);
	assert_int_equal(raw_reserve(&control, "h", OBJECT, &extent), WIRE_OK);
	raw_close(&data);
	assert_int_equal(raw_wait_disconnected(&control), 0);
	raw_close(&control);
	assert_int_equal(wait_for_sessions(&a, 1).reserved, 0);
	raw_close(&a);
}

static void a_silent_session_loses_its_lease(void **state)
{
	struct wire_extent found;
	struct raw raw;

	(void)state;
	hello(&raw);
	assert_int_equal(raw.welcome.lease_ms, 3000);
	assert_int_equal(raw_reserve(&raw, "i", OBJECT, &found), WIRE_OK);
	assert_int_equal(raw_wait_disconnected(&raw), 0);
	raw_close(&raw);
	hello(&raw);
	assert_int_equal(wait_for_sessions(&raw, 1).reserved, 0);
	raw_close(&raw);
}

static void as_many_requests_as_credits_may_be_unanswered(void **state)
{
	struct wire_writer w;
	struct raw raw;
	unsigned sent = 0;

	(void)state;
	hello(&raw);
	raw.replies = 0;
	while (sent < 400) {
		while (sent - raw.replies < raw.credits) {
			raw_begin(&raw, &w, WIRE_PING, 0);
			assert_int_equal(raw_send(&raw, &w), 0);
			sent++;
		}
		assert_int_equal(raw_wait(&raw, raw.replies + 1), 0);
	}
	assert_int_equal(raw_wait(&raw, sent), 0);
	raw_close(&raw);
}

static void limits_of_a_session_are_kept(void **state)
{
	struct wire_extent extent;
	struct raw raw;

	(void)state;
	hello(&raw);
	for (int i = 0; i < 4; i++)
		assert_int_equal(raw_reserve(&raw, "j", OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_reserve(&raw, "j", OBJECT, &extent), WIRE_LIMIT);
	assert_int_equal(raw_handle(&raw, WIRE_COMMIT, extent.handle), WIRE_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(raw_lookup(&raw, "j", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_lookup(&raw, "j", WIRE_FLAG_LOCK, &extent), WIRE_LIMIT);
	assert_int_equal(raw_lookup(&raw, "j", 0, &extent), WIRE_OK);
	raw_close(&raw);
}

static void too_many_sessions_are_refused_politely(void **state)
{
	struct raw *raws = calloc(7, sizeof(*raws));
	int i;

	(void)state;
	hello(&raws[0]);
	wait_for_sessions(&raws[0], 1);
	for (i = 1; i < 6; i++)
		hello(&raws[i]);
	assert_int_not_equal(raw_hello(&raws[6], &server.addr), 0);
	assert_int_equal(raws[6].welcome.status, WIRE_LIMIT);
	raw_close(&raws[6]);
	for (i = 1; i < 6; i++)
		raw_close(&raws[i]);
	wait_for_sessions(&raws[0], 1);
	raw_close(&raws[0]);
	free(raws);
}

static void sigterm_ends_an_idle_server_well(void **state)
{
	(void)state;
	assert_int_equal(spawn_end(&server, SIGTERM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_is_read_back),
		cmocka_unit_test(bytes_are_accounted_by_salt),
		cmocka_unit_test(a_reservation_is_invisible),
		cmocka_unit_test(the_second_commit_of_a_key_is_freed_and_changes_nothing),
		cmocka_unit_test(handles_of_another_session_are_stale),
		cmocka_unit_test(a_data_lane_commits),
		cmocka_unit_test(a_data_lane_takes_no_lookups),
		cmocka_unit_test(a_data_lane_with_a_wrong_token_is_rejected),
		cmocka_unit_test(a_session_has_at_most_eight_data_lanes),
		cmocka_unit_test(nothing_is_told_before_hello),
		cmocka_unit_test(another_version_is_rejected_with_the_reason),
		cmocka_unit_test(a_malformed_frame_ends_the_session),
		cmocka_unit_test(a_disconnect_frees_what_the_session_held),
		cmocka_unit_test(the_end_of_one_lane_ends_the_session),
		cmocka_unit_test(a_silent_session_loses_its_lease),
		cmocka_unit_test(as_many_requests_as_credits_may_be_unanswered),
		cmocka_unit_test(limits_of_a_session_are_kept),
		cmocka_unit_test(too_many_sessions_are_refused_politely),
		cmocka_unit_test(sigterm_ends_an_idle_server_well),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("server", tests, start_server, NULL);
}
