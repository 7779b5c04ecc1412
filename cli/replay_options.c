/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_options.c - what is to be replayed, and how
 *
 * Main thread.
 */
#include "replay_options.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "argument.h"
#include "complain.h"
#include "model.h"
#include "size.h"

enum {
	OPTION_TRACE = 0x100,
	OPTION_SYNTHETIC,
	OPTION_SEED,
	OPTION_CONVERSATIONS,
	OPTION_TURNS,
	OPTION_SYSTEM_PROMPTS,
	OPTION_SYSTEM_BLOCKS,
	OPTION_TURN_BLOCKS,
	OPTION_THINK,
	OPTION_ARRIVAL,
	OPTION_MODEL,
	OPTION_DTYPE,
	OPTION_TP,
	OPTION_RANKS,
	OPTION_BLOCK_TOKENS,
	OPTION_OBJECT_SIZE,
	OPTION_CLIENTS,
	OPTION_IN_FLIGHT,
	OPTION_REQUESTS,
	OPTION_SPEED,
	OPTION_MEMORY,
	OPTION_JSON,
	OPTION_NAMESPACE,
	OPTION_MAX_FAILURES,
};

static const struct argp_option options_table[] = {
	{NULL, 0, NULL, 0, "What is replayed:", 1},
	{"trace", OPTION_TRACE, "FILE", 0,
		"Requests, a JSON object a line: timestamp (ms), input_length, output_length, "
		"hash_ids (one a block)",
		1},
	{"synthetic", OPTION_SYNTHETIC, NULL, 0, "Made-up conversations, the same every time", 1},
	{"requests", OPTION_REQUESTS, "N", 0, "Only the first N requests", 1},
	{"speed", OPTION_SPEED, "X|max", 0,
		"X times the pace of the timestamps; default max: as fast as it goes", 1},
	{NULL, 0, NULL, 0, "Made-up conversations (means are of an even spread):", 2},
	{"seed", OPTION_SEED, "N", 0, "Other conversations; default 1", 2},
	{"conversations", OPTION_CONVERSATIONS, "N", 0, "Default 64", 2},
	{"turns", OPTION_TURNS, "N", 0, "Mean of a conversation; default 5", 2},
	{"system-prompts", OPTION_SYSTEM_PROMPTS, "N", 0, "Shared by them; default 4", 2},
	{"system-blocks", OPTION_SYSTEM_BLOCKS, "N", 0, "Mean of a system prompt; default 6", 2},
	{"turn-blocks", OPTION_TURN_BLOCKS, "N", 0, "Mean that a turn appends; default 4", 2},
	{"think", OPTION_THINK, "MS", 0, "Mean between turns; default 20000", 2},
	{"arrival", OPTION_ARRIVAL, "MS", 0, "Mean between conversations; default 1000", 2},
	{NULL, 0, NULL, 0, "The size of an object, which is one rank's share of a block:", 3},
	{"model", OPTION_MODEL, "NAME", 0, "Default llama-3.1-8b; see below", 3},
	{"dtype", OPTION_DTYPE, "TYPE", 0, "fp32, bf16 (default), fp16, fp8 or int8", 3},
	{"tp", OPTION_TP, "N", 0, "Ranks that share the KV heads; default 1", 3},
	{"block-tokens", OPTION_BLOCK_TOKENS, "N", 0, "Tokens of a block; default 512", 3},
	{"object-size", OPTION_OBJECT_SIZE, "SIZE", 0, "Instead of all these", 3},
	{"ranks", OPTION_RANKS, "N", 0,
		"Ranks whose shares are stored, each under a key of its own; default 1", 3},
	{NULL, 0, NULL, 0, "The clients:", 4},
	{"clients", OPTION_CLIENTS, "N", 0, "Each with a session and a thread; default 1", 4},
	{"in-flight", OPTION_IN_FLIGHT, "N", 0, "Requests of a client at a time; default 4", 4},
	{"memory", OPTION_MEMORY, "SIZE", 0,
		"Registered by each client, split between its requests; default 256M, or an "
		"object for each if that is more",
		4},
	{"namespace", OPTION_NAMESPACE, "TEXT", 0, "Begin of all keys; default replay", 4},
	{"max-failures", OPTION_MAX_FAILURES, "N", 0,
		"Begin no more requests after N failed tasks; default 100", 4},
	{"json", OPTION_JSON, "FILE", 0, "Write the figures there too", 4},
	{0},
};

