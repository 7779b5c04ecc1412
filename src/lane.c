/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.c - one reliable connected queue pair and its buffers
 *
 * The send queue is mirrored by a ring: every work request has a sequence
 * number, the ring entry behind it holds the request, its segment and its
 * cookie.
 *
 * A send queue should complete in order, so that the completion of one request
 * ends all before it. Soft-iWARP keeps that order among READs, and among all
 * other requests, but tells a WRITE or SEND complete while a READ before it
 * waits for its data. There the two are streams of their own.
 */
#include "lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LANE_SIGNAL_EVERY = 32,
	LANE_ZERO_COPY = 4096, /* siw sends unsignalled data of this size from the user's pages */
	WR_ID_NUMBER_SHIFT = 40,
};

#define WR_ID_RECV (UINT64_C(1) << 39)

enum { STREAM_ALL, STREAM_READS, STREAMS };

/* Requests that complete in their order. */
struct stream {
	unsigned flying;      /* its requests queued and not over */
	uint32_t done;        /* if any: those before this number are over */
	uint32_t last;        /* the latest queued */
	unsigned unsignalled; /* since the last signalled one */
	bool queued;          /* some were, since the last flush */
};

struct entry {
	struct ibv_send_wr wr;
	struct ibv_sge sge;
	void *cookie; /* NULL: a frame */
};

struct lane {
	struct rdma_cm_id *id;
	struct cq *cq;
	unsigned cq_entries; /* reserved in cq */
	uint32_t number;
	bool iwarp;
	bool broken; /* nothing is posted any more */
	size_t frame;
	unsigned credits;
	uint32_t inline_max;

	/* Sequence numbers run freely; each stream's done <= posted <= queued. */
	struct entry *ring;
	uint32_t ring_mask;  /* entries - 1; a power of two, as the numbers wrap */
	unsigned send_slots; /* of the queue pair */
	uint32_t queued, posted;
	struct stream streams[STREAMS];
	unsigned signal_every;
	unsigned room; /* one-sided operations that fit into the queue pair */

	bool closed;

	uint8_t *buffers; /* credits frames to receive, then credits to send */
	struct ibv_mr *buffers_mr;
	unsigned frame_next;  /* send frame to be taken */
	unsigned frames_free; /* not taken, not in flight */
	bool frame_taken;

	struct lane_counters counters;
	char error[192];
};

/* Providers disagree on the sign: siw says -EINVAL where others say EINVAL. */
static int posted_error(int rc, const void *bad)
{
	if (rc)
		return rc < 0 ? rc : -rc;
	return bad ? -EIO : 0; /* siw: 0 and a bad request mean a list cut short */
}

static int lane_break(struct lane *lane, int err, const char *what)
{
	lane->broken = true;
	snprintf(lane->error, sizeof(lane->error), "queue pair 0x%x: %s: %s", lane->id->qp->qp_num,
		what, strerror(-err));
	return err;
}

static int post_receive(struct lane *lane, unsigned buffer)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)(lane->buffers + buffer * lane->frame),
		.length = (uint32_t)lane->frame,
		.lkey = lane->buffers_mr->lkey,
	};
	struct ibv_recv_wr wr = {
		.wr_id = (uint64_t)lane->number << WR_ID_NUMBER_SHIFT | WR_ID_RECV | buffer,
		.sg_list = &sge,
		.num_sge = 1,
	};
	struct ibv_recv_wr *bad = NULL;
	int rc = ibv_post_recv(lane->id->qp, &wr, &bad);

	return posted_error(rc, bad);
}

static int post_receives(struct lane *lane)
{
	unsigned i;
	int err;

	for (i = 0; i < lane->credits; i++) {
		err = post_receive(lane, i);
		if (err)
			return err;
	}
	return 0;
}

static int create_qp(struct lane *lane, struct ibv_pd *pd)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.send_cq = lane->cq->cq,
		.recv_cq = lane->cq->cq,
		.cap.max_send_wr = lane->send_slots,
		.cap.max_recv_wr = lane->credits,
		.cap.max_send_sge = 1,
		.cap.max_recv_sge = 1,
		.cap.max_inline_data = LANE_INLINE,
	};

	errno = 0;
	if (rdma_create_qp(lane->id, pd, &attr))
		return errno ? -errno : -ENOMEM; /* as in cq_create() */
	lane->inline_max = attr.cap.max_inline_data;
	return 0;
}

static void set_ack_timeout(struct rdma_cm_id *id)
{
	uint8_t timeout = LANE_ACK_TIMEOUT;

	/* iWARP has no such timer and refuses; then TCP's applies. */
	(void)rdma_set_option(
		id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &timeout, sizeof(timeout));
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power <<= 1;
	return power;
}

