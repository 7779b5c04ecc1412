/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart.pml - nothing stale is believed after a server's restart
 *
 * The server is killed at any moment and starts anew with nothing in memory. It
 * numbers sessions, slots and generations from the beginning again, so that a new
 * handle, extent or session may have exactly the numbers of an old one: the worst
 * case, which is here the only case. The memory region is taken to have the same
 * address and rkey, too.
 *
 * A queue pair does not outlive the process at its other end, so a request can
 * only reach the server that it was sent to; that is why a step on a lane is one
 * atomic step here, without packets. What is left to go wrong is what a client
 * remembers, and a data lane that comes late and finds another server.
 *
 *   KEEP_HELD     held locks and addresses survive the end of a session, as if no
 *                 boot id told that the server is another one
 *   KEEP_UNLOCKS  so do unlocks that wait to be sent
 *   NO_TOKEN      a data lane joins by its session's number alone
 *   NO_BOOT_ID    the server does not compare the boot id of requests. All holds
 *                 without it: it is a second line, see docs/model.md
 */
#include "common.pml"

#define SESSIONS 3 /* of one boot: everybody has one */
#define STEPS 7 /* of the reader */

/* The server. */
byte boot = 1;
byte sessions, generations; /* given out since it started */
byte tokens[SESSIONS];
byte generation;            /* of what is in the only slot; 0: it is free */
bool visible;
byte reserved_by;           /* session number, while it is a reservation */
byte locks[SESSIONS];

/*
 * What the only extent holds, and half of it: which boot and generation it was
 * written for. These two numbers together are unique, and no part of the protocol.
 */
byte half[2];
#define UNIQUE(b, g) (16 * (b) + (g))

byte token_serial;

/* The reader, who is asked about before an object goes. */
byte held, held_unique, reader_boot;

/* kill -9, and a new process. daemon.c draws the new boot id. */
active proctype crash()
{
	atomic {
		boot == 1 ->
		printf("server: killed, and started again\n");
		boot = 2;
		sessions = 0;
		generations = 0;
		generation = 0;
		visible = false;
		reserved_by = 0;
		locks[0] = 0; locks[1] = 0; locks[2] = 0;
		tokens[0] = 0; tokens[1] = 0; tokens[2] = 0;
		half[0] = 0; half[1] = 0
	}
}

active proctype eviction()
{
end:
	do
	:: atomic { visible && locks[0] + locks[1] + locks[2] == 0 ->
		printf("server %d: evicts generation %d\n", boot, generation);
		REQUIRE(lock_lost, !(held != 0 && reader_boot == boot));
		visible = false;
		generation = 0 }
	od
}

/* sessions.c, begin(). Its token is random, here a number never used before. */
inline begin(number, token, my_boot)
{
	atomic {
		number = sessions;
		sessions++;
		token_serial++;
		token = token_serial;
		tokens[number] = token;
		my_boot = boot
	}
}

/* request.c, check_standing(). */
#ifdef NO_BOOT_ID
#define SAME_BOOT(b) true
#else
#define SAME_BOOT(b) ((b) == boot)
#endif

/* Looks up, loads and unlocks, in any order, and connects anew after a crash. */
active proctype reader()
{
	byte number, token, waiting, steps = STEPS;

	begin(number, token, reader_boot);
end:
	do
	:: atomic { steps > 0 && reader_boot == boot && held == 0 && visible ->
		steps--;
		locks[number]++;
		held = generation;
		held_unique = half[0];
		printf("reader: locks generation %d of boot %d\n", held, boot) }
	/* A READ under way keeps the lock: object.pml. Here it is one step. */
	:: atomic { steps > 0 && reader_boot == boot && held != 0 ->
		steps--;
		printf("reader: reads what it holds, from boot %d\n", boot);
		REQUIRE(stale_believed, half[0] == held_unique && half[1] == held_unique) }
	/* calls.c, calls_unlock(): it is sent when there is a credit. */
	:: atomic { steps > 0 && held != 0 && waiting == 0 ->
		steps--; waiting = held; held = 0; held_unique = 0 }
	:: atomic { reader_boot == boot && waiting != 0 ->
		printf("reader: sends an unlock of generation %d\n", waiting);
		if
		:: waiting == generation && locks[number] > 0 -> locks[number]--
		:: else
		fi;
		waiting = 0 }
	/* io.c, end_session() and begin_session(). */
	:: atomic { reader_boot != boot ->
		printf("reader: its session is over, and a new one begins\n");
#ifndef KEEP_HELD
		held = 0;
		held_unique = 0;
#endif
#ifndef KEEP_UNLOCKS
		waiting = 0;
#endif
		begin(number, token, reader_boot) }
	od
}

/* One-sided: the address is all that counts, and no boot id is looked at. */
inline write(i)
{
	printf("writer: half %d for boot %d lands at boot %d\n", i, my_boot, boot);
	REQUIRE(stale_believed, my_boot == boot);
	half[i] = UNIQUE(my_boot, mine)
}

/*
 * Reserves, and opens its data lane only then: the protocol allows it. The lane
 * may find another server than the control lane had.
 */
proctype writer()
{
	byte number, token, my_boot, lane_boot, mine;

	begin(number, token, my_boot);
	if
	:: atomic { my_boot == boot && generation == 0 ->
		generations++;
		generation = generations;
		mine = generation;
		reserved_by = number;
		half[0] = 0; half[1] = 0;
		printf("writer: reserves generation %d of boot %d\n", mine, boot) }
	:: my_boot != boot || generation != 0 -> goto over
	fi;
	/* sessions.c, join(). */
	if
#ifdef NO_TOKEN
	:: atomic { number < sessions ->
#else
	:: atomic { number < sessions && tokens[number] == token ->
#endif
		printf("writer: its data lane joins session %d of boot %d\n", number, boot);
		lane_boot = boot /* to the server of this moment, with which it ends */ }
	:: else -> goto over
	fi;
	if
	:: atomic { lane_boot == boot -> write(0) }
	:: lane_boot != boot -> goto over
	fi;
	if
	:: atomic { lane_boot == boot -> write(1) }
	:: lane_boot != boot -> goto over
	fi;
	if
	:: atomic { lane_boot == boot && SAME_BOOT(my_boot) &&
		generation == mine && !visible && reserved_by == number ->
		printf("writer: commits generation %d of boot %d\n", mine, my_boot);
		REQUIRE(stale_believed, my_boot == boot);
		REQUIRE(visible_incomplete, half[0] == half[1] && half[0] != 0);
		visible = true;
		reserved_by = 0 }
	:: else
	fi;
over:
	/* Its session's end: what is still reserved is free. */
	atomic {
		if
		:: my_boot == boot && generation == mine && mine != 0 && !visible ->
			generation = 0
		:: else
		fi
	}
}

init
{
	atomic {
		run writer();
		run writer()
	}
}
