/* SPDX-License-Identifier: Apache-2.0 */
/* test_close.c - adapters come and go: nothing hangs and nothing is left over */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, CYCLES = 50, KEYS = 16, LEN = MIB, CLOSE_MS = 10000 };

static struct spawn server, other;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", NULL};
	static const char *const small[] = {"--memory", "16MiB", NULL};

	(void)state;
	return spawn_server(&server, client_port(0), options) ||
	       spawn_server(&other, client_port(1), small);
}

static int tear_down(void **state)
{
	(void)state;
	return spawn_end(&server, SIGTERM) || spawn_end(&other, SIGTERM);
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* "." and ".." */
}

static unsigned fds(void)
{
	return entries("/proc/self/fd");
}

/* A thread that was joined may take a moment to be gone. */
static unsigned threads(unsigned wanted)
{
	unsigned i, count;

	for (i = 0; (count = entries("/proc/self/task")) > wanted && i < 200; i++)
		usleep(10000);
	return count;
}

static struct client_options small_options(void)
{
	return (struct client_options){.bounce_size = 65536};
}

static void open_and_close(void)
{
	struct client_options options = small_options();
	struct remora_key key = client_key("cycle");
	struct client client;

	assert_int_equal(client_open_with(&client, client_server(&server), 4096, &options), 0);
	assert_true(client_lookup(&client, &key, 1) >= 0);
	client_close(&client);
}

static void fifty_adapters_leave_no_fd_and_no_thread(void **state)
{
	unsigned fds_before, threads_before, i;

	(void)state;
	/* The first leaves what the libraries below keep for the process. */
	open_and_close();
	fds_before = fds();
	threads_before = threads(1);
	for (i = 0; i < CYCLES; i++)
		open_and_close();
	assert_int_equal(fds(), fds_before);
	assert_int_equal(threads(threads_before), threads_before);
}

static void adapters_that_never_connect_leave_nothing_either(void **state)
{
	unsigned fds_before = fds(), threads_before = threads(1), i;
	char nowhere[64];
	struct client client;

	(void)state;
	strcpy(nowhere, client_server(&server));
	sprintf(strrchr(nowhere, ':'), ":%u", client_port(2));
	for (i = 0; i < 10; i++) {
		struct client_options options = small_options();

		assert_int_equal(client_start(&client, nowhere, 0, &options), 0);
		if (i % 2)
			assert_true(remora_wait_connected(client.adapter, 20000) < 0);
		client_close(&client);
	}
	assert_int_equal(threads(threads_before), threads_before);
	assert_int_equal(fds(), fds_before);
}

static void tasks_submitted_before_the_connection_wait_for_it(void **state)
{
	struct client_options options = small_options();
	struct items *items;
	struct client client;

	(void)state;
	assert_int_equal(client_start(&client, client_server(&server), MIB, &options), 0);
	items = items_create("early", 4, client.arena, 5000);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, 4, NULL), 0);
	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	items_destroy(items);
	client_close(&client);
}

static void submitting_right_before_closing_does_not_hang(void **state)
{
	struct client client;
	struct items *items;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 4; round++) {
		uint64_t start;

		assert_int_equal(client_open(&client, &server, KEYS * LEN, 0), 0);
		items = items_create("hasty", KEYS, client.arena, LEN);
		items_fill(items);
		for (i = 0; i < KEYS; i++) {
			remora_submit_store(
				client.adapter, &items->keys[i], 1, &items->objects[i], 1);
			remora_submit_lookup(client.adapter, &items->keys[i], 1);
			remora_submit_load(
				client.adapter, &items->keys[i], 1, &items->objects[i], 1);
			remora_submit_unlock(client.adapter, &items->keys[i], 1);
		}
		usleep(round * 5000);
		start = client_now_ms();
		client_close(&client);
		assert_true(client_now_ms() - start < CLOSE_MS);
		items_destroy(items);
	}
}

/* What a session leaves behind on the server when it goes in the middle of all. */
static void a_hasty_close_leaves_no_lock_and_no_reservation(void **state)
{
	struct client client, watcher;
	struct items *items;
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&watcher, &server, 0, 0), 0);
	assert_int_equal(client_open(&client, &server, KEYS * LEN, 0), 0);
	items = items_create("gone", KEYS, client.arena, LEN);
	items_fill(items);
	for (i = 0; i < 4; i++) {
		remora_submit_store(client.adapter, items->keys, KEYS, items->objects, KEYS);
		remora_submit_lookup(client.adapter, items->keys, KEYS);
	}
	usleep(10000);
	client_close(&client);
	assert_true(client_usage_becomes(&watcher, CLIENT_SESSIONS, 1));
	assert_true(client_usage_becomes(&watcher, CLIENT_LOCKED, 0));
	assert_true(client_usage_becomes(&watcher, CLIENT_RESERVED, 0));
	client_close(&watcher);
	items_destroy(items);
}

static void two_adapters_serve_two_servers(void **state)
{
	struct client one, two;
	struct items *items;

	(void)state;
	assert_int_equal(client_open(&one, &server, MIB, 0), 0);
	assert_int_equal(client_open(&two, &other, MIB, 0), 0);
	items = items_create("only one", 2, one.arena, 5000);
	items_fill(items);
	assert_int_equal(client_store(&one, items->keys, items->objects, 2, NULL), 0);
	assert_int_equal(client_lookup(&two, items->keys, 2), 0);
	client_close(&one);
	assert_int_equal(client_lookup(&two, items->keys, 2), 0);
	client_close(&two);
	items_destroy(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifty_adapters_leave_no_fd_and_no_thread),
		cmocka_unit_test(adapters_that_never_connect_leave_nothing_either),
		cmocka_unit_test(tasks_submitted_before_the_connection_wait_for_it),
		cmocka_unit_test(submitting_right_before_closing_does_not_hang),
		cmocka_unit_test(a_hasty_close_leaves_no_lock_and_no_reservation),
		cmocka_unit_test(two_adapters_serve_two_servers),
	};

	if (!client_has_lab(200))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