static struct entry *ring_entry(const struct lane *lane, uint32_t sequence)
{
	return &lane->ring[sequence & lane->ring_mask];
}

/* A full ring must always contain a signalled request, or it stays full. */
static unsigned signal_every(const struct lane_params *params)
{
	unsigned slots = params->depth ? params->depth : params->credits;
	unsigned most = slots / 4 < LANE_SIGNAL_EVERY ? slots / 4 : LANE_SIGNAL_EVERY;

	return params->signal_every && params->signal_every < most ? params->signal_every : most;
}

static struct lane *lane_alloc(struct rdma_cm_id *id, const struct lane_params *params)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->id = id;
	lane->cq = params->cq;
	lane->number = params->number;
	lane->frame = params->frame;
	lane->credits = params->credits;
	lane->closed = params->closed;
	lane->iwarp = id->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	lane->send_slots = params->depth + params->credits;
	/* Twice: a READ that waits keeps the entries behind it. */
	lane->ring_mask = power_of_two(2 * lane->send_slots) - 1;
	lane->room = params->depth;
	lane->frames_free = params->credits;
	lane->cq_entries = lane->send_slots + params->credits;
	lane->signal_every = signal_every(params);
	lane->ring = calloc((size_t)lane->ring_mask + 1, sizeof(*lane->ring));
	if (!lane->ring) {
		free(lane);
		return NULL;
	}
	return lane;
}

static int create_buffers(struct lane *lane, struct ibv_pd *pd)
{
	size_t len = lane_pinned(lane->credits, lane->frame);
	int err;

	lane->buffers = aligned_alloc(4096, (len + 4095) & ~(size_t)4095);
	if (!lane->buffers)
		return -ENOMEM;
	memset(lane->buffers, 0, len);
	lane->buffers_mr = ibv_reg_mr(pd, lane->buffers, len, IBV_ACCESS_LOCAL_WRITE);
	if (!lane->buffers_mr) {
		err = -errno;
		free(lane->buffers);
		return err;
	}
	return 0;
}

int lane_create(struct rdma_cm_id *id, struct ibv_pd *pd, const struct lane_params *params,
	struct lane **out)
{
	struct lane *lane;
	int err;

	if (!params->credits || params->frame < 64)
		return -EINVAL;
	lane = lane_alloc(id, params);
	if (!lane)
		return -ENOMEM;

	err = cq_reserve(lane->cq, lane->cq_entries);
	if (err)
		goto free_lane;
	err = create_buffers(lane, pd);
	if (err)
		goto release_cq;
	set_ack_timeout(id);
	err = create_qp(lane, pd);
	if (err)
		goto destroy_buffers;
	err = post_receives(lane);
	if (err)
		goto destroy_qp;

	*out = lane;
	return 0;

destroy_qp:
	rdma_destroy_qp(id);
destroy_buffers:
	ibv_dereg_mr(lane->buffers_mr);
	free(lane->buffers);
release_cq:
	cq_release(lane->cq, lane->cq_entries);
free_lane:
	free(lane->ring);
	free(lane);
	return err;
}

void lane_destroy(struct lane *lane)
{
	struct ibv_qp_attr error = {.qp_state = IBV_QPS_ERR};

	if (!lane)
		return;

	/*
	 * Both steps are needed before memory that this queue pair can touch
	 * is used again: rxe still delivers a packet after the error state,
	 * and deregistering does not stop a receive under way.
	 */
	ibv_modify_qp(lane->id->qp, &error, IBV_QP_STATE);
	rdma_destroy_qp(lane->id);
	rdma_destroy_id(lane->id);
	ibv_dereg_mr(lane->buffers_mr);
	cq_release(lane->cq, lane->cq_entries);
	free(lane->buffers);
	free(lane->ring);
	free(lane);
}

struct rdma_cm_id *lane_id(const struct lane *lane)
{
	return lane->id;
}

struct ibv_qp *lane_qp(const struct lane *lane)
{
	return lane->id->qp;
}

static uint8_t read_depth(int device_max, int offered)
{
	int depth = LANE_READ_DEPTH;

	if (device_max < depth)
		depth = device_max;
	if (offered < depth)
		depth = offered;
	return (uint8_t)(depth < 0 ? 0 : depth);
}

void lane_conn_param(
	const struct lane *lane, const struct rdma_conn_param *offer, struct rdma_conn_param *param)
{
	struct ibv_device_attr attr = {0};

	ibv_query_device(lane->id->verbs, &attr);
	*param = (struct rdma_conn_param){
		.responder_resources = read_depth(
			attr.max_qp_rd_atom, offer ? offer->responder_resources : LANE_READ_DEPTH),
		.initiator_depth = read_depth(
			attr.max_qp_init_rd_atom, offer ? offer->initiator_depth : LANE_READ_DEPTH),
		.retry_count = LANE_RETRY_COUNT,
		.rnr_retry_count = LANE_RETRY_COUNT,
		.flow_control = 1,
	};
}

