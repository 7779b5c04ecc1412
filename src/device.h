/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the client's RDMA device and what is registered with it
 *
 * Opened once, when the first connection tells which device leads to the
 * server, and kept over reconnects: registering memory is slow. Immutable, but
 * for the contents of the bounce memory.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <infiniband/verbs.h>
#include <stddef.h>

#include "memory.h"

struct device {
	struct ibv_context *verbs; /* librdmacm's; lives as long as the process */
	struct ibv_pd *pd;
	struct memory *arena; /* the caller's; NULL: none */
	struct memory *bounce;
	void *bounce_addr;
	size_t bounce_len;
};

struct device_params {
	void *arena;
	size_t arena_len;
	size_t bounce_len;
};

/* On failure error says what and what to do about it. */
int device_open(struct ibv_context *verbs, const struct device_params *params, char *error,
	size_t error_len, struct device **out);

/* Every lane on the device is destroyed before. NULL is allowed. */
void device_close(struct device *device);

#endif
