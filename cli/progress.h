/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - show on standard error how far a replay is
 *
 * A bar that is drawn over on a terminal, elsewhere a line every few seconds.
 * Used by one thread.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

struct progress {
	int terminal;
	uint64_t shown_ns;
	uint64_t start_ns;
};

struct progress_state {
	uint64_t done, total; /* requests */
	uint64_t bytes;       /* moved, both ways */
	uint64_t failures;
};

void progress_begin(struct progress *progress);

/* Show the state if it is time to. */
void progress_show(struct progress *progress, const struct progress_state *state);

/* Clear the bar away. */
void progress_end(struct progress *progress);

#endif
