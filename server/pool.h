/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - the memory that objects lie in
 *
 * Mapped, touched and registered once, before the first client is let in;
 * nothing is registered on the data path. The pool is immutable afterwards and
 * may be read by any thread. The only module that maps memory.
 */
#ifndef POOL_H
#define POOL_H

#include <infiniband/verbs.h>
#include <stddef.h>

#include "config.h"
#include "service.h"

struct pool;

struct pool_params {
	size_t len; /* bytes; rounded down to pages of the store */
	enum config_huge huge;
	int numa_node;    /* -1: any */
	unsigned threads; /* to touch and register with */
};

/*
 * Blocks for as long as the system needs to find and zero the memory, and
 * shows on a terminal how far it is. Errors are logged with their remedy.
 */
int pool_create(struct ibv_pd *pd, const struct pool_params *params, struct pool **out);

/* No peer has a connection any more. NULL is allowed. */
void pool_destroy(struct pool *pool);

/* The pieces, each under one key; valid as long as the pool. */
const struct arena *pool_arenas(const struct pool *pool, unsigned *count);

#endif
