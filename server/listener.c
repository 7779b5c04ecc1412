/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.c - takes connection requests and hands them to workers
 *
 * A request's id is migrated to the worker's event channel before it is
 * accepted, so that all of its later events come to the thread that owns it.
 */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "devices.h"
#include "log.h"
#include "sessions.h"

enum { BACKLOG = 512, HINT_LEN = 640 }; /* siw loses accepts beyond it; the kernel's most is 1024 */

static const char cm_device[] = "/dev/infiniband/rdma_cm";

struct listener {
	const char *name;
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;
	struct service *service;
	struct worker **workers;
	unsigned worker_count;
};

static bool is_wildcard(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return ((const struct sockaddr_in *)addr)->sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

/* librdmacm hides a missing permission behind other errors. */
static bool may_use(const char *device_file)
{
	return access(device_file, F_OK) || !access(device_file, R_OK | W_OK);
}

static int explain_channel(int err)
{
	char hint[HINT_LEN];

	if (!may_use(cm_device) || err == -EACCES || err == -EPERM) {
		log_line(LOG_ERROR, "no permission to open /dev/infiniband/rdma_cm: run as a user "
				    "that may, or change the mode of the device file");
	} else if (err == -ENOENT || err == -ENODEV || err == -ENXIO) {
		devices_describe(hint, sizeof(hint));
		log_line(LOG_ERROR, "rdma_cm is not there (%s): `modprobe rdma_ucm` loads it; %s",
			strerror(-err), hint);
	} else {
		log_line(LOG_ERROR, "cannot use rdma_cm: %s", strerror(-err));
	}
	return err;
}

static int explain_bind(int err, const char *name)
{
	char hint[HINT_LEN];

	if (err == -EADDRINUSE) {
		log_line(LOG_ERROR,
			"listen: %s is in use by another server: choose another port, "
			"as in ADDR:7472",
			name);
	} else if (err == -EACCES || err == -EPERM) {
		log_line(LOG_ERROR,
			"listen: no permission for %s: ports below 1024 need "
			"CAP_NET_BIND_SERVICE",
			name);
	} else {
		devices_describe(hint, sizeof(hint));
		log_line(LOG_ERROR, "listen: %s is not an address of an RDMA device (%s); %s", name,
			strerror(-err), hint);
	}
	return err;
}

static int refuse_wildcard(const char *name)
{
	char hint[HINT_LEN];

	devices_describe(hint, sizeof(hint));
	log_line(LOG_ERROR,
		"listen: %s stands for all addresses, but memory is registered with one "
		"device: name an address of it; %s",
		name, hint);
	return -EINVAL;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

static int bind_id(struct listener *listener, const struct sockaddr_storage *addr)
{
	struct sockaddr_storage copy = *addr;

	if (rdma_bind_addr(listener->id, (struct sockaddr *)&copy))
		return -errno;
	return listener->id->verbs ? 0 : -ENODEV;
}

int listener_open(const struct sockaddr_storage *addr, const char *name, struct listener **out)
{
	struct listener *listener;
	int err;

	if (is_wildcard(addr))
		return refuse_wildcard(name);
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->name = name;
	listener->events = rdma_create_event_channel();
	if (!listener->events) {
		err = explain_channel(-errno);
		goto free_listener;
	}
	err = set_nonblocking(listener->events->fd);
	if (err)
		goto destroy_events;
	if (rdma_create_id(listener->events, &listener->id, NULL, RDMA_PS_TCP)) {
		err = explain_channel(-errno);
		goto destroy_events;
	}
	err = bind_id(listener, addr);
	if (err) {
		explain_bind(err, name);
		goto destroy_id;
	}
	*out = listener;
	return 0;

destroy_id:
	rdma_destroy_id(listener->id);
destroy_events:
	rdma_destroy_event_channel(listener->events);
free_listener:
	free(listener);
	return err;
}

/* Ids of requests that nobody took would outlive their channel. */
static void drop_requests(struct listener *listener)
{
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	while (!rdma_get_cm_event(listener->events, &event)) {
		id = event->event == RDMA_CM_EVENT_CONNECT_REQUEST ? event->id : NULL;
		rdma_ack_cm_event(event);
		if (id)
			sessions_reject(id, WIRE_DRAINING);
	}
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	drop_requests(listener);
	rdma_destroy_id(listener->id);
	rdma_destroy_event_channel(listener->events);
	free(listener);
}

struct ibv_context *listener_device(const struct listener *listener)
{
	return listener->id->verbs;
}

int listener_start(struct listener *listener, struct service *service, struct worker **workers,
	unsigned worker_count)
{
	listener->service = service;
	listener->workers = workers;
	listener->worker_count = worker_count;
	if (rdma_listen(listener->id, BACKLOG))
		return explain_bind(-errno, listener->name);
	return 0;
}

int listener_fd(const struct listener *listener)
{
	return listener->events->fd;
}

/* NULL: there is no such worker. */
static struct worker *pick_worker(
	const struct listener *listener, const struct wire_connect *connect)
{
	struct worker *best = listener->workers[0];
	unsigned i = worker_of_session(connect->session);

	if (connect->kind == WIRE_LANE_DATA)
		return i < listener->worker_count ? listener->workers[i] : NULL;
	for (i = 1; i < listener->worker_count; i++)
		if (worker_load(listener->workers[i]) < worker_load(best))
			best = listener->workers[i];
	return best;
}

/* Whoever failed to authenticate too often; lanes of those that did not are let through. */
static bool is_out(const struct listener *listener, const struct arrival *arrival)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return arrival->connect.kind == WIRE_LANE_CONTROL &&
	       strikes_out(listener->service->strikes, rdma_get_peer_addr(arrival->id),
		       (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* Why a request is refused before any worker sees it. */
static enum wire_status judge(const struct listener *listener, const struct arrival *arrival)
{
	enum wire_status status;
	unsigned credits;
	size_t frame;

	if (arrival->connect.status)
		return WIRE_BAD_REQUEST;
	status = link_agree(&arrival->connect, &frame, &credits);
	if (status != WIRE_OK)
		return status;
	if (arrival->id->verbs != listener->id->verbs)
		return WIRE_BAD_REQUEST;
	if (is_out(listener, arrival))
		return WIRE_LIMIT;
	return pick_worker(listener, &arrival->connect) ? WIRE_OK : WIRE_DENIED;
}

static enum wire_status hand_over(struct listener *listener, struct arrival *arrival)
{
	enum wire_status status = judge(listener, arrival);
	struct worker *worker;

	if (status != WIRE_OK)
		return status;
	worker = pick_worker(listener, &arrival->connect);
	if (worker_is_swamped(worker))
		return WIRE_LIMIT;
	arrival->id->context = NULL; /* nobody's yet: its events are dropped */
	if (rdma_migrate_id(arrival->id, worker_events(worker))) {
		log_line(LOG_ERROR, "cannot hand a connection to a worker: %s", strerror(errno));
		return WIRE_LIMIT;
	}
	worker_give(worker, arrival);
	return WIRE_OK;
}

static void take_request(struct listener *listener, struct rdma_cm_event *event)
{
	struct arrival *arrival = calloc(1, sizeof(*arrival));
	struct rdma_cm_id *id = event->id;
	enum wire_status status = WIRE_LIMIT;
	int err = 0;

	if (arrival) {
		arrival->id = id;
		arrival->offer = event->param.conn;
		arrival->offer.private_data = NULL;
		arrival->offer.private_data_len = 0;
		err = wire_decode_connect(event->param.conn.private_data,
			event->param.conn.private_data_len, &arrival->connect);
	}
	/* The private data is gone after it, and migrating would wait for it. */
	rdma_ack_cm_event(event);
	if (err)
		status = err == -EPROTONOSUPPORT ? WIRE_BAD_VERSION : WIRE_BAD_REQUEST;
	else if (arrival)
		status = hand_over(listener, arrival);
	if (status == WIRE_OK)
		return;
	sessions_refuse(id, status, "a connection");
	free(arrival);
}

int listener_turn(struct listener *listener)
{
	struct rdma_cm_event *event;
	bool removed;

	while (!rdma_get_cm_event(listener->events, &event)) {
		if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST) {
			take_request(listener, event);
			continue;
		}
		removed = event->event == RDMA_CM_EVENT_DEVICE_REMOVAL;
		rdma_ack_cm_event(event);
		if (removed) {
			log_line(LOG_ERROR, "the RDMA device of %s was removed", listener->name);
			return -ENODEV;
		}
	}
	return 0;
}
