/* SPDX-License-Identifier: Apache-2.0 */
/* victim.c - a client in a process of its own, that a test may kill */
#include "victim.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 16, HEAR_MS = 60000, END_STEPS = 6000, STEP_US = 10000 };

static void run(const char *const args[], void (*before)(void))
{
	const char *argv[ARGS_MAX];
	unsigned count = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	argv[count++] = getenv("CLIENT_VICTIM");
	while (*args && count < ARGS_MAX - 1)
		argv[count++] = *args++;
	argv[count] = NULL;
	if (before)
		before();
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

int victim_start(struct victim *victim, const char *const args[], void (*before)(void))
{
	int ends[2];

	if (pipe(ends))
		return -errno;
	victim->pid = fork();
	if (!victim->pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		run(args, before);
	}
	close(ends[1]);
	victim->said = ends[0];
	return victim->pid < 0 ? -errno : 0;
}

void victim_hear(struct victim *victim, char *line, size_t len)
{
	struct pollfd pfd = {.fd = victim->said, .events = POLLIN};
	size_t at = 0;

	while (at < len - 1 && poll(&pfd, 1, HEAR_MS) > 0 && read(pfd.fd, line + at, 1) == 1 &&
		line[at] != '\n')
		at++;
	line[at] = '\0';
}

static void hang_up(struct victim *victim)
{
	close(victim->said);
	victim->said = -1;
	victim->pid = 0;
}

void victim_kill(struct victim *victim)
{
	if (victim->pid <= 0)
		return;
	kill(victim->pid, SIGKILL);
	waitpid(victim->pid, NULL, 0);
	hang_up(victim);
}

int victim_wait(struct victim *victim)
{
	int status, i;

	for (i = 0; i < END_STEPS; i++) {
		if (waitpid(victim->pid, &status, WNOHANG) == victim->pid) {
			hang_up(victim);
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		}
		usleep(STEP_US);
	}
	victim_kill(victim);
	return -1;
}
