/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - remora replay: replay a request trace as a cache engine would
 *
 * Main thread; the clients have threads of their own.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "command.h"
#include "complain.h"
#include "progress.h"
#include "replay.h"
#include "replay_client.h"
#include "replay_options.h"
#include "replay_report.h"
#include "replay_totals.h"
#include "size.h"

/* A client and its adapter. */
struct seat {
	struct replay_client *client;
	struct remora_adapter *adapter;
};

static struct replay_progress progress;
static struct replay_totals totals; /* too large for a stack */

static void stop(int signal_number)
{
	(void)signal_number;
	atomic_store(&progress.stop, 1);
}

/* The first signal ends the replay in order, the second at once. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int read_trace(const struct replay_options *options, struct trace *trace)
{
	char error[TRACE_ERROR_LEN];
	int err;

	if (options->trace_path) {
		err = trace_load(trace, options->trace_path, options->requests, error);
		if (err)
			complain("%s", error);
		else if (!trace->request_count)
			complain("%s: there is no request in the trace", options->trace_path);
		return err || !trace->request_count ? -EINVAL : 0;
	}
	err = synthetic_generate(&options->shape, trace);
	if (err)
		complain("cannot make conversations up: %s", strerror(-err));
	if (trace->request_count > options->requests)
		trace->request_count = options->requests;
	return err;
}

static void close_seats(struct seat *seats, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		/* First the adapter: it has the client's arena registered. */
		remora_destroy(seats[i].adapter);
		replay_client_destroy(seats[i].client);
	}
	free(seats);
}

static int open_seat(const struct replay_options *options, const struct replay_plan *plan,
	unsigned number, struct seat *seat)
{
	char text[SIZE_TEXT_LEN];
	size_t arena_len;
	void *arena;
	int err;

	err = replay_client_create(plan, &progress, &seat->client);
	if (err) {
		complain("no memory for a client's %s of buffers; lower --memory or --in-flight",
			size_print(plan->request_memory * plan->in_flight, text));
		return err;
	}
	arena = replay_client_arena(seat->client, &arena_len);
	return connection_open_one(options->connection, number, arena, arena_len, &seat->adapter);
}

static int open_seats(
	const struct replay_options *options, const struct replay_plan *plan, struct seat **out)
{
	struct seat *seats = calloc(options->clients, sizeof(*seats));
	unsigned i;
	int err = seats ? 0 : -ENOMEM;

	for (i = 0; !err && i < options->clients; i++)
		err = open_seat(options, plan, i, &seats[i]);
	if (err) {
		close_seats(seats, seats ? options->clients : 0);
		return err;
	}
	*out = seats;
	return 0;
}

static void tell_plan(const struct replay_report *report)
{
	const struct replay_plan *plan = report->plan;
	const struct trace_survey *survey = report->survey;
	char object[SIZE_TEXT_LEN], set[SIZE_TEXT_LEN], pool[SIZE_TEXT_LEN];

	fprintf(stderr, "%s: %zu requests for %" PRIu64 " blocks; a block is %u object%s of %s\n",
		report->input, plan->trace->request_count, survey->blocks, plan->ranks,
		plan->ranks == 1 ? "" : "s", size_print(plan->object_len, object));
	fprintf(stderr,
		"%" PRIu64 " blocks are distinct, which is %s; the server has %s. One that never "
		"evicts would have %.1f %% of the blocks.\n",
		survey->distinct,
		size_print(survey->distinct * plan->ranks * plan->object_len, set),
		size_print(report->before.capacity, pool),
		survey->blocks ? 100.0 * (double)survey->leading / (double)survey->blocks : 0.0);
}

static int ask_before(struct remora_adapter *adapter, struct replay_report *report)
{
	char object[SIZE_TEXT_LEN], pool[SIZE_TEXT_LEN];
	int err;

	err = remora_usage(adapter, &report->before);
	if (err) {
		connection_complain(adapter, "ask for the usage", err);
		return err;
	}
	if (report->plan->object_len <= report->before.capacity)
		return 0;
	complain("an object has %s, more than the server's whole pool of %s; give remorad more "
		 "memory, or choose a smaller --object-size or more --tp ranks",
		size_print(report->plan->object_len, object),
		size_print(report->before.capacity, pool));
	return -EFBIG;
}

static void watch(size_t requests)
{
	const struct timespec tick = {.tv_nsec = 50000000};
	struct progress_state state = {.total = requests};
	struct progress line;

	progress_begin(&line);
	while (atomic_load(&progress.running)) {
		nanosleep(&tick, NULL);
		state.done = atomic_load(&progress.done);
		state.bytes =
			atomic_load(&progress.bytes_loaded) + atomic_load(&progress.bytes_stored);
		state.failures = atomic_load(&progress.failures);
		progress_show(&line, &state);
	}
	progress_end(&line);
}

static void run_clients(struct seat *seats, unsigned count, const struct replay_plan *plan)
{
	unsigned started;
	int err = 0;

	progress.start_ns = clock_ns();
	for (started = 0; started < count && !err; started++)
		err = replay_client_start(seats[started].client, seats[started].adapter);
	if (err) {
		replay_totals_error(&totals, "cannot start a thread: %s", strerror(-err));
		totals.lost++;
		started--;
	}
	watch(plan->trace->request_count);
	while (started--)
		replay_client_join(seats[started].client, &totals);
}

static const char *how_ended(const struct replay_plan *plan)
{
	if (atomic_load(&progress.stop))
		return "stopped by a signal";
	if (atomic_load(&progress.failures) >= plan->max_failures)
		return "given up after too many failures";
	if (totals.requests < plan->trace->request_count)
		return "broken off";
	return "complete";
}

static int replay(
	const struct replay_options *options, struct replay_report *report, struct seat *seats)
{
	int err;

	err = ask_before(seats[0].adapter, report);
	if (err)
		return EXIT_FAILED;
	tell_plan(report);
	catch_signals();
	run_clients(seats, options->clients, report->plan);

	report->seconds = (double)(totals.end_ns - progress.start_ns) / 1e9;
	report->ended = how_ended(report->plan);
	report->has_after = !remora_usage(seats[0].adapter, &report->after);
	remora_status(seats[0].adapter, &report->status);
	replay_report_print(report);
	if (options->json_path && replay_report_write(report, options->json_path))
		return EXIT_FAILED;
	if (!replay_totals_good(&totals) || totals.requests < report->plan->trace->request_count)
		return EXIT_FAILED;
	return report->has_after ? EXIT_OK : EXIT_FAILED;
}

int replay_run(int argc, char **argv, struct connection_options *connection)
{
	struct replay_options options = {.connection = connection};
	struct trace trace = {0};
	struct replay_plan plan = {.trace = &trace};
	struct trace_survey survey;
	struct replay_report report = {.plan = &plan, .totals = &totals, .survey = &survey};
	struct seat *seats;
	int err, status = EXIT_FAILED;

	replay_options_parse(&options, argc, argv);
	report.input = options.trace_path ? options.trace_path : "synthetic";
	report.clients = options.clients;
	if (replay_options_plan(&options, &plan))
		return EXIT_USAGE;
	if (read_trace(&options, &trace) || trace_survey(&trace, &survey))
		goto free_trace;
	err = open_seats(&options, &plan, &seats);
	if (err) {
		status = command_unconnected(err);
		goto free_trace;
	}
	status = replay(&options, &report, seats);
	close_seats(seats, options.clients);
free_trace:
	trace_fini(&trace);
	return status;
}
