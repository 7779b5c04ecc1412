/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - calls that can fail: counted by where they are made, and failed on demand
 *
 * What is linked with the wrappers calls the system, libibverbs and librdmacm
 * through them; calls inside those libraries are not touched. A *site* is a
 * place in our code that calls one function, known by its return address. Each
 * site counts its calls of each phase, and one call of one site can be made to
 * fail as the real function would. What a call creates (memory, queue pairs,
 * file descriptors, threads) is remembered with its site until another destroys
 * it.
 *
 * The counters can lie in a file that two processes map: a test arms faults in
 * a server that way (REMORA_FAULTS names the file). All functions may be called
 * by any thread.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { FAULTS_PHASES = 8, FAULTS_SITES = 2048, FAULTS_FUNCTION_LEN = 32 };

/* What calls create. */
enum faults_kind {
	FAULTS_MEMORY,
	FAULTS_MAPPING,
	FAULTS_FD,
	FAULTS_THREAD,
	FAULTS_PD,
	FAULTS_MR,
	FAULTS_CQ,
	FAULTS_COMPLETIONS, /* a completion channel */
	FAULTS_EVENTS,      /* a channel of connection events */
	FAULTS_EVENT,       /* one that is not acknowledged */
	FAULTS_ID,
	FAULTS_QP,
	FAULTS_OTHER, /* lists and files */
	FAULTS_KINDS,
};

struct faults_site {
	_Atomic uint64_t key; /* 0: free; else function and offset in the program or library */
	_Atomic uint32_t calls[FAULTS_PHASES];
};

struct faults {
	_Atomic unsigned phase;
	/* The fault: one of these calls of this site in this phase. */
	_Atomic int site; /* -1: none */
	_Atomic unsigned at_phase;
	_Atomic int left;       /* calls until it; 1: the next one */
	_Atomic unsigned fired; /* since faults_arm() */
	_Atomic int spoil;      /* the next call of this function fails as well; -1: none */
	_Atomic unsigned live[FAULTS_KINDS];
	struct faults_site sites[FAULTS_SITES];
};

/* Of this process; those of $REMORA_FAULTS, or in shared memory that a fork keeps. */
struct faults *faults_mine(void);

/* Those of the file, which is made if it is not there. NULL: it cannot be. */
struct faults *faults_map(const char *path);

/*
 * For a child process: counts of its own, with the same numbers of sites. Returns
 * them, NULL if there is no memory.
 */
struct faults *faults_split(void);

/* Set all counts of calls in a phase to 0. */
void faults_reset(struct faults *faults, unsigned phase);

/* Fail the n-th call (from 1) of a site in a phase. Replaces the fault before; clears `fired`. */
void faults_arm(struct faults *faults, int site, unsigned phase, unsigned n);
void faults_disarm(struct faults *faults);

/* Fail the next call of a function, wherever it is, beside the fault that is armed. */
void faults_spoil(struct faults *faults, const char *function);

const char *faults_function(const struct faults *faults, int site);
uint64_t faults_offset(const struct faults *faults, int site);

/* The errno of a function's failure. */
int faults_errno(const struct faults *faults, int site);

/* Whether failing it fails nothing: it destroys, and reports that it could not. */
int faults_is_end(const struct faults *faults, int site);

const char *faults_kind_name(enum faults_kind kind);

/* What this process has not destroyed: a line each on stderr. Returns how many. */
unsigned faults_tell_live(void);

/* Forget an object that somebody else destroys. */
void faults_forget(enum faults_kind kind, const void *object);

#endif
