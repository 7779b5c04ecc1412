/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter.c - the public functions: check for NULL, and ask the adapter's type
 */
#include <remora/adapter.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <remora/config.h>
#include <remora/type.h>

struct remora_adapter {
	const struct remora_type *type;
	const struct remora_type_ops *ops; /* the type's, at hand */
	void *self;
};

enum { ERROR_LEN = 512 };

static int check_host(const struct remora_host *host, char *error, size_t len)
{
	if (!host->arena == !host->arena_len)
		return 0;
	snprintf(error, len, "the arena is %zu bytes at %p: give both or neither", host->arena_len,
		host->arena);
	return -EINVAL;
}

int remora_open(const struct remora_config *config, const struct remora_host *host,
	struct remora_adapter **out)
{
	static const struct remora_host none = {0};
	struct remora_adapter *adapter;
	char error[ERROR_LEN];
	int err;

	if (!config || !out)
		return -EINVAL;
	if (!host)
		host = &none;
	err = remora_config_check(config, error, sizeof(error));
	if (!err)
		err = check_host(host, error, sizeof(error));
	if (err) {
		if (host->log)
			host->log(host->log_arg, REMORA_LOG_ERROR, error);
		return -EINVAL;
	}
	adapter = calloc(1, sizeof(*adapter));
	if (!adapter)
		return -ENOMEM;
	adapter->type = remora_config_type(config);
	adapter->ops = adapter->type->ops;
	err = adapter->type->open(config, host, &adapter->self);
	if (err) {
		free(adapter);
		return err;
	}
	*out = adapter;
	return 0;
}

const char *remora_type_name(const struct remora_adapter *adapter)
{
	return adapter ? adapter->type->name : NULL;
}

int remora_wait_connected(struct remora_adapter *adapter, uint32_t timeout_ms)
{
	if (!adapter)
		return -EINVAL;
	if (!adapter->ops->wait_connected)
		return 0;
	return adapter->ops->wait_connected(adapter->self, timeout_ms);
}

void remora_close(struct remora_adapter *adapter)
{
	if (adapter)
		adapter->ops->close(adapter->self);
}

void remora_destroy(struct remora_adapter *adapter)
{
	if (!adapter)
		return;
	adapter->ops->close(adapter->self);
	adapter->ops->destroy(adapter->self);
	free(adapter);
}

int remora_store_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->ops->store_fd(adapter->self) : -EINVAL;
}

int remora_lookup_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->ops->lookup_fd(adapter->self) : -EINVAL;
}

int remora_load_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->ops->load_fd(adapter->self) : -EINVAL;
}

int64_t remora_submit_store(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	if (!adapter)
		return -EINVAL;
	return adapter->ops->submit_store(adapter->self, keys, key_count, objects, object_count);
}

size_t remora_pop_stores(
	struct remora_adapter *adapter, struct remora_store_result *results, size_t max)
{
	return adapter && results ? adapter->ops->pop_stores(adapter->self, results, max) : 0;
}

int64_t remora_submit_lookup(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	return adapter ? adapter->ops->submit_lookup(adapter->self, keys, count) : -EINVAL;
}

int remora_query_lookup(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	if (!adapter || !result)
		return -EINVAL;
	return adapter->ops->query_lookup(adapter->self, task, result);
}

void remora_submit_unlock(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	if (adapter)
		adapter->ops->submit_unlock(adapter->self, keys, count);
}

int64_t remora_submit_load(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	if (!adapter)
		return -EINVAL;
	return adapter->ops->submit_load(adapter->self, keys, key_count, objects, object_count);
}

int remora_query_load(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	if (!adapter || !result)
		return -EINVAL;
	return adapter->ops->query_load(adapter->self, task, result);
}

int remora_delete(struct remora_adapter *adapter, const struct remora_key *keys, size_t count,
	struct remora_bitmap **deleted)
{
	if (!adapter)
		return -EINVAL;
	if (!adapter->ops->delete_keys)
		return -EOPNOTSUPP;
	return adapter->ops->delete_keys(adapter->self, keys, count, deleted);
}

int remora_length(struct remora_adapter *adapter, const struct remora_key *key, uint64_t *len)
{
	if (!adapter || !key || !len)
		return -EINVAL;
	if (!adapter->ops->length)
		return -EOPNOTSUPP;
	return adapter->ops->length(adapter->self, key, len);
}

int remora_list_page(struct remora_adapter *adapter, const struct remora_key *prefix,
	uint64_t *cursor, remora_list_fn fn, void *arg)
{
	uint64_t next;
	int err;

	if (!adapter || !cursor || !fn || (prefix && prefix->len > REMORA_KEY_MAX))
		return -EINVAL;
	if (prefix && prefix->len && !prefix->data)
		return -EINVAL;
	if (!adapter->ops->list_page)
		return -EOPNOTSUPP;
	next = *cursor;
	if (prefix && !prefix->len)
		prefix = NULL;
	err = adapter->ops->list_page(adapter->self, prefix, &next, fn, arg);
	if (!err)
		*cursor = next;
	return err;
}

int remora_list(struct remora_adapter *adapter, const struct remora_key *prefix, remora_list_fn fn,
	void *arg)
{
	uint64_t cursor = 0;
	int err;

	do
		err = remora_list_page(adapter, prefix, &cursor, fn, arg);
	while (!err && cursor);
	return err;
}

int remora_usage(struct remora_adapter *adapter, struct remora_usage *usage)
{
	if (!adapter || !usage)
		return -EINVAL;
	return adapter->ops->usage ? adapter->ops->usage(adapter->self, usage) : -EOPNOTSUPP;
}

int remora_usage_salts(struct remora_adapter *adapter, remora_salt_fn fn, void *arg)
{
	if (!adapter || !fn)
		return -EINVAL;
	if (!adapter->ops->usage_salts)
		return -EOPNOTSUPP;
	return adapter->ops->usage_salts(adapter->self, fn, arg);
}

int remora_ping(struct remora_adapter *adapter, uint64_t *rtt_ns)
{
	if (!adapter || !rtt_ns)
		return -EINVAL;
	return adapter->ops->ping ? adapter->ops->ping(adapter->self, rtt_ns) : -EOPNOTSUPP;
}

void remora_status(struct remora_adapter *adapter, struct remora_status *status)
{
	if (!status)
		return;
	*status = (struct remora_status){0};
	if (adapter)
		adapter->ops->status(adapter->self, status);
}

int remora_peer(struct remora_adapter *adapter, size_t index, struct remora_peer *peer)
{
	if (!adapter || !peer)
		return -EINVAL;
	return adapter->ops->peer ? adapter->ops->peer(adapter->self, index, peer) : -ENOENT;
}

int remora_add_listener(struct remora_adapter *adapter, const struct remora_listener *listener)
{
	if (!adapter || !listener)
		return -EINVAL;
	if (!adapter->ops->add_listener)
		return -EOPNOTSUPP;
	return adapter->ops->add_listener(adapter->self, listener);
}

int remora_remove_listener(struct remora_adapter *adapter, const struct remora_listener *listener)
{
	if (!adapter || !listener)
		return -EINVAL;
	if (!adapter->ops->remove_listener)
		return -EOPNOTSUPP;
	return adapter->ops->remove_listener(adapter->self, listener);
}
