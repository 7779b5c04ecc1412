/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - which server, and an adapter that is connected to it
 *
 * Used by the main thread; the library's threads call log_line() alone.
 */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "complain.h"
#include "reason.h"

/* An attempt to connect gets no more than this of the whole timeout. */
enum { CONNECT_MAX_MS = 10000 };

static const struct argp_option options_table[] = {
	{"server", 's', "ADDR[:PORT]", 0, "The memory server; default: REMORA_SERVER", 90},
	{"timeout", 't', "SECONDS", 0, "Give up what takes longer; default 30", 90},
	{"verbose", 'v', NULL, 0, "Show what the library logs", 90},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct connection_options *options = state->input;
	double seconds;
	char *end;

	switch (key) {
	case 's':
		if (!*arg)
			argp_error(state, "--server is empty; give ADDR[:PORT]");
		options->server = arg;
		return 0;
	case 't':
		seconds = strtod(arg, &end);
		if (end == arg || *end || !(seconds >= 0.001 && seconds <= 86400.0))
			argp_error(state, "--timeout %s: give seconds from 0.001 to 86400", arg);
		options->timeout_ms = (uint32_t)(seconds * 1000.0);
		return 0;
	case 'v': options->verbose = 1; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

const struct argp connection_argp = {.options = options_table, .parser = parse_option};

const char *connection_server(const struct connection_options *options)
{
	const char *server = options->server ? options->server : getenv("REMORA_SERVER");

	return server ? server : "";
}

/* Set while this thread is in remora_open(), whose only words of a mistake are in its log. */
static _Thread_local int opening;

static void log_line(void *arg, enum remora_log_level level, const char *text)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	const struct connection_options *options = arg;

	if (opening && level == REMORA_LOG_ERROR)
		complain("%s", text);
	else if (options->verbose)
		complain("%s: %s", names[level], text);
}

/*
 * What the library knows of the failure. It tells the waiting thread that an
 * attempt failed a moment before the status says why.
 */
static void await_status(struct remora_adapter *adapter, struct remora_status *status)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	int tries;

	for (tries = 0; tries < 50; tries++) {
		remora_status(adapter, status);
		if (status->error[0])
			return;
		nanosleep(&moment, NULL);
	}
}

static void complain_unconnected(
	const struct connection_options *options, struct remora_adapter *adapter, int err)
{
	struct remora_status status;

	await_status(adapter, &status);
	complain("cannot connect to %s: %s", connection_server(options),
		status.error[0] ? status.error : reason_text(err));
}

int connection_open(const struct connection_options *options, void *arena, size_t arena_len,
	struct remora_adapter **adapter)
{
	struct remora_options wanted = {
		.server = connection_server(options),
		.timeout_ms = options->timeout_ms,
		.connect_timeout_ms =
			options->timeout_ms < CONNECT_MAX_MS ? options->timeout_ms : CONNECT_MAX_MS,
		.arena = arena,
		.arena_len = arena_len,
		.log = log_line,
		.log_arg = (void *)options,
	};
	struct remora_adapter *opened;
	int err;

	if (!*wanted.server) {
		complain("which server? give --server ADDR[:PORT] or set REMORA_SERVER");
		return -EDESTADDRREQ;
	}
	opening = 1;
	err = remora_open(&wanted, &opened);
	opening = 0;
	if (err) {
		complain("cannot use the server '%s': %s", wanted.server, reason_text(err));
		return err;
	}
	err = remora_wait_connected(opened, options->timeout_ms);
	if (err) {
		complain_unconnected(options, opened, err);
		remora_close(opened);
		return err;
	}
	*adapter = opened;
	return 0;
}

void connection_complain(struct remora_adapter *adapter, const char *doing, int err)
{
	struct remora_status status;

	remora_status(adapter, &status);
	if (status.error[0] && !status.connected)
		complain("cannot %s: %s (%s)", doing, reason_text(err), status.error);
	else
		complain("cannot %s: %s", doing, reason_text(err));
}
