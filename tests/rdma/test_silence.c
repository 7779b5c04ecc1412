/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_silence.c - a cable that is cut or bad, and a server that does not speak
 *
 * No event tells of any of it. Both ends notice by themselves, the client
 * first; no task and no caller waits; all is well again when the cable is.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cable.h"
#include "client.h"
#include "items.h"

enum {
	MIB = 1 << 20,
	ITEMS = 16,
	ARENA = ITEMS * MIB,
	SMALL = 1 << 16,
	LEASE_MS = 3000,
	ROUNDS = 3,
	SHORT_MS = 1000,
	QUIET_MS = 700, /* how long late bytes are waited for */
	LONG_MS = 600000,
	LOSS_PERCENT = 5,
	LOSS_TRIES = 20,
	WAIT_MS = 60000, /* for what surely comes */
};

static const char *const options[] = {"--memory", "64MiB", "--lease-ms", "3000", NULL};
static struct spawn server;
static struct client client;

static int start_server(void **state)
{
	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int end_server(void **state)
{
	int err = cable_mend();

	(void)state;
	client_close(&client); /* if the test has failed */
	if (server.pid > 0)
		spawn_end(&server, SIGKILL);
	return err;
}

static struct remora_status status_now(void)
{
	struct remora_status status;

	remora_status(client.adapter, &status);
	return status;
}

static void await_connected(bool connected)
{
	uint64_t end = client_now_ms() + WAIT_MS;

	while (!!status_now().connected != connected && client_now_ms() < end)
		usleep(5000);
	assert_int_equal(!!status_now().connected, connected);
}

static struct items *stored(const char *prefix, size_t count, size_t len)
{
	struct items *items = items_create(prefix, count, client.arena, len);

	assert_non_null(items);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, count, NULL), 0);
	return items;
}

static void expect_stored(struct items *items)
{
	items_wipe(items);
	assert_int_equal(
		client_load(&client, items->keys, items->objects, items->count), items->count);
	assert_int_equal(items_wrong(items), items->count);
}

/*
 * Whether the client had given up when the server was seen to. Both would if
 * the whole lab stood still meanwhile; that does not happen each time.
 */
static bool client_is_first(unsigned ends_before)
{
	uint64_t end = client_now_ms() + WAIT_MS;
	bool connected = true;

	assert_int_equal(cable_lose(100), 0);
	while (spawn_logged(&server, "silent for longer than the lease") == ends_before) {
		connected = status_now().connected;
		assert_true(client_now_ms() < end);
		usleep(5000);
	}
	await_connected(false);
	assert_true(status_now().breaker_open);
	assert_int_equal(cable_mend(), 0);
	await_connected(true);
	return !connected;
}

static void a_cut_cable_is_noticed_by_the_client_and_then_by_the_server(void **state)
{
	struct items *items;
	bool first = false;
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("cut", 4, MIB);
	for (i = 0; i < ROUNDS && !first; i++) {
		assert_int_equal(client_lookup(&client, items->keys, 4), 4);
		first = client_is_first(i);
	}
	assert_true(first);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
	expect_stored(items);
	client_close(&client);
	items_destroy(items);
}

/* Nothing is asked for longer than the lease. Did the locks stay? */
static bool idle_keeps(struct items *items)
{
	uint64_t connects = status_now().connects;

	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	usleep(LEASE_MS * 1000 / 2 * 3);
	await_connected(true);
	return status_now().connects == connects && client_usage_becomes(&client, CLIENT_LOCKED, 4);
}

static void an_idle_client_keeps_its_session_and_its_locks(void **state)
{
	struct items *items;
	bool kept = false;
	unsigned i;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = stored("idle", 4, SMALL);
	/* A lab that stood still meanwhile proves nothing. */
	for (i = 0; i < ROUNDS && !kept; i++)
		kept = idle_keeps(items);
	assert_true(kept);
	client_close(&client);
	items_destroy(items);
}

static void submit_loads(const struct items *items, int64_t tasks[ITEMS])
{
	size_t i;

	for (i = 0; i < ITEMS; i++) {
		tasks[i] = remora_submit_load(
			client.adapter, &items->keys[i], 1, &items->objects[i], 1);
		assert_true(tasks[i] > 0);
	}
}

static size_t await_loads(const int64_t tasks[ITEMS])
{
	struct remora_bitmap *bits;
	size_t i, loaded = 0;

	for (i = 0; i < ITEMS; i++) {
		bits = client_await_load(&client, tasks[i]);
		assert_non_null(bits);
		loaded += remora_bitmap_popcount(bits);
		remora_bitmap_destroy(bits);
	}
	return loaded;
}

/* What was on its way when the cable was cut comes when it is mended, but to nobody. */
static void a_load_that_the_cable_cut_is_told_and_leaves_its_buffer_alone(void **state)
{
	int64_t tasks[ITEMS];
	struct items *items;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, SHORT_MS), 0);
	items = stored("late", ITEMS, MIB);
	assert_int_equal(client_lookup(&client, items->keys, ITEMS), ITEMS);
	submit_loads(items, tasks);
	usleep(3000);
	assert_int_equal(cable_lose(100), 0);
	await_loads(tasks);
	assert_true(status_now().breaker_open || status_now().connected);
	memset(client.arena, 0x5a, ARENA);
	assert_int_equal(cable_mend(), 0);
	usleep(QUIET_MS * 1000);
	assert_true(bytes_are(client.arena, 0x5a, ARENA));
	await_connected(true);
	expect_stored(items);
	client_close(&client);
	items_destroy(items);
}

