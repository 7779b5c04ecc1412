/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - a thread that serves some of the sessions
 *
 * It owns a completion queue, the lanes that complete on it, and their
 * sessions. Other threads hand it connection requests and tell it to stop.
 */
#ifndef WORKER_H
#define WORKER_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>

#include "census.h"
#include "mailbox.h"
#include "service.h"

struct worker;

/*
 * Start the thread of the worker with this index, and tell the service of its
 * mailbox. The control lanes are in the anteroom, a protection domain without
 * memory that peers may touch: they are there before it is known whose they are.
 * Data lanes are in their tenant's.
 */
int worker_create(
	struct service *service, struct ibv_pd *anteroom, unsigned index, struct worker **out);

/* Tell it to end all sessions, each after its replies are out. */
void worker_stop(struct worker *worker);

/* Stop it and wait for its end. Others may still write to its mailbox. */
void worker_wait(struct worker *worker);

/* Free it. It has ended, and so have all that know its mailbox. */
void worker_destroy(struct worker *worker);

/* The index of the worker that a session id belongs to; may be out of range. */
unsigned worker_of_session(uint64_t session);

/* Sessions that it has or is about to have. Any thread. */
unsigned worker_load(const struct worker *worker);

/* So many requests wait for it that more would only wait in vain. Any thread. */
bool worker_is_swamped(const struct worker *worker);

/* Where the events of the ids that it gets must go. */
struct rdma_event_channel *worker_events(const struct worker *worker);

/*
 * Have the worker tell a census of its sessions, between two requests. One of the
 * census's references becomes the worker's. Any thread.
 */
void worker_ask(struct worker *worker, struct census *census);

/*
 * Hand over a connection request whose id was migrated to worker_events(). The
 * worker accepts or rejects it, and owns the arrival.
 */
void worker_give(struct worker *worker, struct arrival *arrival);

#endif
