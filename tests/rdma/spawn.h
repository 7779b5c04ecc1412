/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - a remorad of its own for a test
 *
 * In the lab the server runs on the last host and the test on the first;
 * elsewhere both use the first RDMA device that has an address.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <netinet/in.h>
#include <sys/types.h>

struct spawn {
	pid_t pid;
	struct sockaddr_storage addr;
	char log[64]; /* the file that its stderr goes to */
	int ended;    /* the status of one that ended before it was ready, as waitpid() told it */
};

/* An address of an RDMA device for the server; -ENODEV: there is none. */
int spawn_address(char *text, size_t text_len);

void spawn_parse(struct sockaddr_storage *addr, const char *text, unsigned port);

/*
 * Start $REMORAD with `options` (a NULL-terminated list) and wait until it is
 * ready. A negative errno if it ended or was not ready in time; its log is on
 * stderr then.
 */
int spawn_server(struct spawn *spawn, unsigned port, const char *const options[]);

/*
 * Wait for the end, after a signal or not. Returns the exit status, or 128 +
 * the signal that killed it; the log is on stderr if that is not 0.
 */
int spawn_wait(struct spawn *spawn);
int spawn_end(struct spawn *spawn, int signal);

/* Stop it as by SIGSTOP and wait until it stands still; SIGCONT lets it go on. */
void spawn_freeze(const struct spawn *spawn);
void spawn_thaw(const struct spawn *spawn);

/* How often a text occurs in the log so far. */
unsigned spawn_logged(const struct spawn *spawn, const char *text);

#endif
