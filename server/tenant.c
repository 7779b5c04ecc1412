/* SPDX-License-Identifier: Apache-2.0 */
/* tenant.c - a group of clients with memory and objects of its own; the main thread */
#include "tenant.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "pool.h"

/* Zeroing and pinning memory goes as fast as there are CPUs. */
static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

int tenant_init(struct tenant *tenant, const struct config_tenant *config)
{
	char error[CONFIG_ERROR_LEN];
	int err;

	memcpy(tenant->name, config->name, sizeof(tenant->name));
	tenant->max_sessions = config->max_sessions;
	tenant->max_locks = config->total_locks;
	tenant->limits = (struct session_limits){
		.reserved = config->max_reserved,
		.reservations = config->max_reservations,
		.locks = config->max_locks,
	};
	if (!config->secret_file[0])
		return 0;
	err = secret_read(config->secret_file, &tenant->secret, error, sizeof(error));
	if (err)
		log_line(LOG_ERROR, "secret-file: %s", error);
	return err;
}

static int create_pool(struct tenant *tenant, const struct config *config, uint64_t memory)
{
	struct pool_params params = {
		.len = memory,
		.huge = config->huge,
		.numa_node = config->numa_node,
		.threads = cpus(),
	};
	int err = pool_create(tenant->pd, &params, &tenant->pool);

	if (!err)
		tenant->arenas = pool_arenas(tenant->pool, &tenant->arena_count);
	return err;
}

static int create_store(struct tenant *tenant)
{
	struct store_params params = {.arena_count = tenant->arena_count};
	size_t *lengths;
	unsigned i;
	int err;

	if (getrandom(&params.seed, sizeof(params.seed), 0) != sizeof(params.seed))
		return -errno;
	lengths = calloc(tenant->arena_count, sizeof(*lengths));
	if (!lengths)
		return -ENOMEM;
	for (i = 0; i < tenant->arena_count; i++)
		lengths[i] = tenant->arenas[i].len;
	params.arenas = lengths;
	err = store_create(&params, &tenant->store);
	free(lengths);
	return err;
}

int tenant_open(struct tenant *tenant, const struct config *config, uint64_t memory,
	struct ibv_context *device)
{
	int err;

	if (tenant->name[0])
		log_line(LOG_INFO, "tenant: name=%s", tenant->name);
	tenant->pd = ibv_alloc_pd(device);
	if (!tenant->pd) {
		err = -errno;
		log_line(LOG_ERROR, "cannot allocate a protection domain on %s: %s",
			ibv_get_device_name(device->device), strerror(-err));
		return err;
	}
	err = create_pool(tenant, config, memory);
	if (err)
		return err;
	err = create_store(tenant);
	if (err)
		log_line(LOG_ERROR, "cannot create the object store: %s", strerror(-err));
	return err;
}

void tenant_fini(struct tenant *tenant)
{
	store_destroy(tenant->store);
	pool_destroy(tenant->pool);
	if (tenant->pd)
		ibv_dealloc_pd(tenant->pd);
	secret_wipe(&tenant->secret);
}
