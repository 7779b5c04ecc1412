/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c - whether settings go together, and what was not said */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "config.h"

enum {
	DEFAULT_SESSIONS = 256,
	DEFAULT_RESERVATIONS = 1 << 16,
	DEFAULT_LOCKS = 1 << 20,
	DEFAULT_TOTAL_LOCKS = 1 << 24,
};

#define DEFAULT_MEMORY (UINT64_C(1) << 30)
/* Without sections. */
static int check_alone(const struct config *config, char *error, size_t error_len)
{
	const char *path = config->common.secret_file;

	if (path[0] && config->insecure) {
		snprintf(error, error_len,
			"insecure: this lets everybody in, and yet there is a secret-file: leave "
			"one of them out");
		return -EINVAL;
	}
	if (!path[0] && !config->insecure) {
		snprintf(error, error_len,
			"who may come in? Name a file with a secret that clients know too "
			"(--secret-file PATH; `(umask 077; openssl rand -hex 32 >PATH)` makes "
			"one), or let everybody in who reaches this host (--insecure)");
		return -EINVAL;
	}
	return 0;
}

/* With sections. */
static int check_common(const struct config *config, char *error, size_t error_len)
{
	const char *wrong = NULL;

	if (config->insecure)
		wrong = "insecure";
	else if (config->common.memory)
		wrong = "memory";
	else if (config->common.secret_file[0])
		wrong = "secret-file";
	if (!wrong)
		return 0;
	snprintf(error, error_len,
		"%s: this cannot be said for all tenants: each has its own memory and secret-file "
		"in its section",
		wrong);
	return -EINVAL;
}

/* Where a tenant says nothing, what stands before the sections counts, or a default. */
static void fill_in(struct config_tenant *tenant, const struct config_tenant *common)
{
	if (!tenant->max_sessions)
		tenant->max_sessions = common->max_sessions;
	if (!tenant->max_reserved)
		tenant->max_reserved = common->max_reserved;
	if (!tenant->max_reserved)
		tenant->max_reserved = tenant->memory / 2;
	if (!tenant->max_reservations)
		tenant->max_reservations = common->max_reservations;
	if (!tenant->max_locks)
		tenant->max_locks = common->max_locks;
	if (!tenant->total_locks)
		tenant->total_locks = common->total_locks;
}

static void fill_in_common(struct config_tenant *common)
{
	static const struct config_tenant defaults = {
		.max_sessions = DEFAULT_SESSIONS,
		.max_reservations = DEFAULT_RESERVATIONS,
		.max_locks = DEFAULT_LOCKS,
		.total_locks = DEFAULT_TOTAL_LOCKS,
	};

	fill_in(common, &defaults);
}

static int check_tenant(const struct config_tenant *tenant, char *error, size_t error_len)
{
	if (tenant->name[0] && (!tenant->memory || !tenant->secret_file[0])) {
		snprintf(error, error_len, "tenant %s: its section does not say its %s",
			tenant->name, tenant->memory ? "secret-file" : "memory");
		return -EINVAL;
	}
	if (tenant->max_reserved > tenant->memory) {
		snprintf(error, error_len,
			"%s%s%smax-reserved: %llu bytes are more than the memory, which has %llu",
			tenant->name[0] ? "tenant " : "", tenant->name, tenant->name[0] ? ": " : "",
			(unsigned long long)tenant->max_reserved,
			(unsigned long long)tenant->memory);
		return -EINVAL;
	}
	return 0;
}

static int check_tenants(struct config *config, char *error, size_t error_len)
{
	unsigned i;
	int err;

	for (i = 0; i < config->tenant_count; i++) {
		fill_in(&config->tenants[i], &config->common);
		err = check_tenant(&config->tenants[i], error, error_len);
		if (err)
			return err;
	}
	return 0;
}

int config_check(struct config *config, char *error, size_t error_len)
{
	bool sections = config->tenant_count && config->tenants[0].name[0];
	int err;

	if (!config->listen[0]) {
		snprintf(error, error_len,
			"listen: not set; name the address of an RDMA device, as in "
			"--listen 192.0.2.1");
		return -EINVAL;
	}
	err = sections ? check_common(config, error, error_len)
		       : check_alone(config, error, error_len);
	if (err)
		return err;
	fill_in_common(&config->common);
	if (!sections) {
		config->tenants[0] = config->common;
		if (!config->tenants[0].memory)
			config->tenants[0].memory = DEFAULT_MEMORY;
		config->tenant_count = 1;
	}
	return check_tenants(config, error, error_len);
}
