/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - which calls are failed, one a trial, and what came of it */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALL_MAX = 64, FUNCTIONS_MAX = 128 };

/* Of a call that is made thousands of times not every one is another case. */
static unsigned next_call(unsigned n, unsigned calls, bool all)
{
	if (!all)
		return calls;
	return n < ALL_MAX ? n + 1 : n + n / ALL_MAX + 1;
}

static size_t add_steps(struct plan *plan, int site, unsigned phase, unsigned calls, bool all)
{
	size_t at = plan->count;
	unsigned n = 1;

	while (n <= calls) {
		if (plan->steps)
			plan->steps[at] = (struct plan_step){.site = site, .phase = phase, .n = n};
		at++;
		if (n == calls)
			break;
		n = next_call(n, calls, all);
		if (n > calls)
			n = calls;
	}
	return at - plan->count;
}

static void add_all(struct plan *plan, unsigned first, unsigned count, bool all)
{
	unsigned calls, phase;
	int site;

	plan->count = 0;
	for (phase = first; phase < first + count; phase++)
		for (site = 0; site < FAULTS_SITES; site++) {
			calls = atomic_load(&plan->faults->sites[site].calls[phase]);
			plan->count += add_steps(plan, site, phase, calls, all);
		}
}

static void *shared(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct plan *plan_create(struct faults *faults, const char *name, const char *binary,
	const char *const *phases, unsigned first, unsigned count, bool all)
{
	struct plan *plan = shared(sizeof(*plan));

	if (!plan)
		return NULL;
	plan->name = name;
	plan->binary = binary;
	plan->phases = phases;
	plan->faults = faults;
	add_all(plan, first, count, all);
	plan->steps = shared((plan->count + 1) * sizeof(*plan->steps));
	if (!plan->steps)
		return NULL;
	add_all(plan, first, count, all);
	return plan;
}

static bool is_wanted(const struct plan *plan, int site, const char *only)
{
	char text[64];

	snprintf(text, sizeof(text), "%s@0x%llx", faults_function(plan->faults, site),
		(unsigned long long)faults_offset(plan->faults, site));
	return !strcmp(only, text) || !strcmp(only, faults_function(plan->faults, site));
}

void plan_narrow(struct plan *plan, const char *only)
{
	size_t i, kept = 0;

	for (i = 0; i < plan->count; i++)
		if (is_wanted(plan, plan->steps[i].site, only))
			memmove(&plan->steps[kept++], &plan->steps[i], sizeof(plan->steps[0]));
	plan->count = kept;
}

void plan_site_text(const struct plan *plan, int site, char *text, size_t len)
{
	char command[512], function[128] = "?", line[256] = "?";
	uint64_t offset = faults_offset(plan->faults, site);
	FILE *pipe;

	/* One less: the call, and not what follows it. */
	snprintf(command, sizeof(command), "addr2line -s -f -e '%s' 0x%llx 2>/dev/null",
		plan->binary, (unsigned long long)(offset ? offset - 1 : 0));
	pipe = popen(command, "r");
	if (pipe) {
		if (fscanf(pipe, "%127s %255[^\n]", function, line) < 1)
			snprintf(function, sizeof(function), "?");
		pclose(pipe);
	}
	snprintf(text, len, "%s in %s (%s, 0x%llx)", faults_function(plan->faults, site), function,
		line, (unsigned long long)offset);
}

int plan_complain(struct plan *plan, size_t step, const char *format, ...)
{
	struct plan_step *s = &plan->steps[step];
	char site[512], text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	plan_site_text(plan, s->site, site, sizeof(site));
	printf("# %s: call %u of %s during %s: %s\n", plan->name, s->n, site,
		plan->phases[s->phase], text);
	fflush(stdout);
	atomic_fetch_add(&s->complaints, 1);
	return -1;
}

/* The names of functions, each once. */
static unsigned list_functions(const struct plan *plan, const char *names[FUNCTIONS_MAX])
{
	unsigned count = 0, i;
	size_t step;

	for (step = 0; step < plan->count; step++) {
		const char *name = faults_function(plan->faults, plan->steps[step].site);

		for (i = 0; i < count && strcmp(names[i], name); i++)
			;
		if (i == count && count < FUNCTIONS_MAX)
			names[count++] = name;
	}
	return count;
}

unsigned plan_functions(const struct plan *plan)
{
	const char *names[FUNCTIONS_MAX];

	return list_functions(plan, names);
}

static bool first_of_site(const struct plan *plan, size_t step)
{
	size_t i;

	for (i = 0; i < step; i++)
		if (plan->steps[i].site == plan->steps[step].site)
			return false;
	return true;
}

/* One line; true: something was wrong. */
static bool tell_function(const struct plan *plan, unsigned number, const char *name)
{
	unsigned sites = 0, trials = 0, fired = 0, bad = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (strcmp(name, faults_function(plan->faults, step->site)) != 0)
			continue;
		sites += first_of_site(plan, i);
		trials++;
		fired += atomic_load(&step->fired);
		bad += atomic_load(&step->complaints) > 0;
	}
	/* One that never failed shows that the trials do not do what the count did. */
	if (!fired)
		bad++;
	printf("%s %u - %s: %s fails: %u sites, %u trials, %u failed calls\n",
		bad ? "not ok" : "ok", number, plan->name, name, sites, trials, fired);
	return bad > 0;
}

unsigned plan_tell(const struct plan *plan, unsigned number, bool *bad)
{
	const char *names[FUNCTIONS_MAX];
	unsigned count = list_functions(plan, names), i, sites = 0, fired = 0;
	size_t step;

	for (i = 0; i < count; i++)
		if (tell_function(plan, number++, names[i]))
			*bad = true;
	for (step = 0; step < plan->count; step++) {
		sites += first_of_site(plan, step);
		fired += atomic_load(&plan->steps[step].fired);
	}
	printf("# %s: %u functions, %u sites, %zu trials, %u calls failed\n", plan->name, count,
		sites, plan->count, fired);
	return number;
}
