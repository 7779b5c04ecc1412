/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - a range of memory registered with a device
 *
 * A range longer than MEMORY_MR_MAX is registered in pieces, because devices
 * refuse or truncate long memory regions; one work request must stay inside
 * one piece. A memory is immutable after its creation and may be read by any
 * thread.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEMORY_MR_MAX = 1 << 30 };

struct memory;

enum memory_use {
	MEMORY_LOCAL,  /* source and sink of this side's own operations */
	MEMORY_REMOTE, /* peers read and write it */
};

/* Called after each piece with the bytes done so far; may be NULL. One call at a time. */
typedef void (*memory_progress_fn)(void *arg, size_t done, size_t total);

/*
 * Register [addr, addr + len) in pieces of at most `piece` bytes (a multiple
 * of the page size; 0: MEMORY_MR_MAX) with `threads` threads. The memory stays
 * the caller's and must outlive the registration.
 *
 * -ENOMEM: most often RLIMIT_MEMLOCK; memory_explain() puts it into words.
 */
int memory_register(struct ibv_pd *pd, void *addr, size_t len, enum memory_use use, size_t piece,
	unsigned threads, memory_progress_fn progress, void *arg, struct memory **out);

/* NULL is allowed. */
void memory_deregister(struct memory *memory);

bool memory_contains(const struct memory *memory, const void *addr, size_t len);

/*
 * The local key for the piece that addr lies in, and how many bytes are left
 * in it from there. addr is inside the memory.
 */
uint32_t memory_lkey(const struct memory *memory, const void *addr, size_t *left);

unsigned memory_pieces(const struct memory *memory);
uint32_t memory_rkey(const struct memory *memory, unsigned piece);

/* A sentence for people about a registration of len bytes that failed with err. */
void memory_explain(int err, size_t len, char *text, size_t text_len);

#endif
