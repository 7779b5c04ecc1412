/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - a client of the chaos test: works without end and checks each byte
 *
 *	chaos_client SERVER COUNTERS NUMBER SEED
 *
 * Commands come on standard input, a line each: "prove N" (store, find and load
 * a key of its own, then go on), "quiet N" (finish what is under way and stop),
 * "sweep N" (load every key there is, when quiet), "hold" and "free" (keep what
 * is locked), "go", "end". N is written to a counter when that is done.
 *
 * Exit status: 0 after "end" or when the input ends, 1 if it could not start, 3
 * if a task never ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <remora/config.h>

#include "slot.h"

enum {
	SLOTS = 5,
	ARENA_SLOTS = 4, /* in registered memory; the last one's is copied */
	KEYS = 400,	 /* shared by all clients */
	TIMEOUT_MS = 3000,
	HANG_MS = 60000,
	STEP_MAX_MS = 500, /* of the client's clock: it stands still while the process does */
	HELD_SLOTS = 4,	   /* one goes on while the others hold locks */
};

struct client {
	struct remora_adapter *adapter;
	struct counters *counters;
	uint8_t *arena, *outside;
	struct slot slots[SLOTS];
	unsigned number;
	uint32_t version;
	uint64_t random;
	uint64_t real_ms, now_ms;
	uint64_t prove, quiet, sweep; /* commands to be obeyed; 0: none */
	unsigned sweep_at;
	bool hold, ended;
	char input[256];
	size_t input_len;
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A process that was stopped has not been waiting meanwhile. */
static void advance(struct client *client)
{
	uint64_t real_ms = clock_ms(), step = real_ms - client->real_ms;

	client->real_ms = real_ms;
	client->now_ms += step < STEP_MAX_MS ? step : STEP_MAX_MS;
}

static unsigned draw(struct client *client, unsigned below)
{
	client->random ^= client->random << 13;
	client->random ^= client->random >> 7;
	client->random ^= client->random << 17;
	return (unsigned)(client->random >> 33) % below;
}

static uint32_t next_version(struct client *client)
{
	return (uint32_t)client->number << 22 | (++client->version & 0x3fffff);
}

static void say_log(void *arg, enum remora_log_level level, const char *text)
{
	(void)arg;
	if (level <= REMORA_LOG_INFO)
		fprintf(stderr, "%s\n", text);
}

static int set(struct remora_config *config, const char *field, const char *value)
{
	char error[256];
	int err = remora_config_set(config, field, value, error, sizeof(error));

	if (err)
		fprintf(stderr, "%s\n", error);
	return err;
}

static int open_adapter(struct client *client, const char *server)
{
	struct remora_host host = {
		.arena = client->arena,
		.arena_len = (size_t)ARENA_SLOTS * SLOT_BYTES,
		.log = say_log,
	};
	struct remora_config *config;
	int err = remora_config_create("rdma", &config);

	if (err)
		return err;
	err = set(config, "server", server);
	if (!err)
		err = set(config, "timeout_ms", "3000");
	if (!err)
		err = set(config, "connect_timeout_ms", "3000");
	if (!err)
		err = set(config, "bounce_size", "1MiB");
	if (!err)
		err = remora_open(config, &host, &client->adapter);
	remora_config_destroy(config);
	return err;
}

static void *map(size_t len, int fd)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
		fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int open_memory(struct client *client, const char *counters)
{
	int fd = open(counters, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*client->counters)))
		return -errno;
	client->counters = map(sizeof(*client->counters), fd);
	close(fd);
	client->arena = map((size_t)ARENA_SLOTS * SLOT_BYTES, -1);
	client->outside = map((size_t)(SLOTS - ARENA_SLOTS) * SLOT_BYTES, -1);
	return client->counters && client->arena && client->outside ? 0 : -ENOMEM;
}

static void open_slots(struct client *client)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		slot_init(&client->slots[i], client->adapter, client->counters,
			i < ARENA_SLOTS ? client->arena + i * SLOT_BYTES
					: client->outside + (i - ARENA_SLOTS) * SLOT_BYTES);
}

/* Few keys are wanted often, so that clients meet. */
static unsigned draw_key(struct client *client)
{
	return draw(client, 2) ? draw(client, KEYS / 8) : draw(client, KEYS);
}

static void draw_keys(struct client *client, struct slot *slot)
{
	unsigned count = 1 + draw(client, SLOT_KEYS);

	while (slot->count < count)
		slot_add_key(slot, draw_key(client), "shared");
}

static void delete_one(struct client *client)
{
	char name[CONTENT_NAME];
	struct remora_key key = {.data = name};

	snprintf(name, sizeof(name), "shared-%u", draw_key(client));
	key.len = strlen(name);
	if (!remora_delete(client->adapter, &key, 1, NULL))
		client->counters->deletes++;
}

static void start_proof(struct client *client, struct slot *slot)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "own-%u-%llu", client->number,
		(unsigned long long)client->prove);
	slot_add_key(slot, draw(client, KEYS), prefix);
	slot->proof = true;
	slot_store(slot, next_version(client), client->now_ms);
}

static void start_work(struct client *client, struct slot *slot)
{
	slot_clear(slot);
	slot->hold = client->hold && slot < client->slots + HELD_SLOTS;
	if (client->prove && slot == client->slots + HELD_SLOTS) {
		start_proof(client, slot);
		return;
	}
	draw_keys(client, slot);
	if (draw(client, 100) < 45 && !slot->hold)
		slot_store(slot, next_version(client), client->now_ms);
	else
		slot_lookup(slot, client->now_ms);
	if (!draw(client, 40))
		delete_one(client);
}

