/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.pml - for how long a client believes its locks
 *
 * One client holds a lock; time passes. The server ends a session from which it
 * heard nothing for the lease. The client must have stopped believing by then,
 * by its own clock, whatever it missed: frames take any time, and the client may
 * be stopped for any time between any two of its steps.
 *
 * The answer to a READ is the hard part. Soft-iWARP sends it straight from the
 * server's memory, and TCP may do so when the queue pair has long been
 * destroyed: destroying stops what a device takes in, not what it has queued.
 * Such an answer is good only if the lock was there when it came. Hence the
 * order in src/io.c, take_completions(), and src/transfer.c, finish_if_over():
 * completions are polled first, then the clock is read, and only if the lease is
 * good by then are loads told.
 *
 *   NO_LEASE_FENCE     the client does not look at the clock
 *   FENCE_TOO_LATE     it gives up later than the server does, not at 70 % of it
 *   RENEW_AT_REPLY     its lease begins with the reply, not with the request
 *   CLOCK_BEFORE_POLL  the clock is read before completions are taken
 *   NO_LEASE           the server never ends a session: a lock is held for ever
 */
#include "common.pml"

#define LEASE 3 /* ticks; server/client.c, client_overdue() */
#define END 8
#ifdef FENCE_TOO_LATE
#define FENCE LEASE + 1 /* a tick too late: one clock, and >= on both sides */
#else
#define FENCE 2 /* src/lease.c, FENCE_PERCENT */
#endif
#define LOADS 2
#define BEATS 2

byte now;

/* The server. Its extent holds version 1 while it is locked, and then any other. */
bool open = true; /* its queue pairs are not destroyed */
bool locked = true;
byte memory = 1;
byte heard;       /* client.h, heard_ms */

/* The client. */
bool alive = true; /* its queue pairs are not destroyed */
byte renewed;      /* io.h, renewed_ns */

#define AS_IT_IS_THEN 0
chan ping = [1] of { byte };      /* when it was sent */
chan pong = [BEATS] of { byte };
chan read = [1] of { bool };
chan answer = [1] of { byte };    /* bytes, or AS_IT_IS_THEN: not taken from memory yet */
chan completed = [1] of { byte }; /* in the client's completion queue, with these bytes */

active proctype clock()
{
end:
	do
	:: now < END -> now++
	od
}

active proctype server()
{
	byte sent;

end:
	do
	/* sessions.c, complete_one(): any frame renews. */
	:: atomic { open && ping?[sent] -> ping?sent; heard = now; pong!sent; sent = 0 }
	/* The device answers a READ: what it sends it may take from memory later. */
	:: atomic { open && nempty(read) -> read?_;
		if
		:: answer!memory
		:: answer!AS_IT_IS_THEN
		fi }
#ifndef NO_LEASE
	/* sessions.c, sessions_tick(); object.pml has the steps of the end. */
	:: atomic { open && now >= heard + LEASE ->
		printf("server, %d: the lease is over\n", now); open = false; locked = false }
#else
	/* The client is gone and will not unlock. */
	:: atomic { !alive && empty(ping) && locked -> BROKEN(leaked) }
#endif
	/* Evicted, and the extent is somebody else's. */
	:: atomic { !locked && memory == 1 ->
		printf("server, %d: the extent is used again\n", now); memory = 2 }
	od
}

active proctype network()
{
	byte bytes;

end:
	do
	:: atomic { answer?bytes ->
		if
		:: bytes == AS_IT_IS_THEN -> bytes = memory
		:: else
		fi;
		printf("network, %d: an answer with bytes of version %d\n", now, bytes);
		if
		:: alive -> completed!bytes
		:: else
		fi;
		bytes = 0 }
	od
}

/* lease.c, lease_keep(). */
#ifdef NO_LEASE_FENCE
#define FENCED(clock) false
#else
#define FENCED(clock) ((clock) >= renewed + (FENCE))
#endif

/* A reply renews the lease from when its request was sent: replies.c, take_reply(). */
inline take_replies()
{
	do
	:: pong?sent ->
#ifdef RENEW_AT_REPLY
		renewed = now;
#else
		renewed = sent;
#endif
		sent = 0
	:: empty(pong) -> break
	od
}

inline poll()
{
	atomic {
		take_replies();
		if
		:: completed?bytes
		:: empty(completed)
		fi
	}
}

inline read_clock()
{
	seen = now
}

/*
 * The I/O thread: src/io.c. One round of the loop is one turn(). Between any
 * two steps the client may be stopped for as long as it takes.
 */
active proctype client()
{
	byte loads = LOADS, beats = BEATS, seen, sent, bytes;
	bool reading = false;

	do
	:: alive ->
#ifdef CLOCK_BEFORE_POLL
		read_clock();
		poll();
#else
		poll();
		read_clock();
#endif
		if
		:: atomic { FENCED(seen) ->
			printf("client, %d: gives up by itself\n", seen);
			alive = false; bytes = 0; reading = false }
		:: atomic { !FENCED(seen) ->
			/* What holds when the clock was read held when the answer came. */
			if
			:: bytes != 0 ->
				printf("client, %d: the load is good\n", seen);
				REQUIRE(wrong_read, bytes == 1);
				reading = false; bytes = 0
			:: else
			fi }
			if
			:: atomic { loads > 0 && !reading -> loads--; reading = true; read!true }
			:: atomic { beats > 0 && empty(ping) -> beats--; sent = now; ping!sent; sent = 0 }
			:: atomic { loads == 0 && !reading -> alive = false }
			:: true
			fi
		fi;
		seen = 0
	:: !alive -> break
	od
}

/* Promise 9 as it is written: before the fence, by the clock, the lock is there. */
active proctype witness()
{
end:
	do
	:: atomic { alive && !FENCED(now) && !locked -> BROKEN(lease_overrun) }
	od
}
