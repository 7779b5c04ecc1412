/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the remora command: find the subcommand and run it
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv, struct connection_options *options);
} commands[] = {
	{"put", put_run},
	{"get", get_run},
	{"ls", ls_run},
	{"rm", rm_run},
	{"stat", stat_run},
	{"ping", ping_run},
	{"bench", bench_run},
	{"replay", replay_run},
	{"control", control_run},
};

static const char doc[] = "Keep objects in the memory of a remote server, over RDMA."
			  "\vCommands:\n"
			  "  put KEY FILE     store a file\n"
			  "  get KEY FILE     fetch it again\n"
			  "  ls [PREFIX]      list keys, sizes and locks\n"
			  "  rm KEY...        delete objects\n"
			  "  stat             show what the server holds and does\n"
			  "  ping             measure round trips\n"
			  "  bench            measure stores or loads\n"
			  "  replay           replay a request trace as a cache engine would\n"
			  "  control COMMAND  ask a server on this host through its socket\n"
			  "\n"
			  "`remora COMMAND --help' tells more of each. Keys are any bytes; \\xNN "
			  "stands for a byte and \\\\ for a backslash.\n"
			  "\n"
			  "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such object.";

/* What is said before the subcommand's name. */
struct invocation {
	struct connection_options connection;
	const struct command *command;
	int first; /* the subcommand's place in argv */
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct invocation *invocation = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &invocation->connection; return 0;
	case ARGP_KEY_ARG:
		invocation->command = find_command(arg);
		if (!invocation->command)
			argp_error(state, "there is no command '%s'", arg);
		invocation->first = state->next - 1;
		/* The rest is the subcommand's. */
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS: argp_error(state, "which command?"); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.parser = parse_option,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = doc,
		.children = children,
	};
	struct invocation invocation = {.connection.timeout_ms = 30000};
	char name[64];
	int status;

	argp_err_exit_status = EXIT_USAGE;
	argp_program_version = "remora " REMORA_VERSION;
	/* A closed pipe is an error of write(), told like any other. */
	signal(SIGPIPE, SIG_IGN);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &invocation);

	snprintf(name, sizeof(name), "remora %s", invocation.command->name);
	argv[invocation.first] = name;
	status = invocation.command->run(
		argc - invocation.first, argv + invocation.first, &invocation.connection);
	remora_config_list_destroy(invocation.connection.adapters);
	return status;
}
