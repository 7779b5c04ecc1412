/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put.c - remora put: store a file under a key
 *
 * The file is read into memory that is registered as the adapter's arena, so
 * its bytes go to the server without another copy. Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "argument.h"
#include "command.h"
#include "complain.h"
#include "size.h"
#include "transfer.h"

struct put {
	struct connection_options *connection;
	struct remora_key key;
	const char *key_text;
	const char *path;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct put *put = state->input;

	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = put->connection; return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			put->key = argument_key(state, arg);
			put->key_text = arg;
		} else if (state->arg_num == 1) {
			put->path = arg;
		} else {
			argp_error(state, "'%s' is too much: one KEY and one FILE", arg);
		}
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "give a KEY and a FILE ('-' for standard input)");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* How much to read at first: one more than the size shows the end in one go. */
static size_t first_guess(int fd)
{
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return 1 << 20;
	return (size_t)status.st_size + 1;
}

/* Read to the end, into memory that stays mapped until the process ends. */
static int read_all(int fd, struct remora_object *object)
{
	size_t capacity = first_guess(fd), len = 0;
	unsigned char *data;
	void *bigger;
	ssize_t got;

	data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	while ((got = read(fd, data + len, capacity - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		len += (size_t)got;
		if (len < capacity)
			continue;
		bigger = mremap(data, capacity, 2 * capacity, MREMAP_MAYMOVE);
		if (bigger == MAP_FAILED)
			return -errno;
		data = bigger;
		capacity *= 2;
	}
	*object = (struct remora_object){.data = data, .len = len};
	return 0;
}

static int read_file(const char *path, struct remora_object *object)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	int err;

	if (fd < 0) {
		err = -errno;
		complain("cannot open '%s': %s", path, strerror(-err));
		return err;
	}
	err = read_all(fd, object);
	if (err)
		complain("cannot read '%s': %s", path, strerror(-err));
	if (fd != STDIN_FILENO)
		close(fd);
	if (!err && !object->len) {
		complain("'%s' is empty; an object has at least 1 byte", path);
		err = -EINVAL;
	}
	return err;
}

static void complain_store(
	const struct put *put, struct remora_adapter *adapter, uint64_t len, int err)
{
	char len_text[SIZE_TEXT_LEN], other[SIZE_TEXT_LEN], locked[SIZE_TEXT_LEN];
	struct remora_usage usage;

	if (err != -ENOSPC || remora_usage(adapter, &usage)) {
		connection_complain(adapter, "store the object", err);
		return;
	}
	if (len > usage.capacity)
		complain("'%s' has %s, more than the server's whole pool of %s; give remorad "
			 "more memory or cut the object",
			put->path, size_print(len, len_text), size_print(usage.capacity, other));
	else
		complain("the server has no room for %s: %s of its %s are taken and %llu of its "
			 "%llu objects locked; try again when clients unlock them",
			size_print(len, len_text), size_print(usage.used, locked),
			size_print(usage.capacity, other), (unsigned long long)usage.locked,
			(unsigned long long)usage.objects);
}

/* An object that can never fit is refused before a byte of it moves. */
static int check_fits(const struct put *put, struct remora_adapter *adapter, uint64_t len)
{
	struct remora_usage usage;
	int err = remora_usage(adapter, &usage);

	if (!err && len > usage.capacity) {
		complain_store(put, adapter, len, -ENOSPC);
		return -ENOSPC;
	}
	return 0;
}

static int store(
	const struct put *put, struct remora_adapter *adapter, const struct remora_object *object)
{
	uint64_t bytes;
	int err;

	err = check_fits(put, adapter, object->len);
	if (err)
		return EXIT_FAILED;
	err = transfer_store(adapter, &put->key, object, 1, &bytes);
	if (err) {
		complain_store(put, adapter, object->len, err);
		return EXIT_FAILED;
	}
	if (!bytes)
		complain("'%s' was there already and keeps its content; to replace it, rm it "
			 "first",
			put->key_text);
	return EXIT_OK;
}

int put_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp_child children[] = {{.argp = &connection_argp}, {0}};
	static const struct argp argp = {
		.parser = parse_option,
		.args_doc = "KEY FILE",
		.doc = "Store the content of FILE ('-': standard input) under KEY. A key that "
		       "exists keeps its content.",
		.children = children,
	};
	struct put put = {.connection = options};
	struct remora_adapter *adapter;
	struct remora_object object;
	int err, status;

	argp_parse(&argp, argc, argv, 0, NULL, &put);
	if (read_file(put.path, &object)) {
		status = EXIT_FAILED;
		goto free_key;
	}
	err = connection_open(options, object.data, object.len, &adapter);
	if (err) {
		status = command_unconnected(err);
		goto free_key;
	}
	status = store(&put, adapter, &object);
	remora_destroy(adapter);
free_key:
	argument_free(&put.key);
	return status;
}
