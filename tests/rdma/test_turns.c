/* SPDX-License-Identifier: Apache-2.0 */
/* test_turns.c - what has to wait gets its turn, and costs nothing meanwhile */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, LARGE = 8 * MIB, FLYING = 6, WAIT_MS = 20000, MANY = 64, HASTY = 5, HASTY_MS = 60000 };

static struct spawn server;
static struct client client;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", "--max-reserved", "8MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	return client_open(&client, &server, LARGE + MIB, 30000);
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

static int64_t submit(const char *prefix, unsigned number, size_t len)
{
	char name[ITEMS_KEY_LEN];
	struct remora_object object = {.data = client.arena, .len = len};
	struct remora_key key = {name, 0};

	key.len = (size_t)snprintf(name, sizeof(name), "%s-%u", prefix, number);
	return remora_submit_store(client.adapter, &key, 1, &object, 1);
}

/* Submit a small store for each that is finished, until a task is. Its error. */
static int keep_busy_until(int64_t awaited, unsigned *stored)
{
	uint64_t end = client_now_ms() + WAIT_MS;
	struct remora_store_result result;

	while (client_now_ms() < end) {
		client_wait_fd(remora_store_fd(client.adapter), 1000);
		/* One at a time: those behind the awaited one are for the caller. */
		while (remora_pop_stores(client.adapter, &result, 1)) {
			if (result.task == awaited || result.error)
				return result.error;
			submit("small", ++*stored, MIB);
		}
	}
	return -ETIMEDOUT;
}

static void a_large_store_is_not_overtaken_for_ever_by_small_ones(void **state)
{
	struct remora_store_result result;
	unsigned stored = 0, left = FLYING;

	(void)state;
	for (unsigned i = 0; i < FLYING; i++)
		submit("small", ++stored, MIB);
	assert_int_equal(keep_busy_until(submit("large", 0, LARGE), &stored), 0);
	/* Their signal may have been taken together with the awaited one's. */
	do {
		while (left && remora_pop_stores(client.adapter, &result, 1))
			left--;
	} while (left && !client_wait_fd(remora_store_fd(client.adapter), WAIT_MS));
	assert_int_equal(left, 0);
}

static uint64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* With every credit in use not even a heartbeat can be sent. */
static void waiting_for_a_stopped_server_costs_no_cpu(void **state)
{
	struct timespec pause = {.tv_sec = 2, .tv_nsec = 500000000};
	struct remora_key key = client_key("absent");
	int64_t last = 0;
	uint64_t before;

	(void)state;
	kill(server.pid, SIGSTOP);
	for (unsigned i = 0; i < MANY; i++)
		last = remora_submit_lookup(client.adapter, &key, 1);
	nanosleep(&pause, NULL);
	before = cpu_ms();
	nanosleep(&pause, NULL);
	before = cpu_ms() - before;
	kill(server.pid, SIGCONT);
	remora_bitmap_destroy(client_await_lookup(&client, last));
	assert_in_range(before, 0, 1000);
}

/*
 * Each store is late, which ends the session it began with. The pauses between
 * the connects double from 100 ms, and half of each is certain: a slow machine
 * can only make it longer.
 */
static void sessions_that_end_at_once_are_not_begun_again_at_once(void **state)
{
	static const struct client_options options = {.timeout_ms = 10};
	static struct client hasty; /* its thread lives on if an assertion fails */
	uint64_t began = client_now_ms();
	struct remora_status status = {0};
	struct remora_object object;
	char name[ITEMS_KEY_LEN];
	struct remora_key key = {name, 0};

	(void)state;
	assert_int_equal(client_open_with(&hasty, client_server(&server), LARGE, &options), 0);
	object = (struct remora_object){.data = hasty.arena, .len = LARGE};
	for (unsigned i = 0; status.connects < HASTY && client_now_ms() - began < HASTY_MS; i++) {
		key.len = (size_t)snprintf(name, sizeof(name), "hasty-%u", i);
		client_store(&hasty, &key, &object, 1, NULL);
		remora_status(hasty.adapter, &status);
	}
	assert_in_range(status.connects, HASTY, UINT32_MAX);
	assert_in_range(client_now_ms() - began, 50 + 100 + 200, UINT32_MAX);
	client_close(&hasty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_store_is_not_overtaken_for_ever_by_small_ones),
		cmocka_unit_test(waiting_for_a_stopped_server_costs_no_cpu),
		cmocka_unit_test(sessions_that_end_at_once_are_not_begun_again_at_once),
	};

	if (!client_has_lab(100))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
