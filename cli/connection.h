/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - which server, and an adapter that is connected to it
 *
 * Used by the main thread.
 */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include <remora/adapter.h>
#include <remora/config.h>

struct connection_options {
	const char *server;                  /* NULL: the environment's REMORA_SERVER */
	const char *tenant;                  /* NULL: the environment's REMORA_TENANT, or none */
	const char *secret_file;             /* NULL: the environment's REMORA_SECRET_FILE, or none */
	struct remora_config_list *adapters; /* instead of the server; NULL: none */
	uint32_t timeout_ms;
	int verbose;
};

/* --server, --l2-adapter and its kin, --timeout and --verbose, for every subcommand's children;
 * input: the options. */
extern const struct argp connection_argp;

/*
 * Connect, with an arena or without (NULL, 0). Complains of everything that
 * goes wrong, with what to do about it, and returns it as a negative errno:
 * -EDESTADDRREQ if nobody said which server, or said it wrongly.
 */
int connection_open(const struct connection_options *options, void *arena, size_t arena_len,
	struct remora_adapter **adapter);

/* The same with adapter number % count, if several are given. */
int connection_open_one(const struct connection_options *options, unsigned number, void *arena,
	size_t arena_len, struct remora_adapter **adapter);

/* Complain that the server could not be asked; doing is "list the objects" or the like. */
void connection_complain(struct remora_adapter *adapter, const char *doing, int err);

/* The server's address as given, "" if nobody gave one. */
const char *connection_server(const struct connection_options *options);

#endif
