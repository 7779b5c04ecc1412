/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.c - bench_raw: what bare verbs reach between two hosts
 *
 * The yardstick for "remora bench": the same sizes and depths with nothing
 * around them. Main thread.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw_client.h"
#include "raw_link.h"

enum {
	OPTION_SIZE = 0x100,
	OPTION_DEPTH,
	OPTION_SECONDS,
	OPTION_MEMORY,
	OPTION_PORT,
	OPTION_SPIN,
	OPTION_JSON,
};

static const char *const words[] = {
	[RAW_WRITE] = "write",
	[RAW_READ] = "read",
	[RAW_PING] = "ping",
	[RAW_READ_ONE] = "read-one",
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

struct raw {
	struct raw_options options;
	bool serve, json;
	size_t memory;
};

static const struct argp_option options_table[] = {
	{"size", OPTION_SIZE, "BYTES", 0, "Of an operation; default 1048576, of a ping 64", 0},
	{"depth", OPTION_DEPTH, "N", 0, "Operations at a time; default 16", 0},
	{"seconds", OPTION_SECONDS, "S", 0, "Measure for so long; default 2", 0},
	{"memory", OPTION_MEMORY, "BYTES", 0, "What serve lends; default 67108864", 0},
	{"port", OPTION_PORT, "N", 0, "Default 7480", 0},
	{"spin", OPTION_SPIN, NULL, 0, "Poll for completions instead of sleeping", 0},
	{"json", OPTION_JSON, NULL, 0, "Print one JSON object instead of the plain figures", 0},
	{0},
};

static uint64_t number(
	struct argp_state *state, const char *name, const char *text, const uint64_t range[2])
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < range[0] || value > range[1])
		argp_error(state, "%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'",
			name, range[0], range[1], text);
	return value;
}

static void parse_word(struct raw *raw, const char *arg, struct argp_state *state)
{
	unsigned i = 0;

	if (state->arg_num == 1) {
		if (inet_pton(AF_INET, arg, &raw->options.server.sin_addr) != 1)
			argp_error(state, "'%s' is not an IPv4 address", arg);
		return;
	}
	if (state->arg_num > 1)
		argp_error(state, "'%s' is too much", arg);
	raw->serve = !strcmp(arg, "serve");
	while (!raw->serve && i < WORDS && strcmp(arg, words[i]))
		i++;
	if (i == WORDS)
		argp_error(state, "'%s': give serve, write, read, ping or read-one", arg);
	raw->options.operation = (enum raw_operation)i;
}

/* What can only be judged when all options are known. */
static void check(struct raw *raw, struct argp_state *state)
{
	struct raw_options *options = &raw->options;

	if (state->arg_num != 2)
		argp_error(state, "give what to do and the server's address");
	if (!options->size)
		options->size = options->operation == RAW_PING ? 64 : 1 << 20;
	if (options->operation >= RAW_PING)
		options->depth = 1;
	if (options->operation == RAW_PING && options->size > RAW_MESSAGE_MAX)
		argp_error(state, "a ping has at most %d bytes", RAW_MESSAGE_MAX);
}

static double positive(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0.0) || value > 86400.0)
		argp_error(state, "--seconds takes a number above 0, not '%s'", text);
	return value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const uint64_t sizes[2] = {1, UINT64_C(1) << 30}, depths[2] = {1, 4096};
	static const uint64_t ports[2] = {1, 65535};
	struct raw *raw = state->input;

	switch (key) {
	case OPTION_SIZE: raw->options.size = number(state, "--size", arg, sizes); return 0;
	case OPTION_DEPTH:
		raw->options.depth = (unsigned)number(state, "--depth", arg, depths);
		return 0;
	case OPTION_SECONDS: raw->options.seconds = positive(state, arg); return 0;
	case OPTION_MEMORY: raw->memory = number(state, "--memory", arg, sizes); return 0;
	case OPTION_PORT:
		raw->options.server.sin_port = htons((uint16_t)number(state, "--port", arg, ports));
		return 0;
	case OPTION_SPIN: raw->options.spin = true; return 0;
	case OPTION_JSON: raw->json = true; return 0;
	case ARGP_KEY_ARG: parse_word(raw, arg, state); return 0;
	case ARGP_KEY_END: check(raw, state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void print(const struct raw *raw, const struct raw_result *result)
{
	const struct raw_options *options = &raw->options;

	if (raw->json)
		printf("{\"operation\": \"%s\", \"size\": %zu, \"depth\": %u, \"operations\": "
		       "%" PRIu64 ", \"seconds\": %.3f, \"mb_s\": %.2f, \"p50_us\": %.2f, "
		       "\"p99_us\": %.2f}\n",
			words[options->operation], options->size, options->depth,
			result->operations, result->seconds, result->mb_s, result->p50_us,
			result->p99_us);
	else if (options->operation >= RAW_PING)
		printf("%.2f\n%.2f\n", result->p50_us, result->p99_us);
	else
		printf("%.2f\n", result->mb_s);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.args_doc = "serve|write|read|ping|read-one ADDRESS",
		.doc = "Measure bare verbs between two hosts: the yardstick for remora bench.\v"
		       "serve lends memory on ADDRESS of an RDMA device to one client at a time, "
		       "prints \"ready\" and runs until a signal ends it. write and read move "
		       "--size bytes --depth at a time, in work requests of at most 1 MiB, and "
		       "print MB/s (10^6 bytes a second); the time ends when the last byte is in "
		       "place. ping sends a message and waits for its echo, read-one makes one "
		       "READ at a time; they print p50 and p99 in us, a line each. If anything "
		       "fails there is no figure and the exit status is 1.",
	};
	struct raw raw = {
		.options = {.depth = 16, .seconds = 2.0},
		.memory = 64 << 20,
	};
	struct raw_result result;

	raw.options.server.sin_family = AF_INET;
	raw.options.server.sin_port = htons(7480);
	argp_parse(&argp, argc, argv, 0, NULL, &raw);
	if (raw.serve)
		return raw_serve((struct sockaddr *)&raw.options.server, raw.memory) ? 1 : 0;
	if (raw_measure(&raw.options, &result))
		return 1;
	print(&raw, &result);
	return fflush(stdout) ? 1 : 0;
}
