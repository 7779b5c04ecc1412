/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_isolation.c - a tenant's client that attacks another tenant
 *
 * It is in possession of everything that could help: its own rkey, which is
 * valid, the true address of the other's object and the true rkey of it. What
 * keeps it out must be the device, as no message of ours is involved.
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "landlord.h"
#include "raw.h"

enum { PORT = 7601, OBJECT = 64 << 10, ARENA = 8 << 20 };

static struct landlord landlord;
static struct secret secrets[LANDLORD_TENANTS];

/* The victim: a session of tenant b with an object, locked so that it stays. */
static struct raw victim;
static struct wire_extent target;

static void enter(struct raw *raw, unsigned tenant)
{
	const char *const names[] = {"a", "b"};

	assert_int_equal(raw_enter(raw, &landlord.spawn.addr, names[tenant], &secrets[tenant]), 0);
}

static void store_and_lock(struct raw *raw, const char *key, struct wire_extent *extent)
{
	memset(raw->buffer, key[0], OBJECT);
	assert_int_equal(raw_reserve(raw, key, OBJECT, extent), WIRE_OK);
	assert_int_equal(raw_write(raw, extent, OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent->handle), WIRE_OK);
	assert_int_equal(raw_lookup(raw, key, WIRE_FLAG_LOCK, extent), WIRE_OK);
}

static int start_server(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LANDLORD_TENANTS; i++) {
		secrets[i].len = strlen(landlord_secrets[i]);
		memcpy(secrets[i].key, landlord_secrets[i], secrets[i].len);
	}
	/* A client that waits for its end says nothing; the victim says little. */
	return landlord_start(&landlord, PORT, "lease-ms = 120000\n", "");
}

static int stop_server(void **state)
{
	(void)state;
	raw_close(&victim);
	return landlord_end(&landlord, SIGTERM);
}

/* What the object holds, as its owner reads it. */
static void expect_unharmed(void)
{
	memset(victim.buffer, 0, OBJECT);
	assert_int_equal(raw_read(&victim, &target, OBJECT), 0);
	for (unsigned i = 0; i < OBJECT; i++)
		assert_int_equal(victim.buffer[i], 'b');
}

static bool over;

static void done(void *arg, void *cookie)
{
	(void)arg;
	(void)cookie;
	over = true;
}

static void received(void *arg, const void *frame, size_t len)
{
	(void)arg;
	(void)frame;
	(void)len;
}

/* Move OBJECT bytes over this very lane, whatever its kind. 0, or what the device says. */
static int move(struct raw *lane, bool write, uint64_t addr, uint32_t rkey)
{
	time_t end = time(NULL) + RAW_WAIT_MS / 1000;
	struct ibv_wc wc;
	int err;

	assert_int_equal(raw_register(lane), 0);
	over = false;
	if (write)
		err = lane_write(
			lane->lane, lane->buffer, lane->mr->lkey, OBJECT, addr, rkey, lane);
	else
		err = lane_read(lane->lane, lane->buffer, lane->mr->lkey, OBJECT, addr, rkey, lane);
	if (!err)
		err = lane_flush(lane->lane, true);
	while (!err && !over && time(NULL) < end) {
		if (cq_poll(lane->cq, &wc, 1) == 1)
			err = lane_complete(lane->lane, &wc, done, received, NULL);
		else
			usleep(100);
	}
	return err || over ? err : -ETIMEDOUT;
}

static bool is_iwarp(void)
{
	return lane_is_iwarp(victim.lane);
}

/* One attempt, with a session of its own, as it is the session's end. */
struct attack {
	bool write;
	bool control; /* over the control lane */
	bool own_rkey, own_addr;
	bool alone; /* without having said anything */
};

/*
 * Attacks that the queue pair refused by itself, whatever the address: a control
 * lane does so as soon as the server has noticed that it is established.
 */
static unsigned refused_by_queue_pair;

/* iWARP tells the writer nothing, but ends the connection. */
static void expect_error(
	struct raw *lane, const struct attack *attack, int err, const struct wire_extent *mine)
{
	if (is_iwarp()) {
		if (attack->write && !err)
			err = move(lane, false, mine->addr, mine->rkey);
		assert_int_not_equal(err, 0);
		return;
	}
	assert_int_not_equal(err, 0);
	if (attack->control && strstr(lane_error(lane->lane), "remote invalid request error"))
		refused_by_queue_pair++;
	else if (!strstr(lane_error(lane->lane), "remote access error"))
		fail_msg("what the device says is no error of access: %s", lane_error(lane->lane));
}

static void attempt(const struct attack *attack)
{
	struct wire_connect want = raw_control();
	struct raw raw, *lane = &raw;
	struct wire_extent mine = target;
	int err;

	if (attack->alone) {
		assert_int_equal(raw_open(&raw, &landlord.spawn.addr, &want), 0);
	} else {
		enter(&raw, 0);
		assert_int_equal(raw_reserve(&raw, "attacker", OBJECT, &mine), WIRE_OK);
	}
	if (!attack->control) {
		lane = raw_data_lane(&raw);
		assert_non_null(lane);
		/* The lane works, for what is the attacker's. */
		assert_int_equal(move(lane, false, mine.addr, mine.rkey), 0);
	}
	memset(lane->buffer, 'Z', OBJECT);
	err = move(lane, attack->write, attack->own_addr ? mine.addr : target.addr,
		attack->own_rkey ? mine.rkey : target.rkey);
	expect_error(lane, attack, err, &mine);
	for (unsigned i = 0; i < OBJECT; i++)
		assert_int_equal(lane->buffer[i], 'Z');
	raw_close(&raw);
	expect_unharmed();
}

