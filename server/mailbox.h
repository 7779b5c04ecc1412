/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.h - what other threads tell a worker: connection requests and notices
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

/* A client has begun a session: older ones of its own are to end. */
struct notice {
	struct notice *next;
	uint64_t order; /* of that session */
	const struct tenant *tenant;
	uint8_t client_id[WIRE_ID_LEN];
};

struct mailbox {
	pthread_mutex_t mutex;
	struct arrival *first, *last;
	struct notice *notices;
	int fd;
};

int mailbox_init(struct mailbox *mailbox);

/* The mailbox is empty. */
void mailbox_fini(struct mailbox *mailbox);

void mailbox_post(struct mailbox *mailbox, struct arrival *arrival);
void mailbox_notify(struct mailbox *mailbox, struct notice *notice);
void mailbox_ring(struct mailbox *mailbox);

/* Take all that is there, oldest first, and make the fd unreadable. */
struct arrival *mailbox_take(struct mailbox *mailbox);

/* The same for notices, in no order. The fd stays as it is. */
struct notice *mailbox_take_notices(struct mailbox *mailbox);

#endif
