/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_client.h - the active end of bench_raw: measure bare verbs
 *
 * Says what went wrong on standard error; negative errno. For one thread.
 */
#ifndef RAW_CLIENT_H
#define RAW_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum raw_operation {
	RAW_WRITE,    /* depth at a time */
	RAW_READ,     /* depth at a time */
	RAW_PING,     /* a message and its echo, one at a time */
	RAW_READ_ONE, /* one at a time */
};

struct raw_options {
	struct sockaddr_in server;
	enum raw_operation operation;
	size_t size;
	unsigned depth;
	double seconds;
	bool spin;
};

struct raw_result {
	uint64_t operations;
	double seconds;
	double mb_s;           /* 10^6 bytes a second */
	double p50_us, p99_us; /* of RAW_PING and RAW_READ_ONE, else 0 */
};

/* Fills the result only on success. */
int raw_measure(const struct raw_options *options, struct raw_result *result);

#endif
