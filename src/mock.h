/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock.h - the engine of the type `mock`: one thread that does the tasks
 *
 * Nothing sleeps for a task that is to take time: its work is done at once, and
 * its result waits in a queue until it is due. Functions without a word about
 * threads are for any.
 */
#ifndef MOCK_H
#define MOCK_H

#include <stdatomic.h>

#include "core.h"
#include "mock_faults.h"
#include "mock_queue.h"
#include "mock_store.h"

struct mock {
	struct core *core;
	pthread_t thread;
	double bytes_per_ns; /* 0: no limit */
	uint64_t opened_ns;
	_Atomic uint64_t bytes_written, bytes_read;

	/* The thread's. */
	struct mock_faults faults;
	struct mock_queue jobs; /* by when they are due */

	pthread_mutex_t store_mutex; /* guards the store, held for one key at a time */
	struct mock_store *store;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t woken;
	bool rung, stopping;
};

/* Of mock_adapter.c's fields. Starts the thread. */
int mock_create(struct core *core, const struct remora_config *config, struct mock **out);

/* The core's engine. */
extern const struct engine_ops mock_engine_ops;

#endif
