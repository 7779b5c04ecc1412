/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_options.h - what is to be replayed, and how
 *
 * Main thread.
 */
#ifndef CLI_REPLAY_OPTIONS_H
#define CLI_REPLAY_OPTIONS_H

#include "connection.h"
#include "replay.h"
#include "synthetic.h"

struct replay_options {
	struct connection_options *connection;
	const char *trace_path; /* NULL: synthetic */
	int synthetic;
	struct synthetic_options shape;
	const char *model, *dtype, *name_space, *json_path;
	unsigned tp, block_tokens, ranks, clients, in_flight;
	uint64_t object_size, memory; /* 0: by the model; by the object size */
	uint64_t requests, max_failures;
	double speed; /* 0: no waiting */
};

/* Parse the words, or end the program with what is wrong with them. */
void replay_options_parse(struct replay_options *options, int argc, char **argv);

/*
 * What follows from the options, but for the trace. Complains of what cannot
 * be, and returns -EINVAL.
 */
int replay_options_plan(const struct replay_options *options, struct replay_plan *plan);

#endif
