/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - the server's end of one lane; its worker only */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

enum wire_status link_agree(const struct wire_connect *wanted, size_t *frame, unsigned *credits)
{
	size_t most = wanted->kind == WIRE_LANE_CONTROL ? LINK_CONTROL_FRAME : LINK_DATA_FRAME;

	if (wanted->version != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (wanted->kind != WIRE_LANE_CONTROL && wanted->kind != WIRE_LANE_DATA)
		return WIRE_BAD_REQUEST;
	if (wanted->frame < WIRE_FRAME_MIN || !wanted->credits)
		return WIRE_BAD_REQUEST;
	*frame = wanted->frame < most ? wanted->frame : most;
	*credits = wanted->credits < LINK_CREDITS ? wanted->credits : LINK_CREDITS;
	return WIRE_OK;
}

static int create_ring(struct link *link)
{
	link->waiting = malloc(link->credits * link->frame);
	link->waiting_len = calloc(link->credits, sizeof(*link->waiting_len));
	if (link->waiting && link->waiting_len)
		return 0;
	free(link->waiting);
	free(link->waiting_len);
	return -ENOMEM;
}

int link_create(const struct link_params *params, struct link **out)
{
	struct lane_params lane = {.cq = params->cq, .number = params->number};
	struct link *link;
	int err;

	link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->service = params->service;
	link->session = params->session;
	link->number = params->number;
	link->kind = (enum wire_lane_kind)params->connect->kind;
	link->created_ms = params->now_ms;
	if (link_agree(params->connect, &link->frame, &link->credits) != WIRE_OK) {
		err = -EINVAL;
		goto free_link;
	}
	err = create_ring(link);
	if (err)
		goto free_link;

	/* A server starts no one-sided operations, and wants to know that a reply has left. */
	lane.signal_every = 1;
	lane.credits = link->credits;
	lane.frame = link->frame;
	lane.closed = link->kind == WIRE_LANE_CONTROL;
	err = lane_create(params->id, params->pd, &lane, &link->lane);
	if (err)
		goto free_ring;

	params->id->context = link;
	*out = link;
	return 0;

free_ring:
	free(link->waiting);
	free(link->waiting_len);
free_link:
	free(link);
	return err;
}

void link_destroy(struct link *link)
{
	if (!link)
		return;
	lane_destroy(link->lane);
	free(link->waiting);
	free(link->waiting_len);
	free(link);
}

int link_accept(struct link *link, const struct rdma_conn_param *offer)
{
	struct wire_connect echo = {
		.version = WIRE_VERSION,
		.kind = (uint8_t)link->kind,
		.frame = (uint32_t)link->frame,
		.credits = (uint16_t)link->credits,
	};
	uint8_t private_data[WIRE_CONNECT_LEN];
	struct rdma_conn_param param;

	wire_encode_connect(private_data, &echo);
	lane_conn_param(link->lane, offer, &param);
	param.private_data = private_data;
	param.private_data_len = sizeof(private_data);
	return rdma_accept(lane_id(link->lane), &param) ? -errno : 0;
}

/* The lane has a free frame. */
static void answer(struct link *link, const void *frame, size_t len, void *reply)
{
	struct request request = {
		.lane = link->kind,
		.frame = frame,
		.len = len,
		.reply = reply,
		.cap = link->frame,
	};
	int reply_len = request_handle(link->service, link->session, &request);

	if (reply_len < 0) {
		lane_unframe(link->lane);
		link->err = reply_len;
		return;
	}
	lane_send(link->lane, (size_t)reply_len);
	link->unsent++;
}

static void keep_waiting(struct link *link, const void *frame, size_t len)
{
	unsigned at = (link->waiting_first + link->waiting_count) % link->credits;

	if (link->waiting_count == link->credits || len > link->frame) {
		snprintf(link->session->problem, sizeof(link->session->problem),
			"more than %u requests are unanswered", link->credits);
		link->err = -EPROTO;
		return;
	}
	memcpy(link->waiting + at * link->frame, frame, len);
	link->waiting_len[at] = len;
	link->waiting_count++;
}

static void received(void *arg, const void *frame, size_t len)
{
	struct link *link = arg;
	void *reply = link->waiting_count ? NULL : lane_frame(link->lane);

	if (reply)
		answer(link, frame, len, reply);
	else
		keep_waiting(link, frame, len);
}

static void answer_waiting(struct link *link)
{
	void *reply;
	unsigned at;

	while (link->waiting_count && !link->err) {
		reply = lane_frame(link->lane);
		if (!reply)
			return;
		at = link->waiting_first;
		link->waiting_first = (at + 1) % link->credits;
		link->waiting_count--;
		answer(link, link->waiting + at * link->frame, link->waiting_len[at], reply);
	}
}

static void done(void *arg, void *cookie)
{
	(void)arg;
	(void)cookie;
}

int link_complete(struct link *link, const struct ibv_wc *wc)
{
	int err = lane_complete(link->lane, wc, done, received, link);

	if (!err)
		err = link->err;
	if (err)
		return err;
	if (wc->opcode == IBV_WC_SEND && link->unsent)
		link->unsent--;
	answer_waiting(link);
	return link->err;
}

int link_flush(struct link *link)
{
	return lane_flush(link->lane, true);
}

const char *link_problem(const struct link *link)
{
	if (link->session->problem[0])
		return link->session->problem;
	return lane_error(link->lane);
}
