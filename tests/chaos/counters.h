/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - what a client of the chaos test has seen
 *
 * Numbers in a file that is mapped into the client: they outlive its death, and
 * the driver (tests/chaos/driver.py) reads them at any time by their place.
 */
#ifndef CHAOS_COUNTERS_H
#define CHAOS_COUNTERS_H

#include <stdint.h>

struct counters {
	/* The number of the last command of each kind that was obeyed. */
	uint64_t proven, quiet, swept;

	/* Tasks. Twice: a result of a task that had one, or of none. */
	uint64_t submitted, completed, twice, hung;

	/* Under way right now. */
	uint64_t stores, loads, locks;

	uint64_t stores_done, stores_failed, loads_done, keys_found, keys_loaded, deletes;
	uint64_t bytes_stored, bytes_verified;

	/* Of loads that were told to be right; and in buffers after the result was told. */
	uint64_t wrong_bytes, late_bytes;
};

#endif
