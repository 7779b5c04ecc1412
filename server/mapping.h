/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.h - a long range of touched memory, on huge pages if there are any
 *
 * The main thread creates it and starts threads of its own to touch it.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct mapping {
	void *addr;  /* aligned to 2 MiB */
	size_t len;  /* bytes asked for */
	size_t span; /* bytes mapped: len rounded up to whole huge pages */
	bool huge;   /* pages of 2 MiB, reserved for us */
};

enum { MAPPING_HUGE_PAGE = 2 << 20 };

/* Called with the bytes touched so far. One call at a time. */
typedef void (*mapping_progress_fn)(void *arg, size_t done, size_t total);

struct mapping_params {
	size_t len;
	enum config_huge huge;
	int numa_node; /* -1: any */
	unsigned threads;
	mapping_progress_fn progress;
	void *arg;
};

/* Errors are logged with their remedy. */
int mapping_create(const struct mapping_params *params, struct mapping *mapping);
void mapping_destroy(struct mapping *mapping);

#endif
