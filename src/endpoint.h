/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint.h - a server's address as people write it
 *
 * "10.0.0.1", "10.0.0.1:7471", "fe80::1", "[fe80::1]:7471", "host:7471".
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stddef.h>
#include <sys/socket.h>

struct endpoint {
	struct sockaddr_storage address;
	char text[80]; /* normalised, for messages: "10.0.0.1:7471" */
};

/*
 * Parse and resolve. Names are looked up, which can block. -EINVAL: not an
 * address, -ENOENT: an unknown name, -ENOMEM; error then says what and what is accepted.
 */
int endpoint_parse(const char *text, unsigned default_port, struct endpoint *endpoint, char *error,
	size_t error_len);

#endif
