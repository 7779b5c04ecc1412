/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_credits.c - more requests than the server has receives or patience for
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "hostile.h"

enum { PORT = 7586, SENDS = RAW_CREDITS + 8 };

static struct attacker attacker;

static int start(void **state)
{
	(void)state;
	return hostile_begin(PORT, NULL);
}

static int setup(void **state)
{
	(void)state;
	attacker_open(&attacker);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	attacker_close(&attacker);
	hostile_audit();
	return 0;
}

/* Two credits, and all that the attacker has frames for, at once. */
static void a_burst_beyond_the_credits_is_answered_or_ends_the_session(void **state)
{
	struct raw *raw = &attacker.raw;
	unsigned before = raw->replies;
	struct wire_writer w;
	int verdict = 1;

	(void)state;
	assert_int_equal(raw->credits, 2);
	for (unsigned i = 0; i < RAW_CREDITS; i++) {
		raw_begin(raw, &w, WIRE_PING, 0);
		lane_send(raw->lane, wire_end(&w));
	}
	assert_int_equal(lane_flush(raw->lane, true), 0);
	while (verdict == 1 && raw->replies < before + RAW_CREDITS)
		verdict = raw_await(raw);
	assert_true(verdict >= 0);
}

/* A PING past the lane, which keeps to the rules. */
static int post_ping(struct raw *raw)
{
	struct wire_header header = {.type = WIRE_PING, .boot = raw->boot};
	struct wire_writer w;
	struct ibv_sge sge = {.addr = (uintptr_t)raw->buffer, .lkey = raw->mr->lkey};
	struct ibv_send_wr *bad = NULL, wr = {
						.opcode = IBV_WR_SEND,
						.send_flags = IBV_SEND_SIGNALED,
						.sg_list = &sge,
						.num_sge = 1,
					};

	wire_begin(&w, raw->buffer, WIRE_FRAME_MIN, &header);
	sge.length = (uint32_t)wire_end(&w);
	return ibv_post_send(lane_qp(raw->lane), &wr, &bad);
}

/*
 * Take completions without posting a receive again, until one is of this kind.
 * False: none will be, as the connection is over.
 */
static bool await_one(struct raw *raw, enum ibv_wc_opcode opcode)
{
	time_t end = time(NULL) + RAW_WAIT_MS / 1000;
	struct pollfd over = {.fd = raw->events->fd, .events = POLLIN};
	struct ibv_wc wc;

	while (time(NULL) <= end) {
		if (cq_poll(raw->cq, &wc, 1) != 1) {
			if (poll(&over, 1, 1))
				return false;
		} else if (wc.status != IBV_WC_SUCCESS) {
			return false;
		} else if (wc.opcode == opcode) {
			return true;
		}
	}
	return false;
}

/*
 * The attacker takes no reply, so that its receives run out. On RoCE the next
 * reply waits in the server's queue, and the requests behind it in the server's
 * memory: two of them, and then it is enough. iWARP ends such a connection.
 */
static void requests_without_an_end_whose_answers_nobody_takes_end_the_session(void **state)
{
	struct ibv_qp_attr slow = {.min_rnr_timer = 0}; /* the longest: 655 ms a try */
	struct raw *raw = &attacker.raw;
	unsigned i;

	(void)state;
	assert_int_equal(raw_register(raw), 0);
	if (!lane_is_iwarp(raw->lane))
		assert_int_equal(ibv_modify_qp(lane_qp(raw->lane), &slow, IBV_QP_MIN_RNR_TIMER), 0);
	for (i = 0; i < RAW_CREDITS; i++) {
		assert_int_equal(post_ping(raw), 0);
		assert_true(await_one(raw, IBV_WC_RECV));
	}
	while (i < SENDS && !post_ping(raw) && await_one(raw, IBV_WC_SEND))
		i++;
	assert_int_equal(raw_wait_disconnected(raw), 0);
	if (!lane_is_iwarp(raw->lane))
		assert_int_equal(
			spawn_logged(&hostile_server, "more than 2 requests are unanswered"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_beyond_the_credits_is_answered_or_ends_the_session),
		TEST(requests_without_an_end_whose_answers_nobody_takes_end_the_session),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile credits", tests, start, hostile_end);
}
