/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c - store an object and load it again: poll '{"type": "mock", "max_size_gb": 1}' */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <remora/adapter.h>
#include <remora/config.h>

static void await(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&ready, 1, -1) != 1 || read(fd, &count, sizeof(count)) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	static char stored[] = "what is worth keeping", loaded[sizeof(stored)];
	const struct remora_key key = {"example", strlen("example")};
	struct remora_object object = {.data = stored, .len = sizeof(stored)};
	struct remora_store_result result;
	struct remora_bitmap *hits;
	struct remora_adapter *adapter;
	struct remora_config *config;
	char error[256];
	int64_t task;

	if (remora_config_parse(argc > 1 ? argv[1] : "", "poll", &config, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	if (remora_open(config, NULL, &adapter))
		return 1;
	remora_config_destroy(config);

	remora_submit_store(adapter, &key, 1, &object, 1);
	await(remora_store_fd(adapter));
	if (remora_pop_stores(adapter, &result, 1) != 1 || result.error)
		return 1;
	printf("stored %ju bytes\n", (uintmax_t)result.bytes);

	object.data = loaded;
	task = remora_submit_load(adapter, &key, 1, &object, 1);
	await(remora_load_fd(adapter));
	if (remora_query_load(adapter, task, &hits) || !remora_bitmap_test(hits, 0))
		return 1;
	printf("loaded \"%s\"\n", loaded);
	remora_bitmap_destroy(hits);
	remora_destroy(adapter);
	return 0;
}
