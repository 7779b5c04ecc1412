/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter.h - what every type of adapter shares: tasks, results, event fds
 *
 * This half belongs to the callers' threads: it checks arguments, makes tasks,
 * keeps their results until they are told. The other half, a type, takes
 * submitted tasks on a thread of its own and completes each exactly once.
 * Include order: this is the library's own header, the public one of the same
 * name is <remora/adapter.h>.
 */
#ifndef SRC_ADAPTER_H
#define SRC_ADAPTER_H

#include <pthread.h>

#include <remora/adapter.h>

#include "task.h"

struct remora_adapter;

/* What a type of adapter does; called by any thread unless said otherwise. */
struct adapter_ops {
	/* There are submitted tasks. Called without the mutex; must not block. */
	void (*ring)(void *type);

	/* Stop working; complete everything that was taken. Called once, last. */
	void (*close)(void *type);

	void (*status)(void *type, struct remora_status *status);
	int (*wait_connected)(void *type, uint32_t timeout_ms);

	/* An unlock could not even be noted: release every lock some other way. */
	void (*reset)(void *type);
};

struct remora_adapter {
	const struct adapter_ops *ops;
	void *type;
	uint64_t timeout_ns;
	remora_log_fn log;
	void *log_arg;
	int store_fd, lookup_fd, load_fd;

	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t told;   /* a task that a thread waits for is done */
	struct task_table table;
	struct task_list submitted; /* for the type to take */
	struct task_list stored;    /* finished stores, oldest first */
	uint64_t in_flight;
	bool closed;
};

/* Everything but ops and type. */
int adapter_create(const struct remora_options *options, struct remora_adapter **out);
void adapter_destroy(struct remora_adapter *adapter);

/* For the type's thread: move what was submitted to the end of list. */
void adapter_take(struct remora_adapter *adapter, struct task_list *list);

/*
 * For the type's thread: record the task's result and signal its fd. The task
 * is in no list and belongs to its caller from here on.
 */
void adapter_complete(struct remora_adapter *adapter, struct task *task);

/*
 * For callers' threads: hand a task to the type, or complete it at once if it
 * is empty, carries an error, or the adapter is being closed. Returns its id;
 * or -ENOMEM, and the task is destroyed.
 */
int64_t adapter_submit(struct remora_adapter *adapter, struct task *task);

/*
 * Give the task a bitmap of count zeroes. NULL, and the task is destroyed, if
 * there is no memory; passes NULL on.
 */
struct task *adapter_with_bits(struct task *task, size_t count);

void adapter_explain_bad_key(const struct remora_adapter *adapter, const char *what, size_t index,
	const struct remora_key *key);

__attribute__((format(printf, 3, 4))) void adapter_log(
	const struct remora_adapter *adapter, enum remora_log_level level, const char *format, ...);

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t adapter_now(void);

#endif
