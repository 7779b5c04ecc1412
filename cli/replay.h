/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - what the parts of a replay share
 *
 * The plan is not changed while clients run. The progress is written by all
 * of them. Each client counts its own totals, which are summed at the end.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "trace.h"

enum { REPLAY_PREFIX_MAX = 256 }; /* bytes before the block in a key */

struct replay_plan {
	const struct trace *trace;
	/*
	 * The key of a block's share is "PREFIX/rRANK/ID", the id in 16 hex
	 * digits. The prefix names all that decides an object's length, for
	 * the length under a key never changes.
	 */
	char prefix[REPLAY_PREFIX_MAX];
	unsigned ranks;
	size_t object_len;
	unsigned in_flight;    /* requests of a client at the same time */
	size_t request_memory; /* of the client's arena, for each of them */
	double speed;          /* times the pace of the trace; 0: no waiting */
	uint64_t max_failures; /* failed tasks after which no request is begun */
	uint64_t task_ms;      /* a task that takes longer is lost */
};

struct replay_progress {
	uint64_t start_ns;
	atomic_size_t next; /* request to begin */
	atomic_size_t done;
	atomic_ullong bytes_loaded, bytes_stored, failures;
	atomic_int stop;
	atomic_uint running; /* clients */
};

/* One kind of task. */
struct replay_operation {
	uint64_t tasks, failed;
	unsigned in_flight;
	uint64_t busy_since_ns; /* while in_flight is not 0 */
	uint64_t busy_ns;       /* with at least one in flight */
	struct histogram ns;    /* from submit to result, of the tasks that did not fail */
};

enum { REPLAY_ERROR_LEN = 512 };

struct replay_totals {
	uint64_t requests;
	uint64_t blocks, hits, leading_hits; /* a hit: all ranks' shares were found */
	uint64_t objects_loaded, objects_stored, objects_existed;
	uint64_t bytes_loaded, bytes_stored, bytes_verified;
	uint64_t mismatches; /* objects with at least one wrong byte */
	uint64_t lost;       /* tasks without a result in time */
	uint64_t end_ns;
	struct replay_operation lookup, load, store;
	char first_error[REPLAY_ERROR_LEN]; /* "": none */
};

#endif
