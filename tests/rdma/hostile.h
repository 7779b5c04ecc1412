/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - a server under attack, and an honest client that watches it
 *
 * The attacks use raw lanes. When one is over, hostile_audit() says whether
 * the server is what it was before: it serves the honest client, and holds no
 * session, reservation, lock, file descriptor or memory of the attackers.
 * Single-threaded.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum {
	HOSTILE_OBJECT = 20000, /* what the honest client stores, and attackers reserve */
};

/* The server, and the session of the honest client, which tests may use too. */
extern struct spawn hostile_server;
extern struct raw hostile_honest;

/*
 * Start a server that listens on `port` with more options (NULL: none; else a
 * list that ends with NULL), and the honest client. 0, or a negative errno.
 */
int hostile_begin(unsigned port, const char *const options[]);

/* What the server has now is what it may have later: an allocator keeps the most there was. */
void hostile_keep_memory(void);

/* A group's teardown: the server must end well when it is asked to. */
int hostile_end(void **state);

/* One object of the honest client goes there and comes back as it was. */
void hostile_serves(void);

/* Wait until the server has `sessions` of them, the honest one counted. */
void hostile_wait_sessions(uint64_t sessions);

/* Those that are not welcome counted too, and those that are about to end. */
unsigned hostile_connections(void);
void hostile_wait_connections(unsigned most);

/* See above. The attackers have closed their lanes, or lost them. */
void hostile_audit(void);

/* One attacker, who holds a reservation and a lock, so that his end frees some. */
struct attacker {
	struct raw raw;
	bool open;
	struct wire_handle reserved, locked;
};

/*
 * Open his session if it is not open: with the smallest frames, and two
 * credits, so that it is quick.
 */
void attacker_open(struct attacker *attacker);
void attacker_close(struct attacker *attacker);

/* The connect request that an attacker sends, and its lane without a greeting. */
struct wire_connect attacker_connect(void);
void attacker_open_lane(struct attacker *attacker);

#endif
