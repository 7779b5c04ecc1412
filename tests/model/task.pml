/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.pml - every task ends, once, and its buffer is the caller's then
 *
 * A caller loads twice. The server may fall silent for ever at any moment, and so
 * may the network; connecting may take for ever. No step below waits for any of
 * them alone. A task that never ends is an execution that stops while the caller
 * still waits: spin calls that an invalid end state. Nothing here can go round in
 * circles for ever either, which the run also checks (a non-progress cycle).
 *
 *   NO_DEADLINE          a task has no deadline
 *   KEEP_SESSION         a late task is told, and its session goes on
 *   TELL_BEFORE_DESTROY  it is told before the queue pairs are destroyed
 *   NO_DESTROY           they are moved to the error state, not destroyed
 *   NO_CLOSE             closing the adapter leaves unfinished tasks alone
 *   NO_LANE_CHECK        completions of a session that is over are taken, too
 */
#include "common.pml"

#define TASKS 2
#define ATTEMPTS 2 /* to connect; then the server is gone for good */

mtype = { NEW, ASKED, READING, TOLD }; /* of a task; the first, 0, is not submitted */

mtype task[TASKS];
byte told[TASKS];     /* how often */
bool callers[TASKS];  /* the buffer is the caller's */

mtype queue_pair = GONE; /* the client's */
bool late;               /* the one late packet of the error state has landed */
bool down;               /* io.h: the last attempt to connect failed */
bool closing;
bool silent;             /* the server or the network */

/* A session's frames and READs carry its number: the next session has new lanes. */
byte session;
chan request = [TASKS] of { byte, byte };
chan reply = [TASKS] of { byte, byte };
chan read = [TASKS] of { byte, byte };
chan answer = [TASKS] of { byte, byte };
chan completed = [TASKS] of { byte, byte };

mtype = { WANTED, CONNECTING, CONNECTED, FAILED, RESTING };
mtype connector = RESTING;

/* --- everything that is not the client --------------------------------------- */

active proctype server()
{
	byte s, t;

end:
	do
	:: atomic { !silent && request?[s, t] -> request?s, t; reply!s, t }
	:: atomic { !silent && read?[s, t] -> read?s, t; answer!s, t }
	:: atomic { !silent ->
		printf("server: silent from now on\n"); silent = true }
	od
}

inline land(t)
{
	printf("device: bytes land in the buffer of task %d\n", t);
	REQUIRE(buffer_touched, !callers[t])
}

/* A packet lands in the caller's memory by the client's device, without its CPU. */
active proctype device()
{
	byte s, t;

end:
	do
	:: atomic { answer?[s, t] -> answer?s, t;
		if
		:: s == session && queue_pair == RTS -> land(t); completed!s, t
		:: s == session && queue_pair == ERR && !late -> late = true; land(t)
		:: else /* the queue pair is gone, or there is a new one */
		fi }
	od
}

/* connector.c: a thread of its own, since an attempt may block for ever. */
active proctype connecting()
{
	byte attempts = ATTEMPTS;

end:
	do
	:: atomic { connector == WANTED && attempts > 0 -> attempts--; connector = CONNECTING }
	:: atomic { connector == WANTED && attempts == 0 -> connector = FAILED }
	:: atomic { connector == CONNECTING && !silent -> connector = CONNECTED }
	:: atomic { connector == CONNECTING -> connector = FAILED }
	:: atomic { connector == CONNECTING -> connector = RESTING } /* it hangs */
	od
}

/* --- the adapter's I/O thread: src/io.c --------------------------------------- */

/* core.c, core_complete(): the result, then the signal. */
inline tell(t)
{
	printf("client: task %d is told\n", t);
	REQUIRE(told_twice, task[t] != TOLD);
	told[t]++;
	task[t] = TOLD;
	callers[t] = true
}

inline tell_if_begun(t)
{
	if
	:: task[t] != 0 && task[t] != TOLD -> tell(t)
	:: else
	fi
}

inline tell_all()
{
	atomic { tell_if_begun(0); tell_if_begun(1) }
}

/* peer.c, peer_destroy(), by lane_destroy(). */
inline destroy()
{
	if
	:: queue_pair == RTS -> queue_pair = ERR
	:: else
	fi;
#ifndef NO_DESTROY
	queue_pair = GONE
#endif
}

/* io.c, end_session(): no device touches memory before the tasks are told. */
inline end_session()
{
#ifdef TELL_BEFORE_DESTROY
	tell_all();
	destroy()
#else
	destroy();
	tell_all()
#endif
}

#define UNFINISHED(t) (task[t] != 0 && task[t] != TOLD)

active proctype io()
{
	byte s, t;

	connector = WANTED;
	do
	/* take_submitted(): without a session and with none in sight a task fails at once. */
	:: atomic { queue_pair != RTS && down && task[0] == NEW -> tell(0) }
	:: atomic { queue_pair != RTS && down && task[1] == NEW -> tell(1) }
	:: atomic { queue_pair == RTS && task[0] == NEW -> task[0] = ASKED; request!session, 0 }
	:: atomic { queue_pair == RTS && task[1] == NEW -> task[1] = ASKED; request!session, 1 }

	/* take_completions(); what belongs to an earlier session is of no lane that is known. */
	:: atomic { reply?s, t ->
		if
		:: s == session && queue_pair == RTS -> task[t] = READING; read!session, t
		:: else
		fi }
	:: atomic { completed?s, t ->
		if
#ifdef NO_LANE_CHECK
		:: true -> tell(t)
#else
		:: s == session && queue_pair == RTS -> tell(t)
		:: else
#endif
		fi }

	/* take_connection(). */
	:: atomic { connector == CONNECTED ->
		connector = RESTING; queue_pair = RTS; session++; down = false; late = false;
		printf("client: session %d begins\n", session) }
	:: atomic { connector == FAILED ->
		connector = RESTING; down = true; tell_if_begun(0); tell_if_begun(1) }

	/* expire(): the deadline may be now. */
#ifndef NO_DEADLINE
	:: UNFINISHED(0) || UNFINISHED(1) ->
		printf("client: a task is past its deadline\n");
#ifdef KEEP_SESSION
		tell_all()
#else
		if
		:: queue_pair == RTS -> end_session(); connector = WANTED
		:: else -> tell_all()
		fi
#endif
#endif

	/* io_run(): the adapter is closed. */
	:: closing -> break
	od;
#ifndef NO_CLOSE
	end_session()
#endif
}

/* --- the caller --------------------------------------------------------------- */

inline submit(t)
{
	atomic { task[t] = NEW; callers[t] = false }
}

active proctype caller()
{
	submit(0);
	submit(1);
	if
	:: true -> closing = true /* with both tasks unfinished, perhaps */
	:: true
	fi;
	told[0] == 1 && told[1] == 1;
	closing = true
}
