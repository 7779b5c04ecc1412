/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stopped.c - a client that stands still past its lease, and then goes on
 *
 * In the middle of stores or of loads. Meanwhile the server gives its memory to
 * others. What the client then still does must reach none of it, and none of
 * it may reach the client.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"
#include "victim.h"

enum {
	MIB = 1 << 20,
	POOL = 16, /* MiB; the victim uses half of it */
	ARENA = POOL * MIB,
	STOPS = 2,
	LINES = 4, /* that the victim is let work for, before and after */
	WAIT_MS = 60000,
	QUIET_MS = 200,
	TRIES = 20,
};

static const char *const options[] = {"--memory", "16MiB", "--lease-ms", "1500", NULL};
static struct spawn server;
static struct client client;
static struct victim victim;

static int start_server(void **state)
{
	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int end_server(void **state)
{
	(void)state;
	victim_kill(&victim);
	client_close(&client); /* if the test has failed */
	if (server.pid > 0)
		spawn_end(&server, SIGKILL);
	return 0;
}

static void hear_right(unsigned lines)
{
	char line[64];

	while (lines--) {
		victim_hear(&victim, line, sizeof(line));
		assert_string_equal(line, "right");
	}
}

/* What it had printed before it was stopped may be many lines; none of them is "wrong". */
static void await_end_of_session(unsigned ends)
{
	uint64_t end = client_now_ms() + WAIT_MS;

	while (spawn_logged(&server, "silent for longer than the lease") <= ends) {
		assert_true(client_now_ms() < end);
		usleep(10000);
	}
}

/* Give all of the memory to objects of the test; whatever was there is gone. */
static struct items *take_the_pool(unsigned stop)
{
	struct items *items;
	char name[16];
	int tries, err = -1;

	snprintf(name, sizeof(name), "mine%u", stop);
	items = items_create(name, POOL, client.arena, MIB);
	assert_non_null(items);
	items_fill(items);
	for (tries = 0; tries < TRIES && err; tries++) {
		remora_wait_connected(client.adapter, WAIT_MS);
		err = client_store(&client, items->keys, items->objects, POOL, NULL);
	}
	assert_int_equal(err, 0);
	return items;
}

/* What the victim has not stored over since is as it was. */
static void expect_mine(struct items *items)
{
	struct remora_bitmap *bits;
	int64_t task;
	size_t i;

	items_wipe(items);
	task = remora_submit_load(
		client.adapter, items->keys, items->count, items->objects, items->count);
	bits = client_await_load(&client, task);
	assert_non_null(bits);
	for (i = 0; i < items->count; i++)
		if (remora_bitmap_test(bits, i))
			assert_true(item_is(
				&items->keys[i], 0, items->objects[i].data, items->objects[i].len));
	remora_bitmap_destroy(bits);
}

static void stop_and_go_on(const char *what)
{
	char address[64];
	const char *const args[] = {"work", address, "its", what, NULL};
	struct items *mine;
	unsigned stop, ends;

	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	snprintf(address, sizeof(address), "%s", client_server(&server));
	assert_int_equal(victim_start(&victim, args, NULL), 0);
	for (stop = 0; stop < STOPS; stop++) {
		hear_right(LINES + stop);
		ends = spawn_logged(&server, "silent for longer than the lease");
		kill(victim.pid, SIGSTOP);
		await_end_of_session(ends);
		mine = take_the_pool(stop);
		kill(victim.pid, SIGCONT);
		usleep(QUIET_MS * 1000);
		expect_mine(mine);
		items_destroy(mine);
	}
	hear_right(LINES);
	victim_kill(&victim);
	client_close(&client);
}

static void a_client_stopped_in_a_store_harms_nobody(void **state)
{
	(void)state;
	stop_and_go_on("new");
}

static void a_client_stopped_in_a_load_is_given_nothing_wrong(void **state)
{
	(void)state;
	stop_and_go_on("same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STOPPED(name) cmocka_unit_test_setup_teardown(name, start_server, end_server)
		STOPPED(a_client_stopped_in_a_store_harms_nobody),
		STOPPED(a_client_stopped_in_a_load_is_given_nothing_wrong),
	};

	if (!client_has_lab(230))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
