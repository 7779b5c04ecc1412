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
#include <remora/type.h>

#include "complain.h"
#include "reason.h"

/* An attempt to connect gets no more than this of the whole timeout. */
enum { CONNECT_MAX_MS = 10000, ERROR_LEN = 512 };

enum { OPTION_ADAPTER = 0x200, OPTION_ADAPTERS, OPTION_HELP, OPTION_TENANT, OPTION_SECRET_FILE };

static const struct argp_option options_table[] = {
	{"server", 's', "ADDR[:PORT]", 0, "The memory server; default: REMORA_SERVER", 90},
	{"secret-file", OPTION_SECRET_FILE, "PATH", 0,
		"The secret that the server knows too; default: REMORA_SECRET_FILE", 90},
	{"tenant", OPTION_TENANT, "NAME", 0, "Whose objects; default: REMORA_TENANT", 90},
	{"l2-adapter", OPTION_ADAPTER, "JSON", 0, "Another adapter, '{\"type\": ...}'", 91},
	{"l2-adapters", OPTION_ADAPTERS, "FILE", 0, "The same from a file, or an array", 91},
	{"help-adapter", OPTION_HELP, "TYPE", 0, "Tell what can be said of an adapter", 91},
	{"timeout", 't', "SECONDS", 0, "Give up what takes longer; default 30", 90},
	{"verbose", 'v', NULL, 0, "Show what the library logs", 90},
	{0},
};

static void add_adapters(
	struct connection_options *options, int key, const char *arg, struct argp_state *state)
{
	char error[ERROR_LEN] = "out of memory";
	int err = 0;

	if (!options->adapters)
		err = remora_config_list_create(&options->adapters);
	if (!err && key == OPTION_ADAPTER)
		err = remora_config_list_add_json(options->adapters, arg, error, sizeof(error));
	else if (!err)
		err = remora_config_list_add_file(options->adapters, arg, error, sizeof(error));
	if (err)
		argp_error(state, "%s", error);
}

static void help_adapter(const char *type, struct argp_state *state)
{
	char known[256] = "";
	size_t len = 0, i;

	if (!remora_type_help(type, stdout))
		exit(EXIT_SUCCESS);
	for (i = 0; len < sizeof(known) && remora_type_at(i); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
			remora_type_at(i)->name);
	argp_error(state, "--help-adapter %s: there is no such type; there are %s", type, known);
}

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
	case OPTION_TENANT: options->tenant = arg; return 0;
	case OPTION_SECRET_FILE: options->secret_file = arg; return 0;
	case OPTION_ADAPTER:
	case OPTION_ADAPTERS: add_adapters(options, key, arg, state); return 0;
	case OPTION_HELP: help_adapter(arg, state); return 0;
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
	complain("cannot connect to %s: %s",
		remora_config_list_count(options->adapters) ? "the adapter"
							    : connection_server(options),
		status.error[0] ? status.error : reason_text(err));
}

/* An option, or else the environment's; an empty one is as good as none. */
static int configure_text(
	struct remora_config *config, const char *field, const char *option, const char *variable)
{
	const char *value = option ? option : getenv(variable);
	char error[ERROR_LEN];
	int err;

	if (!value || !*value)
		return 0;
	err = remora_config_set(config, field, value, error, sizeof(error));
	if (err)
		complain("%s", error);
	return err;
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
	int err;

	if (!*connection_server(options)) {
		complain("which server? give --server ADDR[:PORT] or set REMORA_SERVER");
		return -EDESTADDRREQ;
	}
	err = remora_config_create("rdma", config);
	if (!err)
		err = configure_server(options, *config);
	if (!err)
		err = configure_text(*config, "tenant", options->tenant, "REMORA_TENANT");
	if (!err)
		err = configure_text(
			*config, "secret_file", options->secret_file, "REMORA_SECRET_FILE");
	return err;
}

static int open_config(const struct connection_options *options, const struct remora_config *config,
	void *arena, size_t arena_len, struct remora_adapter **adapter)
{
	const struct remora_host host = {
		.arena = arena,
		.arena_len = arena_len,
		.log = log_line,
		.log_arg = (void *)options,
	};
	struct remora_adapter *opened;
	int err;

	opening = 1;
	err = remora_open(config, &host, &opened);
	opening = 0;
	if (err) {
		complain("cannot open the adapter: %s", reason_text(err));
		return err;
	}
	err = remora_wait_connected(opened, options->timeout_ms);
	if (err) {
		complain_unconnected(options, opened, err);
		remora_destroy(opened);
		return err;
	}
	*adapter = opened;
	return 0;
}

int connection_open_one(const struct connection_options *options, unsigned number, void *arena,
	size_t arena_len, struct remora_adapter **adapter)
{
	size_t count = remora_config_list_count(options->adapters);
	struct remora_config *config = NULL;
	int err;

	if (count)
		return open_config(options,
			remora_config_list_at(options->adapters, number % count), arena, arena_len,
			adapter);
	err = make_config(options, &config);
	if (!err)
		err = open_config(options, config, arena, arena_len, adapter);
	remora_config_destroy(config);
	return err;
}

int connection_open(const struct connection_options *options, void *arena, size_t arena_len,
	struct remora_adapter **adapter)
{
	if (remora_config_list_count(options->adapters) > 1) {
		complain("give one adapter: only replay takes several");
		return -EDESTADDRREQ;
	}
	return connection_open_one(options, 0, arena, arena_len, adapter);
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
