/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - any bytes as the server's configuration file
 *
 * What is accepted must be usable: checked, with every text ended; and a
 * mistake must be told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_error(int err, const char error[CONFIG_ERROR_LEN])
{
	check(err == 0 || err == -EINVAL);
	check(memchr(error, '\0', CONFIG_ERROR_LEN) != NULL);
	check(!err == !error[0]);
}

static void check_tenant(const struct config_tenant *tenant)
{
	check(memchr(tenant->name, '\0', sizeof(tenant->name)) != NULL);
	check(memchr(tenant->secret_file, '\0', sizeof(tenant->secret_file)) != NULL);
	check(tenant->memory >= 1 << 20 && tenant->memory <= SIZE_MAX / 2);
	check(tenant->max_sessions && tenant->max_locks && tenant->max_reservations);
}

static void check_usable(const struct config *config)
{
	char host[INET6_ADDRSTRLEN];

	config_host(config, host);
	check(host[0] && config_port(config) && config_port(config) <= 65535);
	check(config->workers >= 1 && config->workers <= 64);
	check(config->tenant_count >= 1 && config->tenant_count <= CONFIG_TENANTS_MAX);
	for (unsigned i = 0; i < config->tenant_count; i++)
		check_tenant(&config->tenants[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char error[CONFIG_ERROR_LEN] = "";
	int err;

	config_init(&config);
	err = config_read(&config, memory_file(data, size), error, sizeof(error));
	check_error(err, error);
	if (err)
		return 0;
	err = config_check(&config, error, sizeof(error));
	check_error(err, error);
	if (!err)
		check_usable(&config);
	return 0;
}
