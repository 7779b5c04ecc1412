/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - all parts of a running server; the main thread */
#include "daemon.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "control.h"
#include "inspection.h"
#include "listener.h"
#include "pool.h"
#include "secret.h"
#include "store.h"
#include "worker.h"

struct daemon {
	const struct config *config;
	struct listener *listener; /* NULL while draining */
	struct ibv_pd *pd;
	char device[64];
	struct tenant tenant;
	struct service service;
	struct worker *workers[WORKERS_MAX];
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

/* Zeroing and pinning memory goes as fast as there are CPUs. */
static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
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
	daemon->pd = ibv_alloc_pd(context);
	if (!daemon->pd) {
		err = -errno;
		log_line(LOG_ERROR, "cannot allocate a protection domain on %s: %s", daemon->device,
			strerror(-err));
	}
	return err;
}

static int create_pool(struct daemon *daemon)
{
	struct pool_params params = {
		.len = daemon->config->memory,
		.huge = daemon->config->huge,
		.numa_node = daemon->config->numa_node,
		.threads = cpus(),
	};

	return pool_create(daemon->pd, &params, &daemon->tenant.pool);
}

static int create_store(struct daemon *daemon)
{
	struct tenant *tenant = &daemon->tenant;
	struct store_params params = {0};
	size_t *lengths;
	unsigned i;
	int err;

	tenant->arenas = pool_arenas(tenant->pool, &tenant->arena_count);
	err = random_u64(&params.seed);
	if (err)
		return err;
	lengths = calloc(tenant->arena_count, sizeof(*lengths));
	if (!lengths)
		return -ENOMEM;
	for (i = 0; i < tenant->arena_count; i++)
		lengths[i] = tenant->arenas[i].len;
	params.arenas = lengths;
	params.arena_count = tenant->arena_count;
	err = store_create(&params, &tenant->store);
	free(lengths);
	if (err)
		log_line(LOG_ERROR, "cannot create the object store: %s", strerror(-err));
	return err;
}

static int fill_tenant(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct tenant *tenant = &daemon->tenant;
	char error[CONFIG_ERROR_LEN];
	int err;

	tenant->limits = (struct session_limits){
		.reserved = config->max_reserved ? config->max_reserved : config->memory / 2,
		.reservations = config->max_reservations,
		.locks = config->max_locks,
	};
	tenant->max_sessions = config->max_sessions;
	tenant->max_locks = UINT64_MAX;
	if (config->insecure) {
		log_line(LOG_WARN, "insecure: everybody who reaches this host may read, write and "
				   "delete every object");
		return 0;
	}
	err = secret_read(config->secret_file, &tenant->secret, error, sizeof(error));
	if (err)
		log_line(LOG_ERROR, "secret-file: %s", error);
	return err;
}

static int fill_service(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct service *service = &daemon->service;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	service->started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	service->lease_ms = config->lease_ms;
	service->max_sessions = config->max_sessions;
	service->tenants = &daemon->tenant;
	service->tenant_count = 1;
	return secret_random(&service->decoy) ? -EIO : random_u64(&service->boot);
}

static int start_workers(struct daemon *daemon)
{
	unsigned i;
	int err;

	for (i = 0; i < daemon->config->workers; i++) {
		err = worker_create(&daemon->service, daemon->pd, i, &daemon->workers[i]);
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
	err = fill_tenant(daemon);
	if (!err)
		err = open_device(daemon);
	if (!err)
		err = create_pool(daemon);
	if (!err)
		err = create_store(daemon);
	if (!err)
		err = fill_service(daemon);
	if (!err)
		err = start_workers(daemon);
	if (!err)
		err = listener_start(daemon->listener, daemon->workers, daemon->worker_count);
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

bool daemon_is_drained(const struct daemon *daemon)
{
	struct store_stats stats;

	store_stats(daemon->tenant.store, &stats);
	return !stats.reserved && !stats.locked;
}

void daemon_announce(const struct daemon *daemon)
{
	char address[INET6_ADDRSTRLEN];
	struct store_stats stats;

	store_stats(daemon->tenant.store, &stats);
	config_host(daemon->config, address);
	log_line(LOG_INFO,
		"ready: address=%s port=%u capacity=%llu device=%s workers=%u boot=%016llx",
		address, config_port(daemon->config), (unsigned long long)stats.capacity,
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
		worker_destroy(daemon->workers[i]);
	store_destroy(daemon->tenant.store);
	pool_destroy(daemon->tenant.pool);
	if (daemon->pd)
		ibv_dealloc_pd(daemon->pd);
	secret_wipe(&daemon->tenant.secret);
	secret_wipe(&daemon->service.decoy);
	free(daemon);
}
