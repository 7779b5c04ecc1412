/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdma_adapter.c - the type `rdma`: the memory of a server, by RDMA
 *
 * Its fields and its ops. The core checks and keeps tasks, the I/O thread does
 * them.
 */
#include "io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "question.h"
#include "secret.h"
#include "types.h"

enum { ERROR_LEN = 512 };

static const struct remora_field fields[] = {
	{
		.name = "server",
		.kind = REMORA_FIELD_STRING,
		.required = true,
		.help = "the memory server, ADDRESS[:PORT] or [V6ADDRESS]:PORT",
	},
	{
		.name = "tenant",
		.kind = REMORA_FIELD_STRING,
		.help = "whose objects, if the server has several tenants",
	},
	{
		.name = "secret_file",
		.kind = REMORA_FIELD_STRING,
		.help = "file with the tenant's secret, mode 600; needed unless the server is "
			"insecure",
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
		.name = "connect_timeout_ms",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "5000",
		.min = 1,
		.max = 3600000,
		.help = "one attempt to connect",
	},
	{
		.name = "data_lanes",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "2",
		.min = 1,
		.max = PEER_DATA_LANES_MAX,
		.help = "queue pairs for bulk data",
	},
	{
		.name = "queue_depth",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "256",
		.min = 8,
		.max = 2048,
		.help = "one-sided operations in flight, each lane",
	},
	{
		.name = "bounce_size",
		.kind = REMORA_FIELD_SIZE,
		.fallback = "16MiB",
		.min = 4096,
		.max = UINT64_C(1) << 40,
		.help = "memory for buffers that lie outside the arena",
	},
	{0},
};

static void ring(void *engine)
{
	io_ring(engine);
}

static void reset(void *engine)
{
	struct io *io = engine;

	atomic_store(&io->reset_wanted, true);
	io_ring(io);
}

static void stop(void *engine)
{
	io_stop(engine);
}

static void free_engine(void *engine)
{
	io_free(engine);
}

static const struct engine_ops engine_ops = {
	.ring = ring,
	.reset = reset,
	.stop = stop,
	.free = free_engine,
};

static int wait_connected(void *self, uint32_t timeout_ms)
{
	return io_wait_connected(((struct core *)self)->engine, timeout_ms);
}

static void status(void *self, struct remora_status *status)
{
	struct core *core = self;
	struct io *io = core->engine;

	status->boot_id = io->counters.boot;
	status->bytes_written = io->counters.bytes_written;
	status->bytes_read = io->counters.bytes_read;
	status->bytes_bounced = io->counters.bytes_bounced;
	status->work_requests = io->counters.work_requests;
	status->doorbells = io->counters.doorbells;
	status->connects = io->counters.connects;
	status->connection_failures = io->counters.failures;
	status->tasks_in_flight = core_in_flight(core);
	pthread_mutex_lock(&io->status_mutex);
	status->connected = io->connected;
	status->healthy = io->connected;
	status->breaker_open = io->down && !io->stopped;
	if (io->down && io->connector)
		status->breaker_retry_ms = connector_retry_ms(io->connector);
	memcpy(status->device, io->device_name, sizeof(status->device));
	memcpy(status->error, io->error, sizeof(status->error));
	pthread_mutex_unlock(&io->status_mutex);
}

static int peer(void *self, size_t index, struct remora_peer *peer)
{
	const struct core *core = self;
	struct io *io = core->engine;

	if (index)
		return -ENOENT;
	*peer = (struct remora_peer){.boot_id = io->counters.boot};
	snprintf(peer->address, sizeof(peer->address), "%.63s", io->server);
	pthread_mutex_lock(&io->status_mutex);
	peer->connected = io->connected;
	memcpy(peer->device, io->device_name, sizeof(peer->device));
	memcpy(peer->error, io->error, sizeof(peer->error));
	pthread_mutex_unlock(&io->status_mutex);
	return 0;
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
	.peer = peer,
	.delete_keys = core_delete_keys,
	.length = question_length,
	.list_page = question_list_page,
	.usage = question_usage,
	.usage_salts = question_usage_salts,
	.ping = core_ping,
	.add_listener = core_add_listener,
	.remove_listener = core_remove_listener,
};

static void complain(const struct remora_host *host, const char *text)
{
	if (host->log)
		host->log(host->log_arg, REMORA_LOG_ERROR, text);
}

/* The secret is read for each attempt to connect, but a mistake is told at once. */
static int take_secret(const struct remora_config *config, const struct remora_host *host,
	struct peer_params *params)
{
	const char *path = remora_config_string(config, "secret_file");
	struct secret secret;
	char error[ERROR_LEN];
	int err;

	if (!path)
		return 0;
	if (strlen(path) >= sizeof(params->secret_file))
		return -ENAMETOOLONG;
	memcpy(params->secret_file, path, strlen(path) + 1);
	err = secret_read(path, &secret, error, sizeof(error));
	secret_wipe(&secret);
	if (err)
		complain(host, error);
	return err;
}

static int take_tenant(const struct remora_config *config, const struct remora_host *host,
	struct peer_params *params)
{
	const char *tenant = remora_config_string(config, "tenant");
	char error[ERROR_LEN];

	if (!tenant)
		return 0;
	if (strlen(tenant) < sizeof(params->tenant)) {
		memcpy(params->tenant, tenant, strlen(tenant) + 1);
		return 0;
	}
	snprintf(error, sizeof(error), "tenant: \"%.80s\" is longer than %d bytes", tenant,
		WIRE_TENANT_MAX);
	complain(host, error);
	return -EINVAL;
}

static int make_params(const struct remora_config *config, const struct remora_host *host,
	struct peer_params *params)
{
	char error[ERROR_LEN];
	int err;

	*params = (struct peer_params){
		.device.arena = host->arena,
		.device.arena_len = host->arena_len,
		.device.bounce_len = remora_config_size(config, "bounce_size"),
		.data_lanes = (unsigned)remora_config_unsigned(config, "data_lanes"),
		.queue_depth = (unsigned)remora_config_unsigned(config, "queue_depth"),
		.timeout_ms = (uint32_t)remora_config_unsigned(config, "connect_timeout_ms"),
	};
	err = endpoint_parse(remora_config_string(config, "server"), REMORA_DEFAULT_PORT,
		&params->server, error, sizeof(error));
	if (err) {
		complain(host, error);
		return err == -ENOMEM ? err : -EINVAL;
	}
	err = take_tenant(config, host, params);
	if (!err)
		err = take_secret(config, host, params);
	if (err)
		return err;
	if (getrandom(params->client_id, sizeof(params->client_id), 0) < 0)
		return -errno;
	return 0;
}

static int open_rdma(
	const struct remora_config *config, const struct remora_host *host, void **self)
{
	struct peer_params params;
	struct core *core;
	struct io *io;
	int err;

	err = make_params(config, host, &params);
	if (err)
		return err;
	err = core_create(host, remora_config_unsigned(config, "timeout_ms"), &core);
	if (err)
		return err;
	core->ops = &engine_ops;
	err = io_create(core, &params, &io);
	if (err) {
		core_destroy(core);
		return err;
	}
	core->engine = io;
	*self = core;
	return 0;
}

const struct remora_type rdma_type = {
	.name = "rdma",
	.help = "the memory of a server, remorad, by RDMA",
	.fields = fields,
	.open = open_rdma,
	.ops = &ops,
};
