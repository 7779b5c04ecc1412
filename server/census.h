/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - what all sessions hold, told by the workers that own them
 *
 * Sessions are their workers' alone and have no locks. Who wants to know of all
 * of them makes a census, hands it to each worker (worker_ask()), and waits.
 * Each worker adds its sessions between two requests and goes on. With `hold`
 * it waits there until it is released: while all wait, no session changes and
 * what is counted belongs to one moment.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tenant.h"

struct census;

struct census_entry {
	uint64_t session;
	char peer[INET6_ADDRSTRLEN + 8];
	uint8_t client_id[WIRE_ID_LEN];
	const struct tenant *tenant; /* in whose store all of that is; NULL: not welcome yet */
	bool closing;
	unsigned lanes;
	uint32_t reservations;
	uint64_t reserved; /* bytes, whole pages */
	uint64_t locks;
};

/*
 * The caller has one reference and each of the `workers` gets one. -ENOMEM, or
 * the error of pthread_cond_init().
 */
int census_create(unsigned workers, bool hold, struct census **out);

/* Give a reference back; the last one frees the census. NULL is allowed. */
void census_put(struct census *census);

/* For a worker: one session. */
void census_add(struct census *census, const struct census_entry *entry);

/* For a worker: that was all. Returns when the census holds nobody (any more). */
void census_done(struct census *census);

/* Wait for all workers. -ETIMEDOUT, or -ENOMEM: some sessions are missing. */
int census_wait(struct census *census, unsigned timeout_ms);

/* Let the workers go, also those that come later. Entries stay readable. */
void census_release(struct census *census);

/* What was told, when census_wait() returned 0. The census owns it. */
const struct census_entry *census_entries(const struct census *census, unsigned *count);

#endif
