/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what the daemon was told: command line and configuration file
 *
 * Both know the same settings by the same names; the command line wins. Every
 * error names where it is, the setting, the value and what would be accepted.
 *
 * A file may have sections, `[tenant NAME]`, each with the settings of a tenant.
 * What stands before them is for the server, or for all tenants that do not say
 * otherwise. Without sections there is one tenant, whose name is empty.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

enum config_huge { CONFIG_HUGE_AUTO, CONFIG_HUGE_OFF, CONFIG_HUGE_REQUIRE };

enum {
	CONFIG_DEFAULT_PORT = 7471,
	CONFIG_ERROR_LEN = 512,
	CONFIG_NAME_MAX = 64, /* bytes in a tenant's name */
	CONFIG_PATH_MAX = 256,
	CONFIG_TENANTS_MAX = 64,
};

/* Of one tenant. 0 and "" are not set, until config_check() fills them in. */
struct config_tenant {
	char name[CONFIG_NAME_MAX + 1];
	char secret_file[CONFIG_PATH_MAX];
	uint64_t memory; /* bytes */
	unsigned max_sessions;
	unsigned total_locks;      /* of all sessions together */
	uint64_t max_reserved;     /* bytes a session; 0: half the memory */
	unsigned max_reservations; /* a session */
	unsigned max_locks;        /* a session */
};

struct config {
	char listen[80];              /* as given, for messages; "" if not set */
	struct sockaddr_storage addr; /* the same, parsed */
	unsigned workers;
	int numa_node; /* -1: any */
	enum config_huge huge;
	struct config_tenant common; /* what no section says; max_sessions: of all tenants */
	struct config_tenant tenants[CONFIG_TENANTS_MAX];
	unsigned tenant_count;
	struct config_tenant *section; /* that settings are for; NULL: none has begun */
	bool insecure;                 /* let everybody in */
	unsigned max_unauthenticated;
	unsigned lease_ms;
	unsigned drain_ms;
	char control[108]; /* path of the control socket; "": none */
	enum log_level log_level;
};

void config_init(struct config *config);

/*
 * Set one setting from text. On -EINVAL the config is as it was and error says
 * what is wrong; it does not say where.
 */
int config_set(
	struct config *config, const char *key, const char *value, char *error, size_t error_len);

/*
 * Begin a tenant's section: what is set from now on is the tenant's. -EINVAL:
 * the name is not one, or is taken, or there are too many.
 */
int config_begin_tenant(struct config *config, const char *name, char *error, size_t error_len);

/*
 * Read a file of sections and `key = value` lines; `#` starts a comment at the beginning of
 * a line or after a blank. -EINVAL, or the errno of the file.
 */
int config_read(struct config *config, const char *path, char *error, size_t error_len);

/* Where it listens, in two parts. */
void config_host(const struct config *config, char host[INET6_ADDRSTRLEN]);
unsigned config_port(const struct config *config);

/* What no single setting can tell; fills in the tenants. -EINVAL. */
int config_check(struct config *config, char *error, size_t error_len);

/*
 * Parse a command line, and the file it names, into an initialised config.
 * Prints and exits for --help, --usage and --version, and for an option that
 * does not exist.
 */
int config_parse(struct config *config, int argc, char **argv, char *error, size_t error_len);

#endif
