/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c - run cases one after the other and tell the verdicts in TAP */
#include "runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77 };

extern const struct trial_group fds_group, store_group, lookup_group, unlock_group, load_group,
	life_group, eviction_group, usage_group, listeners_group, close_group, config_group,
	completion_group, peers_group, controller_group, registration_group, bandwidth_group;

const struct trial_group *const runner_groups[] = {
	&fds_group,
	&store_group,
	&lookup_group,
	&unlock_group,
	&load_group,
	&life_group,
	&eviction_group,
	&usage_group,
	&listeners_group,
	&close_group,
	&config_group,
	&completion_group,
	&peers_group,
	&controller_group,
	&registration_group,
	&bandwidth_group,
	NULL,
};

void runner_list(void)
{
	const struct trial_group *const *group;
	size_t i;

	for (group = runner_groups; *group; group++)
		for (i = 0; i < (*group)->count; i++)
			printf("%s: %s\n", (*group)->name, (*group)->cases[i].name);
}

bool runner_has(const char *name)
{
	const struct trial_group *const *group;
	size_t i;

	for (group = runner_groups; *group; group++) {
		if (!strcmp((*group)->name, name))
			return true;
		for (i = 0; i < (*group)->count; i++)
			if (!strcmp((*group)->cases[i].name, name))
				return true;
	}
	return false;
}

static bool wanted(const struct runner *runner, const struct trial_group *group, const char *name)
{
	unsigned i;

	if (group->applies && !group->applies(&runner->trial))
		return false;
	for (i = 0; i < runner->only_count; i++)
		if (!strcmp(runner->only[i], group->name) || !strcmp(runner->only[i], name))
			return true;
	return !runner->only_count;
}

/* The case's process. Its exit runs what sanitizers have to say at the end. */
static _Noreturn void run_child(struct runner *runner, const struct trial_case *one)
{
	enum trial_outcome outcome;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(runner->seconds);
	outcome = trial_run(&runner->trial, one);
	if (outcome == TRIAL_PASSED)
		exit(0);
	if (outcome == TRIAL_SKIPPED)
		printf("# skipped: %s\n", trial_reason());
	fflush(NULL);
	_exit(outcome == TRIAL_SKIPPED ? EXIT_SKIPPED : 1);
}

static enum trial_outcome run_forked(struct runner *runner, const struct trial_case *one)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid)
		run_child(runner, one);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("remora-conformance: fork");
		exit(2);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("# took longer than %u s\n", runner->seconds);
	else if (WIFSIGNALED(status))
		printf("# died of signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_SKIPPED)
		return TRIAL_SKIPPED;
	else if (!WEXITSTATUS(status))
		return TRIAL_PASSED;
	return TRIAL_FAILED;
}

static unsigned count_cases(const struct runner *runner)
{
	const struct trial_group *const *group;
	unsigned count = 0;
	size_t i;

	for (group = runner_groups; *group; group++)
		for (i = 0; i < (*group)->count; i++)
			count += wanted(runner, *group, (*group)->cases[i].name);
	return count;
}

static enum trial_outcome run_case(
	struct runner *runner, const char *group, const struct trial_case *one)
{
	static unsigned number;
	enum trial_outcome outcome;

	outcome = runner->fork ? run_forked(runner, one) : trial_run(&runner->trial, one);
	printf("%s %u - %s: %s%s\n", outcome == TRIAL_FAILED ? "not ok" : "ok", ++number, group,
		one->name, outcome == TRIAL_SKIPPED ? " # SKIP" : "");
	fflush(stdout);
	return outcome;
}

unsigned runner_run(struct runner *runner)
{
	const struct trial_group *const *group;
	unsigned failed = 0;
	size_t i;

	printf("1..%u\n", count_cases(runner));
	for (group = runner_groups; *group; group++) {
		for (i = 0; i < (*group)->count; i++) {
			const struct trial_case *one = &(*group)->cases[i];

			if (wanted(runner, *group, one->name))
				failed += run_case(runner, (*group)->name, one) == TRIAL_FAILED;
		}
	}
	return failed;
}
