/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_client.h - one client of a replay: an adapter, an arena, a thread
 *
 * The thread begins requests when they are due and there is one free of
 * plan->in_flight, and goes on with those whose tasks have ended.
 */
#ifndef CLI_REPLAY_CLIENT_H
#define CLI_REPLAY_CLIENT_H

#include <remora/adapter.h>

#include "replay.h"

struct replay_client;

/* Allocates the arena, to be registered by the adapter. -ENOMEM. */
int replay_client_create(const struct replay_plan *plan, struct replay_progress *progress,
	struct replay_client **client);

void *replay_client_arena(const struct replay_client *client, size_t *len);

/*
 * Start the thread with an adapter opened with the arena, which stays the
 * caller's. Negative errno of pthread_create().
 */
int replay_client_start(struct replay_client *client, struct remora_adapter *adapter);

/* Wait for the thread and add what it counted to totals. */
void replay_client_join(struct replay_client *client, struct replay_totals *totals);

/* After join, or without start, and after the adapter was closed. NULL is allowed. */
void replay_client_destroy(struct replay_client *client);

#endif
