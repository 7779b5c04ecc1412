/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_server_end.c - how sessions and servers end when nobody is polite
 *
 * With the argument "hold" this program is the client that gets killed, with
 * "churn" one of many that come and go.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum {
	PORT = 7572,
	OBJECT = 100000,
	WAIT_STEPS = 1000,
	CHURNERS = 6,
	CHURNS = 10,
	STEP_US = 10000
};

static struct spawn server;
static const char *self;

static int start_server(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", "--workers", "2", "--drain-ms",
		"5000", "--lease-ms", "60000", NULL};

	(void)state;
	return spawn_server(&server, PORT, options);
}

static int stop_server(void **state)
{
	(void)state;
	if (server.pid)
		spawn_end(&server, SIGKILL);
	return 0;
}

static struct wire_handle hold_something(
	struct raw *raw, const char *key, struct wire_extent *locked)
{
	struct wire_extent extent;

	assert_int_equal(raw_reserve(raw, key, OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_write(raw, &extent, OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent.handle), WIRE_OK);
	assert_int_equal(raw_lookup(raw, key, WIRE_FLAG_LOCK, locked), WIRE_OK);
	assert_int_equal(raw_reserve(raw, "other", OBJECT, &extent), WIRE_OK);
	return extent.handle;
}

/* The client to be killed: two lanes, a lock, a reservation, WRITEs without end. */
static int hold(void)
{
	struct sockaddr_storage addr = {0};
	struct wire_extent extent;
	struct raw raw, data;
	struct wire_connect want;
	char host[64];

	if (spawn_address(host, sizeof(host)))
		return 1;
	spawn_parse(&addr, host, PORT);
	if (raw_hello(&raw, &addr))
		return 1;
	want = raw_data(&raw);
	if (raw_open(&data, &addr, &want))
		return 1;
	if (raw_reserve(&raw, "held", OBJECT, &extent) != WIRE_OK)
		return 1;
	for (;;) {
		if (raw_write(&data, &extent, OBJECT) == -EAGAIN)
			raw_read(&raw, &extent, OBJECT);
		if (data.done > 8)
			data.done = 0;
	}
}

/* Sessions one after the other; the last one vanishes without a goodbye. */
static int churn(void)
{
	struct sockaddr_storage addr = {0};
	struct wire_extent extent;
	struct raw raw;
	char host[64];

	if (spawn_address(host, sizeof(host)))
		return 1;
	spawn_parse(&addr, host, PORT);
	for (int i = 0; i < CHURNS; i++) {
		if (raw_hello(&raw, &addr))
			return 1;
		if (raw_reserve(&raw, "churned", OBJECT, &extent) != WIRE_OK)
			return 1;
		if (raw_write(&raw, &extent, OBJECT))
			return 1;
		if (i + 1 == CHURNS)
			_exit(0); /* with the WRITE under way */
		raw_close(&raw);
	}
	return 0;
}

static pid_t start_self(const char *as)
{
	pid_t pid = fork();

	if (!pid) {
		execl(self, self, as, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static struct wire_usage usage_of(struct raw *raw)
{
	struct wire_usage usage;

	assert_int_equal(raw_usage(raw, &usage), 0);
	return usage;
}

/* Wait until all other sessions are over, and see that nothing of them is left. */
static void expect_alone(struct raw *raw)
{
	for (int i = 0; i < WAIT_STEPS && usage_of(raw).sessions > 1; i++)
		usleep(STEP_US);
	assert_int_equal(usage_of(raw).sessions, 1);
	assert_int_equal(usage_of(raw).reserved, 0);
	assert_int_equal(usage_of(raw).locked, 0);
}

static void a_killed_client_leaves_nothing_behind(void **state)
{
	struct raw raw;
	pid_t pid;
	int i;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	pid = start_self("hold");
	for (i = 0; i < WAIT_STEPS && usage_of(&raw).reserved < OBJECT; i++)
		usleep(STEP_US);
	assert_true(i < WAIT_STEPS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	expect_alone(&raw);
	raw_close(&raw);
}

static void clients_that_come_and_go_leave_nothing_behind(void **state)
{
	pid_t pids[CHURNERS];
	struct raw raw;
	int status;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	for (int i = 0; i < CHURNERS; i++)
		pids[i] = start_self("churn");
	for (int i = 0; i < CHURNERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	expect_alone(&raw);
	raw_close(&raw);
}

static void a_client_that_says_nothing_is_disconnected(void **state)
{
	struct wire_connect want = raw_control();
	struct raw raw;

	(void)state;
	assert_int_equal(raw_open(&raw, &server.addr, &want), 0);
	assert_int_equal(raw_wait_disconnected(&raw), 0);
	assert_int_equal(spawn_logged(&server, "not authenticated in time"), 1);
	raw_close(&raw);
}

/* Until the server has begun to drain. */
static void wait_for_draining(struct raw *raw)
{
	struct wire_extent extent;

	while (raw_reserve(raw, "b", OBJECT, &extent) == WIRE_OK)
		raw_handle(raw, WIRE_ABORT, extent.handle);
	assert_int_equal(raw_reserve(raw, "b", OBJECT, &extent), WIRE_DRAINING);
}

static void draining_waits_for_the_end_of_what_began(void **state)
{
	struct wire_extent locked, extent;
	struct wire_handle reserved;
	struct raw raw;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	reserved = hold_something(&raw, "a", &locked);
	kill(server.pid, SIGTERM);
	wait_for_draining(&raw);
	assert_int_equal(raw_lookup(&raw, "a", 0, &extent), WIRE_DRAINING);
	assert_int_equal(raw_read(&raw, &locked, OBJECT), 0);
	assert_int_equal(raw_handle(&raw, WIRE_UNLOCK, locked.handle), WIRE_OK);
	assert_int_equal(raw_handle(&raw, WIRE_COMMIT, reserved), WIRE_OK);
	assert_int_equal(raw_wait_disconnected(&raw), 0);
	assert_int_equal(spawn_logged(&server, "clients still held"), 0);
	assert_int_equal(spawn_wait(&server), 0);
	raw_close(&raw);
}

static void draining_ends_although_a_lock_stays(void **state)
{
	struct wire_extent locked;
	struct raw raw;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	hold_something(&raw, "a", &locked);
	kill(server.pid, SIGTERM);
	assert_int_equal(raw_wait_disconnected(&raw), 0);
	assert_int_equal(spawn_wait(&server), 0);
	raw_close(&raw);
}

static void a_second_signal_ends_the_server_at_once(void **state)
{
	struct wire_extent locked;
	struct raw raw;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	hold_something(&raw, "a", &locked);
	kill(server.pid, SIGTERM);
	wait_for_draining(&raw);
	kill(server.pid, SIGINT);
	assert_int_equal(spawn_wait(&server), EXIT_FAILURE);
	raw_close(&raw);
}

static void a_new_server_has_another_boot_id(void **state)
{
	struct wire_writer w;
	struct wire_reader r;
	struct raw raw;
	uint64_t boot;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	boot = raw.boot;
	raw_close(&raw);
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	assert_int_equal(start_server(NULL), 0);
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	assert_true(raw.boot != boot);
	raw.boot = boot;
	raw_begin(&raw, &w, WIRE_PING, 0);
	assert_int_equal(raw_call(&raw, &w, &r), WIRE_REFUSED);
	raw_close(&raw);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_killed_client_leaves_nothing_behind, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			clients_that_come_and_go_leave_nothing_behind, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			a_client_that_says_nothing_is_disconnected, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			draining_waits_for_the_end_of_what_began, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			draining_ends_although_a_lock_stays, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			a_second_signal_ends_the_server_at_once, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			a_new_server_has_another_boot_id, start_server, stop_server),
	};
	char address[64];

	self = argv[0];
	if (argc > 1 && !strcmp(argv[1], "hold"))
		return hold();
	if (argc > 1 && !strcmp(argv[1], "churn"))
		return churn();
	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("server end", tests, NULL, NULL);
}
