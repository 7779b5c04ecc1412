/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - the server's end of one lane: requests in, replies out
 *
 * A link answers requests in their order. A client may ask again as soon as it
 * has an answer, which can be before we have seen that the answer was sent:
 * then no frame is free for the next reply, and the request waits in the link.
 * At most `credits` can wait, as the client has no more unanswered.
 *
 * For the worker that owns it.
 */
#ifndef LINK_H
#define LINK_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane.h"
#include "service.h"
#include "session.h"
#include "wire.h"

/* What the server grants at most; a client may ask for less. */
enum {
	LINK_CREDITS = 16,
	LINK_CONTROL_FRAME = 16384,
	LINK_DATA_FRAME = 4096,
};

struct client;

struct link {
	struct lane *lane;
	struct client *client; /* whose it is; for its owner, not for the link */
	struct service *service;
	struct session *session;
	uint32_t number;
	enum wire_lane_kind kind;
	bool established;
	bool gone; /* the peer has disconnected */
	uint64_t created_ms;
	size_t frame;     /* bytes, agreed with the client */
	unsigned credits; /* agreed with the client */
	unsigned unsent;  /* replies that are not known to be sent */
	int err;          /* of the request just handled */
	uint8_t *waiting; /* `credits` frames: a ring of requests */
	size_t *waiting_len;
	unsigned waiting_first;
	unsigned waiting_count;
};

struct link_params {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct cq *cq;
	struct service *service;
	struct session *session;
	const struct wire_connect *connect; /* what the client wants */
	uint32_t number;
	uint64_t now_ms;
};

/*
 * Agree on the smaller of what the client wants and what we grant. WIRE_OK, or
 * why the connection is refused.
 */
enum wire_status link_agree(const struct wire_connect *wanted, size_t *frame, unsigned *credits);

/*
 * Create the lane, ready to be accepted. The id becomes the link's only on
 * success. -EINVAL: no agreement; -ENOSPC: the cq is full.
 */
int link_create(const struct link_params *params, struct link **out);

/* As lane_destroy(). NULL is allowed. */
void link_destroy(struct link *link);

/* Accept the connection, telling the client what was agreed. */
int link_accept(struct link *link, const struct rdma_conn_param *offer);

/*
 * Take a completion; answer what came in. Replies are posted by link_flush().
 * A negative errno: end the session; link_problem() says why.
 */
int link_complete(struct link *link, const struct ibv_wc *wc);
int link_flush(struct link *link);
const char *link_problem(const struct link *link);

#endif
