/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question.c - what a caller asks and waits for: delete, list, usage, ping
 *
 * Each is a task like any other, and so ends within the adapter's timeout.
 */
#include "adapter.h"

#include <errno.h>

#include "wire.h"

/* Submit a task and wait for it. It is out of the table, and the caller's. */
static int submit_and_wait(struct remora_adapter *adapter, struct task *task)
{
	int64_t id = adapter_submit(adapter, task);

	if (id < 0)
		return (int)id;
	pthread_mutex_lock(&adapter->mutex);
	while (!task->done)
		pthread_cond_wait(&adapter->told, &adapter->mutex);
	task_table_remove(&adapter->table, task);
	pthread_mutex_unlock(&adapter->mutex);
	return 0;
}

int remora_delete(struct remora_adapter *adapter, const struct remora_key *keys, size_t count,
	struct remora_bitmap **deleted)
{
	struct task *task;
	size_t bad;
	int err;

	if (!adapter || (count && !keys))
		return -EINVAL;
	task = adapter_with_bits(task_create(TASK_DELETE, keys, count, NULL), count);
	if (!task)
		return -ENOMEM;
	bad = task_bad_key(task);
	if (bad < count) {
		adapter_explain_bad_key(adapter, "delete", bad, &keys[bad]);
		task_destroy(task);
		return -EINVAL;
	}
	err = submit_and_wait(adapter, task);
	if (err)
		return err;
	err = task->error;
	if (deleted) {
		*deleted = task->bits;
		task->bits = NULL;
	}
	task_destroy(task);
	return err;
}

/* Returns the finished task of a question with one frame as its answer. */
static int ask(struct remora_adapter *adapter, enum task_kind kind, const struct remora_key *prefix,
	uint64_t cursor, struct task **out)
{
	struct task *task = task_create(kind, prefix, prefix ? 1 : 0, NULL);
	int err;

	if (!task)
		return -ENOMEM;
	task->cursor = cursor;
	err = submit_and_wait(adapter, task);
	if (err)
		return err;
	err = task->error;
	if (err) {
		task_destroy(task);
		return err;
	}
	*out = task;
	return 0;
}

static int read_length(const struct task *task, uint64_t *len)
{
	struct wire_extent extent;
	struct wire_header header;
	struct wire_reader reader;
	enum wire_status status;
	int err;

	err = wire_open(&reader, task->reply, task->reply_len, &header);
	if (!err)
		err = wire_get_extent(&reader, &status, &extent);
	if (err)
		return err;
	if (status != WIRE_OK)
		return wire_status_to_errno(status);
	*len = extent.len;
	return 0;
}

int remora_length(struct remora_adapter *adapter, const struct remora_key *key, uint64_t *len)
{
	struct task *task;
	int err;

	if (!adapter || !key || !len || !key->data || !key->len || key->len > REMORA_KEY_MAX)
		return -EINVAL;
	err = ask(adapter, TASK_LENGTH, key, 0, &task);
	if (err)
		return err;
	err = read_length(task, len);
	task_destroy(task);
	return err;
}

/* Tell the objects of one page. Returns what fn returned, or a negative errno. */
static int tell_page(const struct task *task, remora_list_fn fn, void *arg, uint64_t *cursor)
{
	struct wire_header header;
	struct wire_reader reader;
	struct remora_key key;
	struct wire_key name;
	uint32_t locks;
	uint64_t len;
	unsigned i;
	int err;

	err = wire_open(&reader, task->reply, task->reply_len, &header);
	if (!err)
		err = wire_get_cursor(&reader, cursor);
	for (i = 1; !err && i < header.count; i++) {
		err = wire_get_listed(&reader, &name, &len, &locks);
		if (err)
			break;
		key = (struct remora_key){.data = name.data, .len = name.len};
		err = fn(arg, &key, len, locks);
	}
	return err;
}

int remora_list(struct remora_adapter *adapter, const struct remora_key *prefix, remora_list_fn fn,
	void *arg)
{
	uint64_t cursor = 0;
	struct task *task;
	int err;

	if (!adapter || !fn || (prefix && prefix->len > REMORA_KEY_MAX))
		return -EINVAL;
	if (prefix && !prefix->len)
		prefix = NULL;
	do {
		err = ask(adapter, TASK_LIST, prefix, cursor, &task);
		if (err)
			return err;
		err = tell_page(task, fn, arg, &cursor);
		task_destroy(task);
	} while (!err && cursor);
	return err;
}

static void copy_usage(struct remora_usage *to, const struct wire_usage *from)
{
	*to = (struct remora_usage){
		.capacity = from->capacity,
		.used = from->used,
		.reserved = from->reserved,
		.objects = from->objects,
		.locked = from->locked,
		.sessions = from->sessions,
		.evictions = from->evictions,
		.hits = from->hits,
		.misses = from->misses,
		.stored = from->stored,
		.uptime_ms = from->uptime_ms,
		.user_cpu_us = from->user_cpu_us,
		.system_cpu_us = from->system_cpu_us,
	};
}

int remora_usage(struct remora_adapter *adapter, struct remora_usage *usage)
{
	struct wire_header header;
	struct wire_reader reader;
	struct wire_usage answer;
	struct task *task;
	int err;

	if (!adapter || !usage)
		return -EINVAL;
	err = ask(adapter, TASK_USAGE, NULL, 0, &task);
	if (err)
		return err;
	err = wire_open(&reader, task->reply, task->reply_len, &header);
	if (!err)
		err = wire_get_usage(&reader, &answer);
	if (!err)
		copy_usage(usage, &answer);
	task_destroy(task);
	return err;
}

int remora_ping(struct remora_adapter *adapter, uint64_t *rtt_ns)
{
	uint64_t start = adapter_now();
	struct task *task;
	int err;

	if (!adapter || !rtt_ns)
		return -EINVAL;
	err = ask(adapter, TASK_PING, NULL, 0, &task);
	if (err)
		return err;
	*rtt_ns = adapter_now() - start;
	task_destroy(task);
	return 0;
}
