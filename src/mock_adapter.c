/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_adapter.c - the type `mock`: this process's RAM
 *
 * For tests of what uses an adapter: it needs no device and no server, can be
 * slow, and can fail.
 */
#include <errno.h>
#include <stdlib.h>

#include "mock.h"
#include "types.h"

enum { DELAY_MAX_MS = 86400000 };

#define NTH(field, what)                                                                           \
	{                                                                                          \
		.name = (field), .kind = REMORA_FIELD_UNSIGNED, .fallback = "0", .help = (what),   \
	}
#define SHARE(field, chance, what)                                                                 \
	{                                                                                          \
		.name = (field), .kind = REMORA_FIELD_REAL, .fallback = (chance), .real_max = 1.0, \
		.help = (what),                                                                    \
	}
#define DELAY(field, what)                                                                         \
	{                                                                                          \
		.name = (field), .kind = REMORA_FIELD_UNSIGNED, .fallback = "0",                   \
		.max = DELAY_MAX_MS, .help = (what),                                               \
	}

static const struct remora_field fields[] = {
	{
		.name = "max_size_gb",
		.kind = REMORA_FIELD_REAL,
		.required = true,
		.above_min = true,
		.real_max = 1048576.0,
		.help = "how many bytes there is room for, in units of 2^30",
	},
	{
		.name = "mock_bandwidth_gb",
		.kind = REMORA_FIELD_REAL,
		.above_min = true,
		.help = "bytes a second of each task, in units of 2^30; without it no limit",
	},
	{
		.name = "timeout_ms",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "30000",
		.min = 1,
		.max = 86400000,
		.help = "what takes longer has failed, each task",
	},
	{
		.name = "fault_seed",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "0",
		.help = "the same seed makes the same tasks fail or late by chance",
	},
	NTH("fail_store_nth", "this store fails; 0: none"),
	SHARE("fail_store_share", "0", "the chance that a store fails"),
	DELAY("delay_store_ms", "by how much a store is late"),
	NTH("delay_store_nth", "only this store is late; 0: a share of them"),
	SHARE("delay_store_share", "1", "the chance that a store is late"),
	NTH("fail_lookup_nth", "this lookup fails; 0: none"),
	SHARE("fail_lookup_share", "0", "the chance that a lookup fails"),
	DELAY("delay_lookup_ms", "by how much a lookup is late"),
	NTH("delay_lookup_nth", "only this lookup is late; 0: a share of them"),
	SHARE("delay_lookup_share", "1", "the chance that a lookup is late"),
	NTH("fail_load_nth", "this load fails; 0: none"),
	SHARE("fail_load_share", "0", "the chance that a load fails"),
	DELAY("delay_load_ms", "by how much a load is late"),
	NTH("delay_load_nth", "only this load is late; 0: a share of them"),
	SHARE("delay_load_share", "1", "the chance that a load is late"),
	{0},
};

static struct mock *mock_of(void *self)
{
	return ((struct core *)self)->engine;
}

static void status(void *self, struct remora_status *status)
{
	struct mock *mock = mock_of(self);

	status->connected = !core_is_closed(self);
	status->healthy = status->connected;
	status->tasks_in_flight = core_in_flight(self);
	status->bytes_written = mock->bytes_written;
	status->bytes_read = mock->bytes_read;
}

static int wait_connected(void *self, uint32_t timeout_ms)
{
	(void)timeout_ms;
	return core_is_closed(self) ? -ECANCELED : 0;
}

static int length(void *self, const struct remora_key *key, uint64_t *len)
{
	struct mock *mock = mock_of(self);
	struct wire_key name = {.data = key->data, .len = (uint16_t)key->len};
	int err;

	if (!key->data || !key->len || key->len > REMORA_KEY_MAX)
		return -EINVAL;
	if (core_is_closed(self))
		return -ECANCELED;
	pthread_mutex_lock(&mock->store_mutex);
	err = mock_store_length(mock->store, name, len);
	pthread_mutex_unlock(&mock->store_mutex);
	return err;
}

