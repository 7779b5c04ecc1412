/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - run cases one after the other and tell the verdicts in TAP
 *
 * Each case has a process of its own, so that one that hangs or crashes is a
 * case that failed. Single-threaded, and the adapter is never touched in the
 * runner's own process unless `fork` is false.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>

#include "trial.h"

enum { RUNNER_ONLY_MAX = 64 };

struct runner {
	struct trial trial;
	const char *only[RUNNER_ONLY_MAX]; /* names of groups and cases; none: all */
	unsigned only_count;
	unsigned seconds; /* that a case may take */
	bool fork;
};

/* In the order in which they run; NULL ends the list. */
extern const struct trial_group *const runner_groups[];

/* "group: case", one a line. */
void runner_list(void);

/* Is there a group or a case of that name? */
bool runner_has(const char *name);

/* Returns how many cases failed. */
unsigned runner_run(struct runner *runner);

#endif
