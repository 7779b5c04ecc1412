/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strikes.h - which addresses have failed to authenticate too often of late
 *
 * An address has STRIKES_MAX strikes, of which one is forgiven every
 * STRIKES_FORGIVE_MS. Who has none left is turned away before it costs us a
 * queue pair. An IPv6 host is known by its first 64 bits, as it can choose the
 * others. Only as many addresses are remembered as fit; those that have the
 * most to be forgiven for stay. Any thread.
 */
#ifndef STRIKES_H
#define STRIKES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	STRIKES_MAX = 10,
	STRIKES_FORGIVE_MS = 3000,
	STRIKES_ADDRESSES = 256,
};

struct strikes;

/* -ENOMEM. */
int strikes_create(struct strikes **out);
void strikes_destroy(struct strikes *strikes); /* NULL is allowed */

/* One more failure of this address. */
void strikes_add(struct strikes *strikes, const struct sockaddr *addr, uint64_t now_ms);

/* It has had too many. */
bool strikes_out(struct strikes *strikes, const struct sockaddr *addr, uint64_t now_ms);

#endif
