/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_memory.c - READs and WRITEs of memory that nobody gave away
 *
 * The server takes no part in them: its device must refuse, which ends the
 * connection. All that the server does is to notice, and to go on. How that
 * looks to the attacker differs (soft-iWARP completes a WRITE before it is
 * refused), so only the end is waited for.
 */
#include <string.h>

#include "hostile.h"

enum { PORT = 7584, FILL = 0x3c };

static struct attacker attacker, victim;
static struct wire_extent arena;  /* all of it */
static struct wire_extent secret; /* the victim's object */

static int start(void **state)
{
	struct raw *raw = &hostile_honest;
	int err = hostile_begin(PORT, NULL);

	(void)state;
	/* Nothing is stored yet: a reservation of the longest object is the arena. */
	if (!err)
		err = raw_reserve(raw, "arena", raw->welcome.max_object, &arena);
	return err ? err : raw_handle(raw, WIRE_ABORT, arena.handle);
}

static int setup(void **state)
{
	struct raw *raw = &victim.raw;

	(void)state;
	attacker_open(&victim);
	memset(raw->buffer, FILL, HOSTILE_OBJECT);
	assert_int_equal(raw_reserve(raw, "secret", HOSTILE_OBJECT, &secret), WIRE_OK);
	assert_int_equal(raw_write(raw, &secret, HOSTILE_OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, secret.handle), WIRE_OK);
	assert_int_equal(raw_lookup(raw, "secret", WIRE_FLAG_LOCK, &secret), WIRE_OK);
	return 0;
}

/* The victim's session lives, and its object is what it was. */
static void check_victim(void)
{
	struct raw *raw = &victim.raw;

	memset(raw->buffer, 0, HOSTILE_OBJECT);
	assert_int_equal(raw_read(raw, &secret, HOSTILE_OBJECT), 0);
	for (unsigned i = 0; i < HOSTILE_OBJECT; i++)
		assert_int_equal(raw->buffer[i], FILL);
}

static int teardown(void **state)
{
	(void)state;
	check_victim();
	assert_int_equal(raw_handle(&victim.raw, WIRE_UNLOCK, secret.handle), WIRE_OK);
	assert_int_equal(raw_delete(&victim.raw, "secret"), WIRE_OK);
	attacker_close(&attacker);
	attacker_close(&victim);
	hostile_audit();
	return 0;
}

enum direction { WRITE, READ, BOTH };

/*
 * One operation on a data lane of the attacker, and a PING behind it. Returns
 * as raw_await() for the PING.
 */
static int access_memory(enum direction direction, uint64_t addr, uint32_t rkey, size_t len)
{
	struct wire_writer w;
	struct raw *raw;
	int err;

	attacker_open(&attacker);
	raw = raw_data_lane(&attacker.raw);
	assert_non_null(raw);
	assert_int_equal(raw_register(raw), 0);
	memset(raw->buffer, 0xee, RAW_BUFFER);
	raw_begin(raw, &w, WIRE_PING, 0);
	if (direction == READ)
		err = lane_read(raw->lane, raw->buffer, raw->mr->lkey, len, addr, rkey, raw);
	else
		err = lane_write(raw->lane, raw->buffer, raw->mr->lkey, len, addr, rkey, raw);
	assert_int_equal(err, 0);
	if (raw_send(raw, &w))
		return 0;
	return raw_await(raw);
}

static void expect_end(uint64_t addr, uint32_t rkey, size_t len)
{
	for (enum direction direction = WRITE; direction < BOTH; direction++) {
		assert_int_equal(access_memory(direction, addr, rkey, len), 0);
		for (unsigned i = 0; i < RAW_BUFFER; i += 997)
			assert_int_equal(attacker.raw.data->buffer[i], 0xee);
		/* The session ends with its lane. */
		assert_int_equal(raw_await(&attacker.raw), 0);
		attacker_close(&attacker);
		check_victim();
	}
}

static void what_is_allowed_works(void **state)
{
	(void)state;
	attacker_open(&attacker);
	memset(attacker.raw.buffer, 0xee, HOSTILE_OBJECT);
	assert_int_equal(raw_read(&attacker.raw, &secret, 100), 0);
	assert_int_equal(attacker.raw.buffer[99], FILL);
	assert_int_equal(attacker.raw.buffer[100], 0xee);
	attacker_close(&attacker);
}

static void memory_outside_the_arena_is_refused(void **state)
{
	uint64_t end = arena.addr + arena.len;

	(void)state;
	expect_end(end, arena.rkey, 8);
	expect_end(end + (UINT64_C(1) << 30), arena.rkey, 8);
	expect_end(arena.addr - 8, arena.rkey, 8);
	expect_end(0, arena.rkey, 8);
	expect_end(UINT64_MAX - 7, arena.rkey, 8);
}

static void memory_across_an_edge_is_refused(void **state)
{
	uint64_t end = arena.addr + arena.len;

	(void)state;
	expect_end(end - 1, arena.rkey, 2);
	expect_end(end - 4096, arena.rkey, 4097);
	expect_end(end - RAW_BUFFER + 1, arena.rkey, RAW_BUFFER);
	expect_end(arena.addr - 1, arena.rkey, 2);
	expect_end(UINT64_MAX - 7, arena.rkey, 16);
}

static void keys_that_are_guessed_are_refused(void **state)
{
	(void)state;
	expect_end(secret.addr, 0, 8);
	expect_end(secret.addr, UINT32_MAX, 8);
	for (unsigned bit = 0; bit < 32; bit++)
		expect_end(secret.addr, secret.rkey ^ UINT32_C(1) << bit, 8);
	for (uint32_t next = 1; next <= 8; next++) {
		expect_end(secret.addr, secret.rkey + (next << 8), 8);
		expect_end(secret.addr, secret.rkey - (next << 8), 8);
	}
}

/* A device may refuse an operation of no bytes or take it: neither moves any. */
static void an_operation_of_no_bytes_moves_none(void **state)
{
	static const uint32_t flips[] = {0, 1, 1 << 8};

	(void)state;
	for (unsigned i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
		assert_true(access_memory(WRITE, secret.addr, secret.rkey ^ flips[i], 0) >= 0);
		attacker_close(&attacker);
		assert_true(access_memory(READ, secret.addr, secret.rkey ^ flips[i], 0) >= 0);
		attacker_close(&attacker);
		check_victim();
	}
}

/* It fails on the attacker's side: more than its own memory, more than a message. */
static void an_operation_longer_than_any_message_harms_nobody(void **state)
{
	(void)state;
	for (enum direction direction = WRITE; direction < BOTH; direction++) {
		assert_int_equal(access_memory(direction, secret.addr, secret.rkey, UINT32_MAX), 0);
		attacker_close(&attacker);
		check_victim();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_allowed_works),
		TEST(memory_outside_the_arena_is_refused),
		TEST(memory_across_an_edge_is_refused),
		TEST(keys_that_are_guessed_are_refused),
		TEST(an_operation_of_no_bytes_moves_none),
		TEST(an_operation_longer_than_any_message_harms_nobody),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile memory", tests, start, hostile_end);
}
