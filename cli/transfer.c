/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c - one task at a time, waited for
 *
 * No deadline of its own: the library completes every task within the
 * adapter's timeout.
 */
#include "transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

int transfer_wait(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&ready, 1, -1) < 0)
		return -errno;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

int transfer_store(struct remora_adapter *adapter, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, uint64_t *bytes)
{
	int64_t task = remora_submit_store(adapter, keys, count, objects, count);
	struct remora_store_result result;
	int err;

	if (task < 0)
		return (int)task;
	while (!remora_pop_stores(adapter, &result, 1)) {
		err = transfer_wait(remora_store_fd(adapter));
		if (err && err != -EINTR)
			return err;
	}
	if (!result.error)
		*bytes = result.bytes;
	return result.error;
}

typedef int (*query_fn)(struct remora_adapter *, int64_t, struct remora_bitmap **);

static int await(struct remora_adapter *adapter, int64_t task, int fd, query_fn query,
	struct remora_bitmap **bitmap)
{
	int err;

	if (task < 0)
		return (int)task;
	while ((err = query(adapter, task, bitmap)) == -EAGAIN) {
		err = transfer_wait(fd);
		if (err && err != -EINTR)
			return err;
	}
	return err;
}

int transfer_lookup(struct remora_adapter *adapter, const struct remora_key *keys, size_t count,
	struct remora_bitmap **found)
{
	return await(adapter, remora_submit_lookup(adapter, keys, count), remora_lookup_fd(adapter),
		remora_query_lookup, found);
}

int transfer_load(struct remora_adapter *adapter, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, struct remora_bitmap **loaded)
{
	return await(adapter, remora_submit_load(adapter, keys, count, objects, count),
		remora_load_fd(adapter), remora_query_load, loaded);
}
