/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rogue.h - a server that lets clients in without knowing their secret
 *
 * Where clients expect a remorad, as after somebody has taken its address. It
 * asks for a proof like the real one, likes any, and shows one of its own.
 */
#ifndef ROGUE_H
#define ROGUE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Start it as a process that ends with this one, on the address where
 * spawn_server() would start one; -errno. With `reflects` it shows clients their
 * own proof, else made-up bytes. Call it before this process uses RDMA.
 */
pid_t rogue_start(unsigned port, bool reflects);

/* Kill it. */
void rogue_end(pid_t pid);

#endif
