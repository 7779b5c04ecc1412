/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.c - how long to pause before the next attempt */
#include "backoff.h"

void backoff_init(struct backoff *backoff, uint32_t seed)
{
	backoff->random = seed;
	backoff_reset(backoff);
}

void backoff_reset(struct backoff *backoff)
{
	backoff->pause_ms = BACKOFF_FIRST_MS;
}

uint32_t backoff_next(struct backoff *backoff)
{
	uint32_t half_ms = backoff->pause_ms / 2;

	backoff->pause_ms = backoff->pause_ms < BACKOFF_MAX_MS / 2 ? 2 * backoff->pause_ms
								   : BACKOFF_MAX_MS;
	backoff->random = backoff->random * 1664525 + 1013904223;
	return half_ms + (backoff->random >> 8) % (half_ms + 1);
}
