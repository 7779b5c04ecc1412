/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.pml - the life of an object and of its extent
 *
 * Two clients store, load and delete one key at one server that has room for two
 * objects. The server ends any session at any moment (its lease is over, a lane
 * failed, the client is gone: the reason does not matter here), evicts at any
 * moment, and packets arrive as late as they like. A client gives up at any
 * moment, and may have been stopped for any time before each of its steps, so
 * that a stopped client that wakes up in a session which is long over is among
 * the executions. What a lease is for is the subject of lease.pml.
 *
 * Without a switch all properties hold. Each switch takes one mechanism out:
 *
 *   NO_DESTROY           queue pairs are moved to the error state, not destroyed
 *   FREE_BEFORE_DESTROY  reservations and locks go before the queue pairs
 *   COMMIT_OTHER_LANE    COMMIT does not follow its WRITEs on their lane
 *   ABORT_OTHER_LANE     the same of ABORT
 *   EVICT_LOCKED         eviction does not look at locks
 *   DELETE_LOCKED        DELETE does not
 *   NO_LOCK              LOOKUP does not count a lock: recency is no pin
 *   NO_PIN               UNLOCK does not wait for the READs of the load
 *   LAST_COMMIT_WINS     a COMMIT replaces what is there
 *   NO_GENERATION        a handle is a slot only
 *   NO_OWNER_CHECK       a handle is believed whoever sends it
 *   KEEP_HANDLE          a session's table keeps a reservation after its COMMIT
 *   KEEP_LOCKS           a session's end forgets its locks
 *   KEEP_RESERVATIONS    a session's end forgets its reservations
 */
#include "common.pml"

#define TASKS 2    /* of each client */
#define EXTENTS 2
#define SESSIONS 2 /* one of each client */
#define NOBODY 255

/*
 * The server's memory: who wrote each half of each extent. Versions of the object
 * are numbered, and a writer writes its version's number. Two halves are enough
 * to be incomplete.
 */
byte memory[2 * EXTENTS];

/*
 * The server's table (server/index.c, server/store.c). A slot is an extent, and
 * the generation of a handle is the version, so a handle is (extent, version).
 */
byte version[EXTENTS];            /* whose extent it is; 0: it is free */
bool visible[EXTENTS];            /* published; else a reservation */
byte locks[EXTENTS * SESSIONS];   /* server/locks.c: of each session on each object */
byte reserved[EXTENTS * SESSIONS]; /* server/reservations.c: a session's versions, 0: none */
byte found = NOBODY;              /* server/index.c: the extent under the only key */
byte versions;                    /* given out so far */

/* Of each session: the server's queue pairs, and whether the client still has its own. */
mtype queue_pair[SESSIONS] = IDLE;
bool late[SESSIONS];              /* the one late packet of the error state has landed */
bool connected[SESSIONS];         /* at the client */
bool given_back[SESSIONS];        /* client_destroy() is through */

/* What a client believes to have locked: for the property, no part of the protocol. */
byte believes_extent[SESSIONS] = NOBODY, believes_version[SESSIONS];

mtype = { RESERVE, LOOKUP, UNLOCK, DELETE, WRITE, READ, COMMIT, ABORT };
mtype = { OK, EXISTS, MISS, STALE, DATA };

/* A lane keeps its order; nothing is ordered between the two lanes of a session. */
chan control[SESSIONS] = [3] of { mtype, byte, byte };    /* request, extent, version */
chan data[SESSIONS] = [3] of { mtype, byte, byte, byte }; /* the same, and which half */
chan reply[SESSIONS] = [2] of { mtype, byte, byte };      /* both lanes' */

#define LOCKED(e) (locks[(e) * SESSIONS] + locks[(e) * SESSIONS + 1] > 0)

/* A living session's client holds a lock on what is in this extent. */
#define BELIEVED_BY(s, e) (believes_extent[s] == (e) && believes_version[s] == version[e] && \
			   queue_pair[s] == RTS && connected[s])
