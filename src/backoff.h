/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff.h - how long to pause before the next attempt
 *
 * Pauses double from BACKOFF_FIRST_MS to BACKOFF_MAX_MS. Half of each is by
 * chance, so that many clients that lost a server together do not return
 * together. Pure; for one thread.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

struct backoff {
	uint32_t random;
	uint32_t pause_ms; /* the longest that the next one can be */
};

/* Two with different seeds pause differently. */
void backoff_init(struct backoff *backoff, uint32_t seed);

/* It worked: begin with short pauses again. */
void backoff_reset(struct backoff *backoff);

/* Milliseconds to pause now. */
uint32_t backoff_next(struct backoff *backoff);

#endif
