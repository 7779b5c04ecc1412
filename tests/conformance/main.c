/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - remora-conformance: does an adapter do what the interface promises?
 */
#include <argp.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <remora/type.h>

#include "runner.h"

enum { EXIT_USAGE = 2, DEFAULT_SECONDS = 20, ONLY_LIST = 256, NO_FORK };

static const char doc[] =
	"Ask an adapter for everything that the interface promises and tell the verdicts in TAP."
	"\vThe suite deletes whatever the adapter's store holds. Exit status: 0 every case "
	"passed, 1 a case failed, 2 wrong usage.";

static const struct argp_option options[] = {
	{"adapter", 'a', "JSON", 0, "The adapter to ask, as for --l2-adapter", 0},
	{"dead-adapter", 'd', "JSON", 0, "One of the same type whose server never answers", 0},
	{"load", 'l', "LIB.so", 0, "A shared object with adapter types; may be repeated", 0},
	{"only", 'o', "GROUP|CASE", 0, "Run these alone; may be repeated", 0},
	{"timeout", 't', "SECONDS", 0, "The longest that a case may take (default 20)", 0},
	{"list", ONLY_LIST, NULL, 0, "Name the cases and run none", 0},
	{"no-fork", NO_FORK, NULL, 0, "Run every case in this process, for debuggers", 0},
	{0},
};

static void load_types(struct argp_state *state, const char *path)
{
	const struct remora_type *const *(*types)(void);
	const struct remora_type *const *type;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int err;

	if (!lib)
		argp_failure(state, EXIT_USAGE, 0, "%s", dlerror());
	*(void **)&types = dlsym(lib, "remora_types");
	if (!types)
		argp_failure(state, EXIT_USAGE, 0, "%s has no function remora_types()", path);
	for (type = types(); *type; type++) {
		err = remora_type_register(*type);
		if (err)
			argp_failure(state, EXIT_USAGE, -err, "adapter type %s", (*type)->name);
	}
}

static void add_only(struct argp_state *state, struct runner *runner, const char *name)
{
	if (!runner_has(name))
		argp_error(state, "no group or case is named '%s'; see --list", name);
	if (runner->only_count == RUNNER_ONLY_MAX)
		argp_error(state, "--only at most %d times", RUNNER_ONLY_MAX);
	runner->only[runner->only_count++] = name;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct runner *runner = state->input;
	char *end;

	switch (key) {
	case 'a': runner->trial.json = arg; return 0;
	case 'd': runner->trial.dead = arg; return 0;
	case 'l': load_types(state, arg); return 0;
	case 'o': add_only(state, runner, arg); return 0;
	case 't':
		runner->seconds = (unsigned)strtoul(arg, &end, 10);
		if (*end || !runner->seconds || runner->seconds > 3600)
			argp_error(state, "--timeout %s: a number from 1 to 3600", arg);
		return 0;
	case ONLY_LIST: runner_list(); exit(0);
	case NO_FORK: runner->fork = false; return 0;
	case ARGP_KEY_ARG: argp_error(state, "'%s' is no option", arg); return EINVAL;
	case ARGP_KEY_END:
		if (!runner->trial.json)
			argp_error(state, "--adapter '{\"type\": ...}' is missing");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {.options = options, .parser = parse_option, .doc = doc};
	struct runner runner = {.seconds = DEFAULT_SECONDS, .fork = true};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &runner);
	/* A wait that ends tells more than a case that was killed. */
	runner.trial.wait_ms = (int)runner.seconds * 750;
	return runner_run(&runner) ? 1 : 0;
}
