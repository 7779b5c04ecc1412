/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - keep an adapter busy with stores or loads, and count
 *
 * A fixed number of tasks is kept in flight, each of a batch of objects of one
 * size in a part of the arena of its own. Used by one thread.
 */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include <remora/adapter.h>

#include "histogram.h"

struct measure_options {
	size_t size; /* bytes of an object */
	unsigned batch;
	unsigned in_flight;
	double seconds; /* 0: until count tasks are done */
	uint64_t count;
	int verify;
	uint64_t run; /* part of the keys: another for each run */
};

struct measure_result {
	uint64_t tasks, failed;
	uint64_t bytes;      /* really moved by the tasks counted */
	uint64_t verified;   /* bytes compared */
	uint64_t mismatches; /* objects with a wrong byte */
	double seconds;
	struct histogram ns; /* of each task, from submit to result */
	char error[512];     /* of the first failure */
};

struct measure;

/* Allocates the arena. -ENOMEM */
int measure_create(const struct measure_options *options, struct measure **measure);
void *measure_arena(const struct measure *measure, size_t *len);

/*
 * Store new objects all the time, then read those back that were stored last.
 * Failures are told in the result; a negative errno: not even begun.
 */
int measure_stores(
	struct measure *measure, struct remora_adapter *adapter, struct measure_result *result);

/* Store and lock in_flight batches of objects, then load them again and again. */
int measure_loads(
	struct measure *measure, struct remora_adapter *adapter, struct measure_result *result);

/* Delete what was stored, as far as it is still there. */
int measure_clean(struct measure *measure, struct remora_adapter *adapter);

/* After the adapter was closed. NULL is allowed. */
void measure_destroy(struct measure *measure);

#endif