static void the_victim_moves_in(void **state)
{
	(void)state;
	enter(&victim, 1);
	store_and_lock(&victim, "b", &target);
	expect_unharmed();
}

static void another_tenant_s_bytes_are_neither_read_nor_written(void **state)
{
	static const struct attack attacks[] = {
		{.own_rkey = true},
		{.own_rkey = true, .write = true},
		{0},
		{.write = true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		attempt(&attacks[i]);
}

/* Not even those of the own tenant: this lane is not for it. */
static void over_a_control_lane_nothing_is_read_or_written(void **state)
{
	static const struct attack attacks[] = {
		{.control = true, .own_rkey = true, .own_addr = true},
		{.control = true, .own_rkey = true, .own_addr = true, .write = true},
		{.control = true, .own_rkey = true},
		{.control = true, .own_rkey = true, .write = true},
		{.control = true},
		{.control = true, .write = true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		attempt(&attacks[i]);
	assert_true(refused_by_queue_pair || is_iwarp());
}

static void nobody_reads_or_writes_without_having_said_who_it_is(void **state)
{
	static const struct attack attacks[] = {
		{.control = true, .alone = true},
		{.control = true, .alone = true, .write = true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		attempt(&attacks[i]);
}

/* Addresses beyond the arena, to both of its sides. */
static void a_valid_rkey_is_good_for_its_arena_alone(void **state)
{
	static const int64_t guesses[] = {-(int64_t)OBJECT, ARENA, -(int64_t)ARENA, 1 << 30};
	struct wire_extent mine;
	struct raw raw, *data;

	(void)state;
	for (unsigned i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		enter(&raw, 0);
		assert_int_equal(raw_reserve(&raw, "attacker", OBJECT, &mine), WIRE_OK);
		data = raw_data_lane(&raw);
		assert_non_null(data);
		/* The only object of its tenant lies at the arena's start. */
		assert_int_not_equal(
			move(data, false, mine.addr + (uint64_t)guesses[i], mine.rkey), 0);
		raw_close(&raw);
	}
	expect_unharmed();
}

static void keys_of_two_tenants_never_meet(void **state)
{
	struct wire_extent mine, found;
	struct wire_usage usage;
	struct raw raw;

	(void)state;
	enter(&raw, 0);
	assert_int_equal(raw_lookup(&raw, "b", 0, &found), WIRE_NOT_FOUND);
	assert_int_equal(raw_delete(&raw, "b"), WIRE_NOT_FOUND);
	memset(raw.buffer, 'a', OBJECT);
	assert_int_equal(raw_reserve(&raw, "b", OBJECT, &mine), WIRE_OK);
	assert_int_equal(raw_write(&raw, &mine, OBJECT), 0);
	assert_int_equal(raw_handle(&raw, WIRE_COMMIT, mine.handle), WIRE_OK);
	assert_int_equal(raw_handle(&raw, WIRE_UNLOCK, target.handle), WIRE_STALE);
	assert_int_equal(raw_usage(&raw, &usage), 0);
	assert_int_equal(usage.capacity, ARENA);
	assert_int_equal(usage.objects, 1);
	assert_int_equal(usage.locked, 0);
	assert_int_equal(usage.sessions, 1);
	assert_int_equal(raw_delete(&raw, "b"), WIRE_OK);
	raw_close(&raw);
	expect_unharmed();
}

static void one_tenant_cannot_fill_the_other_s_memory(void **state)
{
	struct wire_extent extent;
	struct raw raw;

	(void)state;
	enter(&raw, 0);
	assert_int_equal(raw_reserve(&raw, "large", ARENA, &extent), WIRE_OK);
	assert_int_equal(raw_reserve(&raw, "small", 1, &extent), WIRE_LIMIT);
	assert_int_equal(raw_reserve(&victim, "c", OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_handle(&victim, WIRE_ABORT, extent.handle), WIRE_OK);
	raw_close(&raw);
	expect_unharmed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_victim_moves_in),
		cmocka_unit_test(another_tenant_s_bytes_are_neither_read_nor_written),
		cmocka_unit_test(over_a_control_lane_nothing_is_read_or_written),
		cmocka_unit_test(nobody_reads_or_writes_without_having_said_who_it_is),
		cmocka_unit_test(a_valid_rkey_is_good_for_its_arena_alone),
		cmocka_unit_test(keys_of_two_tenants_never_meet),
		cmocka_unit_test(one_tenant_cannot_fill_the_other_s_memory),
	};
	char address[64];

	alarm(230);
	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("isolation", tests, start_server, stop_server);
}
