/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - an adapter in a test, and calls that wait for their results
 *
 * Waits go by the event fds, as callers' do, and end after CLIENT_WAIT_MS. No
 * call asserts: threads and child processes use them too. One thread may store
 * while another looks up and loads with the same client.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <remora/adapter.h>

#include "spawn.h"

enum { CLIENT_WAIT_MS = 60000 };

/* Fields of the type; zero: the default. */
struct client_options {
	unsigned timeout_ms, connect_timeout_ms, data_lanes, queue_depth;
	size_t bounce_size;
	const char *tenant, *secret_file; /* NULL: none */
};

struct client {
	struct remora_adapter *adapter;
	uint8_t *arena;
	size_t arena_len;
	pthread_mutex_t mutex;
	char said[1024]; /* the last errors and warnings that the library logged */
};

/*
 * For main(): whether there are two hosts with RDMA. If not, tells so in TAP.
 * From here on nothing in the process takes longer than `seconds`.
 */
bool client_has_lab(unsigned seconds);

/* "address:port" of the server, in a buffer that the next call overwrites. */
const char *client_server(const struct spawn *server);

/* A port of its own for each test program; `i` is below 10. */
unsigned client_port(unsigned i);

/*
 * Open an adapter with an arena of arena_len bytes and wait until it is
 * connected. timeout_ms 0: the default.
 */
int client_open(
	struct client *client, const struct spawn *server, size_t arena_len, uint32_t timeout_ms);

/* The same with options. */
int client_open_with(struct client *client, const char *server, size_t arena_len,
	const struct client_options *options);

/* Without waiting for the connection. */
int client_start(struct client *client, const char *server, size_t arena_len,
	const struct client_options *options);
void client_close(struct client *client);

/* Whether the library logged this since client_start(). */
bool client_said(struct client *client, const char *text);

/* Wait for an event fd and clear it. -ETIMEDOUT. */
int client_wait_fd(int fd, int timeout_ms);

/* Store and wait. The task's error, or -ETIMEDOUT without a result. */
int client_store(struct client *client, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, struct remora_store_result *result);

/* The results of submitted tasks; NULL: there was none in time. The caller destroys them. */
struct remora_bitmap *client_await_lookup(struct client *client, int64_t task);
struct remora_bitmap *client_await_load(struct client *client, int64_t task);

/* Submit and wait. How many keys were found or loaded, or a negative errno. */
int client_lookup(struct client *client, const struct remora_key *keys, size_t count);
int client_load(struct client *client, const struct remora_key *keys,
	const struct remora_object *objects, size_t count);

/* Ask the server until `what` of its usage has this value, for some seconds. */
enum client_usage { CLIENT_LOCKED, CLIENT_RESERVED, CLIENT_SESSIONS };
bool client_usage_becomes(struct client *client, enum client_usage what, uint64_t value);

/* A key with the bytes of a string. */
struct remora_key client_key(const char *text);

uint64_t client_now_ms(void);

#endif
