/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.c - remora control: ask a server on this host through its UNIX socket
 *
 * Main thread.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "complain.h"

enum { OPTION_SOCKET = 0x100, ANSWER_SECONDS = 60 };

struct control_command {
	const char *path;
	const char *words; /* one: what the server is asked */
};

static const struct argp_option options_table[] = {
	{"socket", OPTION_SOCKET, "PATH", 0, "What the server was given with --control", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct control_command *command = state->input;

	switch (key) {
	case OPTION_SOCKET: command->path = arg; return 0;
	case ARGP_KEY_ARG:
		if (command->words)
			argp_error(state, "'%s' is too much: one command", arg);
		command->words = arg;
		return 0;
	case ARGP_KEY_END:
		if (!command->words)
			argp_error(state, "which command? There are audit, sessions and status");
		if (!command->path)
			argp_error(state, "which server? Name its socket with --socket");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* A connected socket, or a negative errno. */
static int connect_to(const char *path)
{
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
		!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Send the command and read one line; the caller frees it. NULL: errno says why. */
static char *ask(int fd, const char *words)
{
	char *line = NULL;
	size_t room = 0;
	FILE *stream;

	if (dprintf(fd, "%s\n", words) < 0)
		return NULL;
	stream = fdopen(fd, "r");
	if (!stream)
		return NULL;
	errno = 0;
	if (getline(&line, &room, stream) < 0) {
		int err = errno ? errno : ECONNRESET;

		free(line);
		line = NULL;
		errno = err == EAGAIN ? ETIMEDOUT : err;
	}
	return line;
}

/* Print the answer. The exit status is what it says of itself. */
static int show(const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);
	int ok = json_is_true(json_object_get(answer, "ok"));

	if (!answer) {
		complain("the server's answer is not JSON: %.80s", line);
		return EXIT_FAILED;
	}
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	if (fflush(stdout)) {
		complain("cannot write the answer");
		return EXIT_FAILED;
	}
	return ok ? EXIT_OK : EXIT_FAILED;
}

int control_run(int argc, char **argv, struct connection_options *options)
{
	static const struct argp argp = {
		.options = options_table,
		.parser = parse_option,
		.args_doc = "audit|sessions|status",
		.doc = "Ask a server on this host through its UNIX socket.",
	};
	struct control_command command = {0};
	int fd, status;
	char *line;

	(void)options;
	argp_parse(&argp, argc, argv, 0, NULL, &command);
	fd = connect_to(command.path);
	if (fd < 0) {
		complain("cannot connect to %s: %s", command.path, strerror(-fd));
		return EXIT_FAILED;
	}
	line = ask(fd, command.words);
	if (!line) {
		complain("no answer from %s: %s", command.path, strerror(errno));
		return EXIT_FAILED;
	}
	status = show(line);
	free(line);
	return status;
}
