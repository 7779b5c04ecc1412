/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - what every request is answered from
 *
 * One struct for the whole daemon. It is filled before the workers start and
 * does not change after, except for its atomic fields.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "strikes.h"
#include "tenant.h"

enum { SERVICE_WORKERS_MAX = 64 };

struct mailbox;

struct service {
	struct tenant *tenants;
	unsigned tenant_count;
	struct secret decoy; /* of tenants that do not exist */
	uint64_t boot;       /* random, never 0: tells this start from all others */
	uint64_t started_ms; /* CLOCK_MONOTONIC */
	uint32_t lease_ms;   /* a session that is silent for so long ends */
	unsigned max_sessions;
	unsigned max_strangers;    /* sessions of one worker that are not welcome yet */
	struct strikes *strikes;   /* of those who failed to become so */
	_Atomic unsigned sessions; /* welcome and not yet ended */
	_Atomic uint64_t welcomes; /* sessions let in, ever: puts them in an order */
	_Atomic bool draining;     /* nothing new is let in */

	/* One a worker; set before any connection is let in. */
	struct mailbox *mailboxes[SERVICE_WORKERS_MAX];
	unsigned worker_count;
};

#endif
