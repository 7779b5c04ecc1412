/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_report.h - tell what a replay did, to people and as JSON
 *
 * MB are 10^6 bytes. Main thread.
 */
#ifndef CLI_REPLAY_REPORT_H
#define CLI_REPLAY_REPORT_H

#include <remora/adapter.h>

#include "replay.h"

struct replay_report {
	const struct replay_plan *plan;
	const struct replay_totals *totals;
	const struct trace_survey *survey;
	const char *input; /* the trace's path, or "synthetic" */
	unsigned clients;
	double seconds;
	const char *ended; /* "complete", or why it ended before */
	struct remora_status status;
	struct remora_usage before, after;
	int has_after; /* 0: the server could not be asked at the end */
};

void replay_report_print(const struct replay_report *report);

/* Complains of what goes wrong, and returns it as a negative errno. */
int replay_report_write(const struct replay_report *report, const char *path);

#endif
