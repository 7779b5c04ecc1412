/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zombie.c - a client that believes in a session which the server has ended
 *
 * It says nothing for longer than the lease, as a process does that was
 * stopped, and then goes on with the addresses that it was told. Its queue
 * pairs were never closed by itself: only the server keeps it out.
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

#include "raw.h"
#include "spawn.h"

enum { PORT = 7573, OBJECTS = 8, OBJECT = 1 << 20, STEPS = 2000, STEP_US = 10000 };

static struct spawn server;

/* A session with one data lane. */
struct peer {
	struct raw control, data;
};

static int start_server(void **state)
{
	static const char *const options[] = {"--memory", "8MiB", "--max-reserved", "8MiB",
		"--lease-ms", "1000", NULL};

	(void)state;
	return spawn_server(&server, PORT, options);
}

static int stop_server(void **state)
{
	(void)state;
	return spawn_end(&server, SIGTERM);
}

static void peer_open(struct peer *peer)
{
	struct wire_connect want;

	assert_int_equal(raw_hello(&peer->control, &server.addr), 0);
	want = raw_data(&peer->control);
	assert_int_equal(raw_open(&peer->data, &server.addr, &want), 0);
	peer->data.boot = peer->control.boot;
}

static void peer_close(struct peer *peer)
{
	raw_close(&peer->data);
	raw_close(&peer->control);
}

static void key_name(char name[16], char first, unsigned i)
{
	snprintf(name, 16, "%c-%u", first, i);
}

static void reserve_all(struct peer *peer, char first, struct wire_extent extents[OBJECTS])
{
	char name[16];

	for (unsigned i = 0; i < OBJECTS; i++) {
		key_name(name, first, i);
		assert_int_equal(
			raw_reserve(&peer->control, name, OBJECT, &extents[i]), WIRE_OK);
	}
}

static void store_all(struct peer *peer, char first)
{
	struct wire_extent extents[OBJECTS];

	reserve_all(peer, first, extents);
	for (unsigned i = 0; i < OBJECTS; i++) {
		memset(peer->data.buffer, first + (int)i, OBJECT);
		assert_int_equal(raw_write(&peer->data, &extents[i], OBJECT), 0);
		/* Its answer means that the buffer is free again, too. */
		assert_int_equal(
			raw_handle(&peer->data, WIRE_COMMIT, extents[i].handle), WIRE_OK);
	}
}

/* In a session of its own: the zombie's attempts may have taken longer than a lease. */
static void expect_all(char first)
{
	struct wire_extent found;
	struct peer witness, *peer = &witness;
	char name[16];

	peer_open(peer);
	for (unsigned i = 0; i < OBJECTS; i++) {
		key_name(name, first, i);
		assert_int_equal(
			raw_lookup(&peer->control, name, WIRE_FLAG_LOCK, &found), WIRE_OK);
		memset(peer->data.buffer, 0, OBJECT);
		assert_int_equal(raw_read(&peer->data, &found, OBJECT), 0);
		for (unsigned at = 0; at < OBJECT; at++)
			if (peer->data.buffer[at] != first + (int)i)
				fail_msg("%s has a strange byte at %u", name, at);
		assert_int_equal(
			raw_handle(&peer->control, WIRE_UNLOCK, found.handle), WIRE_OK);
	}
	peer_close(peer);
}

/* Wait, talking, until the other session has ended. */
static void outlive(struct peer *peer)
{
	struct wire_usage usage = {.sessions = 2};

	for (unsigned i = 0; i < STEPS && usage.sessions > 1; i++) {
		assert_int_equal(raw_usage(&peer->control, &usage), 0);
		usleep(STEP_US);
	}
	assert_int_equal(usage.sessions, 1);
	assert_int_equal(usage.reserved, 0);
	assert_int_equal(usage.locked, 0);
}

static void what_a_fenced_writer_still_writes_reaches_nobody(void **state)
{
	struct wire_extent extents[OBJECTS];
	struct peer zombie, heir;

	(void)state;
	peer_open(&zombie);
	peer_open(&heir);
	reserve_all(&zombie, 'A', extents);
	outlive(&heir);
	store_all(&heir, 'a');
	peer_close(&heir);

	memset(zombie.data.buffer, 'Z', OBJECT);
	for (unsigned i = 0; i < OBJECTS; i++)
		if (raw_write(&zombie.data, &extents[i], OBJECT))
			break;
	assert_int_not_equal(raw_read(&zombie.data, &extents[0], OBJECT), 0);
	expect_all('a');
	peer_close(&zombie);
}

static void what_a_fenced_reader_held_is_not_shown_to_it_any_more(void **state)
{
	struct wire_extent found;
	struct peer zombie, heir;

	(void)state;
	peer_open(&zombie);
	peer_open(&heir);
	store_all(&zombie, 'A');
	assert_int_equal(raw_lookup(&zombie.control, "A-0", WIRE_FLAG_LOCK, &found), WIRE_OK);
	outlive(&heir);
	store_all(&heir, 'b');
	peer_close(&heir);

	memset(zombie.data.buffer, 0, OBJECT);
	assert_int_not_equal(raw_read(&zombie.data, &found, OBJECT), 0);
	for (unsigned at = 0; at < OBJECT; at++)
		assert_int_equal(zombie.data.buffer[at], 0);
	expect_all('b');
	peer_close(&zombie);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_fenced_writer_still_writes_reaches_nobody),
		cmocka_unit_test(what_a_fenced_reader_held_is_not_shown_to_it_any_more),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