#define BELIEVED(e) (BELIEVED_BY(0, e) || BELIEVED_BY(1, e))

/* Nobody reads what is sent to a client that has destroyed its queue pairs. */
inline answer(s, status, e, v)
{
	if
	:: connected[s] -> reply[s]!status(e, v)
	:: else
	fi
}

/* --- the server's store ------------------------------------------------------ */

/* store.c, index_get(): does the handle name what is in its slot now? */
#ifdef NO_GENERATION
#define CURRENT(e, v) (version[e] != 0)
#else
#define CURRENT(e, v) (version[e] != 0 && version[e] == (v))
#endif

/* request.c, session_unreserve() and session_unlock(): is it this very session's? */
#ifdef NO_OWNER_CHECK
#define RESERVED_BY(e, s) true
#define LOCKED_BY(e, s) LOCKED(e)
#else
#define RESERVED_BY(e, s) (reserved[(e) * SESSIONS + (s)] != 0)
#define LOCKED_BY(e, s) (locks[(e) * SESSIONS + (s)] > 0)
#endif

/* room.c, room_vacate(): the extent is free. */
inline vacate(e, v)
{
	REQUIRE(two_owners, version[e] == v);
	version[e] = 0;
	visible[e] = false;
	memory[2 * e] = 0; /* nobody's bytes; so that equal states look equal */
	memory[2 * e + 1] = 0
}

/* room.c, room_remove(): evicted or deleted. */
inline remove(e)
{
	REQUIRE(lock_lost, !BELIEVED(e));
	vacate(e, version[e]);
	found = NOBODY
}

/* store.c, try_reserve(). What makes room is the process `eviction`. */
inline reserve(s)
{
	if
	:: found != NOBODY -> answer(s, EXISTS, 0, 0)
	:: found == NOBODY && version[0] == 0 -> take(s, 0)
	:: found == NOBODY && version[0] != 0 && version[1] == 0 -> take(s, 1)
	:: else -> assert(false) /* two sessions, one store at a time: there is room */
	fi
}

inline take(s, e)
{
	versions++;
	version[e] = versions;
	reserved[e * SESSIONS + s] = versions;
	answer(s, OK, e, versions)
}

/* session.c, session_unreserve(): a handle names a reservation until COMMIT or ABORT. */
inline unreserve(e, s)
{
#ifndef KEEP_HANDLE
	reserved[e * SESSIONS + s] = 0
#else
	skip
#endif
}

/* store.c, publish(). */
inline commit(s, e, v)
{
	if
	:: CURRENT(e, v) && !visible[e] && RESERVED_BY(e, s) ->
		unreserve(e, s);
		if
		:: found == NOBODY ->
			publish(s, e, v)
		:: else ->
#ifdef LAST_COMMIT_WINS
			REQUIRE(content_changed, version[found] == v);
			vacate(found, version[found]);
			publish(s, e, v)
#else
			vacate(e, v);
			answer(s, EXISTS, e, v)
#endif
		fi
	:: else -> answer(s, STALE, e, v)
	fi
}

inline publish(s, e, v)
{
	REQUIRE(visible_incomplete,
		memory[2 * e] == version[e] && memory[2 * e + 1] == version[e]);
	visible[e] = true;
	found = e;
	answer(s, OK, e, v)
}

/* store.c, store_abort(). */
inline abort(s, e, v)
{
	if
	:: CURRENT(e, v) && !visible[e] && RESERVED_BY(e, s) ->
		unreserve(e, s);
		vacate(e, v);
		answer(s, OK, e, v)
	:: else -> answer(s, STALE, e, v)
	fi
}

/* store.c, store_lookup() with the lock flag. */
inline lookup(s)
{
	if
	:: found == NOBODY -> answer(s, MISS, 0, 0)
	:: else ->
#ifndef NO_LOCK
		locks[found * SESSIONS + s]++;
#endif
		answer(s, OK, found, version[found])
	fi
}

