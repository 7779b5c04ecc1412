/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - remora bench: measure stores or loads
 *
 * Prints a figure only if every task succeeded and every byte compared was
 * right. Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "argument.h"
#include "command.h"
#include "complain.h"
#include "measure.h"
#include "size.h"

enum {
	OPTION_SIZE = 0x100,
	OPTION_BATCH,
	OPTION_IN_FLIGHT,
	OPTION_SECONDS,
	OPTION_COUNT,
	OPTION_NO_VERIFY,
	OPTION_KEEP,
	OPTION_JSON,
};

struct bench {
	struct connection_options *connection;
	struct measure_options measure;
	const char *operation; /* "store" or "load" */
	const char *json_path;
	int keep;
};

static const struct argp_option options_table[] = {
	{"size", OPTION_SIZE, "SIZE", 0, "Of an object; default 1M", 0},
	{"batch", OPTION_BATCH, "N", 0, "Objects of a task; default 16", 0},
	{"in-flight", OPTION_IN_FLIGHT, "N", 0, "Tasks at a time; default 4", 0},
	{"seconds", OPTION_SECONDS, "S", 0, "Measure for so long; default 5", 0},
	{"count", OPTION_COUNT, "N", 0, "Measure so many tasks instead", 0},
	{"no-verify", OPTION_NO_VERIFY, NULL, 0, "Neither fill nor compare the bytes", 0},
	{"keep", OPTION_KEEP, NULL, 0, "Do not delete the objects at the end", 0},
	{"json", OPTION_JSON, "FILE", 0, "Write the figures there too", 0},
	{0},
};

static error_t parse_word(struct bench *bench, char *arg, struct argp_state *state)
{
	if (state->arg_num || (strcmp(arg, "store") && strcmp(arg, "load")))
		argp_error(state, "'%s': give one operation, store or load", arg);
	bench->operation = arg;
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const uint64_t batches[2] = {1, 65536}, tasks[2] = {1, 1024};
	static const uint64_t counts[2] = {1, UINT64_C(1) << 40};
	struct bench *bench = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = bench->connection; return 0;
	case OPTION_SIZE: bench->measure.size = argument_size(state, "--size", arg); return 0;
	case OPTION_BATCH:
		bench->measure.batch = (unsigned)argument_number(state, "--batch", arg, batches);
		return 0;
	case OPTION_IN_FLIGHT:
		bench->measure.in_flight =
			(unsigned)argument_number(state, "--in-flight", arg, tasks);
		return 0;
	case OPTION_SECONDS:
		bench->measure.seconds = argument_positive(state, "--seconds", arg);
		return 0;
	case OPTION_COUNT:
		bench->measure.count = argument_number(state, "--count", arg, counts);
		bench->measure.seconds = 0.0;
		return 0;
	case OPTION_NO_VERIFY: bench->measure.verify = 0; return 0;
	case OPTION_KEEP: bench->keep = 1; return 0;
	case OPTION_JSON: bench->json_path = arg; return 0;
	case ARGP_KEY_ARG: return parse_word(bench, arg, state);
	case ARGP_KEY_NO_ARGS: argp_error(state, "give an operation, store or load"); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static double mb_a_second(const struct measure_result *result)
{
	return result->seconds > 0.0 ? (double)result->bytes / 1e6 / result->seconds : 0.0;
}

static double percentile_us(const struct measure_result *result, double percent)
{
	return (double)histogram_percentile(&result->ns, percent) / 1e3;
}

static void print(const struct bench *bench, const struct measure_result *result)
{
	char size[SIZE_TEXT_LEN], moved[SIZE_TEXT_LEN], verified[SIZE_TEXT_LEN];

	printf("%s of %u x %s, %u in flight: %.1f MB/s\n", bench->operation, bench->measure.batch,
		size_print(bench->measure.size, size), bench->measure.in_flight,
		mb_a_second(result));
	printf("  %" PRIu64 " tasks moved %s in %.2f s; a task: p50 %.1f us, p99 %.1f us\n",
		result->tasks, size_print(result->bytes, moved), result->seconds,
		percentile_us(result, 50.0), percentile_us(result, 99.0));
	printf("  %s compared byte by byte\n", size_print(result->verified, verified));
}

static int write_json(const struct bench *bench, const struct measure_result *result,
	struct remora_adapter *adapter)
{
	const char *backend = getenv("REMORA_LAB_BACKEND");
	const char *device = getenv("REMORA_LAB_DEVICE_TYPE");
	struct remora_status status;
	json_t *all;
	int err;

	remora_status(adapter, &status);
	all = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, "
			"s:f}",
		"operation", bench->operation, "device", device ? device : status.device,
		"rdma_device", status.device, "size", (json_int_t)bench->measure.size, "batch",
		(json_int_t)bench->measure.batch, "in_flight", (json_int_t)bench->measure.in_flight,
		"tasks", (json_int_t)result->tasks, "failed_tasks", (json_int_t)result->failed,
		"bytes", (json_int_t)result->bytes, "bytes_verified", (json_int_t)result->verified,
		"mismatches", (json_int_t)result->mismatches, "seconds", result->seconds, "mb_s",
		mb_a_second(result), "p50_us", percentile_us(result, 50.0), "p99_us",
		percentile_us(result, 99.0));
	if (all && backend)
		json_object_set_new(all, "backend", json_string(backend));
	errno = 0;
	err = all && !json_dump_file(all, bench->json_path, JSON_INDENT(2)) ? 0 : -1;
	if (err)
		complain("cannot write the figures to '%s': %s", bench->json_path,
			strerror(errno ? errno : ENOMEM));
	json_decref(all);
	return err;
}

