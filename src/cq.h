/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cq.h - a completion queue with its channel, shared by the lanes of a thread
 *
 * One thread polls a queue; only that thread may call these functions.
 */
#ifndef CQ_H
#define CQ_H

#include <infiniband/verbs.h>
#include <stdbool.h>

enum { CQ_MAX_ENTRIES = 32767 }; /* rxe offers no more */

struct cq {
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	unsigned capacity;
	unsigned reserved; /* entries promised to lanes */
	unsigned unacked;  /* events to acknowledge before destroy */
	bool armed;        /* an event will come, or has come and was not taken */
};

int cq_create(struct ibv_context *context, unsigned capacity, struct cq **out);

/* Every lane of the queue is destroyed before. NULL is allowed. */
void cq_destroy(struct cq *cq);

/* Promise `count` entries to a lane. -ENOSPC: the queue would overflow. */
int cq_reserve(struct cq *cq, unsigned count);
void cq_release(struct cq *cq, unsigned count);

/* Becomes readable after cq_arm() when there is a completion. */
int cq_fd(const struct cq *cq);

/*
 * Ask for an event, unless one was asked for and not taken. The caller polls
 * once more before it sleeps; if there is something then, it takes the event,
 * or the next sleep ends for nothing.
 */
int cq_arm(struct cq *cq);

/* Take the event, if it has come. */
void cq_take_event(struct cq *cq);

/* Returns the number of completions, or a negative errno. */
int cq_poll(struct cq *cq, struct ibv_wc *wc, int max);

#endif
