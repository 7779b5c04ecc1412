/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fencing.c - the server ends sessions, and nobody's memory suffers by it
 *
 * With the argument "write" this program is a client that goes on writing to
 * what it has reserved, says nothing else, and so loses its lease.
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum {
	PORT = 7612,
	MIB = 1 << 20,
	POOL = 8, /* MiB */
	WAIT_STEPS = 1500,
	STEP_US = 10000,
	PASSES = 12,
	BACK = 5,   /* times that a client returns: to each of two workers */
	WRITES = 8, /* under way at a time */
	WRITERS_BYTE = 0xee,
};

static const uint8_t returning[WIRE_ID_LEN] = "the one who left";
static struct spawn server;
static const char *self;
static pid_t writer;

static int start_server(const char *lease_ms)
{
	const char *const options[] = {
		"--memory", "8MiB", "--workers", "2", "--lease-ms", lease_ms, NULL};

	return spawn_server(&server, PORT, options);
}

static int start_with_short_lease(void **state)
{
	(void)state;
	return start_server("3000");
}

static int start_with_long_lease(void **state)
{
	(void)state;
	return start_server("600000");
}

static void end_writer(void)
{
	if (writer <= 0)
		return;
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	writer = 0;
}

static int end_server(void **state)
{
	(void)state;
	end_writer();
	if (server.pid)
		spawn_end(&server, SIGKILL);
	return 0;
}

/* Become welcome as the client that was here before. */
static int hello_again(struct raw *raw, const struct sockaddr_storage *addr)
{
	const struct secret none = {0};
	struct wire_connect want = raw_control();
	uint8_t proof[WIRE_PROOF_LEN];
	int err = raw_open(raw, addr, &want);

	if (!err)
		err = raw_introduce(raw, "");
	memcpy(raw->hello.client_id, returning, WIRE_ID_LEN);
	if (!err)
		err = raw_say_hello(raw);
	if (!err)
		err = raw_prove(raw, &none, proof);
	return err ? err : raw_say_auth(raw, proof);
}

/* Reserve half of the pool and write to it for ever: the server hears nothing of that. */
static int write_on(void)
{
	struct wire_extent extents[POOL / 2];
	struct sockaddr_storage addr = {0};
	char host[64], key[16];
	struct raw raw;
	unsigned i;

	if (spawn_address(host, sizeof(host)))
		return 1;
	spawn_parse(&addr, host, PORT);
	if (hello_again(&raw, &addr) || !raw_data_lane(&raw))
		return 1;
	for (i = 0; i < POOL / 2; i++) {
		snprintf(key, sizeof(key), "written %u", i);
		if (raw_reserve(&raw, key, MIB, &extents[i]) != WIRE_OK)
			return 1;
	}
	memset(raw.buffer, WRITERS_BYTE, MIB);
	for (i = 0;; i++)
		if (raw_write(&raw, &extents[i % (POOL / 2)], MIB) ||
			(i % WRITES == 0 && raw_read(&raw, &extents[0], 4096)))
			pause();
}

static void start_writer(void)
{
	writer = fork();
	if (!writer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(self, self, "write", (char *)NULL);
		_exit(127);
	}
}

static struct wire_usage usage_of(struct raw *raw)
{
	struct wire_usage usage;

	assert_int_equal(raw_usage(raw, &usage), 0);
	return usage;
}

static void await_reserved(struct raw *raw, uint64_t reserved)
{
	unsigned i;

	for (i = 0; i < WAIT_STEPS && usage_of(raw).reserved != reserved; i++)
		usleep(STEP_US);
	assert_int_equal(usage_of(raw).reserved, reserved);
}

/* What a session held is free before it is no longer counted. */
static void await_two_sessions(struct raw *raw)
{
	unsigned i;

	for (i = 0; i < WAIT_STEPS && usage_of(raw).sessions != 2; i++)
		usleep(STEP_US);
	assert_int_equal(usage_of(raw).sessions, 2);
}