static const char doc[] =
	"Replay a request trace as a cache engine would: look all blocks of a request up and lock "
	"them, load the leading run of hits and check each byte, unlock, store the rest."
	"\vAn object has\n"
	"  2 * layers * KV heads / tp * head dim * dtype bytes * block tokens\n"
	"bytes, with multi-head latent attention\n"
	"  layers * (kv_lora_rank + rope dim) * dtype bytes * block tokens,\n"
	"which every rank has whole. Models: ";

static const char doc_end[] =
	"\n\nEach key is NAMESPACE/MODEL/tpN/BYTES/rRANK/BLOCK. SIZE is a number and K, M, G or T, "
	"powers of 1024; MB/s are 10^6 bytes a second.\n"
	"\nThe exit status is 1 if one byte was wrong, one task failed, or it did not run to the "
	"end.";

static unsigned number(
	struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max)
{
	const uint64_t range[2] = {min, max};

	return (unsigned)argument_number(state, option, text, range);
}

static error_t parse_shape(int key, const char *arg, struct argp_state *state)
{
	static const uint64_t any[2] = {0, UINT64_MAX};
	struct replay_options *options = state->input;
	struct synthetic_options *shape = &options->shape;
	const uint64_t most = SYNTHETIC_MAX_MEAN;

	switch (key) {
	case OPTION_SEED: shape->seed = argument_number(state, "--seed", arg, any); return 0;
	case OPTION_CONVERSATIONS:
		shape->conversations =
			number(state, "--conversations", arg, 1, SYNTHETIC_MAX_CONVERSATIONS);
		return 0;
	case OPTION_TURNS: shape->turns = number(state, "--turns", arg, 1, most); return 0;
	case OPTION_SYSTEM_PROMPTS:
		shape->system_prompts = number(state, "--system-prompts", arg, 1, most);
		return 0;
	case OPTION_SYSTEM_BLOCKS:
		shape->system_blocks = number(state, "--system-blocks", arg, 1, most);
		return 0;
	case OPTION_TURN_BLOCKS:
		shape->turn_blocks = number(state, "--turn-blocks", arg, 1, most);
		return 0;
	case OPTION_THINK: shape->think_ms = number(state, "--think", arg, 1, 1000000000); return 0;
	case OPTION_ARRIVAL:
		shape->arrival_ms = number(state, "--arrival", arg, 1, 1000000000);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_size(int key, char *arg, struct argp_state *state)
{
	struct replay_options *options = state->input;

	switch (key) {
	case OPTION_MODEL:
		options->model = arg;
		if (!model_find(arg))
			argp_error(
				state, "--model %s is not known; --help lists those that are", arg);
		return 0;
	case OPTION_DTYPE:
		options->dtype = arg;
		if (model_dtype_bytes(arg) < 0)
			argp_error(state, "--dtype %s: give fp32, bf16, fp16, fp8 or int8", arg);
		return 0;
	case OPTION_TP: options->tp = number(state, "--tp", arg, 1, 1024); return 0;
	case OPTION_RANKS: options->ranks = number(state, "--ranks", arg, 1, 1024); return 0;
	case OPTION_BLOCK_TOKENS:
		options->block_tokens = number(state, "--block-tokens", arg, 1, 1 << 20);
		return 0;
	case OPTION_OBJECT_SIZE:
		options->object_size = argument_size(state, "--object-size", arg);
		return 0;
	default: return parse_shape(key, arg, state);
	}
}

static void check(const struct replay_options *options, struct argp_state *state)
{
	if (!options->trace_path == !options->synthetic)
		argp_error(state, "what is to be replayed? give --trace FILE or --synthetic, and "
				  "not both");
	if (!*options->name_space || strlen(options->name_space) > 128)
		argp_error(state, "--namespace %.32s has %zu bytes; give 1 to 128",
			options->name_space, strlen(options->name_space));
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct replay_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = options->connection; return 0;
	case ARGP_KEY_ARG: argp_error(state, "'%s' is too much: only options", arg); return EINVAL;
	case ARGP_KEY_END: check(options, state); return 0;
	case OPTION_TRACE: options->trace_path = arg; return 0;
	case OPTION_SYNTHETIC: options->synthetic = 1; return 0;
	case OPTION_REQUESTS:
		options->requests = number(state, "--requests", arg, 1, UINT32_MAX);
		return 0;
	case OPTION_SPEED:
		options->speed =
			strcmp(arg, "max") ? argument_positive(state, "--speed", arg) : 0.0;
		return 0;
	case OPTION_CLIENTS: options->clients = number(state, "--clients", arg, 1, 256); return 0;
	case OPTION_IN_FLIGHT:
		options->in_flight = number(state, "--in-flight", arg, 1, 1024);
		return 0;
	case OPTION_MEMORY: options->memory = argument_size(state, "--memory", arg); return 0;
	case OPTION_JSON: options->json_path = arg; return 0;
	case OPTION_NAMESPACE: options->name_space = arg; return 0;
	case OPTION_MAX_FAILURES:
		options->max_failures = number(state, "--max-failures", arg, 1, UINT32_MAX);
		return 0;
	default: return parse_size(key, arg, state);
	}
}

/* The text after the options ends with the models that there are. */
static char *list_models(int key, const char *text, void *input)
{
	const struct model *model;
	char *all = NULL;
	size_t len;
	FILE *out;
	unsigned i;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC || !text)
		return (char *)text;
	out = open_memstream(&all, &len);
	if (!out)
		return (char *)text;
	fputs(text, out);
	for (i = 0; (model = model_at(i)); i++)
		fprintf(out, "%s%s", i ? ", " : "", model->name);
	fprintf(out, ".%s", doc_end);
	fclose(out);
	return all ? all : (char *)text;
}

