/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic.h - a made-up trace of people talking with a model
 *
 * Many conversations begin with one of a few system prompts. Each turn is a
 * request whose prompt is all that was said before and some blocks more; then
 * the person thinks. Pure: the same options give the same trace everywhere.
 */
#ifndef CLI_SYNTHETIC_H
#define CLI_SYNTHETIC_H

#include <stdint.h>

#include "trace.h"

/* Unset (zero) fields take their default, but for the seed. */
struct synthetic_options {
	uint64_t seed;
	uint32_t conversations;  /* default 64 */
	uint32_t turns;          /* of a conversation, on average; default 5 */
	uint32_t system_prompts; /* default 4; the first is the most used */
	uint32_t system_blocks;  /* of a system prompt, on average; default 6 */
	uint32_t turn_blocks;    /* that a turn appends, on average; default 4 */
	uint32_t think_ms;       /* between turns, on average; default 20000 */
	uint32_t arrival_ms;     /* between conversations, on average; default 1000 */
	uint32_t block_tokens;   /* default 512 */
};

enum {
	SYNTHETIC_MAX_CONVERSATIONS = 1 << 20,
	SYNTHETIC_MAX_MEAN = 1 << 16, /* of everything counted in turns, prompts and blocks */
};

/*
 * Append the requests of the conversations to an empty trace, ordered by time.
 * -EINVAL: an option is above its limit; -ENOMEM, the trace is empty then.
 */
int synthetic_generate(const struct synthetic_options *options, struct trace *trace);

#endif
