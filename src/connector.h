/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connector.h - the thread that connects to the server, again and again
 *
 * Connecting can block in the kernel for minutes, so it never happens on the
 * I/O thread. A failed attempt is reported, and repeated after a pause that
 * doubles up to some seconds, with jitter, so that many clients of a server
 * that returns do not come all at once. So is a session that ended soon after
 * it had begun.
 */
#ifndef CONNECTOR_H
#define CONNECTOR_H

#include "peer.h"

struct connector;

/* notify_fd, an eventfd, is written when connector_take() has news. */
int connector_create(const struct peer_params *params, int notify_fd, struct connector **out);

/*
 * Stop. Lets an attempt that is stuck in the kernel clean up after itself on
 * its own time. Every peer that was taken is destroyed before. NULL is allowed.
 */
void connector_destroy(struct connector *connector);

/* The I/O thread wants a peer: now, or after the pause if attempts failed. */
void connector_want(struct connector *connector);

/*
 * 1: *peer and *device are the I/O thread's, until it destroys the peer and
 * wants another. 0: no news. Negative: an attempt failed, error says why.
 */
int connector_take(struct connector *connector, struct peer **peer, struct device **device,
	char *error, size_t error_len);

/* Any thread: milliseconds until the next attempt; 0: one is under way, or none is wanted. */
uint32_t connector_retry_ms(struct connector *connector);

#endif
