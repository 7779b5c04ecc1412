/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lane.c - what the completions of a lane mean, on a real device
 *
 * The other end is a remorad, whose extents are read and written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum {
	PORT = 7591,
	LARGE = 512 << 10, /* comes back slowly: many packets */
	SMALL = 64,
	SMALLS = 8,
	ROUNDS = 50,
	FILL = 0x5a,
	POISON = 0xee,
};

static struct spawn server;

static int start_server(void **state)
{
	static const char *const options[] = {"--memory", "16MiB", NULL};

	(void)state;
	return spawn_server(&server, PORT, options);
}

/* What the cookies point at. */
struct progress {
	const uint8_t *large; /* where the READ puts its bytes */
	bool read_over;
	bool bytes_were_there; /* when it was told */
	unsigned writes_over;
};

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	size_t i;

	for (i = 0; i < len && bytes[i] == value; i++)
		;
	return i == len;
}

static struct progress progress;

static void done(void *arg, void *cookie)
{
	(void)arg;
	if (cookie != &progress.read_over) {
		progress.writes_over++;
		return;
	}
	progress.read_over = true;
	progress.bytes_were_there = all_are(progress.large, LARGE, FILL);
}

static void received(void *arg, const void *frame, size_t len)
{
	(void)arg;
	(void)frame;
	(void)len;
}

/* Poll until everything is told; bounded by the time that a device may take. */
static void await_all(struct raw *raw, unsigned writes)
{
	time_t end = time(NULL) + RAW_WAIT_MS / 1000;
	struct ibv_wc wc;

	while (!progress.read_over || progress.writes_over < writes) {
		assert_true(time(NULL) < end);
		if (cq_poll(raw->cq, &wc, 1) == 1)
			assert_int_equal(lane_complete(raw->lane, &wc, done, received, NULL), 0);
	}
}

/* A READ of much, and behind it WRITEs of little, in one list. */
static void post_mixed(
	struct raw *raw, const struct wire_extent *from, const struct wire_extent *to)
{
	uint8_t *small = raw->buffer + LARGE;
	unsigned i;

	progress = (struct progress){.large = raw->buffer};
	memset(raw->buffer, POISON, LARGE);
	assert_int_equal(lane_read(raw->lane, raw->buffer, raw->mr->lkey, LARGE, from->addr,
				 from->rkey, &progress.read_over),
		0);
	for (i = 0; i < SMALLS; i++)
		assert_int_equal(lane_write(raw->lane, small, raw->mr->lkey, SMALL, to->addr,
					 to->rkey, &progress.writes_over),
			0);
	assert_int_equal(lane_flush(raw->lane, true), 0);
}

static void a_read_is_over_when_its_bytes_are_here_whatever_was_posted_behind_it(void **state)
{
	struct wire_extent from, to;
	struct raw raw, *data;
	unsigned i;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	data = raw_data_lane(&raw);
	assert_non_null(data);
	assert_int_equal(raw_register(data), 0);
	assert_int_equal(raw_reserve(&raw, "from", LARGE, &from), WIRE_OK);
	assert_int_equal(raw_reserve(&raw, "to", SMALL, &to), WIRE_OK);
	memset(data->buffer, FILL, RAW_BUFFER);
	assert_int_equal(raw_write(data, &from, LARGE), 0);
	/* A write that is posted may not have left the buffer; one that is read back has. */
	assert_int_equal(raw_read(data, &from, LARGE), 0);
	for (i = 0; i < ROUNDS; i++) {
		post_mixed(data, &from, &to);
		await_all(data, SMALLS);
		assert_true(progress.bytes_were_there);
	}
	raw_close(&raw);
}

static void a_full_lane_takes_no_more_and_recovers(void **state)
{
	struct wire_extent to;
	unsigned taken = 0;
	struct raw raw, *data;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	data = raw_data_lane(&raw);
	assert_non_null(data);
	assert_int_equal(raw_register(data), 0);
	assert_int_equal(raw_reserve(&raw, "to", SMALL, &to), WIRE_OK);
	progress = (struct progress){.read_over = true};
	while (!lane_write(
		data->lane, data->buffer, data->mr->lkey, SMALL, to.addr, to.rkey, &progress.writes_over))
		taken++;
	assert_int_equal(lane_room(data->lane), 0);
	assert_true(taken >= SMALLS);
	assert_int_equal(lane_flush(data->lane, true), 0);
	await_all(data, taken);
	assert_int_equal(lane_room(data->lane), taken);
	raw_close(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_read_is_over_when_its_bytes_are_here_whatever_was_posted_behind_it),
		cmocka_unit_test(a_full_lane_takes_no_more_and_recovers),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("lane", tests, start_server, NULL);
}
