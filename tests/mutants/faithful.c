/* SPDX-License-Identifier: Apache-2.0 */
/* faithful.c - ops that hand every call on to the inner adapter */
#include "mutant.h"

#include <stdlib.h>

static struct remora_adapter *inner(const void *self)
{
	return ((const struct mutant *)self)->inner;
}

static int store_fd(const void *self)
{
	return remora_store_fd(inner(self));
}

static int lookup_fd(const void *self)
{
	return remora_lookup_fd(inner(self));
}

static int load_fd(const void *self)
{
	return remora_load_fd(inner(self));
}

static int64_t submit_store(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	return remora_submit_store(inner(self), keys, key_count, objects, object_count);
}

static size_t pop_stores(void *self, struct remora_store_result *results, size_t max)
{
	return remora_pop_stores(inner(self), results, max);
}

static int64_t submit_lookup(void *self, const struct remora_key *keys, size_t count)
{
	return remora_submit_lookup(inner(self), keys, count);
}

static int query_lookup(void *self, int64_t task, struct remora_bitmap **result)
{
	return remora_query_lookup(inner(self), task, result);
}

static void submit_unlock(void *self, const struct remora_key *keys, size_t count)
{
	remora_submit_unlock(inner(self), keys, count);
}

static int64_t submit_load(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	return remora_submit_load(inner(self), keys, key_count, objects, object_count);
}

static int query_load(void *self, int64_t task, struct remora_bitmap **result)
{
	return remora_query_load(inner(self), task, result);
}

static void status(void *self, struct remora_status *out)
{
	remora_status(inner(self), out);
}

static void close_inner(void *self)
{
	remora_close(inner(self));
}

static void destroy(void *self)
{
	remora_destroy(inner(self));
	free(self);
}

static int wait_connected(void *self, uint32_t timeout_ms)
{
	return remora_wait_connected(inner(self), timeout_ms);
}

static int delete_keys(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	return remora_delete(inner(self), keys, count, deleted);
}

static int length(void *self, const struct remora_key *key, uint64_t *len)
{
	return remora_length(inner(self), key, len);
}

static int list_page(
	void *self, const struct remora_key *prefix, uint64_t *cursor, remora_list_fn fn, void *arg)
{
	return remora_list_page(inner(self), prefix, cursor, fn, arg);
}

static int usage(void *self, struct remora_usage *out)
{
	return remora_usage(inner(self), out);
}

static int usage_salts(void *self, remora_salt_fn fn, void *arg)
{
	return remora_usage_salts(inner(self), fn, arg);
}

static int ping(void *self, uint64_t *rtt_ns)
{
	return remora_ping(inner(self), rtt_ns);
}

static int add_listener(void *self, const struct remora_listener *listener)
{
	return remora_add_listener(inner(self), listener);
}

static int remove_listener(void *self, const struct remora_listener *listener)
{
	return remora_remove_listener(inner(self), listener);
}

const struct remora_type_ops faithful_ops = {
	.store_fd = store_fd,
	.lookup_fd = lookup_fd,
	.load_fd = load_fd,
	.submit_store = submit_store,
	.pop_stores = pop_stores,
	.submit_lookup = submit_lookup,
	.query_lookup = query_lookup,
	.submit_unlock = submit_unlock,
	.submit_load = submit_load,
	.query_load = query_load,
	.status = status,
	.close = close_inner,
	.destroy = destroy,
	.wait_connected = wait_connected,
	.delete_keys = delete_keys,
	.length = length,
	.list_page = list_page,
	.usage = usage,
	.usage_salts = usage_salts,
	.ping = ping,
	.add_listener = add_listener,
	.remove_listener = remove_listener,
};