/* Store objects until the whole pool is theirs. */
static void fill_pool(struct raw *raw, struct wire_extent locked[POOL])
{
	struct wire_extent extent;
	char key[16];
	unsigned i;

	for (i = 0; i < POOL; i++) {
		snprintf(key, sizeof(key), "object %u", i);
		memset(raw->buffer, (int)i, MIB);
		assert_int_equal(raw_reserve(raw, key, MIB, &extent), WIRE_OK);
		assert_int_equal(raw_write(raw, &extent, MIB), 0);
		assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent.handle), WIRE_OK);
		assert_int_equal(raw_lookup(raw, key, WIRE_FLAG_LOCK, &locked[i]), WIRE_OK);
	}
}

static bool bytes_are(const uint8_t *data, uint8_t value, size_t len)
{
	return data[0] == value && !memcmp(data, data + 1, len - 1);
}

/* Whatever the writer still sends, it reaches none of these. */
static void expect_untouched(struct raw *raw, const struct wire_extent locked[POOL])
{
	unsigned pass, i;

	for (pass = 0; pass < PASSES; pass++)
		for (i = 0; i < POOL; i++) {
			assert_int_equal(raw_read(raw, &locked[i], MIB), 0);
			assert_true(bytes_are(raw->buffer, (uint8_t)i, MIB));
			usage_of(raw); /* keeps the lease */
		}
}

static void a_writer_past_its_lease_reaches_nobodys_memory(void **state)
{
	struct wire_extent locked[POOL];
	struct raw raw;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	start_writer();
	await_reserved(&raw, POOL / 2 * MIB);
	await_reserved(&raw, 0);
	assert_int_equal(spawn_logged(&server, "silent for longer than the lease"), 1);
	fill_pool(&raw, locked);
	expect_untouched(&raw, locked);
	raw_close(&raw);
}

static void a_writer_that_is_replaced_reaches_nobodys_memory(void **state)
{
	struct wire_extent locked[POOL];
	struct raw raw, other;

	(void)state;
	assert_int_equal(raw_hello(&other, &server.addr), 0);
	start_writer();
	await_reserved(&other, POOL / 2 * MIB);
	assert_int_equal(hello_again(&raw, &server.addr), 0);
	await_reserved(&raw, 0);
	assert_int_equal(spawn_logged(&server, "its client has begun another session"), 1);
	fill_pool(&raw, locked);
	expect_untouched(&raw, locked);
	raw_close(&raw);
	raw_close(&other);
}

/* On the worker of its last session, and on another one. */
static void a_client_that_returns_replaces_its_session(void **state)
{
	struct wire_extent extent;
	struct raw other, raws[BACK];
	unsigned i;

	(void)state;
	assert_int_equal(raw_hello(&other, &server.addr), 0);
	assert_int_equal(raw_reserve(&other, "stays", 4096, &extent), WIRE_OK);
	assert_int_equal(raw_handle(&other, WIRE_COMMIT, extent.handle), WIRE_OK);
	for (i = 0; i < BACK; i++) {
		assert_int_equal(hello_again(&raws[i], &server.addr), 0);
		assert_int_equal(raw_reserve(&raws[i], "goes", 8192, &extent), WIRE_OK);
		assert_int_equal(raw_lookup(&raws[i], "stays", WIRE_FLAG_LOCK, &extent), WIRE_OK);
		await_two_sessions(&other);
		assert_int_equal(usage_of(&other).reserved, 8192);
		assert_int_equal(usage_of(&other).locked, 1);
		if (i)
			assert_int_equal(raw_wait_disconnected(&raws[i - 1]), 0);
	}
	assert_int_equal(spawn_logged(&server, "its client has begun another session"), BACK - 1);
	for (i = 0; i < BACK; i++)
		raw_close(&raws[i]);
	raw_close(&other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_writer_past_its_lease_reaches_nobodys_memory,
			start_with_short_lease, end_server),
		cmocka_unit_test_setup_teardown(a_writer_that_is_replaced_reaches_nobodys_memory,
			start_with_long_lease, end_server),
		cmocka_unit_test_setup_teardown(a_client_that_returns_replaces_its_session,
			start_with_long_lease, end_server),
	};
	char address[64];

	self = argv[0];
	if (argc > 1 && !strcmp(argv[1], "write"))
		return write_on();
	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("fencing", tests, NULL, NULL);
}
