/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question.c - what a caller asks a server and waits for: list, usage, salts
 */
#include "question.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "wire.h"

/* Returns the finished task of a question with one frame as its answer. */
static int ask(struct core *core, enum task_kind kind, const struct remora_key *prefix,
	uint64_t cursor, struct task **out)
{
	struct task *task = task_create(kind, prefix, prefix ? 1 : 0, NULL);
	int err;

	if (!task)
		return -ENOMEM;
	task->cursor = cursor;
	err = core_submit_and_wait(core, task);
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

int question_length(void *self, const struct remora_key *key, uint64_t *len)
{
	struct task *task;
	int err;

	if (!key->data || !key->len || key->len > REMORA_KEY_MAX)
		return -EINVAL;
	err = ask(self, TASK_LENGTH, key, 0, &task);
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

int question_list_page(
	void *self, const struct remora_key *prefix, uint64_t *cursor, remora_list_fn fn, void *arg)
{
	struct task *task;
	int err;

	err = ask(self, TASK_LIST, prefix, *cursor, &task);
	if (err)
		return err;
	err = tell_page(task, fn, arg, cursor);
	task_destroy(task);
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

int question_usage(void *self, struct remora_usage *usage)
{
	struct wire_header header;
	struct wire_reader reader;
	struct wire_usage answer;
	struct task *task;
	int err;

	err = ask(self, TASK_USAGE, NULL, 0, &task);
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

/* Tell the salts of one page. Returns what fn returned, or a negative errno. */
static int tell_salts(const struct task *task, remora_salt_fn fn, void *arg, uint64_t *cursor)
{
	char text[REMORA_SALT_MAX + 1];
	struct wire_header header;
	struct wire_reader reader;
	struct wire_salt salt;
	uint64_t bytes;
	unsigned i;
	int err;

	static_assert((int)WIRE_SALT_MAX == REMORA_SALT_MAX, "the text holds every salt");
	err = wire_open(&reader, task->reply, task->reply_len, &header);
	if (!err)
		err = wire_get_cursor(&reader, cursor);
	for (i = 1; !err && i < header.count; i++) {
		err = wire_get_salt(&reader, &salt, &bytes);
		if (err)
			break;
		memcpy(text, salt.data, salt.len);
		text[salt.len] = '\0';
		err = fn(arg, text, bytes);
	}
	return err;
}

int question_usage_salts(void *self, remora_salt_fn fn, void *arg)
{
	uint64_t cursor = 0;
	struct task *task;
	int err;

	do {
		err = ask(self, TASK_SALTS, NULL, cursor, &task);
		if (err)
			return err;
		err = tell_salts(task, fn, arg, &cursor);
		task_destroy(task);
	} while (!err && cursor);
	return err;
}
