/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - an adapter in a test, and calls that wait for their results */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <remora/config.h>

enum { CONNECT_MS = 30000, USAGE_MS = 30000, PORTS_FIRST = 10000 };

uint64_t client_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool client_has_lab(unsigned seconds)
{
	char address[INET6_ADDRSTRLEN];

	if (!getenv("REMORA_LAB") || spawn_address(address, sizeof(address))) {
		printf("1..0 # SKIP needs two hosts with RDMA: scripts/lab run --hosts 2\n");
		return false;
	}
	alarm(seconds);
	return true;
}

unsigned client_port(unsigned i)
{
	return PORTS_FIRST + (unsigned)getpid() % 2000 * 10 + i;
}

const char *client_server(const struct spawn *server)
{
	static char text[INET_ADDRSTRLEN + 8];
	const struct sockaddr_in *in = (const struct sockaddr_in *)&server->addr;
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	snprintf(text, sizeof(text), "%s:%u", host, ntohs(in->sin_port));
	return text;
}

/* Keeps what was said last, as far as there is room. */
static void hear(void *arg, enum remora_log_level level, const char *text)
{
	struct client *client = arg;
	size_t len = strlen(text), have, max = sizeof(client->said) - 2;

	if (level > REMORA_LOG_WARN)
		return;
	if (len > max)
		len = max;
	pthread_mutex_lock(&client->mutex);
	have = strlen(client->said);
	if (have + len > max) {
		have = max - len;
		memmove(client->said, client->said + strlen(client->said) - have, have);
	}
	memcpy(client->said + have, text, len);
	memcpy(client->said + have + len, "\n", 2);
	pthread_mutex_unlock(&client->mutex);
}

bool client_said(struct client *client, const char *text)
{
	bool said;

	pthread_mutex_lock(&client->mutex);
	said = strstr(client->said, text) != NULL;
	pthread_mutex_unlock(&client->mutex);
	return said;
}

static int set(struct remora_config *config, const char *field, size_t value)
{
	char text[32], error[256];
	int err;

	if (!value)
		return 0;
	snprintf(text, sizeof(text), "%zu", value);
	err = remora_config_set(config, field, text, error, sizeof(error));
	if (err)
		fprintf(stderr, "%s\n", error);
	return err;
}

static int configure(
	struct remora_config *config, const char *server, const struct client_options *options)
{
	int err = remora_config_set(config, "server", server, NULL, 0);

	if (!err)
		err = set(config, "timeout_ms", options->timeout_ms);
	if (!err)
		err = set(config, "connect_timeout_ms", options->connect_timeout_ms);
	if (!err)
		err = set(config, "data_lanes", options->data_lanes);
	if (!err)
		err = set(config, "queue_depth", options->queue_depth);
	if (!err)
		err = set(config, "bounce_size", options->bounce_size);
	if (!err && options->tenant)
		err = remora_config_set(config, "tenant", options->tenant, NULL, 0);
	if (!err && options->secret_file)
		err = remora_config_set(config, "secret_file", options->secret_file, NULL, 0);
	return err;
}

