/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - the engine room of the built-in types: tasks, results, event fds
 *
 * A type that is made of a core gets most of its ops from here; their `self`
 * is the core. The core belongs to the callers' threads: it checks arguments,
 * makes tasks, keeps their results until they are told. An engine, the type's
 * own, takes submitted tasks on a thread of its own and completes each exactly
 * once.
 */
#ifndef CORE_H
#define CORE_H

#include <pthread.h>

#include <remora/adapter.h>

#include "listeners.h"
#include "task.h"

/* What an engine does; called by any thread unless said otherwise. */
struct engine_ops {
	/* There are submitted tasks. Called without the mutex; must not block. */
	void (*ring)(void *engine);

	/* An unlock could not even be noted: release every lock some other way. */
	void (*reset)(void *engine);

	/*
	 * Complete everything that was submitted, and touch no caller's memory
	 * after it. Called once; all other functions may still be called.
	 */
	void (*stop)(void *engine);

	/* Called last, after stop. */
	void (*free)(void *engine);
};

struct core {
	const struct engine_ops *ops;
	void *engine;
	uint64_t timeout_ns;
	remora_log_fn log;
	void *log_arg;
	int store_fd, lookup_fd, load_fd;
	struct listeners *listeners;

	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t told;   /* a task that a thread waits for is done, or the end */
	struct task_table table;
	struct task_list submitted; /* for the engine to take */
	struct task_list stored;    /* finished stores, oldest first */
	uint64_t in_flight;
	bool closed; /* nothing is submitted any more */
	bool ended;  /* core_close() is done */
};

/* Everything but ops and engine, which are set before it is shown to anybody. */
int core_create(const struct remora_host *host, uint64_t timeout_ms, struct core **out);

/* For the engine's thread: move what was submitted to the end of list. */
void core_take(struct core *core, struct task_list *list);

/*
 * For the engine's thread: tell listeners, record the task's result and signal
 * its fd. The task is in no list and belongs to its caller from here on.
 */
void core_complete(struct core *core, struct task *task);

/*
 * For callers' threads: hand a task to the engine, or complete it at once if it
 * is empty, carries an error, or the core is closed. Returns its id; or
 * -ENOMEM, and the task is destroyed.
 */
int64_t core_submit(struct core *core, struct task *task);

/* For callers' threads: submit and wait. It is out of the table, and the caller's. */
int core_submit_and_wait(struct core *core, struct task *task);

/*
 * Give the task a bitmap of count zeroes. NULL, and the task is destroyed, if
 * there is no memory; passes NULL on.
 */
struct task *core_with_bits(struct task *task, size_t count);

void core_explain_bad_key(
	const struct core *core, const char *what, size_t index, const struct remora_key *key);

__attribute__((format(printf, 3, 4))) void core_log(
	const struct core *core, enum remora_log_level level, const char *format, ...);

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t core_now(void);

uint64_t core_in_flight(struct core *core);
bool core_is_closed(struct core *core);

/* Ops of a type whose self is a core. */
int core_store_fd(const void *self);
int core_lookup_fd(const void *self);
int core_load_fd(const void *self);
size_t core_pop_stores(void *self, struct remora_store_result *results, size_t max);
int core_query_lookup(void *self, int64_t task, struct remora_bitmap **result);
int core_query_load(void *self, int64_t task, struct remora_bitmap **result);
int core_add_listener(void *self, const struct remora_listener *listener);
int core_remove_listener(void *self, const struct remora_listener *listener);
void core_close(void *self);

/* Also for a core that got no engine. */
void core_destroy(void *self);

/* submit.c: more of them, which check arguments and make tasks. */
int64_t core_submit_store(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count);
int64_t core_submit_lookup(void *self, const struct remora_key *keys, size_t count);
void core_submit_unlock(void *self, const struct remora_key *keys, size_t count);
int64_t core_submit_load(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count);
int core_delete_keys(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted);
int core_ping(void *self, uint64_t *rtt_ns);

#endif
