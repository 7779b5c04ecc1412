/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.pml - what the models share
 *
 * docs/model.md says what is modelled and how to read this. In short: a proctype
 * is a thread, or a device; `atomic` is one step that nobody can come between;
 * of the options (::) of an `if` or a `do` that can go on, any one is taken,
 * and spin tries all of them in all orders. printf() writes nothing while spin
 * searches; it tells the story when a counterexample is replayed.
 */

/* The properties, as tests/model/run and the replay name them. */
mtype = {
	late_write,         /* a byte landed in an extent that is not its reservation's */
	visible_incomplete, /* an object was published before all of its bytes were there */
	wrong_read,         /* a load was told as good with bytes of another object */
	lock_lost,          /* an object went although a living session holds a lock on it */
	leaked,             /* all sessions are over, and a lock or a reservation is left */
	two_owners,         /* an extent was given back by who does not own it */
	content_changed,    /* a visible object was replaced under its key */
	stale_believed,     /* something learnt from a server that is gone was used */
	lease_overrun,      /* a client acted on a lock that the server had dropped */
	buffer_touched,     /* bytes landed in a buffer that was the caller's again */
	told_twice          /* a task was completed more than once */
};

/*
 * What must hold, by name. A task that never ends needs no name: spin calls it
 * an "invalid end state".
 */
#define BROKEN(what) printf("BROKEN %e\n", what); assert(false)
#define REQUIRE(what, condition)                                                                   \
	if                                                                                         \
	:: (condition)                                                                             \
	:: else -> BROKEN(what)                                                                    \
	fi

/*
 * A queue pair as its device sees it. In the error state a device takes no new
 * packet, but one that is under way may still land (rxe does that; see
 * lane_destroy() in src/lane.c). A queue pair that was destroyed is GONE: the
 * call returned when the device had let go of it.
 */
mtype = { IDLE, RTS, ERR, GONE };
