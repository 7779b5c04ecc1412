/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.h - one batch that a caller handed in, and the table of all of them
 *
 * A task belongs to the adapter that made it. Pure: the adapter's mutex guards
 * the table and the results, its working thread alone uses the fields of
 * progress.
 */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <remora/adapter.h>

#include "wire.h"

enum task_kind {
	TASK_STORE,
	TASK_LOOKUP,
	TASK_LOAD,
	TASK_UNLOCK,
	TASK_DELETE,
	/* From here on the asker reads the reply's frame itself. */
	TASK_LENGTH,
	TASK_LIST,
	TASK_USAGE,
	TASK_SALTS,
	TASK_PING,
};

enum task_settled {
	TASK_UNSETTLED,
	TASK_SETTLED, /* LOOKUP, LOAD: nothing to ask; STORE: this task has stored it */
	TASK_TWIN,    /* STORE: an earlier key of the task is the same */
};

struct task {
	enum task_kind kind;
	int64_t id; /* 0 until it is in a table */
	uint64_t deadline_ns;
	size_t count;
	struct wire_key *keys;         /* copies; key 0 is the prefix of a LIST */
	struct remora_object *objects; /* STORE, LOAD; the salts are copies, never NULL */
	uint64_t cursor;               /* LIST, SALTS */

	/* The result: written by the working thread, read after `done`. */
	bool done;
	int error;
	uint64_t bytes;
	struct remora_bitmap *bits; /* LOOKUP, LOAD, DELETE */
	uint8_t *reply;             /* LENGTH, LIST, USAGE, SALTS: the frame */
	size_t reply_len;

	/* Progress. A byte a key, an enum task_settled: unless it is 0 no request names the key. */
	uint8_t *settled;
	size_t next_key;  /* the first that no request names yet */
	unsigned batches; /* under way */
	bool asking;      /* in the queue of those with requests to send */
	bool parted;      /* STORE: some keys had to wait until others were committed */
	bool verifying;   /* such a store looks whether those others are still there */
	TAILQ_ENTRY(task) link;
	STAILQ_ENTRY(task) ask_link;
};

TAILQ_HEAD(task_list, task);

/*
 * A task with copies of the keys, of the object array (not the objects) and of
 * the salts. Bad keys (NULL, empty, too long) become length 0, salts that are
 * too long "". NULL: out of memory.
 */
struct task *task_create(enum task_kind kind, const struct remora_key *keys, size_t count,
	const struct remora_object *objects);
void task_destroy(struct task *task);

/* Mark in a store all but the first of keys that are the same. -ENOMEM. */
int task_mark_twins(struct task *task);

/* The index of the first bad key, or count. */
size_t task_bad_key(const struct task *task);

/* Tasks by id: unique, positive, never given twice. */
struct task_table {
	struct task_slot *slots;
	uint32_t len;
	uint32_t free; /* head of the list of free slots, 0: none */
	uint32_t used;
};

/* Gives the task its id. -ENOMEM. */
int task_table_insert(struct task_table *table, struct task *task);

/* NULL: no such task, or no longer. */
struct task *task_table_find(const struct task_table *table, int64_t id);
void task_table_remove(struct task_table *table, const struct task *task);
void task_table_fini(struct task_table *table);

#endif
