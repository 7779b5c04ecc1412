/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic.c - a made-up trace of people talking with a model
 *
 * Pure. No floating-point functions of the C library are used, so that all
 * machines make the same trace.
 */
#include "synthetic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A turn before the turns of all conversations are put in order. */
struct turn {
	uint64_t time_us;
	uint32_t conversation;
	uint32_t number;
	uint32_t block_count; /* of the whole prompt */
	size_t ids;           /* where its conversation's ids begin */
};

struct generator {
	struct synthetic_options options;
	uint64_t random;
	struct trace ids;   /* one entry a conversation: its last prompt */
	struct turn *turns; /* of all conversations */
	size_t turn_count, turns_allocated;
};

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t next_random(struct generator *generator)
{
	generator->random += UINT64_C(0x9e3779b97f4a7c15);
	return mix(generator->random);
}

/* From 1 to 2 * mean - 1, evenly. */
static uint32_t about(struct generator *generator, uint32_t mean)
{
	return 1 + (uint32_t)(next_random(generator) % (2 * (uint64_t)mean - 1));
}

/* The first prompt serves half of the conversations, the second a quarter, ... */
static uint32_t choose_prompt(struct generator *generator)
{
	uint64_t bits = next_random(generator);
	uint32_t prompt = bits ? (uint32_t)__builtin_ctzll(bits) : 63;

	return prompt % generator->options.system_prompts;
}

/* A block's id depends on all before it, like the hash of a prefix. 63 bits: JSON has a sign. */
static uint64_t block_id(uint64_t before, uint64_t content)
{
	return mix(before ^ mix(content)) >> 1;
}

static int add_turn(struct generator *generator, const struct turn *turn)
{
	size_t count = generator->turns_allocated ? 2 * generator->turns_allocated : 256;
	struct turn *turns;

	if (generator->turn_count == generator->turns_allocated) {
		turns = reallocarray(generator->turns, count, sizeof(*turns));
		if (!turns)
			return -ENOMEM;
		generator->turns = turns;
		generator->turns_allocated = count;
	}
	generator->turns[generator->turn_count++] = *turn;
	return 0;
}

/* Append count blocks to a prompt; what they say comes from the seed content. */
static uint32_t say(uint64_t *ids, uint32_t length, uint32_t count, uint64_t content)
{
	uint32_t i;

	for (i = 0; i < count; i++, length++)
		ids[length] = block_id(length ? ids[length - 1] : 0, mix(content + i));
	return length;
}

static int converse(struct generator *generator, uint32_t number, uint64_t time_us)
{
	const struct synthetic_options *options = &generator->options;
	uint32_t turns = about(generator, options->turns), prompt = choose_prompt(generator);
	uint64_t prompt_content = mix(options->seed ^ mix(prompt));
	/* A prompt's length belongs to the prompt, not to the conversation. */
	uint32_t prompt_blocks =
		1 + (uint32_t)(prompt_content % (2 * (uint64_t)options->system_blocks - 1));
	struct turn turn = {.time_us = time_us, .conversation = number};
	size_t most = prompt_blocks + (size_t)turns * 2 * options->turn_blocks;
	uint64_t *ids = malloc(most * sizeof(*ids));
	int err = ids ? 0 : -ENOMEM;
	uint64_t content;
	uint32_t blocks;

	turn.ids = generator->ids.id_count;
	turn.block_count = ids ? say(ids, 0, prompt_blocks, prompt_content) : 0;
	for (; !err && turn.number < turns; turn.number++) {
		/* One after the other: the order of arguments is the compiler's choice. */
		content = next_random(generator);
		blocks = about(generator, options->turn_blocks);
		turn.block_count = say(ids, turn.block_count, blocks, content);
		err = add_turn(generator, &turn);
		turn.time_us += about(generator, options->think_ms) * UINT64_C(1000);
	}
	if (!err)
		err = trace_append(
			&generator->ids, &(struct trace_request){0}, ids, turn.block_count);
	free(ids);
	return err;
}

static int by_time(const void *left, const void *right)
{
	const struct turn *a = left, *b = right;

	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	if (a->conversation != b->conversation)
		return a->conversation < b->conversation ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static int write_trace(struct generator *generator, struct trace *trace)
{
	struct trace_request request = {0};
	uint64_t tokens;
	size_t i;
	int err;

	qsort(generator->turns, generator->turn_count, sizeof(*generator->turns), by_time);
	for (i = 0; i < generator->turn_count; i++) {
		const struct turn *turn = &generator->turns[i];

		tokens = (uint64_t)turn->block_count * generator->options.block_tokens;
		request.time_us = turn->time_us;
		request.input_tokens = tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
		request.output_tokens = generator->options.block_tokens / 2;
		err = trace_append(
			trace, &request, generator->ids.ids + turn->ids, turn->block_count);
		if (err)
			return err;
	}
	return 0;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static int set_options(struct synthetic_options *to, const struct synthetic_options *from)
{
	to->seed = from->seed;
	to->conversations = or_default(from->conversations, 64);
	to->turns = or_default(from->turns, 5);
	to->system_prompts = or_default(from->system_prompts, 4);
	to->system_blocks = or_default(from->system_blocks, 6);
	to->turn_blocks = or_default(from->turn_blocks, 4);
	to->think_ms = or_default(from->think_ms, 20000);
	to->arrival_ms = or_default(from->arrival_ms, 1000);
	to->block_tokens = or_default(from->block_tokens, 512);

	if (to->conversations > SYNTHETIC_MAX_CONVERSATIONS || to->turns > SYNTHETIC_MAX_MEAN ||
		to->system_prompts > SYNTHETIC_MAX_MEAN || to->system_blocks > SYNTHETIC_MAX_MEAN ||
		to->turn_blocks > SYNTHETIC_MAX_MEAN)
		return -EINVAL;
	return 0;
}

int synthetic_generate(const struct synthetic_options *options, struct trace *trace)
{
	struct generator generator = {0};
	uint64_t time_us = 0;
	uint32_t i;
	int err;

	err = set_options(&generator.options, options);
	if (err)
		return err;
	generator.random = mix(options->seed);

	for (i = 0; !err && i < generator.options.conversations; i++) {
		err = converse(&generator, i, time_us);
		time_us += about(&generator, generator.options.arrival_ms) * UINT64_C(1000);
	}
	if (!err)
		err = write_trace(&generator, trace);
	if (err)
		trace_fini(trace);
	trace_fini(&generator.ids);
	free(generator.turns);
	return err;
}
