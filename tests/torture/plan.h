/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - which calls are failed, one a trial, and what came of it
 *
 * A plan is made from the counts of a run without faults. A trial that finds
 * something wrong says so by plan_complain(), from any process that has the
 * plan by fork. Results are told by function, as TAP.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "faults.h"

struct plan_step {
	int site;
	unsigned phase;
	unsigned n; /* the call, from 1 */
	_Atomic bool fired;
	_Atomic unsigned complaints;
};

struct plan {
	const char *name;
	const char *binary;        /* where the sites are */
	const char *const *phases; /* their names */
	struct faults *faults;
	struct plan_step *steps;
	size_t count;
	_Atomic size_t next; /* step to be taken */
};

/*
 * From the counts of `phases` phases from first on: of every site and phase the
 * first call and the last one, or with `all` every one (of sites with very many
 * calls, some). In memory that children share. NULL: no memory.
 */
struct plan *plan_create(struct faults *faults, const char *name, const char *binary,
	const char *const *phases, unsigned first, unsigned count, bool all);

/* Only the steps of one function, or with a text of one site ("calloc@0x1234"). */
void plan_narrow(struct plan *plan, const char *only);

/* A step of a trial is wrong. Returns -1. */
__attribute__((format(printf, 3, 4))) int plan_complain(
	struct plan *plan, size_t step, const char *format, ...);

/* Tell each function's result, numbered from `number`. Returns the next number. */
unsigned plan_tell(const struct plan *plan, unsigned number, bool *bad);

/* How many functions plan_tell() tells of. */
unsigned plan_functions(const struct plan *plan);

/* "calloc in lane_alloc (lane.c:212)"; slow. */
void plan_site_text(const struct plan *plan, int site, char *text, size_t len);

#endif
