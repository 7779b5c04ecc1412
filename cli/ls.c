/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ls.c - remora ls: list keys, sizes and locks
 *
 * Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "argument.h"
#include "command.h"
#include "keytext.h"
#include "size.h"

enum { OPTION_JSON = 0x100 };

struct ls {
	struct connection_options *connection;
	struct remora_key prefix;
	int json;
	uint64_t count;
};

static const struct argp_option options_table[] = {
	{"json", OPTION_JSON, NULL, 0, "Print a JSON array of objects", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct ls *ls = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = ls->connection; return 0;
	case OPTION_JSON: ls->json = 1; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "'%s' is too much: one PREFIX", arg);
		if (*arg)
			ls->prefix = argument_key(state, arg);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int print_json(struct ls *ls, const char *text, uint64_t len, unsigned locked)
{
	json_t *entry = json_pack("{s:s, s:I, s:I}", "key", text, "size", (json_int_t)len, "locks",
		(json_int_t)locked);
	int err;

	if (!entry)
		return -ENOMEM;
	fputs(ls->count ? ",\n" : "\n", stdout);
	err = json_dumpf(entry, stdout, JSON_COMPACT) ? -EIO : 0;
	json_decref(entry);
	return err;
}

static int print_object(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	char text[KEYTEXT_LEN], size[SIZE_TEXT_LEN];
	struct ls *ls = arg;
	int err = 0;

	keytext_encode(key, text);
	if (ls->json)
		err = print_json(ls, text, len, locked);
	else
		printf("%12s %6u  %s\n", size_print(len, size), locked, text);
	ls->count++;
	return err ? err : ferror(stdout) ? -EIO : 0;
}

static int list(struct ls *ls, struct remora_adapter *adapter)
{
	int err;

	if (ls->json)
		putchar('[');
	err = remora_list(adapter, ls->prefix.len ? &ls->prefix : NULL, print_object, ls);
	if (ls->json)
		fputs("\n]\n", stdout);
	if (fflush(stdout) && !err)
		err = -EIO;
	if (err)
		connection_complain(adapter, "list the objects", err);
	return err ? EXIT_FAILED : EXIT_OK;
}

int ls_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.args_doc = "[PREFIX]",
		.doc = "List the objects whose keys begin with PREFIX: size, locks and key, in no "
		       "particular order. Bytes of a key that are not printable ASCII are shown "
		       "as \\xNN, a backslash as \\\\; put, get and rm take the same.",
		.children = children,
	};
	struct ls ls = {.connection = options};
	struct remora_adapter *adapter;
	int err, status;

	argp_parse(&argp, argc, argv, 0, NULL, &ls);
	err = connection_open(options, NULL, 0, &adapter);
	if (err) {
		status = command_unconnected(err);
		goto free_prefix;
	}
	status = list(&ls, adapter);
	remora_destroy(adapter);
free_prefix:
	argument_free(&ls.prefix);
	return status;
}
