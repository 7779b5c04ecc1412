/* SPDX-License-Identifier: Apache-2.0 */
/* mock.c - the engine of the type `mock`: one thread that does the tasks */
#include "mock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

/* A store, lookup or load that is done, but whose result is not told yet. */
struct job {
	struct mock_place due;
	struct task *task;
	struct mock_object *objects[]; /* of a store, one a key: what to publish, or NULL */
};

static struct job *job_of(struct mock_place *due)
{
	return (struct job *)(void *)((char *)due - offsetof(struct job, due));
}

static void task_error(struct task *task, int err)
{
	if (!task->error)
		task->error = err;
}

/* Each of these returns how many bytes were copied. */
static uint64_t reserve_keys(struct mock *mock, struct job *job)
{
	struct task *task = job->task;
	uint64_t bytes = 0;
	size_t i;
	int err;

	for (i = 0; i < task->count; i++) {
		pthread_mutex_lock(&mock->store_mutex);
		err = mock_store_reserve(
			mock->store, task->keys[i], &task->objects[i], task, &job->objects[i]);
		if (!err && job->objects[i] && mock_store_is_new(job->objects[i]))
			bytes += task->objects[i].len;
		pthread_mutex_unlock(&mock->store_mutex);
		if (err)
			task_error(task, err);
	}
	return bytes;
}

static uint64_t lock_keys(struct mock *mock, struct task *task)
{
	size_t i;

	pthread_mutex_lock(&mock->store_mutex);
	for (i = 0; i < task->count; i++)
		if (task->keys[i].len && mock_store_lock(mock->store, task->keys[i]))
			remora_bitmap_set(task->bits, i);
	pthread_mutex_unlock(&mock->store_mutex);
	return 0;
}

static uint64_t load_keys(struct mock *mock, struct task *task)
{
	const struct remora_object *object;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < task->count; i++) {
		object = &task->objects[i];
		if (!task->keys[i].len || !object->data || !object->len)
			continue;
		pthread_mutex_lock(&mock->store_mutex);
		if (mock_store_copy(mock->store, task->keys[i], object->data, object->len)) {
			remora_bitmap_set(task->bits, i);
			bytes += object->len;
		}
		pthread_mutex_unlock(&mock->store_mutex);
	}
	mock->bytes_read += bytes;
	return bytes;
}

static void unlock_keys(struct mock *mock, struct task *task)
{
	size_t i;

	pthread_mutex_lock(&mock->store_mutex);
	for (i = 0; i < task->count; i++)
		if (task->keys[i].len)
			mock_store_unlock(mock->store, task->keys[i]);
	pthread_mutex_unlock(&mock->store_mutex);
}

static void delete_keys(struct mock *mock, struct task *task)
{
	size_t i;
	int err;

	pthread_mutex_lock(&mock->store_mutex);
	for (i = 0; i < task->count; i++) {
		err = mock_store_delete(mock->store, task->keys[i]);
		if (!err)
			remora_bitmap_set(task->bits, i);
		else if (err != -ENOENT)
			task_error(task, err);
	}
	pthread_mutex_unlock(&mock->store_mutex);
}

/* The task fails after all: what it has done is undone, as far as anybody sees. */
static void withdraw(struct mock *mock, struct job *job, int err)
{
	struct task *task = job->task;
	size_t i;

	task_error(task, err);
	pthread_mutex_lock(&mock->store_mutex);
	for (i = 0; i < task->count; i++) {
		if (task->kind == TASK_STORE && job->objects[i]) {
			mock_store_abort(mock->store, job->objects[i]);
			job->objects[i] = NULL;
		}
		if (task->kind == TASK_LOOKUP && remora_bitmap_test(task->bits, i))
			mock_store_unlock(mock->store, task->keys[i]);
		if (task->kind != TASK_STORE)
			remora_bitmap_clear(task->bits, i);
	}
	pthread_mutex_unlock(&mock->store_mutex);
}

