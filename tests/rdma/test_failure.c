/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_failure.c - a server that dies, hangs or comes back
 *
 * Every task completes, once; no buffer is touched after that; what the server
 * forgot is not believed. Each test has a server of its own.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "items.h"

enum {
	MIB = 1 << 20,
	TASKS = 48,
	LEN = MIB,
	LONG = 4096,
	ARENA = 64 * MIB,
	TIMEOUT_MS = 1500,
	QUIET_MS = 700,   /* how long late bytes are waited for */
	SLACK_MS = 10000, /* what a slow machine may add to a deadline */
};

/* The lease is so long that only deadlines can end what hangs. */
static const char *const options[] = {"--memory", "128MiB", "--lease-ms", "60000", NULL};
static struct spawn server;
static struct client client;

static int start_server(void **state)
{
	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int end_server(void **state)
{
	(void)state;
	client_close(&client); /* if the test has failed */
	if (server.pid > 0)
		spawn_end(&server, SIGKILL);
	return 0;
}

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

/* Pop stores until all tasks are told; each once. Returns how many failed. */
static size_t await_stores(const int64_t *tasks, size_t count, uint64_t end_ms)
{
	bool told[TASKS] = {false};
	struct remora_store_result result;
	size_t done = 0, failed = 0, i;

	while (done < count && client_now_ms() < end_ms) {
		if (!remora_pop_stores(client.adapter, &result, 1)) {
			client_wait_fd(remora_store_fd(client.adapter), 100);
			continue;
		}
		for (i = 0; i < count && tasks[i] != result.task; i++)
			;
		assert_true(i < count);
		assert_false(told[i]);
		told[i] = true;
		failed += result.error != 0;
		done++;
	}
	assert_int_equal(done, count);
	assert_int_equal(remora_pop_stores(client.adapter, &result, 1), 0);
	return failed;
}

/* The same for lookups or loads. */
static size_t await_bits(const int64_t *tasks, size_t count, bool load, uint64_t end_ms)
{
	int fd = load ? remora_load_fd(client.adapter) : remora_lookup_fd(client.adapter);
	bool told[TASKS] = {false};
	struct remora_bitmap *bits;
	size_t done = 0, failed = 0, i;
	int err;

	while (done < count && client_now_ms() < end_ms) {
		client_wait_fd(fd, 100);
		for (i = 0; i < count; i++) {
			err = load ? remora_query_load(client.adapter, tasks[i], &bits)
				   : remora_query_lookup(client.adapter, tasks[i], &bits);
			assert_int_equal(err, told[i] ? -ENOENT : err ? -EAGAIN : 0);
			if (err)
				continue;
			told[i] = true;
			done++;
			failed += remora_bitmap_popcount(bits) == 0;
			remora_bitmap_destroy(bits);
		}
	}
	assert_int_equal(done, count);
	return failed;
}

static void submit_stores(const struct items *items, int64_t tasks[TASKS])
{
	size_t i;

	for (i = 0; i < TASKS; i++) {
		tasks[i] = remora_submit_store(
			client.adapter, &items->keys[i], 1, &items->objects[i], 1);
		assert_true(tasks[i] > 0);
	}
}

static void submit_loads(const struct items *items, int64_t tasks[TASKS], size_t keys)
{
	size_t i;

	for (i = 0; i < TASKS; i++) {
		tasks[i] =
			remora_submit_load(client.adapter, items->keys, keys, items->objects, keys);
		assert_true(tasks[i] > 0);
	}
}

static struct items *stored(const char *prefix, size_t count, size_t len)
{
	struct items *items = items_create(prefix, count, client.arena, len);

	assert_non_null(items);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, count, NULL), 0);
	return items;
}

static void stores_complete_when_the_server_is_killed(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = items_create("killed", TASKS, client.arena, LEN);
	items_fill(items);
	submit_stores(items, tasks);
	sleep_ms(20);
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	assert_true(await_stores(tasks, TASKS, client_now_ms() + 30000) > 0);
	client_close(&client);
	items_destroy(items);
}

static void loads_complete_when_the_server_is_killed(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("read", 32, LEN);
	assert_int_equal(client_lookup(&client, items->keys, 32), 32);
	submit_loads(items, tasks, 32);
	sleep_ms(20);
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	assert_true(await_bits(tasks, TASKS, true, client_now_ms() + 30000) > 0);
	memset(client.arena, 0x5a, ARENA);
	sleep_ms(QUIET_MS);
	assert_true(bytes_are(client.arena, 0x5a, ARENA));
	client_close(&client);
	items_destroy(items);
}

