/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_handles.c - reservations and locks of others, and those that never were
 *
 * A handle is two small numbers, and whoever sees one can guess the next: only
 * what the server remembers of a session makes it worth anything.
 */
#include <string.h>

#include "hostile.h"

enum { PORT = 7583, GUESSES = 400 };

static struct attacker attacker, victim;

static int start(void **state)
{
	(void)state;
	return hostile_begin(PORT, NULL);
}

static int setup(void **state)
{
	(void)state;
	attacker_open(&attacker);
	attacker_open(&victim);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	attacker_close(&attacker);
	attacker_close(&victim);
	hostile_audit();
	return 0;
}

/* Send many handles in one request; returns how many were not stale. */
static unsigned try_handles(struct raw *raw, uint8_t type, const struct wire_handle *handles)
{
	enum wire_status status;
	unsigned taken = 0, i;
	struct wire_writer w;
	struct wire_reader r;

	raw_begin(raw, &w, type, 0);
	for (i = 0; i < GUESSES; i++)
		assert_int_equal(wire_put_handle(&w, handles[i]), 0);
	assert_int_equal(raw_call(raw, &w, &r), type | WIRE_REPLY);
	for (i = 0; i < GUESSES; i++) {
		assert_int_equal(wire_get_status(&r, &status), 0);
		taken += status != WIRE_STALE;
	}
	return taken;
}

/* Everything near a handle, the handle itself in the midst. */
static void guess_around(struct wire_handle handle, struct wire_handle guesses[GUESSES])
{
	for (unsigned i = 0; i < GUESSES; i++) {
		guesses[i].slot = handle.slot + i / 20 - 10;
		guesses[i].generation = handle.generation + i % 20 - 10;
	}
}

static void nothing_of_another_session_can_be_guessed(void **state)
{
	static const uint8_t types[] = {WIRE_COMMIT, WIRE_ABORT, WIRE_UNLOCK};
	struct wire_handle guesses[GUESSES], own[] = {attacker.reserved, attacker.locked};

	(void)state;
	/* What is its own would be found: it is given back first. */
	assert_int_equal(raw_handle(&attacker.raw, WIRE_ABORT, own[0]), WIRE_OK);
	assert_int_equal(raw_handle(&attacker.raw, WIRE_UNLOCK, own[1]), WIRE_OK);
	for (unsigned i = 0; i < sizeof(types); i++) {
		guess_around(victim.reserved, guesses);
		assert_int_equal(try_handles(&attacker.raw, types[i], guesses), 0);
		guess_around(victim.locked, guesses);
		assert_int_equal(try_handles(&attacker.raw, types[i], guesses), 0);
	}
	assert_int_equal(raw_handle(&victim.raw, WIRE_COMMIT, victim.reserved), WIRE_OK);
	assert_int_equal(raw_delete(&attacker.raw, "locked"), WIRE_LOCKED);
	assert_int_equal(raw_handle(&victim.raw, WIRE_UNLOCK, victim.locked), WIRE_OK);
}

static void a_data_lane_has_no_more_rights_than_its_session(void **state)
{
	struct wire_connect want = raw_data(&attacker.raw);
	struct raw data;

	(void)state;
	assert_int_equal(raw_open(&data, &hostile_server.addr, &want), 0);
	data.boot = attacker.raw.boot;
	assert_int_equal(raw_handle(&data, WIRE_COMMIT, victim.reserved), WIRE_STALE);
	assert_int_equal(raw_handle(&data, WIRE_ABORT, victim.reserved), WIRE_STALE);
	assert_int_equal(raw_handle(&data, WIRE_COMMIT, attacker.reserved), WIRE_OK);
	raw_close(&data);
	assert_int_equal(raw_handle(&victim.raw, WIRE_ABORT, victim.reserved), WIRE_OK);
}

static void a_lock_is_no_reservation_and_a_reservation_no_lock(void **state)
{
	struct raw *raw = &attacker.raw;

	(void)state;
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, attacker.locked), WIRE_STALE);
	assert_int_equal(raw_handle(raw, WIRE_ABORT, attacker.locked), WIRE_STALE);
	assert_int_equal(raw_handle(raw, WIRE_UNLOCK, attacker.reserved), WIRE_STALE);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, attacker.reserved), WIRE_OK);
	assert_int_equal(raw_handle(raw, WIRE_UNLOCK, attacker.reserved), WIRE_STALE);
}

static void what_was_given_back_cannot_be_given_back_again(void **state)
{
	static const uint8_t types[] = {WIRE_COMMIT, WIRE_ABORT, WIRE_UNLOCK};
	struct raw *raw = &attacker.raw;

	(void)state;
	assert_int_equal(raw_handle(raw, WIRE_ABORT, attacker.reserved), WIRE_OK);
	assert_int_equal(raw_handle(raw, WIRE_UNLOCK, attacker.locked), WIRE_OK);
	for (unsigned i = 0; i < sizeof(types); i++) {
		assert_int_equal(raw_handle(raw, types[i], attacker.reserved), WIRE_STALE);
		assert_int_equal(raw_handle(raw, types[i], attacker.locked), WIRE_STALE);
	}
	/* The victim has a lock on the same object, which none of it has touched. */
	assert_int_equal(raw_delete(raw, "locked"), WIRE_LOCKED);
}

/* In one frame, where the first entry takes away what the others name. */
static void a_handle_twice_in_a_frame_counts_once(void **state)
{
	struct wire_handle handles[GUESSES];

	(void)state;
	for (unsigned i = 0; i < GUESSES; i++)
		handles[i] = attacker.reserved;
	assert_int_equal(try_handles(&attacker.raw, WIRE_COMMIT, handles), 1);
	for (unsigned i = 0; i < GUESSES; i++)
		handles[i] = attacker.locked;
	assert_int_equal(try_handles(&attacker.raw, WIRE_UNLOCK, handles), 1);
	assert_int_equal(raw_delete(&attacker.raw, "locked"), WIRE_LOCKED);
}

/* Its slot may be another reservation's now. */
static void a_handle_of_an_ended_session_is_stale_for_all(void **state)
{
	struct wire_handle reserved = victim.reserved, locked = victim.locked;

	(void)state;
	attacker_close(&victim);
	hostile_wait_sessions(2);
	attacker_open(&victim);
	assert_int_equal(raw_handle(&attacker.raw, WIRE_COMMIT, reserved), WIRE_STALE);
	assert_int_equal(raw_handle(&victim.raw, WIRE_COMMIT, reserved), WIRE_STALE);
	assert_int_equal(raw_handle(&victim.raw, WIRE_UNLOCK, locked), WIRE_OK);
	assert_int_equal(raw_handle(&victim.raw, WIRE_UNLOCK, locked), WIRE_STALE);
	assert_int_equal(raw_handle(&victim.raw, WIRE_ABORT, victim.reserved), WIRE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_of_another_session_can_be_guessed),
		TEST(a_data_lane_has_no_more_rights_than_its_session),
		TEST(a_lock_is_no_reservation_and_a_reservation_no_lock),
		TEST(what_was_given_back_cannot_be_given_back_again),
		TEST(a_handle_twice_in_a_frame_counts_once),
		TEST(a_handle_of_an_ended_session_is_stale_for_all),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile handles", tests, start, hostile_end);
}
