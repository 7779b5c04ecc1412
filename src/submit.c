/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit.c - what callers hand in: arguments are checked and become tasks
 *
 * For callers' threads. A mistake is logged, and the task carries it as its
 * error.
 */
#include "core.h"

#include <errno.h>
#include <string.h>

void core_explain_bad_key(
	const struct core *core, const char *what, size_t index, const struct remora_key *key)
{
	core_log(core, REMORA_LOG_ERROR, "%s: key %zu has %zu bytes%s: a key has 1 to %d bytes",
		what, index, key->len, key->data ? "" : " at NULL", REMORA_KEY_MAX);
}

static int check_salts(const struct core *core, const struct remora_object *objects, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!objects[i].salt ||
			strnlen(objects[i].salt, REMORA_SALT_MAX + 1) <= REMORA_SALT_MAX)
			continue;
		core_log(core, REMORA_LOG_ERROR,
			"store: the salt of object %zu, %.32s..., is too long: a salt has at most "
			"%d bytes",
			i, objects[i].salt, REMORA_SALT_MAX);
		return -EINVAL;
	}
	return 0;
}

static int check_objects(const struct core *core, const char *what,
	const struct remora_object *objects, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (objects[i].data && objects[i].len)
			continue;
		core_log(core, REMORA_LOG_ERROR,
			"%s: object %zu has %zu bytes at %p: an object has at least 1 byte", what,
			i, objects[i].len, objects[i].data);
		return -EINVAL;
	}
	return 0;
}

/* What is wrong with the arrays themselves; the task is made without them then. */
static int check_arrays(const struct core *core, const char *what, const struct remora_key *keys,
	size_t key_count, const void *objects, size_t object_count)
{
	if (key_count != object_count) {
		core_log(core, REMORA_LOG_ERROR,
			"%s: %zu keys but %zu objects: the arrays must have the same length", what,
			key_count, object_count);
		return -EINVAL;
	}
	if (key_count && (!keys || !objects)) {
		core_log(core, REMORA_LOG_ERROR, "%s: the array of %s is NULL", what,
			keys ? "objects" : "keys");
		return -EINVAL;
	}
	return 0;
}

int64_t core_submit_store(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct core *core = self;
	struct task *task;
	size_t bad;
	int err;

	err = check_arrays(core, "store", keys, key_count, objects, object_count);
	task = task_create(TASK_STORE, keys, err ? 0 : key_count, objects);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count) {
		core_explain_bad_key(core, "store", bad, &keys[bad]);
		err = -EINVAL;
	}
	if (!err)
		err = check_objects(core, "store", objects, task->count);
	if (!err)
		err = check_salts(core, objects, task->count);
	/* They travel in several requests, and a later one may arrive first. */
	if (!err)
		err = task_mark_twins(task);
	task->error = err;
	return core_submit(core, task);
}

int64_t core_submit_lookup(void *self, const struct remora_key *keys, size_t count)
{
	struct core *core = self;
	struct task *task;
	size_t bad;

	task = core_with_bits(task_create(TASK_LOOKUP, keys, keys ? count : 0, NULL), count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count)
		core_explain_bad_key(core, "lookup", bad, &keys[bad]);
	if (count && !keys)
		task->error = check_arrays(core, "lookup", NULL, count, NULL, count);
	return core_submit(core, task);
}

void core_submit_unlock(void *self, const struct remora_key *keys, size_t count)
{
	struct core *core = self;
	struct task *task;
	bool closed;

	if (!keys || !count)
		return;
	task = task_create(TASK_UNLOCK, keys, count, NULL);
	if (!task) {
		/* The caller never retries: the session's end releases the locks. */
		core->ops->reset(core->engine);
		return;
	}
	pthread_mutex_lock(&core->mutex);
	closed = core->closed;
	if (!closed)
		TAILQ_INSERT_TAIL(&core->submitted, task, link);
	pthread_mutex_unlock(&core->mutex);
	if (closed)
		task_destroy(task);
	else
		core->ops->ring(core->engine);
}

int64_t core_submit_load(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct core *core = self;
	struct task *task;
	size_t bad;
	int err;

	err = check_arrays(core, "load", keys, key_count, objects, object_count);
	task = core_with_bits(
		task_create(TASK_LOAD, keys, err ? 0 : key_count, objects), key_count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < task->count)
		core_explain_bad_key(core, "load", bad, &keys[bad]);
	task->error = err;
	return core_submit(core, task);
}

int core_delete_keys(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	struct core *core = self;
	struct task *task;
	size_t bad;
	int err;

	if (count && !keys)
		return -EINVAL;
	task = core_with_bits(task_create(TASK_DELETE, keys, count, NULL), count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < count) {
		core_explain_bad_key(core, "delete", bad, &keys[bad]);
		task_destroy(task);
		return -EINVAL;
	}
	err = core_submit_and_wait(core, task);
	if (err)
		return err;
	err = task->error;
	if (deleted && (!err || err == -EBUSY)) {
		*deleted = task->bits;
		task->bits = NULL;
	}
	task_destroy(task);
	return err;
}

int core_ping(void *self, uint64_t *rtt_ns)
{
	struct task *task = task_create(TASK_PING, NULL, 0, NULL);
	uint64_t start = core_now();
	int err;

	if (!task)
		return -ENOMEM;
	err = core_submit_and_wait(self, task);
	if (err)
		return err;
	err = task->error;
	if (!err)
		*rtt_ns = core_now() - start;
	task_destroy(task);
	return err;
}