static void a_lost_lookup_holds_nothing(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];
	size_t i;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, TIMEOUT_MS), 0);
	items = stored("asked", 8, LEN);
	spawn_freeze(&server);
	for (i = 0; i < TASKS; i++)
		tasks[i] = remora_submit_lookup(client.adapter, items->keys, 8);
	assert_int_equal(await_bits(tasks, TASKS, false, client_now_ms() + SLACK_MS), TASKS);
	spawn_thaw(&server);
	assert_true(client_usage_becomes(&client, CLIENT_SESSIONS, 1));
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	client_close(&client);
	items_destroy(items);
}

/* Keys so long that a lookup of them takes hundreds of frames, and are stored. */
static void store_long_keys(struct remora_key keys[LONG])
{
	static uint8_t names[LONG][REMORA_KEY_MAX];
	static struct remora_object objects[LONG];
	size_t i;

	assert_int_equal(client_open(&client, &server, MIB, 0), 0);
	for (i = 0; i < LONG; i++) {
		memset(names[i], (int)(i & 0xff), REMORA_KEY_MAX);
		memcpy(names[i], &i, sizeof(i));
		keys[i] = (struct remora_key){names[i], REMORA_KEY_MAX};
		objects[i] = (struct remora_object){.data = client.arena, .len = 1};
	}
	assert_int_equal(client_store(&client, keys, objects, LONG, NULL), 0);
	client_close(&client);
}

static void a_lookup_that_is_cut_short_tells_no_lock(void **state)
{
	static struct remora_key keys[LONG];
	struct remora_bitmap *bits;
	unsigned ms, cut = 0;
	size_t found;
	int64_t task;

	(void)state;
	store_long_keys(keys);
	assert_int_equal(client_open(&client, &server, MIB, TIMEOUT_MS), 0);
	for (ms = 1; ms < 100 && !cut; ms = 2 * ms + 1) {
		task = remora_submit_lookup(client.adapter, keys, LONG);
		sleep_ms(ms);
		spawn_freeze(&server);
		bits = client_await_lookup(&client, task);
		spawn_thaw(&server);
		assert_non_null(bits);
		found = remora_bitmap_popcount(bits);
		remora_bitmap_destroy(bits);
		assert_true(found == 0 || found == LONG);
		cut += !found && client_said(&client, "not finished in time");
		assert_true(client_usage_becomes(&client, CLIENT_SESSIONS, 1));
	}
	client_close(&client);
}

static void stores_to_a_stopped_server_end_at_their_deadline(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];
	uint64_t start;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, TIMEOUT_MS), 0);
	items = items_create("stopped", TASKS, client.arena, LEN);
	items_fill(items);
	spawn_freeze(&server);
	start = client_now_ms();
	submit_stores(items, tasks);
	assert_int_equal(await_stores(tasks, TASKS, start + TIMEOUT_MS + SLACK_MS), TASKS);
	assert_true(client_now_ms() - start >= TIMEOUT_MS - 10);
	spawn_thaw(&server);
	/* The adapter finds its way back by itself, and none of them came about. */
	assert_true(client_usage_becomes(&client, CLIENT_RESERVED, 0));
	assert_int_equal(client_lookup(&client, items->keys, TASKS), 0);
	assert_int_equal(client_store(&client, items->keys, items->objects, TASKS, NULL), 0);
	client_close(&client);
	items_destroy(items);
}

/*
 * So many bytes are asked for that the deadline comes in the middle of them,
 * while the device of the stopped server goes on to send.
 */
static void no_byte_arrives_after_a_load_was_told_as_late(void **state)
{
	enum { SHORT_MS = 250, KEYS = 48 };
	struct items *items;
	int64_t tasks[TASKS];

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("late", KEYS, LEN);
	client_close(&client);
	items_destroy(items);
	assert_int_equal(client_open(&client, &server, ARENA, SHORT_MS), 0);
	items = items_create("late", KEYS, client.arena, LEN);
	assert_int_equal(client_lookup(&client, items->keys, KEYS), KEYS);
	spawn_freeze(&server);
	submit_loads(items, tasks, KEYS);
	assert_true(await_bits(tasks, TASKS, true, client_now_ms() + SLACK_MS) > 0);
	memset(client.arena, 0x5a, ARENA);
	spawn_thaw(&server);
	sleep_ms(QUIET_MS);
	assert_true(bytes_are(client.arena, 0x5a, ARENA));
	client_close(&client);
	items_destroy(items);
}

