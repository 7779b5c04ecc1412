/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - the requests of a served model: when each came, and its blocks
 *
 * The prompt of a request is cut into blocks of a fixed number of tokens. A
 * block's id stands for its content and all that precedes it, so equal ids
 * are equal prefixes. Pure but for trace_load(); a trace that nobody changes
 * may be read by any thread.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stddef.h>
#include <stdint.h>

struct trace_request {
	uint64_t time_us; /* since the trace's beginning */
	size_t first;     /* its blocks are ids[first] and the block_count - 1 after it */
	uint32_t block_count;
	uint32_t input_tokens;
	uint32_t output_tokens;
};

/* All zero is an empty trace. */
struct trace {
	struct trace_request *requests;
	size_t request_count;
	uint64_t *ids;
	size_t id_count;
	size_t requests_allocated, ids_allocated;
};

enum { TRACE_ERROR_LEN = 512 };

/*
 * Append a request with the block_count ids; request->first and block_count
 * are set by the call. -ENOMEM: as before the call.
 */
int trace_append(struct trace *trace, const struct trace_request *request, const uint64_t *ids,
	uint32_t block_count);

/*
 * Append the requests in text, one JSON object a line:
 *
 *   {"timestamp": 27482, "input_length": 6955, "output_length": 52,
 *    "hash_ids": [46, 47, ...]}
 *
 * with the timestamp in ms. Empty lines are skipped, other members ignored.
 * Ends after max requests. A mistake is told in error, with name, line, field
 * and value, as -EINVAL; -ENOMEM. The trace then has what came before it.
 */
int trace_parse(struct trace *trace, const char *name, const char *text, size_t len, size_t max,
	char error[TRACE_ERROR_LEN]);

/* As trace_parse(), for the content of a file. Also its errors are told in error. */
int trace_load(struct trace *trace, const char *path, size_t max, char error[TRACE_ERROR_LEN]);

/* What a trace asks for. */
struct trace_survey {
	uint64_t blocks;
	uint64_t distinct; /* ids: the working set in blocks */
	uint64_t leading;  /* blocks hit, as a leading run, if nothing were ever evicted */
	uint32_t longest;  /* request, in blocks */
};

/* -ENOMEM */
int trace_survey(const struct trace *trace, struct trace_survey *survey);

/* Free what the trace holds and empty it. */
void trace_fini(struct trace *trace);

#endif
