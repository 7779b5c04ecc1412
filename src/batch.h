/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - the keys of a task that travel in one request
 *
 * A task is cut into as many batches as its request frames need. A batch lives
 * from its request to its last byte. For the I/O thread.
 */
#ifndef BATCH_H
#define BATCH_H

#include "held.h"
#include "task.h"

/* One key of a batch. */
struct item {
	uint32_t key; /* its index in the task */
	struct wire_extent extent;
	struct held_entry *pin; /* of a load: keeps the lock until the READ is over */
};

struct batch {
	struct task *task;
	bool write;           /* items are to be written and committed, else read */
	bool queued;          /* every work request of it was queued */
	bool awaiting;        /* a reply */
	unsigned lane;        /* that carries its data */
	unsigned outstanding; /* one-sided operations not complete */
	uint64_t left;        /* bytes not queued yet */
	uint64_t reserved;    /* bytes it may have reserved, whole pages */
	unsigned reservations;
	unsigned next_item; /* where to go on */
	uint64_t next_offset;
	TAILQ_ENTRY(batch) all;
	STAILQ_ENTRY(batch) fifo; /* of its lane */
	unsigned count;
	struct item items[];
};

TAILQ_HEAD(batch_list, batch);
STAILQ_HEAD(batch_fifo, batch);

#endif
