/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reservations.h - the reservations of one session
 *
 * A set of handles, each with the bytes it reserves. Pure; for the thread that
 * owns the session.
 */
#ifndef RESERVATIONS_H
#define RESERVATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct reservations {
	struct reservation *table; /* open addressing; NULL until the first add */
	uint32_t mask;             /* entries of the table - 1 */
	uint32_t count;
	uint64_t bytes; /* of all of them */
};

/* All zero is an empty set. */
void reservations_fini(struct reservations *set);

/* The handle is not in the set. bytes is not 0. -ENOMEM. */
int reservations_add(struct reservations *set, struct wire_handle handle, uint64_t bytes);

/* Remove a handle. -ENOENT: this session has no such reservation. */
int reservations_take(struct reservations *set, struct wire_handle handle);

/*
 * Walk the set: *at starts at 0. -ENOENT: no more. The set must not change
 * meanwhile.
 */
int reservations_next(const struct reservations *set, uint32_t *at, struct wire_handle *handle);

#endif
