/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the command line */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

const char *argp_program_version = "remorad " REMORA_VERSION;

enum { KEY_CONFIG = 0x100, KEY_FIRST };

/* The order does not matter to the parser; it is that of --help. */
static const struct argp_option options[] = {
	{"listen", KEY_FIRST, "ADDR[:PORT]", 0,
		"Listen on this address of an RDMA device (required; port 7471)", 0},
	{"memory", KEY_FIRST + 1, "SIZE", 0, "Bytes to keep objects in, as in 64GiB (1GiB)", 0},
	{"workers", KEY_FIRST + 2, "N", 0, "Threads that answer requests (4, or one a CPU)", 0},
	{"numa-node", KEY_FIRST + 3, "N", 0, "Take the memory from this NUMA node (any)", 0},
	{"huge", KEY_FIRST + 4, "auto|off|require", 0, "Use huge pages of 2 MiB (auto)", 0},
	{"max-sessions", KEY_FIRST + 5, "N", 0, "Clients connected at once (256)", 0},
	{"max-reserved", KEY_FIRST + 6, "SIZE", 0,
		"Bytes a client may have reserved and not committed (half the memory)", 0},
	{"max-reservations", KEY_FIRST + 7, "N", 0, "The same as a count (65536)", 0},
	{"max-locks", KEY_FIRST + 8, "N", 0, "Locks a client may hold (1048576)", 0},
	{"secret-file", KEY_FIRST + 9, "PATH", 0,
		"A file with the secret that clients prove to know; mode 600", 0},
	{"insecure", KEY_FIRST + 10, "yes|no", OPTION_ARG_OPTIONAL,
		"Let in everybody who reaches this host, without a secret", 0},
	{"total-locks", KEY_FIRST + 11, "N", 0, "Locks all clients may hold (16777216)", 0},
	{"max-unauthenticated", KEY_FIRST + 12, "N", 0,
		"Clients that have not proved to know the secret yet (64)", 0},
	{"lease-ms", KEY_FIRST + 13, "MS", 0, "End a client that is silent for so long (10000)", 0},
	{"drain-ms", KEY_FIRST + 14, "MS", 0,
		"Wait at most so long for clients to finish when told to stop (5000)", 0},
	{"log-level", KEY_FIRST + 15, "LEVEL", 0, "error, warn, info or debug (info)", 0},
	{"control", KEY_FIRST + 16, "PATH", 0, "Answer `remora control' on this UNIX socket", 0},
	{"config", KEY_CONFIG, "FILE", 0, "Read settings from FILE; the command line wins over it",
		0},
	{0},
};

static const char doc[] =
	"Keep objects in this host's memory for clients that move them with RDMA."
	"\v"
	"In a configuration file every line is `name = value`, with the names of the long "
	"options above; `#` starts a comment. Settings behind a line `[tenant NAME]` are those of a "
	"tenant.";

struct parse {
	struct config *config;
	char *error;
	size_t error_len;
	const char *file; /* of --config */
	bool want_file;   /* this pass looks for --config only */
	int err;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct parse *parse = state->input;
	char detail[CONFIG_ERROR_LEN];

	if (key == ARGP_KEY_ARG) {
		argp_error(state, "%s: only options are expected", value);
		return EINVAL;
	}
	if (key == KEY_CONFIG) {
		parse->file = value;
		return 0;
	}
	if (key < KEY_FIRST || key >= KEY_FIRST + (int)(sizeof(options) / sizeof(options[0])) - 2)
		return ARGP_ERR_UNKNOWN;
	if (parse->want_file)
		return 0;
	parse->err = config_set(parse->config, options[key - KEY_FIRST].name, value ? value : "yes",
		detail, sizeof(detail));
	if (!parse->err)
		return 0;
	snprintf(parse->error, parse->error_len, "--%s", detail);
	return EINVAL;
}

int config_parse(struct config *config, int argc, char **argv, char *error, size_t error_len)
{
	static const struct argp argp = {.options = options, .parser = parse_option, .doc = doc};
	struct parse parse = {
		.config = config,
		.error = error,
		.error_len = error_len,
		.want_file = true,
	};
	int err;

	/* The file is read first, wherever it is named, so that options win. */
	err = argp_parse(&argp, argc, argv, 0, NULL, &parse);
	if (!err && parse.file) {
		err = config_read(config, parse.file, error, error_len);
		if (err)
			return err;
	}
	parse.want_file = false;
	if (!err)
		err = argp_parse(&argp, argc, argv, 0, NULL, &parse);
	if (err)
		return parse.err ? parse.err : -err;
	return config_check(config, error, error_len);
}
