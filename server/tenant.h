/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant.h - a group of clients with memory and objects of its own
 *
 * Nothing is shared between tenants: each has its protection domain, in which
 * its arenas and the data lanes of its clients are, its store, and its limits.
 * Filled before the workers start; only the counts change after.
 */
#ifndef TENANT_H
#define TENANT_H

#include <stdatomic.h>
#include <stdint.h>

#include "secret.h"
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

struct tenant {
	char name[WIRE_TENANT_MAX + 1];
	struct secret secret;
	struct ibv_pd *pd;
	struct pool *pool;
	struct store *store;
	const struct arena *arenas; /* the pool's */
	unsigned arena_count;
	struct session_limits limits;
	unsigned max_sessions;
	uint64_t max_locks;        /* of all sessions together */
	_Atomic unsigned sessions; /* that are welcome and not yet ended */
	_Atomic uint64_t locks;
};

#endif
