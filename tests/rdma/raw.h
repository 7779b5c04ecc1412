/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - a client of bare lanes, for tests: it can break every rule
 *
 * All calls wait, for at most RAW_WAIT_MS. Single-threaded.
 */
#ifndef RAW_H
#define RAW_H

#include <netinet/in.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cq.h"
#include "lane.h"
#include "secret.h"
#include "wire.h"

enum {
	RAW_WAIT_MS = 20000,
	RAW_CREDITS = 16,
	RAW_FRAME = 16384,
	RAW_BUFFER = 1 << 20,
};

struct raw {
	struct sockaddr_storage addr; /* of the server */
	enum wire_lane_kind kind;
	struct raw *data; /* for one-sided operations of a control lane; NULL: none yet */
	struct rdma_event_channel *events;
	struct ibv_pd *pd;
	struct cq *cq;
	struct lane *lane;
	size_t frame; /* granted by the server */
	unsigned credits;
	uint8_t *buffer;   /* RAW_BUFFER bytes */
	struct ibv_mr *mr; /* of the buffer, once it was needed */
	uint64_t boot;
	struct wire_hello hello; /* what was said and heard by raw_hello() */
	struct wire_challenge challenge;
	struct wire_welcome welcome;
	uint8_t rejected; /* why the server refused the lane: enum wire_status */
	bool gone;        /* the server has disconnected */

	uint8_t reply[RAW_FRAME]; /* the last one */
	size_t reply_len;
	unsigned replies; /* come in so far */
	unsigned asked;   /* one-sided operations that were posted */
	unsigned done;    /* those of them that are over */
	uint64_t task;
	const char *salt; /* of what raw_reserve() reserves; NULL: none */
};

/* A connect request that is right; tests spoil it. */
struct wire_connect raw_control(void);
struct wire_connect raw_data(const struct raw *control);

/*
 * 0, or a negative errno; raw->rejected then says why the server refused. siw
 * now and then fails a connect that is right: those are tried again.
 */
int raw_open(struct raw *raw, const struct sockaddr_storage *addr, const struct wire_connect *want);
void raw_close(struct raw *raw);

/* As raw_open() with other private data than `want` would be: any bytes. */
int raw_open_saying(struct raw *raw, const struct sockaddr_storage *addr,
	const struct wire_connect *want, const void *said, size_t said_len);

/* Open a control lane and become welcome at a server that is insecure. */
int raw_hello(struct raw *raw, const struct sockaddr_storage *addr);

/* The parts of it, and for servers that are not. What is said is in raw->hello before. */
int raw_introduce(struct raw *raw, const char *tenant);
int raw_say_hello(struct raw *raw);
int raw_prove(const struct raw *raw, const struct secret *secret, uint8_t proof[WIRE_PROOF_LEN]);
int raw_say_auth(struct raw *raw, const uint8_t proof[WIRE_PROOF_LEN]);

/* All of it, for a tenant. -EACCES: the server said no, raw->welcome.status says why. */
int raw_enter(struct raw *raw, const struct sockaddr_storage *addr, const char *tenant,
	const struct secret *secret);
int raw_greet(struct raw *raw, const char *tenant, const struct secret *secret);

/* Begin a request of this type; fill in entries, then raw_call() it. */
void raw_begin(struct raw *raw, struct wire_writer *w, uint8_t type, uint8_t flags);

/* Send without waiting. */
int raw_send(struct raw *raw, struct wire_writer *w);

/* Send any bytes as one message, without waiting. */
int raw_send_bytes(struct raw *raw, const void *bytes, size_t len);

/*
 * Wait for one more reply, or for the end of the lane. Returns 1 for a reply, 0
 * for the end, -ETIMEDOUT.
 */
int raw_await(struct raw *raw);

/* Wait until `replies` have come in all. */
int raw_wait(struct raw *raw, unsigned replies);

/* Send, wait for the reply and open it. Returns the reply's type, or a negative errno. */
int raw_call(struct raw *raw, struct wire_writer *w, struct wire_reader *r);

/*
 * The lane itself, if it is a data lane; else one that belongs to it, is opened
 * when first asked for, and is closed with it. NULL: cannot be opened.
 */
struct raw *raw_data_lane(struct raw *raw);

/*
 * Move len bytes between the buffer's start and an extent, over the data lane
 * of a control lane. A read waits for them; a write is only posted: the next
 * answer on the lane, and so to raw_handle() with COMMIT and ABORT, comes after it.
 */
int raw_write(struct raw *raw, const struct wire_extent *extent, size_t len);
int raw_read(struct raw *raw, const struct wire_extent *extent, size_t len);

/* Register the buffer, if that has not been done. */
int raw_register(struct raw *raw);

/* Wait for the server to disconnect. */
int raw_wait_disconnected(struct raw *raw);

/* Requests of one entry; the status of the answer, or a negative errno. */
int raw_reserve(struct raw *raw, const char *key, uint64_t len, struct wire_extent *extent);
int raw_lookup(struct raw *raw, const char *key, uint8_t flags, struct wire_extent *extent);
int raw_handle(struct raw *raw, uint8_t type, struct wire_handle handle);
int raw_delete(struct raw *raw, const char *key);
int raw_usage(struct raw *raw, struct wire_usage *usage);

#endif
