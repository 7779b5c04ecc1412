/* SPDX-License-Identifier: Apache-2.0 */
/* raw_link.c - one bare queue pair for bench_raw; for one thread */
#include "raw_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Work requests other than one-sided ones that can be in flight. */
enum { RAW_SPARE = 2 * RAW_MESSAGES };

int raw_failed(const char *what, int code)
{
	code = code < 0 ? -code : code;
	fprintf(stderr, "bench_raw: %s: %s\n", what, strerror(code));
	return -code;
}

static int create_queue(struct raw_link *link, struct ibv_pd *pd, unsigned depth)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap.max_send_wr = depth + RAW_SPARE,
		.cap.max_recv_wr = RAW_MESSAGES,
		.cap.max_send_sge = 1,
		.cap.max_recv_sge = 1,
		.cap.max_inline_data = 64,
	};

	link->channel = ibv_create_comp_channel(link->id->verbs);
	if (!link->channel)
		return raw_failed("cannot create a completion channel", errno);
	link->cq =
		ibv_create_cq(link->id->verbs, (int)depth + 2 * RAW_SPARE, NULL, link->channel, 0);
	if (!link->cq)
		return raw_failed("cannot create a completion queue; lower --depth", errno);
	attr.send_cq = attr.recv_cq = link->cq;
	if (rdma_create_qp(link->id, pd, &attr))
		return raw_failed("cannot create a queue pair; lower --depth", errno);
	link->inline_max = attr.cap.max_inline_data;
	return 0;
}

int raw_link_create(struct raw_link *link, struct rdma_cm_id *id, struct ibv_pd *pd, unsigned depth)
{
	size_t len = (RAW_MESSAGES + 1) * (size_t)RAW_MESSAGE_MAX;
	unsigned i;
	int err;

	*link = (struct raw_link){.id = id};
	link->iwarp = id->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	link->messages = aligned_alloc(4096, len);
	if (!link->messages)
		return raw_failed("no memory", ENOMEM);
	memset(link->messages, 0, len);
	link->messages_mr = ibv_reg_mr(pd, link->messages, len, IBV_ACCESS_LOCAL_WRITE);
	err = link->messages_mr ? create_queue(link, pd, depth)
				: raw_failed("cannot register memory", errno);
	for (i = 0; !err && i < RAW_MESSAGES; i++)
		err = raw_link_receive(link, i);
	if (err)
		raw_link_destroy(link);
	return err;
}

void raw_link_destroy(struct raw_link *link)
{
	if (link->id && link->id->qp)
		rdma_destroy_qp(link->id);
	if (link->cq)
		ibv_destroy_cq(link->cq);
	if (link->channel)
		ibv_destroy_comp_channel(link->channel);
	if (link->messages_mr)
		ibv_dereg_mr(link->messages_mr);
	free(link->messages);
	*link = (struct raw_link){0};
}

void raw_link_param(const struct raw_link *link, struct rdma_conn_param *param)
{
	struct ibv_device_attr attr = {0};

	ibv_query_device(link->id->verbs, &attr);
	*param = (struct rdma_conn_param){
		.responder_resources =
			(uint8_t)(attr.max_qp_rd_atom < RAW_READ_DEPTH ? attr.max_qp_rd_atom
								       : RAW_READ_DEPTH),
		.initiator_depth = (uint8_t)(attr.max_qp_init_rd_atom < RAW_READ_DEPTH
						     ? attr.max_qp_init_rd_atom
						     : RAW_READ_DEPTH),
		.retry_count = 6,
		.rnr_retry_count = 6,
	};
}

int raw_link_receive(struct raw_link *link, unsigned message)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)(link->messages + (size_t)message * RAW_MESSAGE_MAX),
		.length = RAW_MESSAGE_MAX,
		.lkey = link->messages_mr->lkey,
	};
	struct ibv_recv_wr wr = {.wr_id = message, .sg_list = &sge, .num_sge = 1}, *bad = NULL;
	int rc = ibv_post_recv(link->id->qp, &wr, &bad);

	return rc ? raw_failed("cannot post a receive", rc) : 0;
}

int raw_link_send(struct raw_link *link, const void *data, size_t len)
{
	uint8_t *buffer = link->messages + (size_t)RAW_MESSAGES * RAW_MESSAGE_MAX;
	struct ibv_sge sge = {
		.addr = (uintptr_t)buffer,
		.length = (uint32_t)len,
		.lkey = link->messages_mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
	};
	struct ibv_send_wr *bad = NULL;
	int rc;

	if (data)
		memcpy(buffer, data, len);
	if (len <= link->inline_max)
		wr.send_flags |= IBV_SEND_INLINE;
	rc = ibv_post_send(link->id->qp, &wr, &bad);
	return rc ? raw_failed("cannot post a send", rc) : 0;
}

static int poll_queue(struct raw_link *link, struct ibv_wc *wc, int max)
{
	int count = ibv_poll_cq(link->cq, max, wc), i;

	if (count < 0)
		return raw_failed("cannot poll the completion queue", EIO);
	for (i = 0; i < count; i++) {
		if (wc[i].status == IBV_WC_SUCCESS)
			continue;
		fprintf(stderr, "bench_raw: a work request failed: %s (vendor 0x%x)\n",
			ibv_wc_status_str(wc[i].status), wc[i].vendor_err);
		return -EIO;
	}
	return count;
}

static int sleep_until_event(struct raw_link *link)
{
	struct pollfd fd = {.fd = link->channel->fd, .events = POLLIN};
	struct ibv_cq *from;
	void *context;

	if (poll(&fd, 1, RAW_DEADLINE_MS) != 1)
		return raw_failed("no completion came within 10 seconds", ETIMEDOUT);
	if (ibv_get_cq_event(link->channel, &from, &context))
		return raw_failed("cannot get an event", errno);
	ibv_ack_cq_events(from, 1);
	return 0;
}

int raw_link_wait(struct raw_link *link, struct ibv_wc *wc, int max, bool spin)
{
	int count, err;

	for (;;) {
		count = poll_queue(link, wc, max);
		if (count)
			return count;
		if (spin)
			continue;
		err = ibv_req_notify_cq(link->cq, 0);
		if (err)
			return raw_failed("cannot ask for an event", err);
		/* One may have come between the two. */
		count = poll_queue(link, wc, max);
		if (count)
			return count;
		err = sleep_until_event(link);
		if (err)
			return err;
	}
}
