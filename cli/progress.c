/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - show on standard error how far a replay is
 *
 * Used by one thread.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

enum { BAR_LEN = 30 };

#define BAR_EVERY_NS UINT64_C(200000000)
#define LINE_EVERY_NS UINT64_C(5000000000)

void progress_begin(struct progress *progress)
{
	progress->terminal = isatty(STDERR_FILENO);
	progress->start_ns = progress->shown_ns = clock_ns();
}

void progress_show(struct progress *progress, const struct progress_state *state)
{
	static const char full[BAR_LEN + 1] = "##############################";
	uint64_t now = clock_ns(), total = state->total ? state->total : 1;
	int filled = (int)(state->done * BAR_LEN / total);
	double seconds = (double)(now - progress->start_ns) / 1e9;

	if (now - progress->shown_ns < (progress->terminal ? BAR_EVERY_NS : LINE_EVERY_NS))
		return;
	progress->shown_ns = now;
	if (progress->terminal)
		fprintf(stderr, "\r\033[K[%-*.*s] ", BAR_LEN, filled, full);
	fprintf(stderr, "%" PRIu64 " of %" PRIu64 " requests, %.0f s, %.0f MB/s", state->done,
		state->total, seconds, (double)state->bytes / 1e6 / seconds);
	if (state->failures)
		fprintf(stderr, ", %" PRIu64 " failed tasks", state->failures);
	if (!progress->terminal)
		fputc('\n', stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fputs("\r\033[K", stderr);
}
