/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.c - what every type of adapter shares: tasks, results, event fds */
#include "adapter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_MS = 30000, NS_PER_MS = 1000000 };

uint64_t adapter_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void adapter_log(
	const struct remora_adapter *adapter, enum remora_log_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!adapter->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	adapter->log(adapter->log_arg, level, text);
}

int adapter_create(const struct remora_options *options, struct remora_adapter **out)
{
	struct remora_adapter *adapter = calloc(1, sizeof(*adapter));
	uint64_t timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	int err;

	if (!adapter)
		return -ENOMEM;
	adapter->timeout_ns = timeout_ms * NS_PER_MS;
	adapter->log = options->log;
	adapter->log_arg = options->log_arg;
	TAILQ_INIT(&adapter->submitted);
	TAILQ_INIT(&adapter->stored);
	pthread_mutex_init(&adapter->mutex, NULL);
	pthread_cond_init(&adapter->told, NULL);

	adapter->store_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	adapter->lookup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	adapter->load_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (adapter->store_fd < 0 || adapter->lookup_fd < 0 || adapter->load_fd < 0) {
		err = -errno;
		adapter_destroy(adapter);
		return err;
	}
	*out = adapter;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void adapter_destroy(struct remora_adapter *adapter)
{
	/* Results that nobody fetched are still in the table. */
	task_table_fini(&adapter->table);
	close_fd(adapter->store_fd);
	close_fd(adapter->lookup_fd);
	close_fd(adapter->load_fd);
	pthread_cond_destroy(&adapter->told);
	pthread_mutex_destroy(&adapter->mutex);
	free(adapter);
}

void adapter_take(struct remora_adapter *adapter, struct task_list *list)
{
	pthread_mutex_lock(&adapter->mutex);
	TAILQ_CONCAT(list, &adapter->submitted, link);
	pthread_mutex_unlock(&adapter->mutex);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof(one));

	/* It fails only at 2^64 - 1 unread completions, and is readable then. */
	(void)written;
}

static int kind_fd(const struct remora_adapter *adapter, enum task_kind kind)
{
	switch (kind) {
	case TASK_STORE: return adapter->store_fd;
	case TASK_LOOKUP: return adapter->lookup_fd;
	case TASK_LOAD: return adapter->load_fd;
	case TASK_UNLOCK:
	case TASK_DELETE:
	case TASK_LENGTH:
	case TASK_LIST:
	case TASK_USAGE:
	case TASK_PING: break;
	}
	return -1;
}

void adapter_complete(struct remora_adapter *adapter, struct task *task)
{
	int fd = kind_fd(adapter, task->kind);

	if (task->kind == TASK_UNLOCK) {
		task_destroy(task);
		return;
	}
	/* The task may be gone as soon as the mutex is free: fd is taken before. */
	pthread_mutex_lock(&adapter->mutex);
	task->done = true;
	adapter->in_flight--;
	if (task->kind == TASK_STORE)
		TAILQ_INSERT_TAIL(&adapter->stored, task, link);
	pthread_mutex_unlock(&adapter->mutex);
	/*
	 * Whoever is told may close the adapter, which waits for the type's thread
	 * before it frees anything.
	 */
	if (fd >= 0)
		signal_fd(fd);
	else
		pthread_cond_broadcast(&adapter->told);
}

int64_t adapter_submit(struct remora_adapter *adapter, struct task *task)
{
	bool empty = !task->count && task->kind <= TASK_DELETE;
	bool refused;
	int64_t id;
	int err;

	task->deadline_ns = adapter_now() + adapter->timeout_ns;
	pthread_mutex_lock(&adapter->mutex);
	err = task_table_insert(&adapter->table, task);
	if (err) {
		pthread_mutex_unlock(&adapter->mutex);
		task_destroy(task);
		return err;
	}
	id = task->id;
	adapter->in_flight++;
	if (adapter->closed && !task->error)
		task->error = -ECANCELED;
	refused = task->error || empty;
	if (!refused)
		TAILQ_INSERT_TAIL(&adapter->submitted, task, link);
	pthread_mutex_unlock(&adapter->mutex);

	if (refused)
		adapter_complete(adapter, task);
	else
		adapter->ops->ring(adapter->type);
	return id;
}

void adapter_explain_bad_key(const struct remora_adapter *adapter, const char *what, size_t index,
	const struct remora_key *key)
{
	adapter_log(adapter, REMORA_LOG_ERROR,
		"%s: key %zu has %zu bytes%s: a key has 1 to %d bytes", what, index, key->len,
		key->data ? "" : " at NULL", REMORA_KEY_MAX);
}

static int check_objects(const struct remora_adapter *adapter, const char *what,
	const struct remora_object *objects, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (objects[i].data && objects[i].len)
			continue;
		adapter_log(adapter, REMORA_LOG_ERROR,
			"%s: object %zu has %zu bytes at %p: an object has at least 1 byte", what,
			i, objects[i].len, objects[i].data);
		return -EINVAL;
	}
	return 0;
}

/* What is wrong with the arrays themselves; the task is made without them then. */
static int check_arrays(const struct remora_adapter *adapter, const char *what,
	const struct remora_key *keys, size_t key_count, const void *objects, size_t object_count)
{
	if (key_count != object_count) {
		adapter_log(adapter, REMORA_LOG_ERROR,
			"%s: %zu keys but %zu objects: the arrays must have the same length", what,
			key_count, object_count);
		return -EINVAL;
	}
	if (key_count && (!keys || !objects)) {
		adapter_log(adapter, REMORA_LOG_ERROR, "%s: the array of %s is NULL", what,
			keys ? "objects" : "keys");
		return -EINVAL;
	}
	return 0;
}

