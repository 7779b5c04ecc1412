/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_request.h - one request of a replay on its way
 *
 * It does what a cache engine does: look all blocks up and lock them in one
 * task, load the leading run of hits and check each byte, unlock all that the
 * lookup locked, store the rest. What does not fit into the request's memory
 * is loaded and stored in pieces, a task each. Belongs to one client's thread.
 */
#ifndef CLI_REPLAY_REQUEST_H
#define CLI_REPLAY_REQUEST_H

#include <remora/adapter.h>

#include "replay.h"

enum replay_step { REPLAY_IDLE, REPLAY_LOOKUP, REPLAY_LOAD, REPLAY_STORE };

/* What a request needs from its client. Outlives it. */
struct replay_context {
	const struct replay_plan *plan;
	struct replay_progress *progress;
	struct replay_totals *totals;
	struct remora_adapter *adapter;
};

struct replay_request {
	const struct replay_context *context;
	unsigned char *memory; /* plan->request_memory bytes of the client's arena */

	enum replay_step step;
	int64_t task;          /* under way, unless idle */
	uint64_t submitted_ns; /* when it was */

	/* A share of a block each, block by block. The arrays are this struct's. */
	struct remora_key *keys;
	char *key_text;
	struct remora_object *objects; /* of the task under way */
	size_t allocated, count;
	size_t leading; /* shares in the leading run of hits */
	int locked;     /* and whether they are locked */
	size_t next;    /* the first share that is not loaded or stored yet */
	size_t piece;   /* shares in the task under way */
};

void replay_request_init(struct replay_request *request, const struct replay_context *context,
	unsigned char *memory);

/* Free what init and begin allocated. No task may be under way at the adapter. */
void replay_request_fini(struct replay_request *request);

/* Begin with a request of the trace. It may be idle, that is done, after the call. */
void replay_request_begin(struct replay_request *request, const struct trace_request *wanted);

/*
 * Fetch the result of the task under way, if there is one, and go on. Does
 * nothing in the steps IDLE and STORE.
 */
void replay_request_query(struct replay_request *request);

/* Go on with the result of the store that is under way. */
void replay_request_stored(
	struct replay_request *request, const struct remora_store_result *result);

#endif
