/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - which server, and an adapter that is connected to it
 *
 * Used by the main thread; the library's threads call log_line() alone.
 */
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <remora/config.h>

#include "complain.h"
#include "reason.h"

/* An attempt to connect gets no more than this of the whole timeout. */
enum { CONNECT_MAX_MS = 10000, ERROR_LEN = 512 };

static const struct argp_option options_table[] = {
	{"server", 's', "ADDR[:PORT]", 0, "The memory server; default: REMORA_SERVER", 90},
	{"l2-adapter", 'l', "JSON", 0, "Another adapter instead, '{\"type\": ...}'", 90},
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
	case 'l': options->adapter = arg; return 0;
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

static const char *place_of(const struct connection_options *options)
{
	return options->adapter ? options->adapter : connection_server(options);
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
	complain("cannot connect to %s: %s", place_of(options),
		status.error[0] ? status.error : reason_text(err));
}

static int configure_server(const struct connection_options *options, struct remora_config *config)
{
	uint32_t connect_ms =
		options->timeout_ms < CONNECT_MAX_MS ? options->timeout_ms : CONNECT_MAX_MS;
	char timeout[16], connect_timeout[16], error[ERROR_LEN];
	int err;

	snprintf(timeout, sizeof(timeout), "%u", options->timeout_ms);
	snprintf(connect_timeout, sizeof(connect_timeout), "%u", connect_ms);
	err = remora_config_set(config, "server", connection_server(options), error, sizeof(error));
	if (!err)
		err = remora_config_set(config, "timeout_ms", timeout, error, sizeof(error));
	if (!err)
		err = remora_config_set(
			config, "connect_timeout_ms", connect_timeout, error, sizeof(error));
	if (err)
		complain("%s", error);
	return err;
}

static int make_config(const struct connection_options *options, struct remora_config **config)
{
	char error[ERROR_LEN];
	int err;

	if (options->adapter) {
		err = remora_config_parse(
			options->adapter, "--l2-adapter", config, error, sizeof(error));
		if (err)
			complain("%s", error);
		return err ? -EDESTADDRREQ : 0;
	}
	if (!*connection_server(options)) {
		complain("which server? give --server ADDR[:PORT] or set REMORA_SERVER");
		return -EDESTADDRREQ;
	}
	err = remora_config_create("rdma", config);
	if (!err)
		err = configure_server(options, *config);
	return err;
}

static int await_connected(const struct connection_options *options, struct remora_adapter *adapter)
{
	int err = remora_wait_connected(adapter, options->timeout_ms);

	if (err)
		complain_unconnected(options, adapter, err);
	return err;
}

int connection_open(const struct connection_options *options, void *arena, size_t arena_len,
	struct remora_adapter **adapter)
{
	const struct remora_host host = {
		.arena = arena,
		.arena_len = arena_len,
		.log = log_line,
		.log_arg = (void *)options,
	};
	struct remora_config *config = NULL;
	struct remora_adapter *opened;
	int err;

	err = make_config(options, &config);
	if (err)
		return err;
	opening = 1;
	err = remora_open(config, &host, &opened);
	opening = 0;
	remora_config_destroy(config);
	if (err) {
		complain("cannot use %s: %s", place_of(options), reason_text(err));
		return err;
	}
	err = await_connected(options, opened);
	if (err)
		remora_destroy(opened);
	else
		*adapter = opened;
	return err;
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