static void closing_with_tasks_in_flight_returns_and_leaves_buffers_alone(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];
	uint64_t start;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("closing", 32, LEN);
	assert_int_equal(client_lookup(&client, items->keys, 32), 32);
	submit_loads(items, tasks, 32);
	start = client_now_ms();
	remora_destroy(client.adapter);
	client.adapter = NULL;
	assert_true(client_now_ms() - start < SLACK_MS);
	memset(client.arena, 0x5a, ARENA);
	sleep_ms(QUIET_MS);
	assert_true(bytes_are(client.arena, 0x5a, ARENA));
	client_close(&client);
	items_destroy(items);
}

static void closing_with_a_stopped_server_returns(void **state)
{
	struct items *items;
	int64_t tasks[TASKS];
	uint64_t start;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = items_create("stuck", TASKS, client.arena, LEN);
	items_fill(items);
	spawn_freeze(&server);
	submit_stores(items, tasks);
	start = client_now_ms();
	client_close(&client);
	assert_true(client_now_ms() - start < SLACK_MS);
	spawn_thaw(&server);
	items_destroy(items);
}

static uint64_t boot_id(void)
{
	struct remora_status status;

	remora_status(client.adapter, &status);
	return status.boot_id;
}

static void an_adapter_finds_a_restarted_server_and_believes_nothing_old(void **state)
{
	struct remora_status status;
	struct items *items;
	struct remora_usage usage;
	uint64_t boot, end;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("before", 4, LEN);
	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	boot = boot_id();
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	/* What was held is gone: a load misses, it does not read old addresses. */
	for (end = client_now_ms() + SLACK_MS;; sleep_ms(10)) {
		remora_status(client.adapter, &status);
		if (!status.connected || client_now_ms() > end)
			break;
	}
	assert_false(status.connected);
	assert_true(status.error[0]);
	assert_int_equal(client_load(&client, items->keys, items->objects, 4), 0);
	assert_int_equal(start_server(NULL), 0);
	assert_true(client_usage_becomes(&client, CLIENT_SESSIONS, 1));
	assert_true(boot_id() != boot);
	assert_int_equal(remora_usage(client.adapter, &usage), 0);
	assert_int_equal(usage.objects, 0);
	assert_int_equal(client_load(&client, items->keys, items->objects, 4), 0);
	remora_submit_unlock(client.adapter, items->keys, 4);
	assert_int_equal(client_store(&client, items->keys, items->objects, 4, NULL), 0);
	items_wipe(items);
	assert_int_equal(client_load(&client, items->keys, items->objects, 4), 4);
	assert_int_equal(items_wrong(items), 4);
	client_close(&client);
	items_destroy(items);
}

static void tasks_fail_at_once_while_the_server_is_away(void **state)
{
	struct remora_key key = client_key("away");
	struct remora_object object;
	struct remora_usage usage;
	uint64_t start;
	int i;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	object = (struct remora_object){.data = client.arena, .len = LEN};
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	/* The first may wait for the verdict on the connection, the others know it. */
	client_store(&client, &key, &object, 1, NULL);
	start = client_now_ms();
	for (i = 0; i < 20; i++) {
		assert_true(client_store(&client, &key, &object, 1, NULL) < 0);
		assert_int_equal(client_lookup(&client, &key, 1), 0);
		assert_int_equal(client_load(&client, &key, &object, 1), 0);
	}
	assert_true(client_now_ms() - start < SLACK_MS);
	assert_int_equal(remora_usage(client.adapter, &usage), -ENOTCONN);
	assert_int_equal(remora_delete(client.adapter, &key, 1, NULL), -ENOTCONN);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FAILURE(name) cmocka_unit_test_setup_teardown(name, start_server, end_server)
		FAILURE(stores_complete_when_the_server_is_killed),
		FAILURE(loads_complete_when_the_server_is_killed),
		FAILURE(a_lost_lookup_holds_nothing),
		FAILURE(a_lookup_that_is_cut_short_tells_no_lock),
		FAILURE(stores_to_a_stopped_server_end_at_their_deadline),
		FAILURE(no_byte_arrives_after_a_load_was_told_as_late),
		FAILURE(closing_with_tasks_in_flight_returns_and_leaves_buffers_alone),
		FAILURE(closing_with_a_stopped_server_returns),
		FAILURE(an_adapter_finds_a_restarted_server_and_believes_nothing_old),
		FAILURE(tasks_fail_at_once_while_the_server_is_away),
	};

	if (!client_has_lab(200))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