/* Publish what is to be published, tell the result. */
static void finish(struct mock *mock, struct job *job)
{
	struct task *task = job->task;
	size_t i;

	pthread_mutex_lock(&mock->store_mutex);
	for (i = 0; task->kind == TASK_STORE && i < task->count; i++) {
		if (!job->objects[i] || !mock_store_publish(mock->store, job->objects[i]))
			continue;
		task->bytes += task->objects[i].len;
		task->settled[i] = TASK_SETTLED;
	}
	pthread_mutex_unlock(&mock->store_mutex);
	mock->bytes_written += task->bytes;
	free(job);
	core_complete(mock->core, task);
}

static enum mock_fault_kind fault_kind(const struct task *task)
{
	if (task->kind == TASK_STORE)
		return MOCK_FAULT_STORE;
	return task->kind == TASK_LOOKUP ? MOCK_FAULT_LOOKUP : MOCK_FAULT_LOAD;
}

static uint64_t do_task(struct mock *mock, struct job *job)
{
	if (job->task->kind == TASK_STORE)
		return reserve_keys(mock, job);
	if (job->task->kind == TASK_LOOKUP)
		return lock_keys(mock, job->task);
	return load_keys(mock, job->task);
}

static void start_job(struct mock *mock, struct job *job)
{
	struct mock_verdict verdict = mock_faults_next(&mock->faults, fault_kind(job->task));
	uint64_t start_ns = core_now(), bytes = 0;
	double copy_ns = 0.0;

	if (verdict.fails)
		task_error(job->task, -EIO);
	else
		bytes = do_task(mock, job);
	if (mock->bytes_per_ns > 0.0)
		copy_ns = (double)bytes / mock->bytes_per_ns;
	/* A bandwidth that would take centuries must not overflow what is due. */
	if (copy_ns > (double)mock->core->timeout_ns)
		copy_ns = (double)mock->core->timeout_ns;
	job->due.number = start_ns + (uint64_t)copy_ns + verdict.delay_ns;
	if (job->due.number > job->task->deadline_ns) {
		withdraw(mock, job, -ETIMEDOUT);
		job->due.number = job->task->deadline_ns;
	}
	if (job->due.number <= core_now())
		finish(mock, job);
	else
		mock_queue_add(&mock->jobs, &job->due);
}

static void start_task(struct mock *mock, struct task *task)
{
	size_t objects = task->kind == TASK_STORE ? task->count : 0;
	struct job *job = calloc(1, sizeof(*job) + objects * sizeof(job->objects[0]));

	if (!job || mock_queue_reserve(&mock->jobs, mock->jobs.count + 1)) {
		free(job);
		task_error(task, -ENOMEM);
		core_complete(mock->core, task);
		return;
	}
	job->task = task;
	start_job(mock, job);
}

/* Nothing is simulated of these: neither time nor faults. */
static void answer(struct mock *mock, struct task *task)
{
	if (task->kind == TASK_UNLOCK)
		unlock_keys(mock, task);
	else if (task->kind == TASK_DELETE)
		delete_keys(mock, task);
	core_complete(mock->core, task);
}

static void take_submitted(struct mock *mock)
{
	struct task_list list = TAILQ_HEAD_INITIALIZER(list);
	struct task *task;

	core_take(mock->core, &list);
	while ((task = TAILQ_FIRST(&list))) {
		TAILQ_REMOVE(&list, task, link);
		if (task->kind == TASK_STORE || task->kind == TASK_LOOKUP ||
			task->kind == TASK_LOAD)
			start_task(mock, task);
		else
			answer(mock, task);
	}
}

static void finish_due(struct mock *mock)
{
	uint64_t now = core_now();
	struct mock_place *due;

	while ((due = mock_queue_first(&mock->jobs)) && due->number <= now) {
		mock_queue_remove(&mock->jobs, due);
		finish(mock, job_of(due));
	}
}

