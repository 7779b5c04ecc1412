/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h - all sessions of one worker: how they begin, live and end
 *
 * What the worker's loop calls when something has happened. For the worker's
 * thread.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <infiniband/verbs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "cq.h"
#include "links.h"
#include "mailbox.h"
#include "service.h"

enum { SESSIONS_WORKER_BITS = 8 }; /* of a session id: its worker's index */

struct sessions {
	struct service *service;
	struct ibv_pd *anteroom; /* of control lanes */
	struct cq *cq;
	unsigned worker; /* index */
	struct links links;
	struct client **clients; /* room for all that are welcome, and for the strangers */
	unsigned count;
	uint64_t serial;       /* of the last session */
	_Atomic unsigned load; /* here or on their way here; any thread reads it */
};

/* The struct is zero but for service, anteroom, cq and worker. -ENOMEM. */
int sessions_init(struct sessions *sessions);

/* No session is left. */
void sessions_fini(struct sessions *sessions);

/* Accept or reject a connection request. The arrival is freed. */
void sessions_admit(struct sessions *sessions, struct arrival *arrival, uint64_t now_ms);

/* Take an event, already acknowledged, of the id whose context this is. */
void sessions_event(struct sessions *sessions, enum rdma_cm_event_type type, struct link *link,
	uint64_t now_ms);

/* Take completions and post the replies to what came in. */
void sessions_complete(
	struct sessions *sessions, const struct ibv_wc *wc, int count, uint64_t now_ms);

/* Take what another worker's sessions have to say. It stays the caller's. */
void sessions_notice(struct sessions *sessions, const struct notice *notice, uint64_t now_ms);

/* Look at deadlines; destroy what is over. */
void sessions_tick(struct sessions *sessions, uint64_t now_ms);

/* Say goodbye to all, or only to those whose replies have all left. */
void sessions_close(struct sessions *sessions, uint64_t now_ms, bool quiet_only);

/* Tell what every session holds. May wait: census_done(). */
void sessions_tell(const struct sessions *sessions, struct census *census);

/* Milliseconds until sessions_tick() is wanted; -1: not before something happens. */
int sessions_wait_ms(const struct sessions *sessions);

/* Reject a connection request, telling why, and destroy its id; any thread. */
void sessions_reject(struct rdma_cm_id *id, enum wire_status why);

/* The same, and log it: "what is refused". */
void sessions_refuse(struct rdma_cm_id *id, enum wire_status why, const char *what);

#endif
