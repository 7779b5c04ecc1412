/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get.c - remora get: fetch an object into a file
 *
 * The object's length is known only after connecting, and memory is registered
 * before, so the bytes come through the adapter's bounce ring: one copy costs
 * less than registering memory for a single use. Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "argument.h"
#include "command.h"
#include "complain.h"
#include "transfer.h"

struct get {
	struct connection_options *connection;
	struct remora_key key;
	const char *key_text;
	const char *path;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct get *get = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = get->connection; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			get->key = argument_key(state, arg);
			get->key_text = arg;
		} else if (state->arg_num == 1) {
			get->path = arg;
		} else {
			argp_error(state, "'%s' is too much: one KEY and one FILE", arg);
		}
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "give a KEY and a FILE ('-' for standard output)");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* The object is locked, so it keeps its length. */
static int load(struct remora_adapter *adapter, const struct get *get, struct remora_object *object)
{
	struct remora_bitmap *loaded;
	uint64_t len;
	int err;

	err = remora_length(adapter, &get->key, &len);
	if (err)
		return err;
	object->len = len;
	object->data = malloc(len);
	if (!object->data)
		return -ENOMEM;
	err = transfer_load(adapter, &get->key, object, 1, &loaded);
	if (!err) {
		err = remora_bitmap_test(loaded, 0) ? 0 : -EIO;
		remora_bitmap_destroy(loaded);
	}
	return err;
}

static int write_all(int fd, const struct remora_object *object)
{
	const unsigned char *data = object->data;
	size_t done = 0;
	ssize_t put;

	while (done < object->len) {
		put = write(fd, data + done, object->len - done);
		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0)
			done += (size_t)put;
	}
	return 0;
}

/* The file is touched only now, when all bytes are here. */
static int write_file(const char *path, const struct remora_object *object)
{
	int to_stdout = !strcmp(path, "-");
	int fd = to_stdout ? STDOUT_FILENO
			   : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err;

	if (fd < 0) {
		complain("cannot create '%s': %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	err = write_all(fd, object);
	if (!to_stdout && close(fd) && !err)
		err = -errno;
	if (err)
		complain("cannot write '%s': %s", path, strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static int fetch(struct remora_adapter *adapter, const struct get *get)
{
	struct remora_object object = {0};
	struct remora_bitmap *found;
	struct remora_status status;
	int err, hit, result = EXIT_FAILED;

	err = transfer_lookup(adapter, &get->key, 1, &found);
	if (err) {
		connection_complain(adapter, "look the key up", err);
		return EXIT_FAILED;
	}
	hit = remora_bitmap_test(found, 0);
	remora_bitmap_destroy(found);
	remora_status(adapter, &status);
	if (!hit && status.connected) {
		complain("there is no object '%s'", get->key_text);
		return EXIT_NOT_FOUND;
	}

	err = hit ? load(adapter, get, &object) : -ENOTCONN;
	if (err)
		connection_complain(adapter, "load the object", err);
	if (hit)
		remora_submit_unlock(adapter, &get->key, 1);
	if (!err)
		result = write_file(get->path, &object);
	free(object.data);
	return result;
}

int get_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.parser = parse_option,
		.args_doc = "KEY FILE",
		.doc = "Write the object under KEY to FILE ('-': standard output).",
		.children = children,
	};
	struct get get = {.connection = options};
	struct remora_adapter *adapter;
	int err, status;

	argp_parse(&argp, argc, argv, 0, NULL, &get);
	err = connection_open(options, NULL, 0, &adapter);
	if (err) {
		status = command_unconnected(err);
		goto free_key;
	}
	status = fetch(adapter, &get);
	remora_destroy(adapter);
free_key:
	argument_free(&get.key);
	return status;
}
