/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_server.c - the passive end of bench_raw
 *
 * Lends a buffer, sends back what is sent to it, and sleeps otherwise. One
 * client at a time. One thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "raw_link.h"

struct server {
	struct rdma_event_channel *events;
	struct rdma_cm_id *listener;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct raw_window window;
	struct raw_link link;
};

static int listen_on(struct server *server, const struct sockaddr *address)
{
	struct sockaddr_storage copy = {0};

	memcpy(&copy, address, sizeof(struct sockaddr_in));
	server->events = rdma_create_event_channel();
	if (!server->events)
		return raw_failed("no event channel: is there an RDMA device?", errno);
	if (rdma_create_id(server->events, &server->listener, NULL, RDMA_PS_TCP))
		return raw_failed("cannot create an id", errno);
	if (rdma_bind_addr(server->listener, (struct sockaddr *)&copy))
		return raw_failed("cannot bind the address", errno);
	if (!server->listener->verbs)
		return raw_failed("give the address of an RDMA device", EADDRNOTAVAIL);
	if (rdma_listen(server->listener, 1))
		return raw_failed("cannot listen", errno);
	return 0;
}

static int lend(struct server *server, size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		return raw_failed("no memory; lower --memory", errno);
	server->pd = ibv_alloc_pd(server->listener->verbs);
	if (!server->pd)
		return raw_failed("cannot allocate a protection domain", errno);
	server->mr = ibv_reg_mr(server->pd, memory, len,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	if (!server->mr)
		return raw_failed("cannot register memory; see ulimit -l", errno);
	server->window = (struct raw_window){
		.address = (uintptr_t)memory,
		.len = len,
		.rkey = server->mr->rkey,
	};
	return 0;
}

static int accept_client(struct server *server, struct rdma_cm_id *id)
{
	struct rdma_conn_param param;

	if (server->link.id || id->verbs != server->pd->context) {
		rdma_reject(id, NULL, 0);
		rdma_destroy_id(id);
		return 0;
	}
	if (raw_link_create(&server->link, id, server->pd, 1))
		return -EIO;
	/* Before the client can speak: its first message must not go unnoticed. */
	if (ibv_req_notify_cq(server->link.cq, 0))
		return raw_failed("cannot ask for an event", EIO);
	raw_link_param(&server->link, &param);
	param.private_data = &server->window;
	param.private_data_len = sizeof(server->window);
	if (rdma_accept(id, &param))
		return raw_failed("cannot accept", errno);
	return 0;
}

static void drop_client(struct server *server)
{
	struct rdma_cm_id *id = server->link.id;

	raw_link_destroy(&server->link);
	if (id)
		rdma_destroy_id(id);
}

static int take_event(struct server *server)
{
	struct rdma_cm_event *event;
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;

	if (rdma_get_cm_event(server->events, &event))
		return raw_failed("cannot get a connection event", errno);
	type = event->event;
	id = event->id;
	rdma_ack_cm_event(event);
	if (type == RDMA_CM_EVENT_CONNECT_REQUEST)
		return accept_client(server, id);
	if (type != RDMA_CM_EVENT_ESTABLISHED && id == server->link.id)
		drop_client(server);
	return 0;
}

/* Negative when the client is gone, which is no error here: its receives are flushed. */
static int answer(struct raw_link *link)
{
	struct ibv_wc wc[2 * RAW_MESSAGES];
	int count = ibv_poll_cq(link->cq, 2 * RAW_MESSAGES, wc), i, err;

	for (i = 0; i < count; i++) {
		if (wc[i].status != IBV_WC_SUCCESS)
			return -ECONNRESET;
		if (!(wc[i].opcode & IBV_WC_RECV))
			continue;
		err = raw_link_receive(link, (unsigned)wc[i].wr_id);
		if (!err)
			err = raw_link_send(link, NULL, wc[i].byte_len);
		if (err)
			return err;
	}
	return count;
}

static void take_messages(struct server *server)
{
	struct ibv_cq *from;
	void *context;
	int count;

	if (ibv_get_cq_event(server->link.channel, &from, &context))
		return;
	ibv_ack_cq_events(from, 1);
	do {
		count = answer(&server->link);
	} while (count > 0);
	if (!count && !ibv_req_notify_cq(server->link.cq, 0))
		(void)answer(&server->link);
}

static int serve(struct server *server)
{
	struct pollfd fds[2] = {{.fd = server->events->fd, .events = POLLIN}, {.events = POLLIN}};
	int err = 0;

	while (!err) {
		fds[1].fd = server->link.channel ? server->link.channel->fd : -1;
		fds[1].revents = 0;
		if (poll(fds, 2, -1) < 0)
			return raw_failed("cannot wait", errno);
		if (fds[1].revents)
			take_messages(server);
		if (fds[0].revents)
			err = take_event(server);
	}
	return err;
}

int raw_serve(const struct sockaddr *address, size_t len)
{
	struct server server = {0};
	int err = listen_on(&server, address);

	if (!err)
		err = lend(&server, len);
	if (err)
		return err;
	printf("ready\n");
	fflush(stdout);
	/* Ends by a signal; the kernel then takes everything back. */
	return serve(&server);
}
