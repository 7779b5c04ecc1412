/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - the engine room of the built-in types: tasks, results, event fds */
#include "core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000 };

uint64_t core_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void core_log(const struct core *core, enum remora_log_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!core->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	core->log(core->log_arg, level, text);
}

int core_create(const struct remora_host *host, uint64_t timeout_ms, struct core **out)
{
	struct core *core = calloc(1, sizeof(*core));
	int err;

	if (!core)
		return -ENOMEM;
	core->timeout_ns = timeout_ms * NS_PER_MS;
	core->log = host->log;
	core->log_arg = host->log_arg;
	TAILQ_INIT(&core->submitted);
	TAILQ_INIT(&core->stored);
	pthread_mutex_init(&core->mutex, NULL);
	pthread_cond_init(&core->told, NULL);

	core->store_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	core->lookup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	core->load_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (core->store_fd < 0 || core->lookup_fd < 0 || core->load_fd < 0) {
		err = -errno;
		core_destroy(core);
		return err;
	}
	core->listeners = listeners_create();
	if (!core->listeners) {
		core_destroy(core);
		return -ENOMEM;
	}
	*out = core;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void core_destroy(void *self)
{
	struct core *core = self;

	if (core->engine)
		core->ops->free(core->engine);
	listeners_destroy(core->listeners);
	/* Results that nobody fetched are still in the table. */
	task_table_fini(&core->table);
	close_fd(core->store_fd);
	close_fd(core->lookup_fd);
	close_fd(core->load_fd);
	pthread_cond_destroy(&core->told);
	pthread_mutex_destroy(&core->mutex);
	free(core);
}

void core_take(struct core *core, struct task_list *list)
{
	pthread_mutex_lock(&core->mutex);
	TAILQ_CONCAT(list, &core->submitted, link);
	pthread_mutex_unlock(&core->mutex);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof(one));

	/* It fails only at 2^64 - 1 unread completions, and is readable then. */
	(void)written;
}

static int kind_fd(const struct core *core, enum task_kind kind)
{
	switch (kind) {
	case TASK_STORE: return core->store_fd;
	case TASK_LOOKUP: return core->lookup_fd;
	case TASK_LOAD: return core->load_fd;
	case TASK_UNLOCK:
	case TASK_DELETE:
	case TASK_LENGTH:
	case TASK_LIST:
	case TASK_USAGE:
	case TASK_SALTS:
	case TASK_PING: break;
	}
	return -1;
}

void core_complete(struct core *core, struct task *task)
{
	int fd = kind_fd(core, task->kind);

	if (listeners_tell(core->listeners, task))
		core_log(core, REMORA_LOG_WARN,
			"no memory to tell listeners of a task: they miss it");
	if (task->kind == TASK_UNLOCK) {
		task_destroy(task);
		return;
	}
	/* The task may be gone as soon as the mutex is free: fd is taken before. */
	pthread_mutex_lock(&core->mutex);
	task->done = true;
	core->in_flight--;
	if (task->kind == TASK_STORE)
		TAILQ_INSERT_TAIL(&core->stored, task, link);
	pthread_mutex_unlock(&core->mutex);
	/*
	 * Whoever is told may destroy the core, which waits for the engine's thread
	 * before it frees anything.
	 */
	if (fd >= 0)
		signal_fd(fd);
	else
		pthread_cond_broadcast(&core->told);
}

int64_t core_submit(struct core *core, struct task *task)
{
	bool empty = !task->count && task->kind <= TASK_DELETE;
	bool refused;
	int64_t id;
	int err;

	task->deadline_ns = core_now() + core->timeout_ns;
	pthread_mutex_lock(&core->mutex);
	err = task_table_insert(&core->table, task);
	if (err) {
		pthread_mutex_unlock(&core->mutex);
		task_destroy(task);
		return err;
	}
	id = task->id;
	core->in_flight++;
	if (core->closed && !task->error)
		task->error = -ECANCELED;
	refused = task->error || empty;
	if (!refused)
		TAILQ_INSERT_TAIL(&core->submitted, task, link);
	pthread_mutex_unlock(&core->mutex);

	if (refused)
		core_complete(core, task);
	else
		core->ops->ring(core->engine);
	return id;
}