int client_start(struct client *client, const char *server, size_t arena_len,
	const struct client_options *options)
{
	struct remora_host host = {.log = hear, .log_arg = client};
	struct remora_config *config = NULL;
	int err;

	memset(client, 0, sizeof(*client));
	pthread_mutex_init(&client->mutex, NULL);
	if (arena_len) {
		client->arena = mmap(NULL, arena_len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (client->arena == MAP_FAILED)
			return -errno;
		client->arena_len = arena_len;
	}
	host.arena = client->arena;
	host.arena_len = arena_len;
	err = remora_config_create("rdma", &config);
	if (!err)
		err = configure(config, server, options);
	if (!err)
		err = remora_open(config, &host, &client->adapter);
	remora_config_destroy(config);
	return err;
}

int client_open_with(struct client *client, const char *server, size_t arena_len,
	const struct client_options *options)
{
	uint64_t end = client_now_ms() + CONNECT_MS;
	int err = client_start(client, server, arena_len, options);

	if (err)
		return err;
	/* An attempt may fail, soft-iWARP's do now and then: the library goes on. */
	do {
		err = remora_wait_connected(client->adapter, CONNECT_MS);
		if (err)
			usleep(10000);
	} while (err && client_now_ms() < end);
	return err;
}

int client_open(
	struct client *client, const struct spawn *server, size_t arena_len, uint32_t timeout_ms)
{
	struct client_options options = {.timeout_ms = timeout_ms, .bounce_size = 2 << 20};

	return client_open_with(client, client_server(server), arena_len, &options);
}

void client_close(struct client *client)
{
	remora_destroy(client->adapter);
	if (client->arena_len)
		munmap(client->arena, client->arena_len);
	pthread_mutex_destroy(&client->mutex);
	memset(client, 0, sizeof(*client));
}

int client_wait_fd(int fd, int timeout_ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return -ETIMEDOUT;
	/* Another waiter may have been faster; it has read the count then. */
	return read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN ? -errno : 0;
}

int client_store(struct client *client, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, struct remora_store_result *result)
{
	int64_t task = remora_submit_store(client->adapter, keys, count, objects, count);
	uint64_t end = client_now_ms() + CLIENT_WAIT_MS;
	struct remora_store_result own;

	if (task < 0)
		return (int)task;
	if (!result)
		result = &own;
	while (client_now_ms() < end) {
		if (remora_pop_stores(client->adapter, result, 1))
			return result->task == task ? result->error : -EBADMSG;
		client_wait_fd(remora_store_fd(client->adapter), 1000);
	}
	return -ETIMEDOUT;
}

typedef int (*query_fn)(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **bits);

static struct remora_bitmap *await(struct client *client, int64_t task, int fd, query_fn query)
{
	uint64_t end = client_now_ms() + CLIENT_WAIT_MS;
	struct remora_bitmap *bits;
	int err;

	while (client_now_ms() < end) {
		err = query(client->adapter, task, &bits);
		if (!err)
			return bits;
		if (err != -EAGAIN)
			return NULL;
		client_wait_fd(fd, 1000);
	}
	return NULL;
}

struct remora_bitmap *client_await_lookup(struct client *client, int64_t task)
{
	return await(client, task, remora_lookup_fd(client->adapter), remora_query_lookup);
}

struct remora_bitmap *client_await_load(struct client *client, int64_t task)
{
	return await(client, task, remora_load_fd(client->adapter), remora_query_load);
}

static int popcount(struct remora_bitmap *bits, size_t count)
{
	int ones;

	if (!bits)
		return -ETIMEDOUT;
	ones = remora_bitmap_size(bits) == count ? (int)remora_bitmap_popcount(bits) : -EBADMSG;
	remora_bitmap_destroy(bits);
	return ones;
}

int client_lookup(struct client *client, const struct remora_key *keys, size_t count)
{
	int64_t task = remora_submit_lookup(client->adapter, keys, count);

	return task < 0 ? (int)task : popcount(client_await_lookup(client, task), count);
}

int client_load(struct client *client, const struct remora_key *keys,
	const struct remora_object *objects, size_t count)
{
	int64_t task = remora_submit_load(client->adapter, keys, count, objects, count);

	return task < 0 ? (int)task : popcount(client_await_load(client, task), count);
}

static uint64_t usage_value(const struct remora_usage *usage, enum client_usage what)
{
	switch (what) {
	case CLIENT_LOCKED: return usage->locked;
	case CLIENT_RESERVED: return usage->reserved;
	case CLIENT_SESSIONS: return usage->sessions;
	}
	return UINT64_MAX;
}

bool client_usage_becomes(struct client *client, enum client_usage what, uint64_t value)
{
	uint64_t end = client_now_ms() + USAGE_MS;
	struct remora_usage usage;

	do {
		if (!remora_usage(client->adapter, &usage) && usage_value(&usage, what) == value)
			return true;
		usleep(10000);
	} while (client_now_ms() < end);
	return false;
}

struct remora_key client_key(const char *text)
{
	return (struct remora_key){.data = text, .len = strlen(text)};
}
