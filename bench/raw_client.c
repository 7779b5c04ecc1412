/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_client.c - the active end of bench_raw: measure bare verbs
 *
 * Work requests are prepared once, one for each chunk of each place, and
 * posted again and again: what completes together is posted together, as one
 * list. One thread.
 */
#include "raw_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "raw_link.h"

enum {
	SIGNAL_EVERY = 16,
	CONNECT_TRIES = 10, /* iWARP in software refuses one now and then */
	SAMPLES_MAX = 1 << 20,
	POLL_BATCH = 64,
};

struct request {
	struct ibv_send_wr wr;
	struct ibv_sge sge;
};

struct client {
	const struct raw_options *options;
	struct rdma_event_channel *events;
	struct raw_link link;
	struct raw_window window;
	uint8_t *memory;
	size_t len;
	struct ibv_mr *mr;
	struct request *requests; /* a ring */
	unsigned chunks;          /* work requests of an operation */
	unsigned count;           /* of the ring */
	uint64_t posted, done;
	double *samples;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Wait for a connection event; -EAGAIN if it is another than the wanted one. */
static int expect(struct client *client, enum rdma_cm_event_type wanted)
{
	struct pollfd fd = {.fd = client->events->fd, .events = POLLIN};
	const struct raw_window *window;
	struct rdma_cm_event *event;
	int err = 0;

	if (poll(&fd, 1, RAW_DEADLINE_MS) != 1)
		return -EAGAIN;
	if (rdma_get_cm_event(client->events, &event))
		return raw_failed("cannot get a connection event", errno);
	window = event->param.conn.private_data;
	if (event->event != wanted)
		err = -EAGAIN;
	else if (wanted == RDMA_CM_EVENT_ESTABLISHED &&
		 event->param.conn.private_data_len < sizeof(*window))
		err = raw_failed("the server is not bench_raw", EPROTO);
	else if (wanted == RDMA_CM_EVENT_ESTABLISHED)
		memcpy(&client->window, window, sizeof(*window));
	rdma_ack_cm_event(event);
	return err;
}

static int resolve(struct client *client, struct rdma_cm_id *id)
{
	struct sockaddr_in server = client->options->server;

	if (rdma_resolve_addr(id, NULL, (struct sockaddr *)&server, RAW_DEADLINE_MS))
		return raw_failed("cannot resolve the address", errno);
	if (expect(client, RDMA_CM_EVENT_ADDR_RESOLVED))
		return -EAGAIN;
	if (rdma_resolve_route(id, RAW_DEADLINE_MS))
		return raw_failed("cannot resolve the route", errno);
	return expect(client, RDMA_CM_EVENT_ROUTE_RESOLVED);
}

static int connect_once(struct client *client)
{
	struct rdma_conn_param param;
	struct rdma_cm_id *id;
	int err;

	if (rdma_create_id(client->events, &id, NULL, RDMA_PS_TCP))
		return raw_failed("cannot create an id", errno);
	err = resolve(client, id);
	if (!err)
		err = raw_link_create(&client->link, id, id->pd, client->count);
	if (err) {
		rdma_destroy_id(id);
		return err;
	}
	raw_link_param(&client->link, &param);
	if (rdma_connect(id, &param))
		err = -EAGAIN;
	if (!err)
		err = expect(client, RDMA_CM_EVENT_ESTABLISHED);
	if (err) {
		raw_link_destroy(&client->link);
		rdma_destroy_id(id);
	}
	return err;
}

static int connect_to_server(struct client *client)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	int tries, err = -EAGAIN;

	client->events = rdma_create_event_channel();
	if (!client->events)
		return raw_failed("no event channel: is there an RDMA device?", errno);
	for (tries = 0; err == -EAGAIN && tries < CONNECT_TRIES; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		err = connect_once(client);
	}
	return err == -EAGAIN ? raw_failed("the server does not take connections", ECONNREFUSED)
			      : err;
}