struct task *core_with_bits(struct task *task, size_t count)
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

int core_submit_and_wait(struct core *core, struct task *task)
{
	int64_t id = core_submit(core, task);

	if (id < 0)
		return (int)id;
	pthread_mutex_lock(&core->mutex);
	while (!task->done)
		pthread_cond_wait(&core->told, &core->mutex);
	task_table_remove(&core->table, task);
	pthread_mutex_unlock(&core->mutex);
	return 0;
}

uint64_t core_in_flight(struct core *core)
{
	uint64_t in_flight;

	pthread_mutex_lock(&core->mutex);
	in_flight = core->in_flight;
	pthread_mutex_unlock(&core->mutex);
	return in_flight;
}

bool core_is_closed(struct core *core)
{
	bool closed;

	pthread_mutex_lock(&core->mutex);
	closed = core->closed;
	pthread_mutex_unlock(&core->mutex);
	return closed;
}

int core_store_fd(const void *self)
{
	return ((const struct core *)self)->store_fd;
}

int core_lookup_fd(const void *self)
{
	return ((const struct core *)self)->lookup_fd;
}

int core_load_fd(const void *self)
{
	return ((const struct core *)self)->load_fd;
}

size_t core_pop_stores(void *self, struct remora_store_result *results, size_t max)
{
	struct core *core = self;
	struct task *task;
	size_t count = 0;

	pthread_mutex_lock(&core->mutex);
	while (count < max && (task = TAILQ_FIRST(&core->stored))) {
		TAILQ_REMOVE(&core->stored, task, link);
		task_table_remove(&core->table, task);
		results[count++] = (struct remora_store_result){
			.task = task->id,
			.error = task->error,
			.bytes = task->bytes,
		};
		task_destroy(task);
	}
	pthread_mutex_unlock(&core->mutex);
	return count;
}

/* Fetch the bitmap of a finished task of a kind, and end the task. */
static int query_bits(
	struct core *core, int64_t id, enum task_kind kind, struct remora_bitmap **result)
{
	struct task *task;

	pthread_mutex_lock(&core->mutex);
	task = task_table_find(&core->table, id);
	if (!task || task->kind != kind) {
		pthread_mutex_unlock(&core->mutex);
		return -ENOENT;
	}
	if (!task->done) {
		pthread_mutex_unlock(&core->mutex);
		return -EAGAIN;
	}
	task_table_remove(&core->table, task);
	pthread_mutex_unlock(&core->mutex);

	*result = task->bits;
	task->bits = NULL;
	task_destroy(task);
	return 0;
}

int core_query_lookup(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_bits(self, task, TASK_LOOKUP, result);
}

int core_query_load(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_bits(self, task, TASK_LOAD, result);
}

int core_add_listener(void *self, const struct remora_listener *listener)
{
	return listeners_add(((struct core *)self)->listeners, listener);
}

int core_remove_listener(void *self, const struct remora_listener *listener)
{
	return listeners_remove(((struct core *)self)->listeners, listener);
}

void core_close(void *self)
{
	struct core *core = self;
	bool mine;

	pthread_mutex_lock(&core->mutex);
	mine = !core->closed;
	/* From here on a submit completes at once, as cancelled. */
	core->closed = true;
	while (!mine && !core->ended)
		pthread_cond_wait(&core->told, &core->mutex);
	pthread_mutex_unlock(&core->mutex);
	if (!mine)
		return;

	core->ops->stop(core->engine);
	/* The engine completed everything: nothing is told after this. */
	listeners_stop(core->listeners);
	pthread_mutex_lock(&core->mutex);
	core->ended = true;
	pthread_cond_broadcast(&core->told);
	pthread_mutex_unlock(&core->mutex);
}