/* What was submitted before the end, and nobody will do. */
static void cancel_all(struct mock *mock)
{
	struct task_list list = TAILQ_HEAD_INITIALIZER(list);
	struct mock_place *due;
	struct task *task;

	while ((due = mock_queue_first(&mock->jobs))) {
		mock_queue_remove(&mock->jobs, due);
		withdraw(mock, job_of(due), -ECANCELED);
		finish(mock, job_of(due));
	}
	core_take(mock->core, &list);
	while ((task = TAILQ_FIRST(&list))) {
		TAILQ_REMOVE(&list, task, link);
		task_error(task, -ECANCELED);
		core_complete(mock->core, task);
	}
}

/* With the mutex: until a task is submitted or due. */
static void wait_for_work(struct mock *mock)
{
	const struct mock_place *due = mock_queue_first(&mock->jobs);
	struct timespec until;

	if (mock->rung || mock->stopping)
		return;
	if (!due) {
		pthread_cond_wait(&mock->woken, &mock->mutex);
		return;
	}
	until.tv_sec = (time_t)(due->number / NS_PER_S);
	until.tv_nsec = (long)(due->number % NS_PER_S);
	pthread_cond_timedwait(&mock->woken, &mock->mutex, &until);
}

static void *run(void *arg)
{
	struct mock *mock = arg;

	pthread_mutex_lock(&mock->mutex);
	while (!mock->stopping) {
		mock->rung = false;
		pthread_mutex_unlock(&mock->mutex);
		take_submitted(mock);
		finish_due(mock);
		pthread_mutex_lock(&mock->mutex);
		wait_for_work(mock);
	}
	pthread_mutex_unlock(&mock->mutex);
	cancel_all(mock);
	return NULL;
}

static void init_locks(struct mock *mock)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&mock->store_mutex, NULL);
	pthread_mutex_init(&mock->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&mock->woken, &attr);
	pthread_condattr_destroy(&attr);
}

static void mock_free(void *engine)
{
	struct mock *mock = engine;

	mock_store_destroy(mock->store);
	mock_queue_fini(&mock->jobs);
	pthread_cond_destroy(&mock->woken);
	pthread_mutex_destroy(&mock->mutex);
	pthread_mutex_destroy(&mock->store_mutex);
	free(mock);
}

int mock_create(struct core *core, const struct remora_config *config, struct mock **out)
{
	const double gib = 1024.0 * 1024.0 * 1024.0;
	struct mock *mock = calloc(1, sizeof(*mock));
	int err;

	if (!mock)
		return -ENOMEM;
	mock->core = core;
	mock->opened_ns = core_now();
	mock->bytes_per_ns = remora_config_real(config, "mock_bandwidth_gb") * gib / NS_PER_S;
	mock_faults_init(&mock->faults, config);
	init_locks(mock);
	mock->store =
		mock_store_create((uint64_t)(remora_config_real(config, "max_size_gb") * gib));
	err = mock->store ? -pthread_create(&mock->thread, NULL, run, mock) : -ENOMEM;
	if (err) {
		mock_free(mock);
		return err;
	}
	*out = mock;
	return 0;
}

static void mock_ring(void *engine)
{
	struct mock *mock = engine;

	pthread_mutex_lock(&mock->mutex);
	mock->rung = true;
	pthread_cond_signal(&mock->woken);
	pthread_mutex_unlock(&mock->mutex);
}

static void mock_reset(void *engine)
{
	struct mock *mock = engine;

	pthread_mutex_lock(&mock->store_mutex);
	mock_store_unlock_all(mock->store);
	pthread_mutex_unlock(&mock->store_mutex);
}

static void mock_stop(void *engine)
{
	struct mock *mock = engine;

	pthread_mutex_lock(&mock->mutex);
	mock->stopping = true;
	pthread_cond_signal(&mock->woken);
	pthread_mutex_unlock(&mock->mutex);
	pthread_join(mock->thread, NULL);
}

const struct engine_ops mock_engine_ops = {
	.ring = mock_ring,
	.reset = mock_reset,
	.stop = mock_stop,
	.free = mock_free,
};
