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

#include "config.h"
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

struct ibv_context;

/*
 * Read the secret, if there is one to read, and check it. Errors are logged.
 */
int tenant_init(struct tenant *tenant, const struct config_tenant *config);

/*
 * Get and register the memory, in a protection domain of its own on this
 * device, and make the store. Blocks for as long as the memory takes. Errors
 * are logged. tenant_fini() follows in any case.
 */
int tenant_open(struct tenant *tenant, const struct config *config, uint64_t memory,
	struct ibv_context *device);

/* No peer has a connection any more. A tenant of zeroes is allowed. */
void tenant_fini(struct tenant *tenant);

#endif
