/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping.c - remora ping: measure round trips to the server
 *
 * Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "argument.h"
#include "command.h"
#include "complain.h"
#include "histogram.h"

struct ping {
	struct connection_options *connection;
	uint64_t count;
	double interval;
	int quiet;
	struct histogram times; /* in ns */
};

static const struct argp_option options_table[] = {
	{"count", 'c', "N", 0, "Ask N times; default 5", 0},
	{"interval", 'i', "SECONDS", 0, "Wait between them; default 0.2", 0},
	{"quiet", 'q', NULL, 0, "Print the summary only", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const uint64_t counts[2] = {1, 1000000000};
	struct ping *ping = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = ping->connection; return 0;
	case 'c': ping->count = argument_number(state, "--count", arg, counts); return 0;
	case 'i': ping->interval = argument_positive(state, "--interval", arg); return 0;
	case 'q': ping->quiet = 1; return 0;
	case ARGP_KEY_ARG: argp_error(state, "'%s' is too much: no arguments", arg); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void rest(double seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds};

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
}

static int ask(struct ping *ping, struct remora_adapter *adapter)
{
	uint64_t i, rtt_ns;
	int err;

	for (i = 0; i < ping->count; i++) {
		if (i)
			rest(ping->interval);
		err = remora_ping(adapter, &rtt_ns);
		if (err)
			return err;
		histogram_record(&ping->times, rtt_ns);
		if (!ping->quiet)
			printf("%" PRIu64 ": %.1f us\n", i + 1, (double)rtt_ns / 1e3);
	}
	return 0;
}

static void print_summary(const struct ping *ping)
{
	printf("%" PRIu64 " of %" PRIu64 " answered", ping->times.count, ping->count);
	if (ping->times.count)
		printf("; us: min %.1f, p50 %.1f, p99 %.1f, max %.1f",
			(double)ping->times.min / 1e3,
			(double)histogram_percentile(&ping->times, 50.0) / 1e3,
			(double)histogram_percentile(&ping->times, 99.0) / 1e3,
			(double)ping->times.max / 1e3);
	putchar('\n');
}

int ping_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.doc = "Measure round trips of an empty request. Ends with status 1 at the first "
		       "that is not answered.",
		.children = children,
	};
	static struct ping ping = {.count = 5, .interval = 0.2};
	struct remora_adapter *adapter;
	int err;

	ping.connection = options;
	argp_parse(&argp, argc, argv, 0, NULL, &ping);
	err = connection_open(options, NULL, 0, &adapter);
	if (err)
		return command_unconnected(err);
	err = ask(&ping, adapter);
	print_summary(&ping);
	if (err)
		connection_complain(adapter, "ping", err);
	remora_destroy(adapter);
	return err ? EXIT_FAILED : EXIT_OK;
}
