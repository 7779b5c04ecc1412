/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the subcommands of remora
 *
 * Each is one file and one function, called once, by the main thread, with
 * its own words (argv[0] is "remora NAME") and with what was said of the
 * server before the subcommand's name. It returns the exit status.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <errno.h>

#include "connection.h"

enum command_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
};

/* The status of a command whose connection_open() failed. */
static inline int command_unconnected(int err)
{
	return err == -EDESTADDRREQ ? EXIT_USAGE : EXIT_FAILED;
}

int bench_run(int argc, char **argv, struct connection_options *options);
int control_run(int argc, char **argv, struct connection_options *options);
int get_run(int argc, char **argv, struct connection_options *options);
int ls_run(int argc, char **argv, struct connection_options *options);
int ping_run(int argc, char **argv, struct connection_options *options);
int put_run(int argc, char **argv, struct connection_options *options);
int replay_run(int argc, char **argv, struct connection_options *options);
int rm_run(int argc, char **argv, struct connection_options *options);
int stat_run(int argc, char **argv, struct connection_options *options);

#endif