/* The page is a copy, so that fn may use the adapter. */
static int list_page(
	void *self, const struct remora_key *prefix, uint64_t *cursor, remora_list_fn fn, void *arg)
{
	struct mock *mock = mock_of(self);
	struct wire_key start = {0};
	struct mock_listed *page;
	struct remora_key key;
	size_t count, i;
	int err = 0;

	if (core_is_closed(self))
		return -ECANCELED;
	if (prefix)
		start = (struct wire_key){.data = prefix->data, .len = (uint16_t)prefix->len};
	page = malloc(MOCK_PAGE_LEN * sizeof(*page));
	if (!page)
		return -ENOMEM;
	pthread_mutex_lock(&mock->store_mutex);
	count = mock_store_page(mock->store, start, cursor, page);
	pthread_mutex_unlock(&mock->store_mutex);
	for (i = 0; !err && i < count; i++) {
		key = (struct remora_key){.data = page[i].key, .len = page[i].key_len};
		err = fn(arg, &key, page[i].len, page[i].locks);
	}
	free(page);
	return err;
}

static int usage(void *self, struct remora_usage *usage)
{
	struct mock *mock = mock_of(self);

	if (core_is_closed(self))
		return -ECANCELED;
	pthread_mutex_lock(&mock->store_mutex);
	mock_store_usage(mock->store, usage);
	pthread_mutex_unlock(&mock->store_mutex);
	usage->uptime_ms = (core_now() - mock->opened_ns) / 1000000;
	return 0;
}

/* All salts at one moment. */
static int usage_salts(void *self, remora_salt_fn fn, void *arg)
{
	struct mock *mock = mock_of(self);
	struct mock_salt_usage *salts = NULL;
	size_t count, i;
	int err = 0;

	if (core_is_closed(self))
		return -ECANCELED;
	pthread_mutex_lock(&mock->store_mutex);
	count = mock_store_salt_count(mock->store);
	if (count)
		salts = malloc(count * sizeof(*salts));
	if (salts)
		mock_store_salts(mock->store, salts);
	pthread_mutex_unlock(&mock->store_mutex);
	if (count && !salts)
		return -ENOMEM;
	for (i = 0; !err && i < count; i++)
		err = fn(arg, salts[i].salt, salts[i].bytes);
	free(salts);
	return err;
}

static const struct remora_type_ops ops = {
	.store_fd = core_store_fd,
	.lookup_fd = core_lookup_fd,
	.load_fd = core_load_fd,
	.submit_store = core_submit_store,
	.pop_stores = core_pop_stores,
	.submit_lookup = core_submit_lookup,
	.query_lookup = core_query_lookup,
	.submit_unlock = core_submit_unlock,
	.submit_load = core_submit_load,
	.query_load = core_query_load,
	.status = status,
	.close = core_close,
	.destroy = core_destroy,
	.wait_connected = wait_connected,
	.delete_keys = core_delete_keys,
	.length = length,
	.list_page = list_page,
	.usage = usage,
	.usage_salts = usage_salts,
	.ping = core_ping,
	.add_listener = core_add_listener,
	.remove_listener = core_remove_listener,
};

static int open_mock(
	const struct remora_config *config, const struct remora_host *host, void **self)
{
	struct core *core;
	struct mock *mock;
	int err;

	err = core_create(host, remora_config_unsigned(config, "timeout_ms"), &core);
	if (err)
		return err;
	core->ops = &mock_engine_ops;
	err = mock_create(core, config, &mock);
	if (err) {
		core_destroy(core);
		return err;
	}
	core->engine = mock;
	*self = core;
	return 0;
}

const struct remora_type mock_type = {
	.name = "mock",
	.help = "this process's RAM, for tests of what uses an adapter",
	.fields = fields,
	.open = open_mock,
	.ops = &ops,
};
