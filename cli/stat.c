/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat.c - remora stat: what the server holds and does
 *
 * Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "complain.h"
#include "size.h"

enum { OPTION_JSON = 0x100 };

struct stat_command {
	struct connection_options *connection;
	int json;
};

static const struct argp_option options_table[] = {
	{"json", OPTION_JSON, NULL, 0, "Print one JSON object", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct stat_command *command = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = command->connection; return 0;
	case OPTION_JSON: command->json = 1; return 0;
	case ARGP_KEY_ARG: argp_error(state, "'%s' is too much: no arguments", arg); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_text(const struct remora_usage *usage, const struct remora_status *status)
{
	char used[SIZE_TEXT_LEN], capacity[SIZE_TEXT_LEN], reserved[SIZE_TEXT_LEN];
	uint64_t lookups = usage->hits + usage->misses;

	printf("boot id     %016" PRIx64 ", up %.1f s, reached through %s\n", status->boot_id,
		(double)usage->uptime_ms / 1000.0, status->device);
	printf("memory      %s of %s used (%.1f %%), %s of it reserved\n",
		size_print(usage->used, used), size_print(usage->capacity, capacity),
		share(usage->used, usage->capacity), size_print(usage->reserved, reserved));
	printf("objects     %" PRIu64 ", %" PRIu64 " of them locked\n", usage->objects,
		usage->locked);
	printf("sessions    %" PRIu64 "\n", usage->sessions);
	printf("stored      %" PRIu64 " objects, %" PRIu64 " evicted\n", usage->stored,
		usage->evictions);
	printf("lookups     %" PRIu64 " keys, %.1f %% found\n", lookups,
		share(usage->hits, lookups));
	printf("cpu         %.3f s user, %.3f s system\n", (double)usage->user_cpu_us / 1e6,
		(double)usage->system_cpu_us / 1e6);
}

static int print_json(const struct remora_usage *usage, const struct remora_status *status)
{
	char boot_id[20];
	json_t *all;
	int err;

	snprintf(boot_id, sizeof(boot_id), "%016" PRIx64, status->boot_id);
	all = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			"s:I}",
		"boot_id", boot_id, "device", status->device, "capacity",
		(json_int_t)usage->capacity, "used", (json_int_t)usage->used, "reserved",
		(json_int_t)usage->reserved, "objects", (json_int_t)usage->objects, "locked",
		(json_int_t)usage->locked, "sessions", (json_int_t)usage->sessions, "evictions",
		(json_int_t)usage->evictions, "hits", (json_int_t)usage->hits, "misses",
		(json_int_t)usage->misses, "stored", (json_int_t)usage->stored, "uptime_ms",
		(json_int_t)usage->uptime_ms, "user_cpu_us", (json_int_t)usage->user_cpu_us,
		"system_cpu_us", (json_int_t)usage->system_cpu_us);
	if (!all)
		return -ENOMEM;
	err = json_dumpf(all, stdout, JSON_INDENT(2)) ? -EIO : 0;
	json_decref(all);
	putchar('\n');
	return err;
}

int stat_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.doc = "Show what the server holds and does.",
		.children = children,
	};
	struct stat_command command = {.connection = options};
	struct remora_adapter *adapter;
	struct remora_status status;
	struct remora_usage usage;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &command);
	err = connection_open(options, NULL, 0, &adapter);
	if (err)
		return command_unconnected(err);
	err = remora_usage(adapter, &usage);
	if (err) {
		connection_complain(adapter, "ask for the usage", err);
	} else {
		remora_status(adapter, &status);
		if (command.json)
			err = print_json(&usage, &status);
		else
			print_text(&usage, &status);
		if (fflush(stdout) || err)
			complain("cannot write the answer");
	}
	remora_destroy(adapter);
	return err ? EXIT_FAILED : EXIT_OK;
}
