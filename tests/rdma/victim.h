/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victim.h - a client in a process of its own, that a test may kill
 *
 * It is a program (victim_main.c), for a child of a process that has an RDMA
 * device open cannot use the device.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <stddef.h>
#include <sys/types.h>

struct victim {
	pid_t pid;
	int said; /* what it prints; -1: closed */
};

/*
 * Start $CLIENT_VICTIM with these arguments (a NULL-terminated list). It calls
 * `before`, if not NULL, first. It dies with the test.
 */
int victim_start(struct victim *victim, const char *const args[], void (*before)(void));

/* Read the next line it prints, without its end; "" if there is none in time. */
void victim_hear(struct victim *victim, char *line, size_t len);

/* Kill it and wait. */
void victim_kill(struct victim *victim);

/* Wait until it ends by itself: its exit status, or -1 if it was killed or too slow. */
int victim_wait(struct victim *victim);

#endif
