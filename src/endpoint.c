/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - a server's address as people write it; any thread */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 256 };

/* Cut "[v6]:port", "host:port", "v6" or "host" in two; *port is NULL without one. */
static int split(char *text, char **host, char **port)
{
	char *colon;

	*port = NULL;
	*host = text;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		*host = text + 1;
		*end = '\0';
		if (end[1])
			*port = end + 2;
		return 0;
	}
	colon = strchr(text, ':');
	if (!colon || strchr(colon + 1, ':'))
		return 0;
	*colon = '\0';
	*port = colon + 1;
	return 0;
}

static int parse_port(const char *text, unsigned *port)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	value = strtoul(text, &end, 10);
	if (*end || value < 1 || value > 65535)
		return -EINVAL;
	*port = (unsigned)value;
	return 0;
}

static int resolve(const char *host, unsigned port, struct endpoint *endpoint)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char name[INET6_ADDRSTRLEN], service[8];
	int err;

	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(host, service, &hints, &found);
	if (err)
		return err == EAI_MEMORY ? -ENOMEM : -ENOENT;
	memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
	getnameinfo(found->ai_addr, found->ai_addrlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST);
	snprintf(endpoint->text, sizeof(endpoint->text),
		found->ai_family == AF_INET6 ? "[%s]:%u" : "%s:%u", name, port);
	freeaddrinfo(found);
	return 0;
}

int endpoint_parse(const char *text, unsigned default_port, struct endpoint *endpoint, char *error,
	size_t error_len)
{
	char copy[HOST_MAX], *host, *port_text;
	unsigned port = default_port;
	int err;

	if (!text[0] || strlen(text) >= sizeof(copy)) {
		snprintf(error, error_len, "the address \"%.64s\" is empty or too long", text);
		return -EINVAL;
	}
	strcpy(copy, text);
	if (split(copy, &host, &port_text) || !host[0]) {
		snprintf(error, error_len,
			"\"%s\" is not an address: write ADDRESS, ADDRESS:PORT or [IPV6]:PORT",
			text);
		return -EINVAL;
	}
	if (port_text && parse_port(port_text, &port)) {
		snprintf(error, error_len, "\"%s\" in \"%s\" is not a port: write 1 to 65535",
			port_text, text);
		return -EINVAL;
	}
	err = resolve(host, port, endpoint);
	if (err == -ENOMEM)
		snprintf(error, error_len, "cannot look up \"%s\": %s", host, strerror(ENOMEM));
	else if (err)
		snprintf(error, error_len, "the host name \"%s\" is unknown", host);
	return err;
}
