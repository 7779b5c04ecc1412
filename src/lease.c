/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.c - the session's lease, as the client sees it
 *
 * The server ends a session that is silent for the lease. An idle one sends a
 * heartbeat, and one that gets no answer is given up before the server does, so
 * that no lock is believed that may be gone. For the I/O thread.
 */
#include "io.h"

#include <errno.h>

enum {
	NS_PER_MS = 1000000,
	HEARTBEATS_A_LEASE = 5,
	FENCE_PERCENT = 70,
};

static uint64_t lease_ns(const struct io *io)
{
	return (uint64_t)io->peer->welcome.lease_ms * NS_PER_MS;
}

static uint64_t heartbeat_due(const struct io *io)
{
	return io->asked_ns + lease_ns(io) / HEARTBEATS_A_LEASE;
}

/*
 * Until when the session's locks may be believed. The server counts the lease
 * from the arrival of a request, which is after its sending; the margin is for
 * clocks that do not run alike. A process that was stopped finds out here.
 */
static uint64_t fence_due(const struct io *io)
{
	return io->renewed_ns + lease_ns(io) / 100 * FENCE_PERCENT;
}

uint64_t lease_due(const struct io *io)
{
	return heartbeat_due(io) < fence_due(io) ? heartbeat_due(io) : fence_due(io);
}

bool lease_holds(struct io *io)
{
	if (io->now < fence_due(io))
		return true;
	io_fault(io, -ETIMEDOUT,
		"the server was silent for %llu ms, and the lease is %u ms: its locks are "
		"no longer believed",
		(unsigned long long)((io->now - io->renewed_ns) / NS_PER_MS),
		io->peer->welcome.lease_ms);
	return false;
}

void lease_keep(struct io *io)
{
	if (lease_holds(io) && io->now >= heartbeat_due(io))
		calls_heartbeat(io);
}
