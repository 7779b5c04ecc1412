/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_totals.h - count what a replay does
 *
 * Each client's thread counts its own; the main thread sums them when the
 * clients have ended. Pure.
 */
#ifndef CLI_REPLAY_TOTALS_H
#define CLI_REPLAY_TOTALS_H

#include "replay.h"

/* A task was submitted at now_ns, or its result was told. */
void replay_operation_begin(struct replay_operation *operation, uint64_t now_ns);
void replay_operation_end(
	struct replay_operation *operation, uint64_t since_ns, uint64_t now_ns, int failed);

/* Keep the sentence if it is the first. */
__attribute__((format(printf, 2, 3))) void replay_totals_error(
	struct replay_totals *totals, const char *format, ...);

void replay_totals_add(struct replay_totals *sum, const struct replay_totals *client);

uint64_t replay_totals_failed(const struct replay_totals *totals);

/* Whether every task succeeded and every byte was right. */
int replay_totals_good(const struct replay_totals *totals);

#endif
