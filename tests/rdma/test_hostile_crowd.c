/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_crowd.c - connections that are begun and not used
 *
 * They cost the server a queue pair each, for a few seconds: as long as a client
 * has to become welcome. Meanwhile the honest client is served, and others are
 * let in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"

enum { PORT = 7587, FDS_EACH = 3, SPARE_FDS = 64, HALVES = 40, SERVE_EVERY = 50, PLUGS = 3 };

static struct cq *plugs[PLUGS];

/* The sanitizers keep much memory of each. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CROWD = 300 };
#else
enum { CROWD = 1000 };
#endif

/*
 * siw's provider cannot make a queue that its kernel places 144 pages behind the
 * first one (docs/lab.md): let a large one lie across that place.
 */
static int plug(void)
{
	struct ibv_context *context = lane_id(hostile_honest.lane)->verbs;

	for (unsigned i = 0; i < PLUGS; i++)
		if (cq_create(context, 8000, &plugs[i]))
			return -ENOMEM;
	return 0;
}

static int finish(void **state)
{
	for (unsigned i = 0; i < PLUGS; i++)
		cq_destroy(plugs[i]);
	return hostile_end(state);
}

static int start(void **state)
{
	static const char *const options[] = {"--max-unauthenticated", "1000", NULL};
	struct rlimit limit;

	(void)state;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return hostile_begin(PORT, options) || plug();
}

/* As many as this process may have file descriptors for. */
static unsigned crowd_size(void)
{
	struct rlimit limit;
	rlim_t most;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	most = (limit.rlim_cur - SPARE_FDS) / FDS_EACH;
	return most < CROWD ? (unsigned)most : CROWD;
}

/* Somebody else who is honest comes in, and leaves. */
static void let_one_in(void)
{
	struct raw newcomer;

	assert_int_equal(raw_hello(&newcomer, &hostile_server.addr), 0);
	raw_close(&newcomer);
}

static void open_silent(struct raw *raw)
{
	struct wire_connect want = attacker_connect();

	assert_int_equal(raw_open(raw, &hostile_server.addr, &want), 0);
}

/* The most connections that there were at once. */
static unsigned gather(struct raw *crowd, unsigned size)
{
	unsigned most = 0, now;

	for (unsigned i = 0; i < size; i++) {
		open_silent(&crowd[i]);
		if (i % SERVE_EVERY && i + 1 < size)
			continue;
		hostile_serves();
		now = hostile_connections();
		most = now > most ? now : most;
	}
	return most;
}

static void a_crowd_that_never_speaks_holds_up_nobody(void **state)
{
	unsigned size = crowd_size(), most;
	struct raw *crowd = calloc(size, sizeof(*crowd));

	(void)state;
	assert_non_null(crowd);
	most = gather(crowd, size);
	let_one_in();
	print_message("%u connections, at most %u of them at once\n", size, most);
	hostile_wait_connections(1);
	hostile_keep_memory();
	hostile_audit();
	for (unsigned i = 0; i < size; i++) {
		assert_int_equal(raw_wait_disconnected(&crowd[i]), 0);
		raw_close(&crowd[i]);
	}
	free(crowd);
}

/* One that has said HELLO, and never proves who it is. */
static void say_half_a_greeting(struct raw *half)
{
	open_silent(half);
	assert_int_equal(raw_introduce(half, ""), 0);
	assert_int_equal(raw_say_hello(half), 0);
}

static void expect_event(struct rdma_event_channel *events, enum rdma_cm_event_type type)
{
	struct rdma_cm_event *event;

	assert_int_equal(rdma_get_cm_event(events, &event), 0);
	assert_int_equal(event->event, type);
	rdma_ack_cm_event(event);
}

/*
 * Ask for a connection without a queue pair. Then it is the caller who has to
 * confirm what the server accepts; he does not.
 */
static struct rdma_cm_id *ask_for_connection(struct rdma_event_channel *events)
{
	struct sockaddr_storage addr = hostile_server.addr;
	struct wire_connect want = attacker_connect();
	uint8_t said[WIRE_CONNECT_LEN];
	struct rdma_conn_param param = {
		.private_data = said,
		.private_data_len = sizeof(said),
		.qp_num = 4711,
		.retry_count = 6,
		.rnr_retry_count = 6,
	};
	struct rdma_cm_id *id;

	assert_int_equal(rdma_create_id(events, &id, NULL, RDMA_PS_TCP), 0);
	assert_int_equal(rdma_resolve_addr(id, NULL, (struct sockaddr *)&addr, RAW_WAIT_MS), 0);
	expect_event(events, RDMA_CM_EVENT_ADDR_RESOLVED);
	assert_int_equal(rdma_resolve_route(id, RAW_WAIT_MS), 0);
	expect_event(events, RDMA_CM_EVENT_ROUTE_RESOLVED);
	wire_encode_connect(said, &want);
	param.qp_num += (uint32_t)hostile_connections();
	assert_int_equal(rdma_connect(id, &param), 0);
	return id;
}

/* RoCE: REQ and REP, and never the RTU. */
static void never_confirm(struct rdma_event_channel *events, struct rdma_cm_id *ids[HALVES])
{
	for (unsigned i = 0; i < HALVES; i++) {
		ids[i] = ask_for_connection(events);
		expect_event(events, RDMA_CM_EVENT_CONNECT_RESPONSE);
	}
}

/* What iWARP says first, over TCP, and the ways to say it badly. */
static int say_badly(unsigned how)
{
	uint8_t request[20] = "MPA ID Req Frame";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&hostile_server.addr, sizeof(struct sockaddr_in)),
		0);
	request[17] = how == 4 ? 99 : 1; /* revision */
	request[18] = how == 5 ? 0xff : 0;
	request[19] = WIRE_CONNECT_LEN; /* bytes that are to follow, and never do */
	if (how == 1)
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	else if (how == 2)
		assert_int_equal(send(fd, request, 10, MSG_NOSIGNAL), 10);
	else if (how >= 3)
		assert_int_equal(send(fd, request, sizeof(request), MSG_NOSIGNAL), sizeof(request));
	return fd;
}

static void who_stops_halfway_is_not_waited_for(void **state)
{
	struct rdma_event_channel *events = rdma_create_event_channel();
	bool iwarp = lane_is_iwarp(hostile_honest.lane);
	struct raw *greetings = calloc(HALVES, sizeof(*greetings));
	struct rdma_cm_id *ids[HALVES];
	int fds[HALVES];

	(void)state;
	assert_true(events && greetings);
	if (!iwarp)
		never_confirm(events, ids);
	for (unsigned i = 0; i < HALVES; i++) {
		say_half_a_greeting(&greetings[i]);
		if (iwarp)
			fds[i] = say_badly(i % 6);
	}
	assert_in_range(hostile_connections(), HALVES / 2, 2 * HALVES + 1);
	hostile_serves();
	let_one_in();
	hostile_audit();
	for (unsigned i = 0; i < HALVES; i++) {
		raw_close(&greetings[i]);
		if (iwarp)
			close(fds[i]);
		else
			rdma_destroy_id(ids[i]);
	}
	rdma_destroy_event_channel(events);
	free(greetings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_that_never_speaks_holds_up_nobody),
		cmocka_unit_test(who_stops_halfway_is_not_waited_for),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile crowd", tests, start, finish);
}
