/* SPDX-License-Identifier: Apache-2.0 */
/* landlord.c - a remorad with two tenants for a test; single-threaded */
#include "landlord.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const landlord_secrets[LANDLORD_TENANTS] = {
	"the secret of tenant a, 32 bytes",
	"the secret of tenant b, 32 bytes",
};

static int write_file(char path[64], const char *template, const char *text)
{
	size_t len = strlen(text);
	int fd, err = 0;

	snprintf(path, 64, "%s", template);
	fd = mkstemp(path);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		err = -EIO;
	close(fd);
	return err;
}

static int start(struct landlord *landlord, unsigned port)
{
	const char *const options[] = {"--config", landlord->config, NULL};

	return spawn_server(&landlord->spawn, port, options);
}

int landlord_start(struct landlord *landlord, unsigned port, const char *head, const char *sections)
{
	char text[2048];
	int err = 0, len;

	len = snprintf(text, sizeof(text), "%s", head);
	for (unsigned i = 0; i < LANDLORD_TENANTS && !err; i++) {
		err = write_file(landlord->secret_files[i], "/tmp/remora-secret-XXXXXX",
			landlord_secrets[i]);
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			"[tenant %c]\nmemory = 8MiB\nsecret-file = %s\n%s", 'a' + (int)i,
			landlord->secret_files[i], sections);
	}
	if (!err)
		err = write_file(landlord->config, "/tmp/remorad-conf-XXXXXX", text);
	return err ? err : start(landlord, port);
}

int landlord_end(struct landlord *landlord, int signal)
{
	int status = spawn_end(&landlord->spawn, signal);

	for (unsigned i = 0; i < LANDLORD_TENANTS; i++)
		unlink(landlord->secret_files[i]);
	unlink(landlord->config);
	return status;
}

int landlord_restart(struct landlord *landlord, unsigned port)
{
	int status = spawn_end(&landlord->spawn, SIGTERM);

	return status ? status : start(landlord, port);
}
