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

#include "store.h"

/* A piece of the pool under one key: what the store calls an arena. */
struct arena {
	uint64_t addr; /* as peers name it */
	size_t len;
	uint32_t rkey;
};

/* What one session may hold at most. */
struct session_limits {
	uint64_t reserved; /* bytes in reservations */
	uint32_t reservations;
	uint64_t locks;
};

struct service {
	struct store *store;
	const struct arena *arenas;
	unsigned arena_count;
	uint64_t boot;       /* random, never 0: tells this start from all others */
	uint64_t started_ms; /* CLOCK_MONOTONIC */
	uint32_t lease_ms;   /* a session that is silent for so long ends */
	unsigned max_sessions;
	struct session_limits limits;
	_Atomic unsigned sessions; /* admitted and not yet ended */
	_Atomic bool draining;     /* nothing new is let in */
};

#endif
