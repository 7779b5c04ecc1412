/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - the I/O thread's state, shared by the files that are its parts
 *
 * io.c runs the loop and a session's beginning and end, calls.c asks the
 * server, replies.c hears it, transfer.c moves bytes. Only the I/O thread touches it, except
 * where marked.
 */
#ifndef IO_H
#define IO_H

#include <stdatomic.h>

#include "core.h"
#include "batch.h"
#include "bounce.h"
#include "connector.h"
#include "peer.h"

/* Requests without an answer on one lane; at most the lane's credits. */
enum { CALLS_MAX = 64 };

struct call {
	uint64_t id;      /* in the frame's header; 0: free */
	uint64_t sent_ns; /* an answer renews the lease from then on */
	uint8_t type;
	struct batch *batch; /* NULL: nobody waits */
};

struct calls {
	struct call calls[CALLS_MAX];
	unsigned busy;
	uint64_t next; /* makes ids unique on the lane */
};

/* Read by any thread, written by the I/O thread. */
struct io_counters {
	_Atomic uint64_t bytes_written, bytes_read, bytes_bounced;
	_Atomic uint64_t work_requests, doorbells, connects, failures, boot;
};

struct io {
	struct core *core;
	struct connector *connector; /* NULL after io_stop(), which takes the status mutex for it */
	char server[80];             /* as in messages; never changes */
	int doorbell;                /* any thread rings it */
	int epoll;
	pthread_t thread;
	uint64_t spin_ns;
	_Atomic bool stopping, reset_wanted; /* any thread sets them */
	struct io_counters counters;

	struct peer *peer; /* NULL: no session */
	struct device *device;
	_Atomic bool down;    /* a session or an attempt to begin one failed: tasks fail at once */
	uint64_t patience_ns; /* until when tasks wait for the first attempt */
	int fault;            /* of the session, found during a turn: end it */
	uint64_t now;         /* read once a turn */
	uint64_t asked_ns;    /* the last request on the control lane, or when none could be sent */
	uint64_t renewed_ns;  /* the server surely counts the lease from then or later */

	struct task_list tasks;   /* taken and unfinished, oldest first */
	STAILQ_HEAD(, task) asks; /* those with requests to send */
	struct batch_list batches;
	struct held *held;
	struct bounce *bounce;
	struct calls control_calls;
	struct calls data_calls[PEER_DATA_LANES_MAX];
	struct batch_fifo fifos[PEER_DATA_LANES_MAX];
	uint64_t fifo_bytes[PEER_DATA_LANES_MAX];

	/* What this session has asked to reserve and not committed yet. */
	uint64_t reserved;
	unsigned reservations;

	struct wire_handle *unlocks; /* to be given back, in one request if they fit */
	size_t unlock_count, unlock_cap;

	pthread_mutex_t status_mutex; /* guards what is below */
	pthread_cond_t status_changed;
	bool connected, stopped;
	uint64_t connected_count; /* sessions begun */
	int failure;              /* of the last attempt; 0: none since a session began */
	char device_name[64];
	char error[256];
};

/* io.c */

/* Starts the thread, which serves the core until io_stop(). */
int io_create(struct core *core, const struct peer_params *params, struct io **out);

/*
 * Any thread, once: completes everything that was submitted, and disconnects.
 * The io can still be rung and asked for its status.
 */
void io_stop(struct io *io);

/* After io_stop(). NULL is allowed. */
void io_free(struct io *io);

/* Any thread: wake the I/O thread. */
void io_ring(struct io *io);

/*
 * Any thread: wait for a session, or for an attempt to connect to fail. What
 * the status tells is then about the same.
 */
int io_wait_connected(struct io *io, uint32_t timeout_ms);

/* The session is broken: end it when the turn is over. */
void io_fault(struct io *io, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* If nothing of the task is left to do, tell its result. */
void io_settle(struct io *io, struct task *task);

/* Record an error of the task, unless it has one already. */
void io_task_error(struct task *task, int err);

/* intake.c */

/* There is a session: begin the task, which may end it at once. */
void intake_task(struct io *io, struct task *task);

/* Give the locks back that the task names, if there is a session, and free it. */
void intake_unlock(struct io *io, struct task *task);

/* lease.c */

/*
 * Whether the locks may be believed: at io->now the server had not yet ended the
 * session for its silence. If not, the session is ended.
 */
bool lease_holds(struct io *io);

/* Send a heartbeat if it is time, or end the session if no answer came for too long. */
void lease_keep(struct io *io);

/* When to call lease_keep() next, in ns. */
uint64_t lease_due(const struct io *io);

/* calls.c */

/* Send requests, and unlocks, as long as there are credits. */
void calls_progress(struct io *io);

/* Ask for nothing, to renew the lease. */
void calls_heartbeat(struct io *io);

/* Send a COMMIT of the batch behind its WRITEs. False: no credit or frame now. */
bool calls_commit(struct io *io, struct batch *batch);

/* Give a lock back to the server, some time soon. */
void calls_unlock(struct io *io, struct wire_handle handle);

/* replies.c */

/* A frame came in. Lane -1 is the control lane. */
void replies_received(struct io *io, int lane, const void *frame, size_t len);

/* transfer.c */

/* A batch without items, in the list of all; it counts as one of its task's. NULL: no memory. */
struct batch *batch_create(struct io *io, struct task *task, unsigned items_max);

/* Whether the server would let this session reserve that much more. */
bool batch_may_reserve(const struct io *io, uint64_t len);

/* The batch has one more reservation of len bytes, or gives all of its up. */
void batch_reserve(struct io *io, struct batch *batch, uint64_t len);
void batch_unreserve(struct io *io, struct batch *batch);

/* Free the batch and give its pins back; then settle the task. */
void batch_finish(struct io *io, struct batch *batch);

/* The session is over: free the batch, and touch nothing else. */
void batch_drop(struct io *io, struct batch *batch);

/* Give the batch to the data lane with the least to do. */
void transfer_start(struct io *io, struct batch *batch);

/* Queue and post as much as there is room for. */
void transfer_progress(struct io *io);

/* A one-sided operation of a lane is over. */
void transfer_done(struct io *io, void *cookie);

#endif
