/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victim_main.c - what the victim does: holds locks, stores without end, or connects
 *
 *	lock SERVER PREFIX COUNT     look keys up, print "locked", wait
 *	store SERVER PREFIX BYTES    print "storing", store keys of the prefix for ever
 *	work SERVER PREFIX new|same  store new keys, or load the same ones, for ever; print
 *	                             "right", or "wrong" if a load brought other bytes
 *	connect SERVER ARENA-BYTES   try to connect once, print the error or "connected"
 *
 * Single-threaded, beside the library's threads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, BATCH = 8, CONNECT_MS = 10000 };

static struct client client;

static int open_client(const char *server, size_t arena_len)
{
	struct client_options options = {.bounce_size = MIB};

	return client_open_with(&client, server, arena_len, &options);
}

static int lock(const char *server, const char *prefix, size_t count)
{
	struct items *items = items_create(prefix, count, &client, 1);

	if (!items || open_client(server, 0))
		return EXIT_FAILURE;
	if (client_lookup(&client, items->keys, count) != (int)count)
		return EXIT_FAILURE;
	puts("locked");
	for (;;)
		pause();
}

/* Every batch has keys of its own, and a content that no key says. */
static int store(const char *server, const char *prefix, size_t len)
{
	char name[ITEMS_KEY_LEN / 2];
	struct items *items;
	unsigned round;

	if (open_client(server, BATCH * len))
		return EXIT_FAILURE;
	puts("storing");
	for (round = 0;; round++) {
		snprintf(name, sizeof(name), "%.8s%u", prefix, round);
		items = items_create(name, BATCH, client.arena, len);
		if (!items)
			return EXIT_FAILURE;
		items_wipe(items);
		client_store(&client, items->keys, items->objects, BATCH, NULL);
		items_destroy(items);
	}
}

/*
 * Print at most one line for each batch that was loaded. One that is not there
 * (anything may have happened to it) is stored.
 */
static int work(const char *server, const char *prefix, bool always_new)
{
	char name[ITEMS_KEY_LEN / 2];
	struct items *items;
	unsigned round;
	int loaded;

	if (open_client(server, BATCH * MIB))
		return EXIT_FAILURE;
	for (round = 0;; round++) {
		snprintf(name, sizeof(name), "%.4s%u", prefix, always_new ? round / 2 : 0);
		items = items_create(name, BATCH, client.arena, MIB);
		if (!items)
			return EXIT_FAILURE;
		items_wipe(items);
		loaded = client_load(&client, items->keys, items->objects, BATCH);
		if (loaded == BATCH)
			puts(items_wrong(items) == BATCH ? "right" : "wrong");
		items_fill(items);
		if (loaded != BATCH)
			client_store(&client, items->keys, items->objects, BATCH, NULL);
		items_destroy(items);
	}
}

static int try_connect(const char *server, size_t arena_len)
{
	struct client_options options = {.bounce_size = 65536, .connect_timeout_ms = CONNECT_MS};
	struct remora_status status;
	int err = client_start(&client, server, arena_len, &options);

	if (!err)
		err = remora_wait_connected(client.adapter, 3 * CONNECT_MS);
	remora_status(client.adapter, &status);
	puts(err ? status.error : "connected");
	client_close(&client);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(argv[1], "lock"))
		return lock(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "store"))
		return store(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "work"))
		return work(argv[2], argv[3], !strcmp(argv[4], "new"));
	if (argc == 4 && !strcmp(argv[1], "connect"))
		return try_connect(argv[2], strtoul(argv[3], NULL, 10));
	fprintf(stderr, "victim_main: not a command\n");
	return EXIT_FAILURE;
}
