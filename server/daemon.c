/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - all parts of a running server; the main thread */
#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "control.h"
#include "inspection.h"
#include "listener.h"
#include "store.h"
#include "worker.h"

struct daemon {
	const struct config *config;
	struct listener *listener; /* NULL while draining */
	struct ibv_pd *anteroom;   /* of control lanes: no memory for peers is in it */
	char device[64];
	struct tenant tenants[CONFIG_TENANTS_MAX];
	struct service service;
	struct worker *workers[SERVICE_WORKERS_MAX];
	unsigned worker_count;
	struct inspection inspection;
	struct control *control; /* NULL: none is wanted */
};

static int random_u64(uint64_t *value)
{
	do {
		if (getrandom(value, sizeof(*value), 0) != sizeof(*value))
			return -errno;
	} while (!*value);
	return 0;
}

static int open_device(struct daemon *daemon)
{
	struct ibv_context *context;
	int err;

	err = listener_open(&daemon->config->addr, daemon->config->listen, &daemon->listener);
	if (err)
		return err;
	context = listener_device(daemon->listener);
	strncpy(daemon->device, ibv_get_device_name(context->device), sizeof(daemon->device) - 1);
	daemon->anteroom = ibv_alloc_pd(context);
	if (!daemon->anteroom) {
		err = -errno;
		log_line(LOG_ERROR, "cannot allocate a protection domain on %s: %s", daemon->device,
			strerror(-err));
	}
	return err;
}

/* Before anything that takes long: most mistakes are here. */
static int init_tenants(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	unsigned i;
	int err = 0;

	if (config->insecure)
		log_line(LOG_WARN, "insecure: everybody who reaches this host may read, write and "
				   "delete every object");
	for (i = 0; !err && i < config->tenant_count; i++)
		err = tenant_init(&daemon->tenants[i], &config->tenants[i]);
	return err;
}

static int open_tenants(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	unsigned i;
	int err = 0;

	for (i = 0; !err && i < config->tenant_count; i++)
		err = tenant_open(&daemon->tenants[i], config, config->tenants[i].memory,
			listener_device(daemon->listener));
	return err;
}

static int fill_service(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct service *service = &daemon->service;
	struct timespec now;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &now);
	service->started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	service->lease_ms = config->lease_ms;
	service->max_sessions = config->common.max_sessions;
	service->max_strangers =
		(config->max_unauthenticated + config->workers - 1) / config->workers;
	service->tenants = daemon->tenants;
	service->tenant_count = config->tenant_count;
	if (strikes_create(&service->strikes))
		return -ENOMEM;
	if (!secret_random(&service->decoy) && !random_u64(&service->boot))
		return 0;
	err = -errno;
	log_line(LOG_ERROR, "the system has no random bytes: %s", strerror(-err));
	return err;
}

static int start_workers(struct daemon *daemon)
{
	unsigned i;
	int err;

	for (i = 0; i < daemon->config->workers; i++) {
		err = worker_create(&daemon->service, daemon->anteroom, i, &daemon->workers[i]);
		if (err) {
			log_line(LOG_ERROR, "cannot start worker %u of %u: %s", i + 1,
				daemon->config->workers, strerror(-err));
			return err;
		}
		daemon->worker_count++;
	}
	return 0;
}

static int open_control(struct daemon *daemon)
{
	char error[256];
	int err;

	if (!daemon->config->control[0])
		return 0;
	daemon->inspection = (struct inspection){
		.service = &daemon->service,
		.workers = daemon->workers,
		.worker_count = daemon->worker_count,
		.device = daemon->device,
	};
	err = control_open(daemon->config->control, inspection_answer, &daemon->inspection,
		&daemon->control, error, sizeof(error));
	if (err)
		log_line(LOG_ERROR, "%s", error);
	return err;
}

int daemon_start(const struct config *config, struct daemon **out)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int err;

	if (!daemon)
		return -ENOMEM;
	daemon->config = config;
	err = init_tenants(daemon);
	if (!err)
		err = open_device(daemon);
	if (!err)
		err = open_tenants(daemon);
	if (!err)
		err = fill_service(daemon);
	if (!err)
		err = start_workers(daemon);
	if (!err)
		err = listener_start(
			daemon->listener, &daemon->service, daemon->workers, daemon->worker_count);
	if (!err)
		err = open_control(daemon);
	if (err) {
		daemon_end(daemon);
		return err;
	}
	*out = daemon;
	return 0;
}

int daemon_fd(const struct daemon *daemon)
{
	return listener_fd(daemon->listener);
}

int daemon_turn(struct daemon *daemon)
{
	return listener_turn(daemon->listener);
}

void daemon_drain(struct daemon *daemon)
{
	atomic_store(&daemon->service.draining, true);
	listener_close(daemon->listener);
	daemon->listener = NULL;
}

/* Of all tenants. */
static void sum_up(const struct daemon *daemon, struct store_stats *sum)
{
	struct store_stats stats;
	unsigned i;

	*sum = (struct store_stats){0};
	for (i = 0; i < daemon->config->tenant_count; i++) {
		store_stats(daemon->tenants[i].store, &stats);
		sum->capacity += stats.capacity;
		sum->reserved += stats.reserved;
		sum->locked += stats.locked;
	}
}

bool daemon_is_drained(const struct daemon *daemon)
{
	struct store_stats sum;

	sum_up(daemon, &sum);
	return !sum.reserved && !sum.locked;
}

void daemon_announce(const struct daemon *daemon)
{
	char address[INET6_ADDRSTRLEN];
	struct store_stats sum;

	sum_up(daemon, &sum);
	config_host(daemon->config, address);
	log_line(LOG_INFO,
		"ready: address=%s port=%u capacity=%llu device=%s workers=%u boot=%016llx",
		address, config_port(daemon->config), (unsigned long long)sum.capacity,
		daemon->device, daemon->worker_count, (unsigned long long)daemon->service.boot);
}

void daemon_end(struct daemon *daemon)
{
	unsigned i;

	if (!daemon)
		return;
	/* It asks the workers. */
	control_close(daemon->control);
	/* Workers may still get ids from the listener: it goes first. */
	listener_close(daemon->listener);
	for (i = 0; i < daemon->worker_count; i++)
		worker_stop(daemon->workers[i]);
	for (i = 0; i < daemon->worker_count; i++)
		worker_wait(daemon->workers[i]);
	for (i = 0; i < daemon->worker_count; i++)
		worker_destroy(daemon->workers[i]);
	for (i = 0; i < daemon->config->tenant_count; i++)
		tenant_fini(&daemon->tenants[i]);
	if (daemon->anteroom)
		ibv_dealloc_pd(daemon->anteroom);
	secret_wipe(&daemon->service.decoy);
	strikes_destroy(daemon->service.strikes);
	free(daemon);
}