void replay_options_parse(struct replay_options *options, int argc, char **argv)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.doc = doc,
		.children = children,
		.help_filter = list_models,
	};

	*options = (struct replay_options){
		.connection = options->connection,
		.shape.seed = 1,
		.model = "llama-3.1-8b",
		.dtype = "bf16",
		.name_space = "replay",
		.tp = 1,
		.block_tokens = 512,
		.ranks = 1,
		.clients = 1,
		.in_flight = 4,
		.requests = UINT32_MAX,
		.max_failures = 100,
	};
	argp_parse(&argp, argc, argv, 0, NULL, options);
	options->shape.block_tokens = options->block_tokens;
}

static int find_object_len(const struct replay_options *options, uint64_t *len)
{
	const struct model *model = model_find(options->model);
	const struct model_serving serving = {
		.tp = options->tp,
		.block_tokens = options->block_tokens,
		.dtype_bytes = (uint32_t)model_dtype_bytes(options->dtype),
	};

	if (options->object_size) {
		*len = options->object_size;
		return 0;
	}
	if (!model_object_len(model, &serving, len))
		return 0;
	complain("--tp %u: %u ranks cannot share the %u KV heads of %s evenly; give a divisor or a "
		 "multiple of %u",
		options->tp, options->tp, model->kv_heads, model->name, model->kv_heads);
	return -EINVAL;
}

/* Each request in flight has the same part of the arena, of at least one object. */
static int split_memory(
	const struct replay_options *options, uint64_t object_len, struct replay_plan *plan)
{
	const uint64_t fallback = 256 << 20, page = 4096;
	char given[SIZE_TEXT_LEN], least[SIZE_TEXT_LEN];
	uint64_t step, memory = options->memory ? options->memory : fallback;

	/* 2^43 bytes for each of 1024 are still far below 2^64. */
	if (object_len > UINT64_C(1) << 43) {
		complain("an object of %s is more than a machine has memory for",
			size_print(object_len, given));
		return -EINVAL;
	}
	step = (object_len + page - 1) / page * page;
	if (memory / options->in_flight < step && options->memory) {
		complain("--memory %s is too little for an object of %s for each of %u requests in "
			 "flight; give at least %s or lower --in-flight",
			size_print(memory, given), size_print(step, least), options->in_flight,
			size_print(step * options->in_flight, (char[SIZE_TEXT_LEN]){0}));
		return -EINVAL;
	}
	memory = memory / options->in_flight / page * page;
	plan->request_memory = memory > step ? memory : step;
	return 0;
}

int replay_options_plan(const struct replay_options *options, struct replay_plan *plan)
{
	uint64_t object_len;
	int err;

	err = find_object_len(options, &object_len);
	if (!err)
		err = split_memory(options, object_len, plan);
	if (err)
		return err;
	plan->object_len = object_len;
	plan->ranks = options->ranks;
	plan->in_flight = options->in_flight;
	plan->speed = options->speed;
	plan->max_failures = options->max_failures;
	/* The library ends every task within its timeout: what comes later is lost. */
	plan->task_ms = options->connection->timeout_ms + UINT64_C(15000);
	snprintf(plan->prefix, sizeof(plan->prefix), "%s/%s/tp%u/%" PRIu64, options->name_space,
		options->object_size ? "block" : options->model, options->tp, object_len);
	return 0;
}