void lane_disconnect(struct lane *lane)
{
	/* iWARP answers EINVAL when the connection is gone already. */
	(void)rdma_disconnect(lane->id);
}

int lane_established(struct lane *lane)
{
	struct ibv_qp_attr attr = {.min_rnr_timer = LANE_RNR_TIMER, .qp_access_flags = 0};
	int mask = 0, rc;

	if (!lane->iwarp)
		mask |= IBV_QP_MIN_RNR_TIMER;
	if (lane->closed)
		mask |= IBV_QP_ACCESS_FLAGS;
	if (!mask)
		return 0;
	rc = ibv_modify_qp(lane->id->qp, &attr, mask);
	return rc > 0 ? -rc : rc;
}

bool lane_is_iwarp(const struct lane *lane)
{
	return lane->iwarp;
}

/* Entries between the oldest request in flight and the next to be queued are taken. */
static unsigned ring_room(const struct lane *lane)
{
	uint32_t span = 0, i;

	for (i = 0; i < STREAMS; i++)
		if (lane->streams[i].flying && lane->queued - lane->streams[i].done > span)
			span = lane->queued - lane->streams[i].done;
	return lane->ring_mask + 1 - span;
}

unsigned lane_room(const struct lane *lane)
{
	unsigned ring = ring_room(lane);

	if (lane->broken)
		return 0;
	return lane->room < ring ? lane->room : ring;
}

static struct stream *stream_of(struct lane *lane, enum ibv_wr_opcode opcode)
{
	return &lane->streams[lane->iwarp && opcode == IBV_WR_RDMA_READ ? STREAM_READS
									: STREAM_ALL];
}

static void entry_signal(struct stream *stream, struct entry *entry)
{
	entry->wr.send_flags |= IBV_SEND_SIGNALED;
	stream->unsignalled = 0;
}

/*
 * siw sends unsignalled data of a page or more from the user's pages, and TCP
 * may send it again when they hold something else. A READ sends none.
 */
static bool must_signal(
	const struct lane *lane, const struct stream *stream, const struct entry *entry)
{
	if (lane->iwarp && entry->wr.opcode != IBV_WR_RDMA_READ &&
		entry->sge.length >= LANE_ZERO_COPY)
		return true;
	return stream->unsignalled >= lane->signal_every;
}

/* Fill the next ring entry and link it behind those of this turn. */
static struct entry *lane_queue(
	struct lane *lane, enum ibv_wr_opcode opcode, void *cookie, const struct ibv_sge *sge)
{
	struct stream *stream = stream_of(lane, opcode);
	struct entry *entry = ring_entry(lane, lane->queued);

	entry->cookie = cookie;
	entry->sge = *sge;
	entry->wr = (struct ibv_send_wr){
		.wr_id = (uint64_t)lane->number << WR_ID_NUMBER_SHIFT | lane->queued,
		.opcode = opcode,
		.sg_list = &entry->sge,
		.num_sge = 1,
	};
	if (!stream->flying++)
		stream->done = lane->queued;
	stream->unsignalled++;
	if (must_signal(lane, stream, entry))
		entry_signal(stream, entry);
	if (lane->queued != lane->posted)
		ring_entry(lane, lane->queued - 1)->wr.next = &entry->wr;
	stream->last = lane->queued++;
	stream->queued = true;
	return entry;
}

static int queue_one_sided(struct lane *lane, enum ibv_wr_opcode opcode, const struct ibv_sge *sge,
	uint64_t remote, uint32_t rkey, void *cookie)
{
	struct entry *entry;

	if (!lane_room(lane))
		return -EAGAIN;
	lane->room--;
	entry = lane_queue(lane, opcode, cookie, sge);
	entry->wr.wr.rdma.remote_addr = remote;
	entry->wr.wr.rdma.rkey = rkey;
	return 0;
}

int lane_write(struct lane *lane, const void *local, uint32_t lkey, size_t len, uint64_t remote,
	uint32_t rkey, void *cookie)
{
	struct ibv_sge sge = {.addr = (uintptr_t)local, .length = (uint32_t)len, .lkey = lkey};

	return queue_one_sided(lane, IBV_WR_RDMA_WRITE, &sge, remote, rkey, cookie);
}

int lane_read(struct lane *lane, void *local, uint32_t lkey, size_t len, uint64_t remote,
	uint32_t rkey, void *cookie)
{
	struct ibv_sge sge = {.addr = (uintptr_t)local, .length = (uint32_t)len, .lkey = lkey};

	return queue_one_sided(lane, IBV_WR_RDMA_READ, &sge, remote, rkey, cookie);
}

