/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - settings, from text; the main thread before others start */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 1024, DEFAULT_WORKERS = 4 };

#define LEAST_MEMORY (UINT64_C(1) << 20)

/* Of the server or of a tenant. */
struct setting {
	const char *key;
	const char *accepts;
	bool (*set)(struct config *config, const char *value);
	bool (*set_tenant)(struct config_tenant *tenant, const char *value);
};

static unsigned usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

void config_init(struct config *config)
{
	unsigned cpus = usable_cpus();

	*config = (struct config){
		.workers = cpus < DEFAULT_WORKERS ? cpus : DEFAULT_WORKERS,
		.numa_node = -1,
		.huge = CONFIG_HUGE_AUTO,
		.max_unauthenticated = 64,
		.lease_ms = 10000,
		.drain_ms = 5000,
		.log_level = LOG_INFO,
	};
}

static bool parse_u64(const char *text, const char **end, uint64_t *value)
{
	char *rest;

	/* strtoull would take a sign and blanks. */
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &rest, 10);
	*end = rest;
	return !errno;
}

static bool parse_number(const char *text, unsigned min, unsigned max, unsigned *value)
{
	const char *end;
	uint64_t number;

	if (!parse_u64(text, &end, &number) || *end || number < min || number > max)
		return false;
	*value = (unsigned)number;
	return true;
}

static bool parse_size(const char *text, uint64_t *value)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
	const char *end;
	uint64_t number;
	unsigned i;

	if (!parse_u64(text, &end, &number))
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (number > (UINT64_MAX >> 1) >> units[i].shift)
			return false;
		*value = number << units[i].shift;
		return true;
	}
	return false;
}

static bool parse_ip(const char *host, unsigned port, struct sockaddr_storage *addr)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		memcpy(addr, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		memcpy(addr, &v6, sizeof(v6));
	else
		return false;
	return true;
}

/* Cut "ADDR", "ADDR:PORT", "[V6]" or "[V6]:PORT" in two; a bare V6 has no port. */
static bool split_address(char *text, char **host, const char **port)
{
	char *end;

	*port = NULL;
	*host = text;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*host = text + 1;
		if (end[1])
			*port = end + 2;
		*end = '\0';
		return true;
	}
	end = strchr(text, ':');
	if (!end || strchr(end + 1, ':'))
		return true;
	*end = '\0';
	*port = end + 1;
	return true;
}

static bool set_listen(struct config *config, const char *value)
{
	char text[sizeof(config->listen)], *host;
	struct sockaddr_storage addr;
	unsigned port = CONFIG_DEFAULT_PORT;
	const char *port_text;

	if (strlen(value) >= sizeof(text))
		return false;
	memcpy(text, value, strlen(value) + 1);
	if (!split_address(text, &host, &port_text))
		return false;
	if (port_text && !parse_number(port_text, 1, 65535, &port))
		return false;
	if (!parse_ip(host, port, &addr))
		return false;
	memcpy(config->listen, value, strlen(value) + 1);
	config->addr = addr;
	return true;
}

static bool set_memory(struct config_tenant *tenant, const char *value)
{
	uint64_t size;

	if (!parse_size(value, &size) || size < LEAST_MEMORY || size > SIZE_MAX / 2)
		return false;
	tenant->memory = size;
	return true;
}

static bool set_workers(struct config *config, const char *value)
{
	return parse_number(value, 1, 64, &config->workers);
}

static bool set_numa_node(struct config *config, const char *value)
{
	unsigned node;

	if (!strcmp(value, "any")) {
		config->numa_node = -1;
		return true;
	}
	if (!parse_number(value, 0, 1023, &node))
		return false;
	config->numa_node = (int)node;
	return true;
}

static bool set_huge(struct config *config, const char *value)
{
	if (!strcmp(value, "auto"))
		config->huge = CONFIG_HUGE_AUTO;
	else if (!strcmp(value, "off"))
		config->huge = CONFIG_HUGE_OFF;
	else if (!strcmp(value, "require"))
		config->huge = CONFIG_HUGE_REQUIRE;
	else
		return false;
	return true;
}

static bool set_max_sessions(struct config_tenant *tenant, const char *value)
{
	return parse_number(value, 1, 4096, &tenant->max_sessions);
}

static bool set_max_reserved(struct config_tenant *tenant, const char *value)
{
	return parse_size(value, &tenant->max_reserved);
}

static bool set_max_reservations(struct config_tenant *tenant, const char *value)
{
	return parse_number(value, 1, 1 << 24, &tenant->max_reservations);
}

static bool set_max_locks(struct config_tenant *tenant, const char *value)
{
	return parse_number(value, 1, 1 << 30, &tenant->max_locks);
}

static bool set_total_locks(struct config_tenant *tenant, const char *value)
{
	return parse_number(value, 1, UINT_MAX, &tenant->total_locks);
}

static bool set_secret_file(struct config_tenant *tenant, const char *value)
{
	if (!*value || strlen(value) >= sizeof(tenant->secret_file))
		return false;
	memcpy(tenant->secret_file, value, strlen(value) + 1);
	return true;
}

static bool set_insecure(struct config *config, const char *value)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return false;
	config->insecure = !strcmp(value, "yes");
	return true;
}

