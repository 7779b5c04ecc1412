/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_link.h - one bare queue pair for bench_raw
 *
 * Says what went wrong on standard error and returns a negative errno. For one
 * thread.
 */
#ifndef RAW_LINK_H
#define RAW_LINK_H

#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RAW_CHUNK = 1 << 20, /* bytes in one work request */
	RAW_READ_DEPTH = 16,
	RAW_ZERO_COPY = 4096, /* an iWARP WRITE of this size must be signalled */
	RAW_MESSAGE_MAX = 16 << 10,
	RAW_MESSAGES = 4, /* receives kept posted, and room for as many sends */
	RAW_DEADLINE_MS = 10000,
};

/* What the server lends; private data of its accept. */
struct raw_window {
	uint64_t address;
	uint64_t len;
	uint32_t rkey;
};

struct raw_link {
	struct rdma_cm_id *id;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	uint8_t *messages; /* RAW_MESSAGES received, then one to send */
	struct ibv_mr *messages_mr;
	uint32_t inline_max;
	bool iwarp;
};

/* Make the queue pair on a resolved or requested id and post the receives. */
int raw_link_create(
	struct raw_link *link, struct rdma_cm_id *id, struct ibv_pd *pd, unsigned depth);

/* Destroys the queue pair; the id stays. */
void raw_link_destroy(struct raw_link *link);

/* Parameters for rdma_connect and rdma_accept. */
void raw_link_param(const struct raw_link *link, struct rdma_conn_param *param);

int raw_link_receive(struct raw_link *link, unsigned message);
int raw_link_send(struct raw_link *link, const void *data, size_t len);

/*
 * Wait for completions, asleep unless `spin`. Returns how many there are, or
 * a negative errno if one of them failed or none came before the deadline.
 */
int raw_link_wait(struct raw_link *link, struct ibv_wc *wc, int max, bool spin);

/* Complain and return -code; providers disagree on the sign of an error. */
int raw_failed(const char *what, int code);

/* Lend `len` bytes on `address` to one client after another until SIGTERM. */
int raw_serve(const struct sockaddr *address, size_t len);

#endif