static uint8_t *send_buffer(const struct lane *lane, unsigned frame)
{
	return lane->buffers + (lane->credits + frame) * lane->frame;
}

void *lane_frame(struct lane *lane)
{
	if (lane->broken || !lane->frames_free || lane->frame_taken || !ring_room(lane))
		return NULL;
	lane->frame_taken = true;
	lane->frames_free--;
	return send_buffer(lane, lane->frame_next);
}

void lane_unframe(struct lane *lane)
{
	lane->frame_taken = false;
	lane->frames_free++;
}

void lane_send(struct lane *lane, size_t len)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)send_buffer(lane, lane->frame_next),
		.length = (uint32_t)len,
		.lkey = lane->buffers_mr->lkey,
	};
	struct entry *entry = lane_queue(lane, IBV_WR_SEND, NULL, &sge);

	if (len <= lane->inline_max)
		entry->wr.send_flags |= IBV_SEND_INLINE;
	/* Frames come back only by completions: do not let the last ones wait. */
	if (lane->frames_free < lane->credits / 2)
		entry_signal(&lane->streams[STREAM_ALL], entry);
	lane->frame_taken = false;
	lane->frame_next = (lane->frame_next + 1) % lane->credits;
}

static void signal_last(struct lane *lane)
{
	unsigned i;

	for (i = 0; i < STREAMS; i++)
		if (lane->streams[i].queued)
			entry_signal(&lane->streams[i], ring_entry(lane, lane->streams[i].last));
}

int lane_flush(struct lane *lane, bool last)
{
	struct ibv_send_wr *bad = NULL;
	struct entry *first;
	int rc, err;
	unsigned i;

	if (lane->broken)
		return -EIO;
	if (lane->queued == lane->posted)
		return 0;

	if (last)
		signal_last(lane);
	for (i = 0; i < STREAMS; i++)
		lane->streams[i].queued = false;
	first = ring_entry(lane, lane->posted);
	lane->counters.work_requests += lane->queued - lane->posted;
	lane->counters.doorbells++;
	lane->posted = lane->queued;
	/* Not one expression: `bad` must be read after the call. */
	rc = ibv_post_send(lane->id->qp, &first->wr, &bad);
	err = posted_error(rc, bad);
	return err ? lane_break(lane, err, "cannot post") : 0;
}

/* Everything of its stream up to and including sequence number `last` is over. */
static int retire(struct lane *lane, uint32_t last, lane_done_fn done, void *arg)
{
	struct stream *stream = stream_of(lane, ring_entry(lane, last)->wr.opcode);
	struct entry *entry;

	if (!stream->flying || last - stream->done >= lane->posted - stream->done)
		return lane_break(lane, -EPROTO, "completion of nothing in flight");

	while (stream->done != last + 1) {
		entry = ring_entry(lane, stream->done++);
		if (stream_of(lane, entry->wr.opcode) != stream)
			continue;
		stream->flying--;
		if (!entry->cookie) {
			lane->frames_free++;
			continue;
		}
		lane->room++;
		done(arg, entry->cookie);
	}
	return 0;
}

static int failed_completion(struct lane *lane, const struct ibv_wc *wc)
{
	lane->broken = true;
	/* What was posted is flushed when the connection ends, for whatever reason. */
	if (wc->status == IBV_WC_WR_FLUSH_ERR) {
		snprintf(lane->error, sizeof(lane->error), "the connection is gone");
		return -ECONNRESET;
	}
	snprintf(lane->error, sizeof(lane->error), "queue pair 0x%x: %s (vendor 0x%x)%s",
		lane->id->qp->qp_num, ibv_wc_status_str(wc->status), wc->vendor_err,
		wc->status == IBV_WC_RETRY_EXC_ERR ? ": the peer does not answer" : "");
	return -EIO;
}

int lane_complete(struct lane *lane, const struct ibv_wc *wc, lane_done_fn done,
	lane_frame_fn received, void *arg)
{
	uint32_t low = (uint32_t)wc->wr_id;
	int err;

	lane->counters.completions++;
	if (wc->status != IBV_WC_SUCCESS)
		return failed_completion(lane, wc);
	if (!(wc->wr_id & WR_ID_RECV))
		return retire(lane, low, done, arg);

	received(arg, lane->buffers + low * lane->frame, wc->byte_len);
	if (lane->broken)
		return -EIO;
	err = post_receive(lane, low);
	return err ? lane_break(lane, err, "cannot post a receive") : 0;
}

const char *lane_error(const struct lane *lane)
{
	return lane->error;
}

struct lane_counters lane_counters(const struct lane *lane)
{
	return lane->counters;
}

size_t lane_pinned(unsigned credits, size_t frame)
{
	return 2 * (size_t)credits * frame;
}
