/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdma.c - the conformance suite against a remorad of its own
 *
 * Exits 77 where there are no two hosts with RDMA. Arguments are handed on to
 * the suite, which $CONFORMANCE names.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "spawn.h"

enum { EXIT_SKIPPED = 77, SECONDS = 230, ARGS_MAX = 64, JSON_LEN = 256 };

static _Noreturn void become_suite(char **args, const char *live, const char *dead)
{
	const char *all[ARGS_MAX] = {
		getenv("CONFORMANCE"), "--adapter", live, "--dead-adapter", dead};
	unsigned count = 5;

	while (*args && count < ARGS_MAX - 1)
		all[count++] = *args++;
	execv(all[0], (char *const *)all);
	perror(all[0]);
	_exit(127);
}

static int run_suite(char **args, const char *live, const char *dead)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		become_suite(args, live, dead);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"--memory", "32MiB", NULL};
	char live[JSON_LEN], dead[JSON_LEN], host[INET6_ADDRSTRLEN];
	struct spawn server, nowhere;
	int failed;

	(void)argc;
	if (!client_has_lab(SECONDS))
		return EXIT_SKIPPED;
	if (spawn_address(host, sizeof(host)) || spawn_server(&server, client_port(0), options))
		return 1;
	snprintf(live, sizeof(live), "{\"type\": \"rdma\", \"server\": \"%s\"}",
		client_server(&server));
	nowhere = server;
	spawn_parse(&nowhere.addr, host, client_port(1));
	snprintf(dead, sizeof(dead),
		"{\"type\": \"rdma\", \"server\": \"%s\", \"timeout_ms\": 1000, "
		"\"connect_timeout_ms\": 500}",
		client_server(&nowhere));
	failed = run_suite(argv + 1, live, dead);
	return spawn_end(&server, SIGTERM) || failed;
}
