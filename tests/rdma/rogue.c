/* SPDX-License-Identifier: Apache-2.0 */
/* rogue.c - a server that lets clients in without knowing their secret */
#include "rogue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cq.h"
#include "lane.h"
#include "spawn.h"
#include "wire.h"

enum { CREDITS = 16, FRAME = 16384, BACKLOG = 8, BOOT = 4711, STEP_MS = 1 };

struct rogue {
	bool reflects;
	struct rdma_event_channel *events;
	struct ibv_pd *pd;
	struct cq *cq;
	struct lane *lane; /* of the one client that is served; NULL: none */
};

static void answer(struct rogue *rogue, const struct wire_header *asked, const uint8_t *proof)
{
	struct wire_header header = {
		.type = (uint8_t)(asked->type | WIRE_REPLY), .task = asked->task, .boot = BOOT};
	struct wire_challenge challenge = {.status = WIRE_OK, .version = WIRE_VERSION};
	struct wire_welcome welcome = {.status = WIRE_OK, .version = WIRE_VERSION};
	void *frame = lane_frame(rogue->lane);
	struct wire_writer w;

	if (!frame)
		return;
	wire_begin(&w, frame, FRAME, &header);
	if (asked->type == WIRE_HELLO) {
		challenge.method = WIRE_METHOD_HMAC_SHA256;
		wire_put_challenge(&w, &challenge);
	} else {
		welcome.lease_ms = 10000;
		welcome.max_object = 1 << 20;
		welcome.max_reserved = 1 << 20;
		welcome.max_reservations = 1000;
		if (rogue->reflects)
			memcpy(welcome.proof, proof, WIRE_PROOF_LEN);
		wire_put_welcome(&w, &welcome);
	}
	lane_send(rogue->lane, wire_end(&w));
	lane_flush(rogue->lane, true);
}

static void received(void *arg, const void *frame, size_t len)
{
	uint8_t proof[WIRE_PROOF_LEN] = {0};
	struct wire_header header;
	struct wire_reader r;

	if (wire_open(&r, frame, len, &header))
		return;
	if (header.type == WIRE_AUTH && wire_get_auth(&r, proof))
		return;
	if (header.type == WIRE_HELLO || header.type == WIRE_AUTH)
		answer(arg, &header, proof);
}

static void done(void *arg, void *cookie)
{
	(void)arg;
	(void)cookie;
}

static void hang_up(struct rogue *rogue)
{
	lane_destroy(rogue->lane);
	rogue->lane = NULL;
}

static void let_in(struct rogue *rogue, struct rdma_cm_id *id, const struct rdma_conn_param *offer)
{
	struct lane_params params = {.number = 1, .credits = CREDITS, .frame = FRAME};
	struct wire_connect echo = {
		.version = WIRE_VERSION,
		.kind = WIRE_LANE_CONTROL,
		.credits = CREDITS,
		.frame = FRAME,
	};
	uint8_t private_data[WIRE_CONNECT_LEN];
	struct rdma_conn_param param;

	hang_up(rogue);
	if (!rogue->pd)
		rogue->pd = ibv_alloc_pd(id->verbs);
	if (!rogue->cq && cq_create(id->verbs, 256, &rogue->cq))
		return;
	params.cq = rogue->cq;
	if (lane_create(id, rogue->pd, &params, &rogue->lane)) {
		rdma_destroy_id(id);
		return;
	}
	wire_encode_connect(private_data, &echo);
	lane_conn_param(rogue->lane, offer, &param);
	param.private_data = private_data;
	param.private_data_len = sizeof(private_data);
	rdma_accept(id, &param);
}

static void take_event(struct rogue *rogue)
{
	struct rdma_conn_param offer;
	struct rdma_cm_event *event;
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;

	if (rdma_get_cm_event(rogue->events, &event))
		return;
	type = event->event;
	id = event->id;
	offer = event->param.conn;
	rdma_ack_cm_event(event);
	if (type == RDMA_CM_EVENT_CONNECT_REQUEST)
		let_in(rogue, id, &offer);
	else if (rogue->lane && id == lane_id(rogue->lane) && type != RDMA_CM_EVENT_ESTABLISHED)
		hang_up(rogue);
}

static void serve(struct rogue *rogue)
{
	struct pollfd fd = {.fd = rogue->events->fd, .events = POLLIN};
	struct ibv_wc wc;

	for (;;) {
		while (rogue->lane && cq_poll(rogue->cq, &wc, 1) == 1)
			if (lane_complete(rogue->lane, &wc, done, received, rogue))
				hang_up(rogue);
		if (poll(&fd, 1, STEP_MS) == 1)
			take_event(rogue);
	}
}

/* Where spawn_server() starts servers. */
static void enter_netns(void)
{
	const char *hosts = getenv("REMORA_LAB_HOSTS"), *netns;
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "REMORA_LAB_NETNS_%s", hosts ? hosts : "");
	netns = getenv(name);
	if (!netns || !*netns)
		return;
	snprintf(name, sizeof(name), "/var/run/netns/%.100s", netns);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		_exit(1);
	close(fd);
}

static void run(struct sockaddr_storage *addr, bool reflects, int ready)
{
	struct rogue rogue = {.reflects = reflects};
	struct rdma_cm_id *id;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter_netns();
	rogue.events = rdma_create_event_channel();
	if (!rogue.events || rdma_create_id(rogue.events, &id, NULL, RDMA_PS_TCP) ||
		rdma_bind_addr(id, (struct sockaddr *)addr) || rdma_listen(id, BACKLOG))
		_exit(1);
	if (write(ready, "", 1) == 1)
		serve(&rogue);
}

pid_t rogue_start(unsigned port, bool reflects)
{
	struct sockaddr_storage addr = {0};
	char host[64], byte;
	int ready[2], err;
	pid_t pid;

	err = spawn_address(host, sizeof(host));
	if (err)
		return err;
	spawn_parse(&addr, host, port);
	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		run(&addr, reflects, ready[1]);
		_exit(1);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1) {
		rogue_end(pid);
		pid = -ECHILD;
	}
	close(ready[0]);
	return pid;
}

void rogue_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
