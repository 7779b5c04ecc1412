/* SPDX-License-Identifier: Apache-2.0 */
/* task.c - one batch that a caller handed in, and the table of all of them */
#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/*
 * An id is a slot (24 bits, from 1) and how often the slot was used before, so
 * that an id of a task that is gone is recognised without a search.
 */
enum { SLOT_BITS = 24, SLOTS_MAX = (1 << SLOT_BITS) - 1, SLOTS_FIRST = 64 };

struct task_slot {
	struct task *task;
	uint64_t uses;
	uint32_t next_free;
};

static bool key_is_good(const struct remora_key *key)
{
	return key->data && key->len >= 1 && key->len <= REMORA_KEY_MAX;
}

static size_t keys_len(const struct remora_key *keys, size_t count)
{
	size_t len = 0, i;

	for (i = 0; i < count; i++)
		if (key_is_good(&keys[i]))
			len += keys[i].len;
	return len;
}

/* 0: it is "", or too long. */
static size_t salt_len(const struct remora_object *object)
{
	size_t len = object->salt ? strnlen(object->salt, REMORA_SALT_MAX + 1) : 0;

	return len <= REMORA_SALT_MAX ? len : 0;
}

static size_t salts_len(const struct remora_object *objects, size_t count)
{
	size_t len = 0, i;

	for (i = 0; objects && i < count; i++)
		if (salt_len(&objects[i]))
			len += salt_len(&objects[i]) + 1;
	return len;
}

/* Returns the first byte behind the copies, which begin at `at`. */
static uint8_t *copy_salts(struct task *task, const struct remora_object *objects, uint8_t *at)
{
	size_t len, i;

	for (i = 0; objects && i < task->count; i++) {
		len = salt_len(&objects[i]);
		task->objects[i].salt = "";
		if (!len)
			continue;
		task->objects[i].salt = memcpy(at, objects[i].salt, len);
		at[len] = '\0';
		at += len + 1;
	}
	return at;
}

/* One allocation: the task, its key and object arrays, a byte a key, the salts, the keys. */
struct task *task_create(enum task_kind kind, const struct remora_key *keys, size_t count,
	const struct remora_object *objects)
{
	size_t object_len = objects ? count * sizeof(*objects) : 0;
	size_t len, i;
	struct task *task;
	uint8_t *at;

	if (count > SIZE_MAX / 64)
		return NULL;
	len = sizeof(*task) + count * (sizeof(*task->keys) + 1) + object_len;
	task = malloc(len + keys_len(keys, count) + salts_len(objects, count));
	if (!task)
		return NULL;
	memset(task, 0, len);
	task->kind = kind;
	task->count = count;
	task->keys = (struct wire_key *)(task + 1);
	at = (uint8_t *)(task->keys + count);
	if (objects) {
		task->objects = (struct remora_object *)at;
		memcpy(at, objects, object_len);
		at += object_len;
	}
	task->settled = at;
	at = copy_salts(task, objects, at + count);
	for (i = 0; i < count; i++) {
		task->keys[i].data = at;
		if (!key_is_good(&keys[i]))
			continue;
		memcpy(at, keys[i].data, keys[i].len);
		task->keys[i].len = (uint16_t)keys[i].len;
		at += keys[i].len;
	}
	return task;
}

void task_destroy(struct task *task)
{
	if (!task)
		return;
	remora_bitmap_destroy(task->bits);
	free(task->reply);
	free(task);
}

static bool is_same(struct wire_key a, struct wire_key b)
{
	return a.len == b.len && !memcmp(a.data, b.data, a.len);
}

int task_mark_twins(struct task *task)
{
	size_t len = 2, i, at;
	size_t *seen; /* by hash: index + 1 */

	while (len < 2 * task->count)
		len *= 2;
	seen = calloc(len, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	for (i = 0; i < task->count; i++) {
		at = XXH3_64bits(task->keys[i].data, task->keys[i].len) & (len - 1);
		while (seen[at] && !is_same(task->keys[seen[at] - 1], task->keys[i]))
			at = (at + 1) & (len - 1);
		if (seen[at])
			task->settled[i] = TASK_TWIN;
		else
			seen[at] = i + 1;
	}
	free(seen);
	return 0;
}

size_t task_bad_key(const struct task *task)
{
	size_t i;

	for (i = 0; i < task->count && task->keys[i].len; i++)
		;
	return i;
}

static int table_grow(struct task_table *table)
{
	uint32_t len = table->len ? 2 * table->len : SLOTS_FIRST, i;
	struct task_slot *slots;

	if (len > SLOTS_MAX)
		return -ENOMEM;
	slots = realloc(table->slots, len * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	/* Linked from the highest down, so that low slots are taken first. */
	for (i = len; i-- > table->len;) {
		slots[i] = (struct task_slot){.next_free = table->free};
		table->free = i + 1;
	}
	table->slots = slots;
	table->len = len;
	return 0;
}

int task_table_insert(struct task_table *table, struct task *task)
{
	struct task_slot *slot;
	uint32_t number;
	int err;

	if (!table->free) {
		err = table_grow(table);
		if (err)
			return err;
	}
	number = table->free;
	slot = &table->slots[number - 1];
	table->free = slot->next_free;
	table->used++;
	slot->task = task;
	task->id = (int64_t)(slot->uses++ << SLOT_BITS | number);
	return 0;
}

struct task *task_table_find(const struct task_table *table, int64_t id)
{
	uint32_t number = (uint32_t)id & SLOTS_MAX;
	struct task *task;

	if (id <= 0 || !number || number > table->len)
		return NULL;
	task = table->slots[number - 1].task;
	return task && task->id == id ? task : NULL;
}

void task_table_remove(struct task_table *table, const struct task *task)
{
	uint32_t number = (uint32_t)task->id & SLOTS_MAX;
	struct task_slot *slot = &table->slots[number - 1];

	slot->task = NULL;
	slot->next_free = table->free;
	table->free = number;
	table->used--;
}

void task_table_fini(struct task_table *table)
{
	uint32_t i;

	for (i = 0; i < table->len; i++)
		task_destroy(table->slots[i].task);
	free(table->slots);
}
