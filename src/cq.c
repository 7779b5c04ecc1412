/* SPDX-License-Identifier: Apache-2.0 */
/* cq.c - a completion queue with its channel; used by one thread */
#include "cq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { CQ_ACK_BATCH = 64 }; /* acknowledging takes a mutex: do it rarely */

static int channel_set_nonblocking(struct ibv_comp_channel *channel)
{
	int flags = fcntl(channel->fd, F_GETFL);

	if (flags < 0 || fcntl(channel->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int cq_create(struct ibv_context *context, unsigned capacity, struct cq **out)
{
	struct cq *cq;
	int err;

	if (!capacity || capacity > CQ_MAX_ENTRIES)
		return -EINVAL;

	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return -ENOMEM;
	cq->capacity = capacity;

	cq->channel = ibv_create_comp_channel(context);
	if (!cq->channel) {
		err = -errno;
		goto free_cq;
	}

	err = channel_set_nonblocking(cq->channel);
	if (err)
		goto destroy_channel;

	errno = 0;
	cq->cq = ibv_create_cq(context, (int)capacity, NULL, cq->channel, 0);
	if (!cq->cq) {
		/* siw's provider fails without saying why: it refuses one mmap key of its kernel's.
		 */
		err = errno ? -errno : -ENOMEM;
		goto destroy_channel;
	}

	*out = cq;
	return 0;

destroy_channel:
	ibv_destroy_comp_channel(cq->channel);
free_cq:
	free(cq);
	return err;
}

void cq_destroy(struct cq *cq)
{
	if (!cq)
		return;

	/* Destroying waits until every event that was taken is acknowledged. */
	if (cq->unacked)
		ibv_ack_cq_events(cq->cq, cq->unacked);
	ibv_destroy_cq(cq->cq);
	ibv_destroy_comp_channel(cq->channel);
	free(cq);
}

int cq_reserve(struct cq *cq, unsigned count)
{
	if (count > cq->capacity - cq->reserved)
		return -ENOSPC;
	cq->reserved += count;
	return 0;
}

void cq_release(struct cq *cq, unsigned count)
{
	cq->reserved -= count;
}

int cq_fd(const struct cq *cq)
{
	return cq->channel->fd;
}

int cq_arm(struct cq *cq)
{
	int rc;

	if (cq->armed)
		return 0;
	rc = ibv_req_notify_cq(cq->cq, 0);
	cq->armed = !rc;
	return rc > 0 ? -rc : rc;
}

void cq_take_event(struct cq *cq)
{
	struct ibv_cq *from;
	void *context;

	if (ibv_get_cq_event(cq->channel, &from, &context))
		return;
	cq->armed = false;
	if (++cq->unacked < CQ_ACK_BATCH)
		return;
	ibv_ack_cq_events(cq->cq, cq->unacked);
	cq->unacked = 0;
}

int cq_poll(struct cq *cq, struct ibv_wc *wc, int max)
{
	int count = ibv_poll_cq(cq->cq, max, wc);

	return count < 0 ? -EIO : count;
}
