/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlord.h - a remorad with two tenants, "a" and "b", for a test
 *
 * Single-threaded. The files are in /tmp.
 */
#ifndef LANDLORD_H
#define LANDLORD_H

#include "spawn.h"

enum { LANDLORD_TENANTS = 2 };

struct landlord {
	struct spawn spawn;
	char config[64];
	char secret_files[LANDLORD_TENANTS][64]; /* of mode 600 */
};

extern const char *const landlord_secrets[LANDLORD_TENANTS];

/*
 * Write the files and start the server. `head` is what the configuration says
 * for all, `sections` what it says for each tenant; both end with a newline or
 * are empty. As spawn_server().
 */
int landlord_start(
	struct landlord *landlord, unsigned port, const char *head, const char *sections);

/* As spawn_end(), and the files are gone. */
int landlord_end(struct landlord *landlord, int signal);

/* End it and start it again with the same files. */
int landlord_restart(struct landlord *landlord, unsigned port);

#endif