static bool all_idle(const struct client *client)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		if (client->slots[i].state != SLOT_IDLE)
			return false;
	return true;
}

/* The next keys of a sweep, in the first slot alone. */
static void sweep(struct client *client)
{
	struct slot *slot = &client->slots[0];

	if (client->sweep_at == KEYS) {
		client->counters->swept = client->sweep;
		client->sweep = 0;
		return;
	}
	slot_clear(slot);
	while (slot->count < SLOT_KEYS && client->sweep_at < KEYS)
		slot_add_key(slot, client->sweep_at++, "shared");
	slot_lookup(slot, client->now_ms);
}

static void start_what_is_due(struct client *client)
{
	unsigned i;

	if (client->quiet) {
		if (!all_idle(client))
			return;
		client->counters->quiet = client->quiet;
		if (client->sweep)
			sweep(client);
		return;
	}
	for (i = 0; i < SLOTS; i++)
		if (client->slots[i].state == SLOT_IDLE &&
			client->slots[i].until_ms <= client->now_ms)
			start_work(client, &client->slots[i]);
}

static void take_stores(struct client *client)
{
	struct remora_store_result result;
	unsigned i;

	while (remora_pop_stores(client->adapter, &result, 1)) {
		for (i = 0; i < SLOTS; i++)
			if (client->slots[i].state == SLOT_STORING &&
				client->slots[i].task == result.task)
				break;
		if (i < SLOTS)
			slot_stored(&client->slots[i], &result, client->now_ms);
		else
			client->counters->twice++;
	}
}

static void turn_slots(struct client *client)
{
	unsigned i;

	take_stores(client);
	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &client->slots[i];

		slot_turn(slot, client->now_ms);
		if (slot->proven && client->prove) {
			client->counters->proven = client->prove;
			client->prove = 0;
		}
		if (slot->task && slot->state != SLOT_HOLDING &&
			client->now_ms - slot->began_ms > HANG_MS) {
			client->counters->hung++;
			fprintf(stderr, "a task never ended: slot %u, state %d\n", i,
				(int)slot->state);
			exit(3);
		}
	}
}

static void hold_nothing(struct client *client)
{
	unsigned i;

	client->hold = false;
	for (i = 0; i < SLOTS; i++)
		client->slots[i].hold = false;
}

static void obey(struct client *client, const char *line)
{
	unsigned long long number = 0;

	if (sscanf(line, "prove %llu", &number) == 1) {
		client->prove = number;
	} else if (sscanf(line, "quiet %llu", &number) == 1) {
		client->quiet = number;
		hold_nothing(client);
	} else if (sscanf(line, "sweep %llu", &number) == 1) {
		client->sweep = number;
		client->sweep_at = 0;
	} else if (!strcmp(line, "hold")) {
		client->hold = true;
	} else if (!strcmp(line, "free")) {
		hold_nothing(client);
	} else if (!strcmp(line, "go")) {
		client->quiet = 0;
	} else if (!strcmp(line, "end")) {
		client->ended = true;
	}
}

static void take_input(struct client *client)
{
	ssize_t len = read(STDIN_FILENO, client->input + client->input_len,
		sizeof(client->input) - 1 - client->input_len);
	char *end;

	if (len <= 0) {
		client->ended = true;
		return;
	}
	client->input_len += (size_t)len;
	client->input[client->input_len] = '\0';
	while ((end = strchr(client->input, '\n'))) {
		*end++ = '\0';
		obey(client, client->input);
		client->input_len -= (size_t)(end - client->input);
		memmove(client->input, end, client->input_len + 1);
	}
}

static void clear_fd(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return; /* not signalled */
}

static void wait_for_something(struct client *client)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = remora_store_fd(client->adapter), .events = POLLIN},
		{.fd = remora_lookup_fd(client->adapter), .events = POLLIN},
		{.fd = remora_load_fd(client->adapter), .events = POLLIN},
	};
	unsigned i;

	poll(fds, 4, 20);
	if (fds[0].revents)
		take_input(client);
	for (i = 1; i < 4; i++)
		if (fds[i].revents)
			clear_fd(fds[i].fd);
}

/* Closing completes what is under way; take it, so that each task has its end. */
static void finish(struct client *client)
{
	hold_nothing(client);
	remora_close(client->adapter);
	while (!all_idle(client)) {
		advance(client);
		turn_slots(client);
	}
	remora_destroy(client->adapter);
}

int main(int argc, char **argv)
{
	struct client client = {0};
	int err;

	if (argc != 5) {
		fprintf(stderr, "usage: chaos_client SERVER COUNTERS NUMBER SEED\n");
		return 1;
	}
	client.number = (unsigned)strtoul(argv[3], NULL, 10);
	client.random = strtoull(argv[4], NULL, 10) * 2 + 1;
	client.real_ms = clock_ms();
	err = open_memory(&client, argv[2]);
	if (!err)
		err = open_adapter(&client, argv[1]);
	if (err) {
		fprintf(stderr, "cannot start: %s\n", strerror(-err));
		return 1;
	}
	open_slots(&client);
	while (!client.ended) {
		advance(&client);
		turn_slots(&client);
		start_what_is_due(&client);
		wait_for_something(&client);
	}
	finish(&client);
	return 0;
}
