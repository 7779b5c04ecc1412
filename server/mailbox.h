/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.h - connection requests on their way from the listener to a worker
 *
 * Anybody may post; one worker takes. The file descriptor is readable while
 * something may be in it, or after mailbox_ring().
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <pthread.h>
#include <rdma/rdma_cma.h>

#include "wire.h"

/* A peer that wants a lane. The id's events go to the worker already. */
struct arrival {
	struct arrival *next;
	struct rdma_cm_id *id;
	struct wire_connect connect;
	struct rdma_conn_param offer; /* without private data */
};

struct mailbox {
	pthread_mutex_t mutex;
	struct arrival *first, *last;
	int fd;
};

int mailbox_init(struct mailbox *mailbox);

/* The mailbox is empty. */
void mailbox_fini(struct mailbox *mailbox);

void mailbox_post(struct mailbox *mailbox, struct arrival *arrival);
void mailbox_ring(struct mailbox *mailbox);

/* Take all that is there, oldest first, and make the fd unreadable. */
struct arrival *mailbox_take(struct mailbox *mailbox);

#endif
