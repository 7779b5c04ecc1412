/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rm.c - remora rm: delete objects
 *
 * Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "argument.h"
#include "command.h"
#include "complain.h"
#include "keytext.h"
#include "transfer.h"

struct rm {
	struct connection_options *connection;
	struct remora_key *keys;
	size_t count;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct rm *rm = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = rm->connection; return 0;
	case ARGP_KEY_ARG: rm->keys[rm->count++] = argument_key(state, arg); return 0;
	case ARGP_KEY_NO_ARGS: argp_error(state, "give at least one KEY"); return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* Say why each key that was not deleted was not. Returns the exit status. */
static int explain(const struct rm *rm, const struct remora_bitmap *deleted,
	const struct remora_bitmap *still_there)
{
	char text[KEYTEXT_LEN];
	int status = EXIT_OK;
	size_t i;

	for (i = 0; i < rm->count; i++) {
		if (remora_bitmap_test(deleted, i))
			continue;
		keytext_encode(&rm->keys[i], text);
		if (remora_bitmap_test(still_there, i)) {
			complain("'%s' is locked by a client that reads it; try again when it is "
				 "done",
				text);
			status = EXIT_FAILED;
			continue;
		}
		complain("there is no object '%s'", text);
		if (status == EXIT_OK)
			status = EXIT_NOT_FOUND;
	}
	return status;
}

static int delete_keys(const struct rm *rm, struct remora_adapter *adapter)
{
	struct remora_bitmap *deleted = NULL, *still_there;
	int err, status;

	err = remora_delete(adapter, rm->keys, rm->count, &deleted);
	if ((err && err != -EBUSY) || !deleted) {
		connection_complain(adapter, "delete", err ? err : -ENOMEM);
		return EXIT_FAILED;
	}
	/* What is found now and was not deleted before was locked. */
	err = transfer_lookup(adapter, rm->keys, rm->count, &still_there);
	if (err) {
		connection_complain(adapter, "ask why keys were not deleted", err);
		status = EXIT_FAILED;
		goto destroy_deleted;
	}
	remora_submit_unlock(adapter, rm->keys, rm->count);
	status = explain(rm, deleted, still_there);
	remora_bitmap_destroy(still_there);
destroy_deleted:
	remora_bitmap_destroy(deleted);
	return status;
}

int rm_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.parser = parse_option,
		.args_doc = "KEY...",
		.doc = "Delete the objects under the KEYs. Locked objects stay.",
		.children = children,
	};
	struct rm rm = {.connection = options};
	struct remora_adapter *adapter;
	int err, status;

	rm.keys = calloc((size_t)argc, sizeof(*rm.keys));
	if (!rm.keys) {
		complain("out of memory for %d keys", argc);
		return EXIT_FAILED;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &rm);
	err = connection_open(options, NULL, 0, &adapter);
	if (err) {
		status = command_unconnected(err);
		goto free_keys;
	}
	status = delete_keys(&rm, adapter);
	remora_destroy(adapter);
free_keys:
	while (rm.count)
		argument_free(&rm.keys[--rm.count]);
	free(rm.keys);
	return status;
}
