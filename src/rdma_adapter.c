/* SPDX-License-Identifier: Apache-2.0 */
/* rdma_adapter.c - the rdma type of adapter: its options, and the way to its thread */
#include "io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
	DEFAULT_CONNECT_TIMEOUT_MS = 5000,
	DEFAULT_DATA_LANES = 2,
	DEFAULT_QUEUE_DEPTH = 256,
	QUEUE_DEPTH_MIN = 8,
	QUEUE_DEPTH_MAX = 2048,
	DEFAULT_BOUNCE_LEN = 16 << 20,
	BOUNCE_MIN = 4096,
};

static void ops_ring(void *type)
{
	io_ring(type);
}

static void ops_reset(void *type)
{
	struct io *io = type;

	atomic_store(&io->reset_wanted, true);
	io_ring(io);
}

static void ops_close(void *type)
{
	io_destroy(type);
}

static void ops_status(void *type, struct remora_status *status)
{
	struct io *io = type;

	status->boot_id = io->counters.boot;
	status->bytes_written = io->counters.bytes_written;
	status->bytes_read = io->counters.bytes_read;
	status->bytes_bounced = io->counters.bytes_bounced;
	status->work_requests = io->counters.work_requests;
	status->doorbells = io->counters.doorbells;
	status->connects = io->counters.connects;
	pthread_mutex_lock(&io->status_mutex);
	status->connected = io->connected;
	memcpy(status->device, io->device_name, sizeof(status->device));
	memcpy(status->error, io->error, sizeof(status->error));
	pthread_mutex_unlock(&io->status_mutex);
}

static int ops_wait_connected(void *type, uint32_t timeout_ms)
{
	return io_wait_connected(type, timeout_ms);
}

static const struct adapter_ops rdma_ops = {
	.ring = ops_ring,
	.close = ops_close,
	.status = ops_status,
	.wait_connected = ops_wait_connected,
	.reset = ops_reset,
};

__attribute__((format(printf, 2, 3))) static int refuse(
	const struct remora_options *options, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (options->log)
		options->log(options->log_arg, REMORA_LOG_ERROR, text);
	return -EINVAL;
}

static int check_ranges(const struct remora_options *options)
{
	if (options->data_lanes > PEER_DATA_LANES_MAX)
		return refuse(options, "data_lanes is %u: 1 to %d", options->data_lanes,
			PEER_DATA_LANES_MAX);
	if (options->queue_depth &&
		(options->queue_depth < QUEUE_DEPTH_MIN || options->queue_depth > QUEUE_DEPTH_MAX))
		return refuse(options, "queue_depth is %u: %d to %d", options->queue_depth,
			QUEUE_DEPTH_MIN, QUEUE_DEPTH_MAX);
	if (options->bounce_len && options->bounce_len < BOUNCE_MIN)
		return refuse(options, "bounce_len is %zu: at least %d bytes", options->bounce_len,
			BOUNCE_MIN);
	if (!options->arena != !options->arena_len)
		return refuse(options, "the arena is %zu bytes at %p: give both or neither",
			options->arena_len, options->arena);
	return 0;
}

static int make_params(const struct remora_options *options, struct peer_params *params)
{
	char error[256];
	int err;

	if (!options->server)
		return refuse(options, "no server is named");
	err = check_ranges(options);
	if (err)
		return err;
	*params = (struct peer_params){
		.device.arena = options->arena,
		.device.arena_len = options->arena_len,
		.device.bounce_len = options->bounce_len ? options->bounce_len : DEFAULT_BOUNCE_LEN,
		.data_lanes = options->data_lanes ? options->data_lanes : DEFAULT_DATA_LANES,
		.queue_depth = options->queue_depth ? options->queue_depth : DEFAULT_QUEUE_DEPTH,
		.timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms
							  : DEFAULT_CONNECT_TIMEOUT_MS,
	};
	err = endpoint_parse(
		options->server, REMORA_DEFAULT_PORT, &params->server, error, sizeof(error));
	if (err)
		return refuse(options, "%s", error);
	if (getrandom(params->client_id, sizeof(params->client_id), 0) < 0)
		return -errno;
	return 0;
}

int remora_open(const struct remora_options *options, struct remora_adapter **out)
{
	struct remora_adapter *adapter;
	struct peer_params params;
	struct io *io;
	int err;

	if (!options || !out)
		return -EINVAL;
	err = make_params(options, &params);
	if (err)
		return err;
	err = adapter_create(options, &adapter);
	if (err)
		return err;
	adapter->ops = &rdma_ops;
	err = io_create(adapter, &params, &io);
	if (err) {
		adapter_destroy(adapter);
		return err;
	}
	adapter->type = io;
	*out = adapter;
	return 0;
}