/* Where the chunk of a request lies, in the client's and the server's memory. */
static void prepare(struct client *client, unsigned index)
{
	struct request *request = &client->requests[index];
	size_t size = client->options->size, begin = (size_t)(index % client->chunks) * RAW_CHUNK;
	size_t at = index / client->chunks * size + begin;
	size_t len = size - begin < RAW_CHUNK ? size - begin : RAW_CHUNK;
	bool write = client->options->operation == RAW_WRITE;

	request->sge = (struct ibv_sge){
		.addr = (uintptr_t)client->memory + at,
		.length = (uint32_t)len,
		.lkey = client->mr->lkey,
	};
	request->wr = (struct ibv_send_wr){
		.sg_list = &request->sge,
		.num_sge = 1,
		.opcode = write ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ,
		.wr.rdma.remote_addr = client->window.address + at,
		.wr.rdma.rkey = client->window.rkey,
	};
}

static int lend(struct client *client)
{
	int access = IBV_ACCESS_LOCAL_WRITE;
	unsigned i;

	if (client->len > client->window.len)
		return raw_failed("the server lends too little; see its --memory", ENOSPC);
	/* iWARP wants it of the memory that a READ fills. */
	if (client->link.iwarp)
		access |= IBV_ACCESS_REMOTE_WRITE;
	client->memory = mmap(NULL, client->len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (client->memory == MAP_FAILED)
		return raw_failed("no memory; lower --size or --depth", errno);
	client->mr = ibv_reg_mr(client->link.id->pd, client->memory, client->len, access);
	if (!client->mr)
		return raw_failed("cannot register memory; see ulimit -l", errno);
	for (i = 0; i < client->count; i++)
		prepare(client, i);
	return 0;
}

static bool must_signal(const struct client *client, const struct request *request)
{
	unsigned every = client->count / 2 < SIGNAL_EVERY ? client->count / 2 : SIGNAL_EVERY;

	if (client->link.iwarp && request->wr.opcode == IBV_WR_RDMA_WRITE &&
		request->sge.length >= RAW_ZERO_COPY)
		return true;
	return every < 2 || (client->posted + 1) % every == 0;
}

/* Post the next `count` requests of the ring as one list. */
static int post(struct client *client, unsigned count, bool last)
{
	struct request *first = &client->requests[client->posted % client->count];
	struct request *request = first, *next;
	struct ibv_send_wr *bad = NULL;
	unsigned i;
	int rc;

	for (i = 0; i < count; i++, request = next) {
		request->wr.wr_id = client->posted;
		request->wr.send_flags = must_signal(client, request) ? IBV_SEND_SIGNALED : 0;
		client->posted++;
		next = &client->requests[client->posted % client->count];
		request->wr.next = i + 1 < count ? &next->wr : NULL;
		if (!request->wr.next && last)
			request->wr.send_flags = IBV_SEND_SIGNALED;
	}
	rc = ibv_post_send(client->link.id->qp, &first->wr, &bad);
	if (rc || bad)
		return raw_failed("cannot post", rc ? rc : EIO);
	return 0;
}

/* Wait; everything up to the last completion's request is over. */
static int reap(struct client *client)
{
	struct ibv_wc wc[POLL_BATCH];
	int count = raw_link_wait(&client->link, wc, POLL_BATCH, client->options->spin);

	if (count > 0)
		client->done = wc[count - 1].wr_id + 1;
	return count < 0 ? count : 0;
}

/*
 * A READ behind everything else: on iWARP the completion of a WRITE says
 * nothing, the answer to a READ behind it says that it is in place.
 */
static int prove(struct client *client)
{
	struct request proof = client->requests[(client->posted - 1) % client->count];
	struct ibv_send_wr *bad = NULL;
	int err = 0, rc;

	proof.sge.addr += proof.sge.length - 1;
	proof.wr.wr.rdma.remote_addr += proof.sge.length - 1;
	proof.sge.length = 1;
	proof.wr.sg_list = &proof.sge;
	proof.wr.opcode = IBV_WR_RDMA_READ;
	proof.wr.send_flags = IBV_SEND_SIGNALED;
	proof.wr.next = NULL;
	proof.wr.wr_id = client->posted++;
	rc = ibv_post_send(client->link.id->qp, &proof.wr, &bad);
	if (rc || bad)
		return raw_failed("cannot post", rc ? rc : EIO);
	while (!err && client->done < client->posted)
		err = reap(client);
	return err;
}

static int measure_bandwidth(struct client *client, struct raw_result *result)
{
	uint64_t since = now_ns(), bytes, operations;
	uint64_t until = since + (uint64_t)(client->options->seconds * 1e9);
	unsigned chunks = client->chunks, ready;
	int err = post(client, client->count, false);

	while (!err) {
		err = reap(client);
		if (err || now_ns() >= until)
			break;
		/* Whole operations only, so that the bytes are easily counted. */
		ready = client->count - (unsigned)(client->posted - client->done);
		if (ready / chunks)
			err = post(client, ready / chunks * chunks, false);
	}
	operations = client->posted / chunks;
	bytes = operations * client->options->size;
	/* The last requests may be unsignalled: the proof's completion ends them. */
	if (!err)
		err = prove(client);
	if (err)
		return err;
	*result = (struct raw_result){
		.operations = operations,
		.seconds = (double)(now_ns() - since) / 1e9,
	};
	result->mb_s = (double)bytes / 1e6 / result->seconds;
	return 0;
}

static int ping_once(struct client *client)
{
	struct ibv_wc wc[2];
	int parts = 0, count, i, err;

	err = raw_link_send(&client->link, client->memory, client->options->size);
	while (!err && parts < 2) {
		count = raw_link_wait(&client->link, wc, 2, client->options->spin);
		if (count < 0)
			return count;
		parts += count;
		for (i = 0; !err && i < count; i++)
			if (wc[i].opcode & IBV_WC_RECV)
				err = raw_link_receive(&client->link, (unsigned)wc[i].wr_id);
	}
	return err;
}

static int read_once(struct client *client)
{
	int err = post(client, client->chunks, true);

	while (!err && client->done < client->posted)
		err = reap(client);
	return err;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static int measure_latency(struct client *client, struct raw_result *result)
{
	bool ping = client->options->operation == RAW_PING;
	uint64_t since = now_ns(), begin = since, end = since;
	uint64_t until = since + (uint64_t)(client->options->seconds * 1e9);
	size_t count = 0;
	int err;

	while (end < until && count < SAMPLES_MAX) {
		begin = end;
		err = ping ? ping_once(client) : read_once(client);
		if (err)
			return err;
		end = now_ns();
		client->samples[count++] = (double)(end - begin) / 1e3;
	}
	qsort(client->samples, count, sizeof(*client->samples), by_size);
	*result = (struct raw_result){
		.operations = count,
		.seconds = (double)(end - since) / 1e9,
		.p50_us = client->samples[count / 2],
		.p99_us = client->samples[count * 99 / 100],
	};
	result->mb_s = (double)(count * client->options->size) / 1e6 / result->seconds;
	return 0;
}

static void take_down(struct client *client)
{
	struct rdma_cm_id *id = client->link.id;

	if (id)
		rdma_disconnect(id);
	raw_link_destroy(&client->link);
	if (client->mr)
		ibv_dereg_mr(client->mr);
	if (id)
		rdma_destroy_id(id);
	if (client->events)
		rdma_destroy_event_channel(client->events);
	if (client->memory && client->memory != MAP_FAILED)
		munmap(client->memory, client->len);
	free(client->requests);
	free(client->samples);
}

int raw_measure(const struct raw_options *options, struct raw_result *result)
{
	struct client client = {
		.options = options,
		.len = options->size * options->depth,
		.chunks = (unsigned)((options->size + RAW_CHUNK - 1) / RAW_CHUNK),
	};
	bool latency = options->operation >= RAW_PING;
	int err;

	client.count = client.chunks * options->depth;
	client.requests = calloc(client.count, sizeof(*client.requests));
	client.samples = calloc(latency ? SAMPLES_MAX : 1, sizeof(*client.samples));
	err = client.requests && client.samples ? 0 : raw_failed("no memory", ENOMEM);
	if (!err)
		err = connect_to_server(&client);
	if (!err)
		err = lend(&client);
	if (!err)
		err = latency ? measure_latency(&client, result)
			      : measure_bandwidth(&client, result);
	take_down(&client);
	return err;
}
