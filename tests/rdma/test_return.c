/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_return.c - many clients lose their server together, and return to it
 *
 * REMORA_RETURN_CLIENTS says how many; they are adapters of one process.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

enum {
	CLIENTS = 60,
	CLIENTS_SIW = 20, /* its queues are vmalloc'ed: a User-Mode kernel has room for some 28 */
	CLIENTS_MAX = 1000,
	FILES = 32 * CLIENTS_MAX,
	AWAY_MS = 2000,
	WAIT_MS = 400000,
	PAUSE_FIRST_MS = 50, /* the shortest that it can be, and that doubles */
	PAUSE_LAST_MS = 2500,
};

static const char *const options[] = {
	"--memory", "16MiB", "--workers", "4", "--max-sessions", "1100", NULL};
static struct spawn server;
static struct client clients[CLIENTS_MAX];
static unsigned count = CLIENTS;

static struct remora_status status_of(const struct client *client)
{
	struct remora_status status;

	remora_status(client->adapter, &status);
	return status;
}

static unsigned connected_now(void)
{
	unsigned i, connected = 0;

	for (i = 0; i < count; i++)
		connected += !!status_of(&clients[i]).connected;
	return connected;
}

static void await_connected(unsigned wanted)
{
	uint64_t end = client_now_ms() + WAIT_MS;

	while (connected_now() != wanted && client_now_ms() < end)
		usleep(100000);
	assert_int_equal(connected_now(), wanted);
}

/* As many attempts as fit if each pause is as short as it can be. */
static uint64_t most_attempts(uint64_t ms)
{
	uint64_t pause = PAUSE_FIRST_MS, attempts = 1, at;

	for (at = pause; at <= ms; at += pause) {
		attempts++;
		pause = 2 * pause < PAUSE_LAST_MS ? 2 * pause : PAUSE_LAST_MS;
	}
	return attempts;
}

static void expect_few_attempts(const uint64_t *before, uint64_t ms)
{
	uint64_t failures, all = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		failures = status_of(&clients[i]).connection_failures - before[i];
		/* One of them is the session's end. */
		assert_in_range(failures, 1, 1 + most_attempts(ms));
		all += failures - 1;
	}
	fprintf(stderr, "# %u clients were back after %llu ms; %llu attempts failed\n", count,
		(unsigned long long)ms, (unsigned long long)all);
}

static void expect_tasks_work(void)
{
	struct remora_key key = client_key("one for all");
	uint8_t data[64] = "what all of them load";
	struct remora_object object = {.data = data, .len = sizeof(data)};
	unsigned i;

	assert_int_equal(client_store(&clients[0], &key, &object, 1, NULL), 0);
	for (i = 0; i < count; i++) {
		memset(data, 0, sizeof(data));
		assert_int_equal(client_load(&clients[i], &key, &object, 1), 1);
		assert_string_equal((char *)data, "what all of them load");
	}
}

static void all_clients_return_and_none_hurries(void **state)
{
	static const struct client_options small = {
		.data_lanes = 1, .queue_depth = 8, .bounce_size = 4096};
	static uint64_t before[CLIENTS_MAX];
	uint64_t left;
	unsigned i;

	(void)state;
	assert_int_equal(spawn_server(&server, client_port(0), options), 0);
	for (i = 0; i < count; i++)
		assert_int_equal(client_start(&clients[i], client_server(&server), 0, &small), 0);
	await_connected(count);
	for (i = 0; i < count; i++)
		before[i] = status_of(&clients[i]).connection_failures;
	left = client_now_ms();
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	await_connected(0);
	usleep(AWAY_MS * 1000);
	assert_int_equal(spawn_server(&server, client_port(0), options), 0);
	await_connected(count);
	expect_few_attempts(before, client_now_ms() - left);
	expect_tasks_work();
}

static int tear_down(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < count; i++)
		client_close(&clients[i]);
	return server.pid > 0 && spawn_end(&server, SIGKILL) != 128 + SIGKILL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(all_clients_return_and_none_hurries, tear_down),
	};
	const struct rlimit files = {.rlim_cur = FILES, .rlim_max = FILES};
	const char *wanted = getenv("REMORA_RETURN_CLIENTS");

	if (getenv("REMORA_LAB_DEVICE_TYPE") && !strcmp(getenv("REMORA_LAB_DEVICE_TYPE"), "siw"))
		count = CLIENTS_SIW;
	if (wanted)
		count = (unsigned)strtoul(wanted, NULL, 10);
	if (!count || count > CLIENTS_MAX) {
		fprintf(stderr, "REMORA_RETURN_CLIENTS: 1 to %d, not \"%s\"\n", CLIENTS_MAX,
			wanted);
		return EXIT_FAILURE;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	if (!client_has_lab(wanted ? 1800 : 230))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