struct task *adapter_with_bits(struct task *task, size_t count)
{
	if (!task)
		return NULL;
	task->bits = remora_bitmap_create(count);
	if (!task->bits) {
		task_destroy(task);
		return NULL;
	}
	return task;
}

int64_t remora_submit_store(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	struct task *task;
	size_t bad;
	int err;

	if (!adapter)
		return -EINVAL;
	err = check_arrays(adapter, "store", keys, key_count, objects, object_count);
	task = task_create(TASK_STORE, keys, err ? 0 : key_count, objects);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count) {
		adapter_explain_bad_key(adapter, "store", bad, &keys[bad]);
		err = -EINVAL;
	}
	if (!err)
		err = check_objects(adapter, "store", objects, task->count);
	task->error = err;
	return adapter_submit(adapter, task);
}

size_t remora_pop_stores(
	struct remora_adapter *adapter, struct remora_store_result *results, size_t max)
{
	struct task *task;
	size_t count = 0;

	if (!adapter || !results)
		return 0;
	pthread_mutex_lock(&adapter->mutex);
	while (count < max && (task = TAILQ_FIRST(&adapter->stored))) {
		TAILQ_REMOVE(&adapter->stored, task, link);
		task_table_remove(&adapter->table, task);
		results[count++] = (struct remora_store_result){
			.task = task->id,
			.error = task->error,
			.bytes = task->bytes,
		};
		task_destroy(task);
	}
	pthread_mutex_unlock(&adapter->mutex);
	return count;
}

int64_t remora_submit_lookup(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	struct task *task;
	size_t bad;

	if (!adapter)
		return -EINVAL;
	task = adapter_with_bits(task_create(TASK_LOOKUP, keys, keys ? count : 0, NULL), count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count)
		adapter_explain_bad_key(adapter, "lookup", bad, &keys[bad]);
	if (count && !keys)
		task->error = check_arrays(adapter, "lookup", NULL, count, NULL, count);
	return adapter_submit(adapter, task);
}

/* Fetch the bitmap of a finished task of a kind, and end the task. */
static int query_bits(struct remora_adapter *adapter, int64_t id, enum task_kind kind,
	struct remora_bitmap **result)
{
	struct task *task;

	if (!adapter || !result)
		return -EINVAL;
	pthread_mutex_lock(&adapter->mutex);
	task = task_table_find(&adapter->table, id);
	if (!task || task->kind != kind) {
		pthread_mutex_unlock(&adapter->mutex);
		return -ENOENT;
	}
	if (!task->done) {
		pthread_mutex_unlock(&adapter->mutex);
		return -EAGAIN;
	}
	task_table_remove(&adapter->table, task);
	pthread_mutex_unlock(&adapter->mutex);

	*result = task->bits;
	task->bits = NULL;
	task_destroy(task);
	return 0;
}

int remora_query_lookup(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	return query_bits(adapter, task, TASK_LOOKUP, result);
}

void remora_submit_unlock(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	struct task *task;
	bool closed;

	if (!adapter || !keys || !count)
		return;
	task = task_create(TASK_UNLOCK, keys, count, NULL);
	if (!task) {
		/* The caller never retries: the session's end releases the locks. */
		adapter->ops->reset(adapter->type);
		return;
	}
	pthread_mutex_lock(&adapter->mutex);
	closed = adapter->closed;
	if (!closed)
		TAILQ_INSERT_TAIL(&adapter->submitted, task, link);
	pthread_mutex_unlock(&adapter->mutex);
	if (closed)
		task_destroy(task);
	else
		adapter->ops->ring(adapter->type);
}

int64_t remora_submit_load(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	struct task *task;
	size_t bad;
	int err;

	if (!adapter)
		return -EINVAL;
	err = check_arrays(adapter, "load", keys, key_count, objects, object_count);
	task = adapter_with_bits(
		task_create(TASK_LOAD, keys, err ? 0 : key_count, objects), key_count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count)
		adapter_explain_bad_key(adapter, "load", bad, &keys[bad]);
	task->error = err;
	return adapter_submit(adapter, task);
}

int remora_query_load(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	return query_bits(adapter, task, TASK_LOAD, result);
}

int remora_store_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->store_fd : -EINVAL;
}

int remora_lookup_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->lookup_fd : -EINVAL;
}

int remora_load_fd(const struct remora_adapter *adapter)
{
	return adapter ? adapter->load_fd : -EINVAL;
}

void remora_status(struct remora_adapter *adapter, struct remora_status *status)
{
	*status = (struct remora_status){0};
	if (!adapter)
		return;
	adapter->ops->status(adapter->type, status);
	pthread_mutex_lock(&adapter->mutex);
	status->tasks_in_flight = adapter->in_flight;
	pthread_mutex_unlock(&adapter->mutex);
}

int remora_wait_connected(struct remora_adapter *adapter, uint32_t timeout_ms)
{
	return adapter ? adapter->ops->wait_connected(adapter->type, timeout_ms) : -EINVAL;
}

void remora_close(struct remora_adapter *adapter)
{
	if (!adapter)
		return;
	/* From here on a submit completes at once, as cancelled. */
	pthread_mutex_lock(&adapter->mutex);
	adapter->closed = true;
	pthread_mutex_unlock(&adapter->mutex);
	adapter->ops->close(adapter->type);
	adapter_destroy(adapter);
}