/* store.c, store_unlock(). Nobody waits for the answer, so there is none here. */
inline unlock(s, e, v)
{
	if
	:: CURRENT(e, v) && LOCKED_BY(e, s) ->
		if
		:: locks[e * SESSIONS + s] > 0 -> locks[e * SESSIONS + s]--
		:: else -> unlock_any(e) /* only ever with NO_OWNER_CHECK */
		fi
	:: else
	fi
}

inline unlock_any(e)
{
	if
	:: locks[e * SESSIONS] > 0 -> locks[e * SESSIONS]--
	:: locks[e * SESSIONS + 1] > 0 -> locks[e * SESSIONS + 1]--
	fi
}

/* store.c, store_delete(). */
inline delete(s)
{
	if
	:: found == NOBODY -> answer(s, MISS, 0, 0)
#ifndef DELETE_LOCKED
	:: found != NOBODY && LOCKED(found) -> answer(s, EXISTS, 0, 0) /* that is, LOCKED */
#endif
	:: else -> remove(found); answer(s, OK, 0, 0)
	fi
}

/* room.c, evict_oldest(): of unlocked objects, and here at any moment. */
active proctype eviction()
{
end:
	do
#ifdef EVICT_LOCKED
	:: atomic { found != NOBODY ->
#else
	:: atomic { found != NOBODY && !LOCKED(found) ->
#endif
		printf("server: evicts version %d from extent %d\n", version[found], found);
		remove(found) }
	od
}

/* --- a session at the server ------------------------------------------------- */

/* session.c, session_destroy(): reservations by store_abort(), then locks. */
inline give_back(s)
{
	printf("server: session %d gives back what it held\n", s);
#ifndef KEEP_RESERVATIONS
	give_back_reservation(s, 0);
	give_back_reservation(s, 1);
#endif
#ifndef KEEP_LOCKS
	locks[s] = 0;
	locks[SESSIONS + s] = 0;
#endif
	given_back[s] = true
}

inline give_back_reservation(s, e)
{
	if
	:: reserved[e * SESSIONS + s] != 0 && CURRENT(e, reserved[e * SESSIONS + s]) &&
		!visible[e] -> vacate(e, reserved[e * SESSIONS + s])
	:: else
	fi;
	reserved[e * SESSIONS + s] = 0
}

/* The device places half an extent: no CPU of the server has a part in it. */
inline land(s, e, v, half)
{
	printf("network: session %d, half %d of version %d lands in extent %d\n", s, half, v, e);
	REQUIRE(late_write, version[e] == v);
	memory[2 * e + half] = v
}

inline destroy(s)
{
	printf("server: session %d, queue pairs destroyed\n", s);
	queue_pair[s] = GONE;
	late[s] = false;
	lose(s)
}

/* What is in the network arrives nowhere. */
inline lose(s)
{
	do
	:: data[s]?_, _, _, _
	:: control[s]?_, _, _
	:: empty(data[s]) && empty(control[s]) -> break
	od
}

/*
 * The server's device and its worker for one session. Every option is a step of
 * its own, so that anybody else may act between two of them.
 */
hidden mtype request;
hidden byte ext, ver, half;

proctype session(byte s)
{
end:
	do
	/* The device, of a queue pair that works. */
	:: atomic { queue_pair[s] == RTS && data[s]?[WRITE, ext, ver, half] ->
		data[s]?WRITE, ext, ver, half; land(s, ext, ver, half) }
	:: atomic { queue_pair[s] == RTS && data[s]?[READ, ext, ver, half] ->
		data[s]?READ, ext, ver, half;
		printf("network: session %d reads half %d of extent %d: version %d\n",
			s, half, ext, memory[2 * ext + half]);
		answer(s, DATA, memory[2 * ext + half], ver) }
	/* In the error state one late packet lands, the others are dropped. */
	:: atomic { queue_pair[s] == ERR && !late[s] && data[s]?[WRITE, ext, ver, half] ->
		data[s]?WRITE, ext, ver, half; late[s] = true; land(s, ext, ver, half) }
	/* What a client had not sent when it gave up is lost, and all that is behind it. */
	:: atomic { !connected[s] && (nempty(data[s]) || nempty(control[s])) -> lose(s) }

	/* request.c: a frame is taken when everything before it on its lane was. */
	:: atomic { queue_pair[s] == RTS && data[s]?[COMMIT, ext, ver, half] ->
		data[s]?COMMIT, ext, ver, half;
		printf("server: session %d, COMMIT of version %d\n", s, ver); commit(s, ext, ver) }
	:: atomic { queue_pair[s] == RTS && data[s]?[ABORT, ext, ver, half] ->
		data[s]?ABORT, ext, ver, half;
		printf("server: session %d, ABORT of version %d\n", s, ver); abort(s, ext, ver) }
	:: atomic { queue_pair[s] == RTS && nempty(control[s]) -> control[s]?request, ext, ver;
		printf("server: session %d, %e (%d, %d)\n", s, request, ext, ver);
		if
		:: request == RESERVE -> reserve(s)
		:: request == LOOKUP -> lookup(s)
		:: request == UNLOCK -> unlock(s, ext, ver)
		:: request == DELETE -> delete(s)
#ifdef COMMIT_OTHER_LANE
		:: request == COMMIT -> commit(s, ext, ver)
#endif
#ifdef ABORT_OTHER_LANE
		:: request == ABORT -> abort(s, ext, ver)
#endif
		fi }

	/*
	 * sessions.c, sessions_tick(): the session ends, for whatever reason. From
	 * client_close() on nothing of it is answered. client.c, client_destroy()
	 * and lane.c, lane_destroy(): to ERR, destroyed, and then what it held.
	 */
	:: atomic { queue_pair[s] == RTS ->
		printf("server: session %d ends, queue pairs to ERR\n", s); queue_pair[s] = ERR }
#if defined(NO_DESTROY) || defined(FREE_BEFORE_DESTROY)
	:: atomic { queue_pair[s] == ERR && !given_back[s] -> give_back(s) }
#else
	:: atomic { queue_pair[s] == ERR -> destroy(s); give_back(s) }
#endif
#ifdef FREE_BEFORE_DESTROY
	:: atomic { queue_pair[s] == ERR && given_back[s] -> destroy(s) }
#endif
	od
}

/* --- a client ---------------------------------------------------------------- */

#ifdef COMMIT_OTHER_LANE
#define SEND_COMMIT(s, e, v) control[s]!COMMIT(e, v)
#else
#define SEND_COMMIT(s, e, v) data[s]!COMMIT(e, v, 0)
#endif
#ifdef ABORT_OTHER_LANE
#define SEND_ABORT(s, e, v) control[s]!ABORT(e, v)
#else
#define SEND_ABORT(s, e, v) data[s]!ABORT(e, v, 0)
#endif

inline believe(s, e, v)
{
	believes_extent[s] = e;
	believes_version[s] = v
}

/*
 * Wait for an answer, or for the deadline, which may be now. io.c, expire():
 * a task past its deadline takes the session with it. What follows an answer
 * is done in the same step as taking it: a client that stops in between looks
 * to all others like one whose packets are still on their way.
 */
#define UNTIL_DEADLINE(...)                                                                        \
	if                                                                                         \
	:: atomic { __VA_ARGS__ }                                                                       \
	:: goto give_up                                                                            \
	fi

/* calls.c and transfer.c: RESERVE; then WRITEs with the COMMIT behind them. */
inline store()
{
	atomic {
		printf("client %d: stores\n", s);
		control[s]!RESERVE(0, 0)
	};
	UNTIL_DEADLINE(reply[s]?what, at, v -> start_writing());
	if
	:: what == OK -> UNTIL_DEADLINE(reply[s]?what, at, v)
	:: else
	fi
}

/* One post list. A client may give back what it has written instead. */
inline start_writing()
{
	if
	:: what == OK ->
		data[s]!WRITE(at, v, 0);
		data[s]!WRITE(at, v, 1);
		if
		:: SEND_COMMIT(s, at, v)
		:: SEND_ABORT(s, at, v)
		fi
	:: else
	fi
}

/* held.c, transfer.c: READ under a lock, and UNLOCK when the READs are over. */
inline load()
{
	atomic {
		printf("client %d: loads\n", s);
		control[s]!LOOKUP(0, 0)
	};
	UNTIL_DEADLINE(reply[s]?what, at, v -> start_reading());
	if
	:: what == OK -> UNTIL_DEADLINE(len(reply[s]) == 2 -> finish_reading())
	:: else
	fi
}

inline start_reading()
{
	if
	:: what == OK ->
		believe(s, at, v);
#ifdef HOSTILE
		/* A client that unlocks what it has unlocked before: the handle is stale. */
		if
		:: old_v != 0 && old_v != v -> control[s]!UNLOCK(old_at, old_v); old_v = 0
		:: true
		fi;
#endif
#ifdef NO_PIN
		control[s]!UNLOCK(at, v);
		believe(s, NOBODY, 0);
#endif
		data[s]!READ(at, v, 0);
		data[s]!READ(at, v, 1)
	:: else
	fi
}

inline finish_reading()
{
	reply[s]?_, got, _;
	REQUIRE(wrong_read, got == v);
	reply[s]?_, got, _;
	REQUIRE(wrong_read, got == v);
	believe(s, NOBODY, 0);
	control[s]!UNLOCK(at, v);
	old_at = at; old_v = v; got = 0
}

inline remove_it()
{
	atomic {
		printf("client %d: deletes\n", s);
		control[s]!DELETE(0, 0)
	};
	UNTIL_DEADLINE(reply[s]?what, at, v)
}

/* A client that knows all handles, and sends those of others. */
inline meddle()
{
	atomic {
		printf("client %d: sends the handle of somebody else\n", s);
		if
		:: control[s]!UNLOCK(0, version[0]) -> what = UNLOCK
		:: data[s]!COMMIT(0, version[0], 0) -> what = COMMIT
		:: data[s]!ABORT(0, version[0], 0) -> what = ABORT
		fi
	};
	if
	:: what != UNLOCK -> UNTIL_DEADLINE(reply[s]?what, at, v)
	:: else
	fi
}

proctype client(byte s)
{
	mtype what;
	byte tasks = TASKS, at, v, got, old_at, old_v;

	atomic { connected[s] = true; queue_pair[s] = RTS };
	do
	:: tasks > 0 ->
		tasks--;
		if
		:: store()
		:: load()
#ifdef HOSTILE
		:: s == 1 -> meddle()
#else
		:: s == 0 -> remove_it()
#endif
		fi;
		atomic { at = 0; v = 0; what = 0 }
	:: tasks == 0 -> break
	od;
give_up:
	/* io.c, end_session(): peer_destroy(), and nothing remembers the session. */
	atomic {
		printf("client %d: its session is over\n", s);
		connected[s] = false;
		do
		:: reply[s]?_, _, _
		:: empty(reply[s]) -> break
		od;
		believe(s, NOBODY, 0);
		at = 0; v = 0; old_at = 0; old_v = 0; what = 0; tasks = 0
	}
}

/* When nothing moves any more all sessions are over: the audit. */
proctype audit()
{
	byte e = 0;

	timeout ->
	do
	:: e < EXTENTS ->
		REQUIRE(leaked, !LOCKED(e) && (version[e] == 0 || visible[e]));
		e++
	:: else -> break
	od
}

init
{
	atomic {
		run session(0); run session(1);
		run client(0); run client(1);
		run audit()
	}
}