static bool set_max_unauthenticated(struct config *config, const char *value)
{
	return parse_number(value, 1, 4096, &config->max_unauthenticated);
}

static bool set_lease_ms(struct config *config, const char *value)
{
	return parse_number(value, 1000, 3600000, &config->lease_ms);
}

static bool set_drain_ms(struct config *config, const char *value)
{
	return parse_number(value, 0, 3600000, &config->drain_ms);
}

static bool set_control(struct config *config, const char *value)
{
	if (!*value || strlen(value) >= sizeof(config->control))
		return false;
	memcpy(config->control, value, strlen(value) + 1);
	return true;
}

static bool set_log_level(struct config *config, const char *value)
{
	return !log_level_parse(value, &config->log_level);
}

#define SIZE_FORMS "bytes, or a whole number with KiB, MiB, GiB or TiB"

static const struct setting settings[] = {
	{"listen",
		"an IPv4 or IPv6 address, with a port if wanted: 192.0.2.1, 192.0.2.1:7471, "
		"[2001:db8::1]:7471",
		.set = set_listen},
	{"memory", SIZE_FORMS "; at least 1MiB", .set_tenant = set_memory},
	{"workers", "a number from 1 to 64", .set = set_workers},
	{"numa-node", "any, or a node's number", .set = set_numa_node},
	{"huge", "auto, off or require", .set = set_huge},
	{"max-sessions", "a number from 1 to 4096", .set_tenant = set_max_sessions},
	{"max-reserved", SIZE_FORMS "; 0 means half the memory", .set_tenant = set_max_reserved},
	{"max-reservations", "a number from 1 to 16777216", .set_tenant = set_max_reservations},
	{"max-locks", "a number from 1 to 1073741824", .set_tenant = set_max_locks},
	{"total-locks", "a number from 1 to 4294967295", .set_tenant = set_total_locks},
	{"secret-file", "the path of a file, of at most 255 bytes", .set_tenant = set_secret_file},
	{"insecure", "yes or no", .set = set_insecure},
	{"max-unauthenticated", "a number from 1 to 4096", .set = set_max_unauthenticated},
	{"lease-ms", "milliseconds from 1000 to 3600000", .set = set_lease_ms},
	{"drain-ms", "milliseconds from 0 to 3600000", .set = set_drain_ms},
	{"control", "a path of 1 to 107 bytes", .set = set_control},
	{"log-level", "error, warn, info or debug", .set = set_log_level},
};

static void unknown_key(const char *key, char *error, size_t error_len)
{
	int len = snprintf(error, error_len, "%s: no such setting; there are:", key);
	unsigned i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (len >= 0 && (size_t)len < error_len)
			len += snprintf(
				error + len, error_len - (size_t)len, " %s", settings[i].key);
}

static int set_one(struct config *config, const struct setting *setting, const char *value,
	char *error, size_t error_len)
{
	bool taken;

	if (config->section && !setting->set_tenant) {
		snprintf(error, error_len,
			"%s: this is a setting of the server, not of a tenant: put it before the "
			"first section",
			setting->key);
		return -EINVAL;
	}
	if (setting->set_tenant)
		taken = setting->set_tenant(
			config->section ? config->section : &config->common, value);
	else
		taken = setting->set(config, value);
	if (taken)
		return 0;
	snprintf(error, error_len, "%s: \"%s\" is not accepted; wanted: %s", setting->key, value,
		setting->accepts);
	return -EINVAL;
}

int config_set(
	struct config *config, const char *key, const char *value, char *error, size_t error_len)
{
	unsigned i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!strcmp(settings[i].key, key))
			return set_one(config, &settings[i], value, error, error_len);
	unknown_key(key, error, error_len);
	return -EINVAL;
}

static bool is_name(const char *name)
{
	static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789._-";
	size_t len = strlen(name);

	return len && len <= CONFIG_NAME_MAX && strspn(name, accepted) == len;
}

int config_begin_tenant(struct config *config, const char *name, char *error, size_t error_len)
{
	unsigned i;

	if (!is_name(name)) {
		snprintf(error, error_len,
			"tenant \"%.100s\": wanted: a name of 1 to %d letters, digits, dots, "
			"underscores and hyphens",
			name, CONFIG_NAME_MAX);
		return -EINVAL;
	}
	for (i = 0; i < config->tenant_count; i++) {
		if (strcmp(config->tenants[i].name, name))
			continue;
		snprintf(
			error, error_len, "tenant %s: there is a section of this name above", name);
		return -EINVAL;
	}
	if (config->tenant_count == CONFIG_TENANTS_MAX) {
		snprintf(error, error_len, "tenant %s: there can be no more than %d tenants", name,
			CONFIG_TENANTS_MAX);
		return -EINVAL;
	}
	config->section = &config->tenants[config->tenant_count++];
	memcpy(config->section->name, name, strlen(name) + 1);
	return 0;
}

void config_host(const struct config *config, char host[INET6_ADDRSTRLEN])
{
	if (config->addr.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&config->addr)->sin6_addr, host,
			INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET, &((const struct sockaddr_in *)&config->addr)->sin_addr, host,
			INET6_ADDRSTRLEN);
}

unsigned config_port(const struct config *config)
{
	if (config->addr.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&config->addr)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&config->addr)->sin_port);
}
