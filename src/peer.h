/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - a session with one server: its lanes, from connect to destroy
 *
 * Connecting blocks (on soft-iWARP for minutes, if the host is silent) and is
 * for a thread of its own. An established peer then belongs to the I/O thread.
 */
#ifndef PEER_H
#define PEER_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "device.h"
#include "endpoint.h"
#include "lane.h"
#include "wire.h"

enum {
	PEER_DATA_LANES_MAX = 8,
	PEER_CONTROL_CREDITS = 16,
	PEER_CONTROL_FRAME = 16384,
	PEER_DATA_CREDITS = 16,
	PEER_DATA_FRAME = 4096,
};

/* A lane and what was agreed on it. */
struct peer_lane {
	struct lane *lane;
	uint32_t number;  /* in the completion queue; never used twice */
	unsigned credits; /* requests that may be unanswered */
	size_t frame;     /* bytes in the longest */
};

struct peer {
	struct rdma_event_channel *events;
	struct cq *cq;
	struct peer_lane control;
	struct peer_lane data[PEER_DATA_LANES_MAX];
	unsigned data_lanes;
	uint32_t next_number;
	uint64_t boot;
	uint64_t session;
	struct wire_welcome welcome;
	uint64_t greeted_ns; /* before AUTH was sent: the lease began later */
};

struct peer_params {
	struct endpoint server;
	struct device_params device;
	uint8_t client_id[WIRE_ID_LEN];
	char tenant[WIRE_TENANT_MAX + 1];
	char secret_file[PATH_MAX]; /* read anew for each attempt; "": there is no secret */
	unsigned data_lanes;
	unsigned queue_depth;
	uint32_t timeout_ms; /* of the whole attempt */
};

/*
 * Connect every lane and greet the server. *device is opened if it is NULL, or
 * reopened if the way to the server leads over another one. Gives up early
 * when *abandoned becomes true.
 *
 * On failure error says why and what to do: -ENODEV no RDMA device,
 * -ECONNREFUSED nobody listens, -ETIMEDOUT no answer, -EPROTO something else
 * listens, -ENOMEM memory cannot be registered, -EACCES or -EPERM the secret.
 */
int peer_connect(const struct peer_params *params, struct device **device,
	const _Atomic bool *abandoned, char *error, size_t error_len, struct peer **out);

/* Tell the server, and wait a moment until it knows. For a peer that is well. */
void peer_disconnect(struct peer *peer);

/* No NIC touches memory on behalf of this peer after it. NULL is allowed. */
void peer_destroy(struct peer *peer);

/*
 * Take connection events without blocking. A negative errno: the session is
 * over, and error says why.
 */
int peer_check_events(struct peer *peer, char *error, size_t error_len);

#endif