static int run(const struct bench *bench, struct measure *measure, struct remora_adapter *adapter)
{
	static struct measure_result result; /* too large for a stack */
	int err;

	if (!strcmp(bench->operation, "store"))
		err = measure_stores(measure, adapter, &result);
	else
		err = measure_loads(measure, adapter, &result);
	if (!bench->keep && measure_clean(measure, adapter) && !err && !result.failed)
		complain("some objects with keys 'bench/%016" PRIx64 "/...' could not be deleted",
			bench->measure.run);
	if (err || result.failed || result.mismatches) {
		complain("no figure: %" PRIu64 " tasks failed, %" PRIu64
			 " objects had a wrong byte: %s",
			result.failed, result.mismatches, result.error);
		return EXIT_FAILED;
	}
	print(bench, &result);
	if (bench->json_path && write_json(bench, &result, adapter))
		return EXIT_FAILED;
	return EXIT_OK;
}

int bench_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.args_doc = "store|load",
		.doc = "Measure stores of new objects, or loads of objects that are locked once "
		       "before. If a task fails or a byte is wrong there is no figure and the "
		       "exit status is 1.\vA store fills each object anew and at the end reads "
		       "back those stored last; a load poisons the buffers before and compares "
		       "each byte after. The time for that is measured too: --no-verify leaves "
		       "it out. The objects go when the server evicts them, the rest is deleted "
		       "at the end. MB/s are 10^6 bytes a second.",
		.children = children,
	};
	struct bench bench = {
		.connection = options,
		.measure =
			{.size = 1 << 20, .batch = 16, .in_flight = 4, .seconds = 5.0, .verify = 1},
	};
	struct remora_adapter *adapter;
	struct measure *measure;
	size_t arena_len;
	void *arena;
	int err, status;

	argp_parse(&argp, argc, argv, 0, NULL, &bench);
	if (getrandom(&bench.measure.run, sizeof(bench.measure.run), 0) < 0 ||
		measure_create(&bench.measure, &measure)) {
		complain("no memory for the buffers; lower --size, --batch or --in-flight");
		return EXIT_FAILED;
	}
	arena = measure_arena(measure, &arena_len);
	err = connection_open(options, arena, arena_len, &adapter);
	if (err) {
		status = command_unconnected(err);
	} else {
		status = run(&bench, measure, adapter);
		remora_destroy(adapter);
	}
	measure_destroy(measure);
	return status;
}