static void a_store_that_the_cable_cut_fails_and_can_be_repeated(void **state)
{
	struct remora_store_result result;
	struct items *items;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, SHORT_MS), 0);
	items = items_create("stored", ITEMS, client.arena, MIB);
	items_fill(items);
	assert_int_equal(cable_lose(100), 0);
	assert_true(client_store(&client, items->keys, items->objects, ITEMS, &result) < 0);
	assert_true(result.task > 0);
	assert_int_equal(cable_mend(), 0);
	await_connected(true);
	assert_int_equal(client_lookup(&client, items->keys, ITEMS), 0);
	assert_int_equal(client_store(&client, items->keys, items->objects, ITEMS, NULL), 0);
	expect_stored(items);
	client_close(&client);
	items_destroy(items);
}

/* Whether a store or a load succeeds depends on luck; what it says must be so. */
static void a_bad_cable_changes_no_byte(void **state)
{
	struct items *items;
	int tries, err = -1, loaded = 0;

	(void)state;
	assert_int_equal(client_open(&client, &server, ARENA, 0), 0);
	items = items_create("bad", ITEMS, client.arena, SMALL);
	items_fill(items);
	assert_int_equal(cable_lose(LOSS_PERCENT), 0);
	for (tries = 0; tries < LOSS_TRIES && err; tries++) {
		await_connected(true);
		err = client_store(&client, items->keys, items->objects, ITEMS, NULL);
	}
	assert_int_equal(err, 0);
	for (tries = 0; tries < LOSS_TRIES && loaded != ITEMS; tries++) {
		await_connected(true);
		items_wipe(items);
		loaded = client_load(&client, items->keys, items->objects, ITEMS);
		assert_true(loaded >= 0);
	}
	assert_int_equal(loaded, ITEMS);
	assert_int_equal(items_wrong(items), ITEMS);
	assert_int_equal(cable_mend(), 0);
	client_close(&client);
	items_destroy(items);
}

/* Tasks that nothing but the adapter's patience can end soon. */
static void expect_tasks_told(void)
{
	static uint8_t data[4096];
	struct remora_key key = client_key("nobody answers");
	struct remora_object object = {.data = data, .len = sizeof(data)};
	struct client_options hasty = {
		.timeout_ms = LONG_MS, .connect_timeout_ms = SHORT_MS, .bounce_size = MIB};

	assert_int_equal(client_start(&client, client_server(&server), 0, &hasty), 0);
	assert_int_equal(client_lookup(&client, &key, 1), 0);
	/* It is not the kernel that gave up: that does not say so. */
	assert_non_null(strstr(status_now().error, "does not answer"));
	assert_int_equal(client_load(&client, &key, &object, 1), 0);
	assert_true(client_store(&client, &key, &object, 1, NULL) < 0);
	assert_true(status_now().breaker_open);
}

static void connecting_over_a_cut_cable_holds_up_no_task(void **state)
{
	(void)state;
	assert_int_equal(cable_lose(100), 0);
	expect_tasks_told();
	assert_int_equal(cable_mend(), 0);
	await_connected(true);
	assert_false(status_now().breaker_open);
	client_close(&client);
}

static void connecting_to_a_stopped_server_holds_up_no_task(void **state)
{
	(void)state;
	spawn_freeze(&server);
	expect_tasks_told();
	spawn_thaw(&server);
	await_connected(true);
	client_close(&client);
}

/* Also in the pause after a session that was over as soon as it had begun. */
static void without_a_session_the_breaker_is_open(void **state)
{
	struct remora_status status;
	uint64_t end = client_now_ms() + WAIT_MS, boot;

	(void)state;
	assert_int_equal(client_open(&client, &server, 0, 0), 0);
	boot = status_now().boot_id;
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	await_connected(false);
	assert_true(status_now().breaker_open);
	assert_int_equal(start_server(NULL), 0);
	do {
		status = status_now();
		assert_true(status.connected || status.breaker_open);
		assert_false(status.connected && status.breaker_open);
		usleep(2000);
	} while (!status.connected && client_now_ms() < end);
	assert_true(status.connected);
	assert_true(status.boot_id != boot);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SILENCE(name) cmocka_unit_test_setup_teardown(name, start_server, end_server)
		SILENCE(a_cut_cable_is_noticed_by_the_client_and_then_by_the_server),
		SILENCE(an_idle_client_keeps_its_session_and_its_locks),
		SILENCE(a_load_that_the_cable_cut_is_told_and_leaves_its_buffer_alone),
		SILENCE(a_store_that_the_cable_cut_fails_and_can_be_repeated),
		SILENCE(a_bad_cable_changes_no_byte),
		SILENCE(connecting_over_a_cut_cable_holds_up_no_task),
		SILENCE(connecting_to_a_stopped_server_holds_up_no_task),
		SILENCE(without_a_session_the_breaker_is_open),
	};

	if (!client_has_lab(230))
		return 0;
	if (!cable_is_there()) {
		printf("1..0 # SKIP the hosts of this lab share a network\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
