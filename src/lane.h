/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.h - one reliable connected queue pair and its buffers
 *
 * Both ends use it. A lane counts its own send-queue slots and keeps its own
 * table of what is in flight: a provider may take a list that it then cuts
 * short, and work posted to a broken queue pair may never complete.
 *
 * Operations are queued (linked) during a turn and posted as one list by
 * lane_flush(). They complete in order; lane_complete() tells the cookie of
 * each one that is over. Everything is for the thread that owns the lane.
 */
#ifndef LANE_H
#define LANE_H

#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cq.h"

enum {
	LANE_CHUNK_MAX = 1 << 20, /* bytes in one work request */
	LANE_INLINE = 64,         /* asked for; the provider may grant less */
	LANE_READ_DEPTH = 16,     /* READs in flight, if both devices can */
	LANE_RETRY_COUNT = 6,     /* 7 means for ever on rxe */
	LANE_RNR_TIMER = 12,      /* 0.64 ms; the default is 655 ms */
	LANE_ACK_TIMEOUT = 16,    /* 4.096 us << 16 = 268 ms; 6 retries = about 2 s */
};

struct lane;

struct lane_params {
	struct cq *cq;
	uint32_t number;  /* tells the lanes of one cq apart; < 2^23 */
	unsigned depth;   /* one-sided operations queued or in flight */
	unsigned credits; /* frames each way: receives kept posted, sends in flight */
	size_t frame;     /* bytes in the longest frame */

	bool closed; /* the peer may start no one-sided operation */

	/* Ask for every so many-th completion; 0: 32, or what depth and credits allow. */
	unsigned signal_every;
};

/*
 * What a completion says. `number` finds the lane: completions of a lane that
 * is gone are dropped by the owner of the cq.
 */
static inline uint32_t lane_number(const struct ibv_wc *wc)
{
	return (uint32_t)(wc->wr_id >> 40);
}

/*
 * Create the queue pair on `id` (resolved, or from a connect request), its
 * frame buffers, and post the receives, so that rdma_connect or rdma_accept
 * may follow. `pd` is of the id's device. The id becomes the lane's only if
 * this succeeds.
 */
int lane_create(struct rdma_cm_id *id, struct ibv_pd *pd, const struct lane_params *params,
	struct lane **out);

/*
 * Move the queue pair to the error state, destroy it, then free everything,
 * the id included (its events must have been acknowledged). After the return
 * no NIC touches memory on behalf of this lane. Operations in flight are not
 * told: the owner fails them itself. NULL is allowed.
 */
void lane_destroy(struct lane *lane);

struct rdma_cm_id *lane_id(const struct lane *lane);
struct ibv_qp *lane_qp(const struct lane *lane);

/* Parameters for rdma_connect and rdma_accept with our retry and READ depth. */
void lane_conn_param(const struct lane *lane, const struct rdma_conn_param *offer,
	struct rdma_conn_param *param);

/*
 * Tell the peer that this side goes; its end gets DISCONNECTED. Optional, and
 * only worth it for a peer that is alive. lane_destroy() must follow.
 */
void lane_disconnect(struct lane *lane);

/* Call once after ESTABLISHED: sets the receiver-not-ready timer, and what the peer may do. */
int lane_established(struct lane *lane);

/* True for iWARP: a WRITE's completion proves nothing, and each must be signalled. */
bool lane_is_iwarp(const struct lane *lane);

/* One-sided operations that may still be queued now. */
unsigned lane_room(const struct lane *lane);

/*
 * Queue a WRITE or READ of at most LANE_CHUNK_MAX bytes. The cookie (not NULL)
 * comes back from lane_complete(). -EAGAIN: no room; complete some first.
 */
int lane_write(struct lane *lane, const void *local, uint32_t lkey, size_t len, uint64_t remote,
	uint32_t rkey, void *cookie);
int lane_read(struct lane *lane, void *local, uint32_t lkey, size_t len, uint64_t remote,
	uint32_t rkey, void *cookie);

/*
 * A free frame to be filled, of the lane's frame length; NULL if all are in
 * flight. lane_send() queues the frame last taken, behind all operations
 * queued before it; lane_unframe() gives it back unsent.
 */
void *lane_frame(struct lane *lane);
void lane_send(struct lane *lane, size_t len);
void lane_unframe(struct lane *lane);

/*
 * Post what was queued since the last flush: one list, one doorbell. With
 * `last`, the final operation is signalled even if it would not need to be:
 * needed when nothing may follow it for a while and its cookie is awaited.
 * A negative errno: the lane is broken, destroy it.
 */
int lane_flush(struct lane *lane, bool last);

typedef void (*lane_done_fn)(void *arg, void *cookie);
typedef void (*lane_frame_fn)(void *arg, const void *frame, size_t len);

/*
 * Take a completion of this lane. Calls done for each one-sided operation that
 * is over by it, in order, or received for a frame that came in; the frame is
 * valid during the call, and its receive is posted again after it.
 *
 * A negative errno: the lane is broken, destroy it (text for people in
 * lane_error()). -EPROTO after a receive: the peer broke the rules.
 */
int lane_complete(struct lane *lane, const struct ibv_wc *wc, lane_done_fn done,
	lane_frame_fn received, void *arg);

const char *lane_error(const struct lane *lane);

struct lane_counters {
	uint64_t work_requests;
	uint64_t doorbells;
	uint64_t completions;
};

struct lane_counters lane_counters(const struct lane *lane);

/* Bytes that a lane with these parameters keeps pinned for its frames. */
size_t lane_pinned(unsigned credits, size_t frame);

#endif
