/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_adapter.c - the functions of adapter.h over a table in memory
 */
#include "fake_adapter.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { OBJECTS = 4096, TASKS = 4096 };

struct entry {
	unsigned char *key, *data;
	size_t key_len, len;
	unsigned locks;
};

struct result {
	int64_t task;
	int is_store;
	int error;
	uint64_t bytes;
	struct remora_bitmap *bitmap; /* NULL: a store's, or told already */
};

struct remora_adapter {
	struct fake_faults faults;
	struct fake_counts counts;
	struct entry entries[OBJECTS];
	struct result results[TASKS];
	size_t result_count, popped;
	int lookup_fd, load_fd, store_fd;
	unsigned char *arena;
	size_t arena_len;
};

struct remora_adapter *fake_adapter_create(const struct fake_faults *faults)
{
	struct remora_adapter *adapter = calloc(1, sizeof(*adapter));

	if (!adapter)
		abort();
	adapter->faults = *faults;
	adapter->lookup_fd = eventfd(0, EFD_NONBLOCK);
	adapter->load_fd = eventfd(0, EFD_NONBLOCK);
	adapter->store_fd = eventfd(0, EFD_NONBLOCK);
	return adapter;
}

void fake_adapter_set_arena(struct remora_adapter *adapter, void *arena, size_t len)
{
	adapter->arena = arena;
	adapter->arena_len = len;
}

const struct fake_counts *fake_adapter_counts(const struct remora_adapter *adapter)
{
	return &adapter->counts;
}

static void clear_entry(struct entry *entry)
{
	free(entry->key);
	free(entry->data);
	*entry = (struct entry){0};
}

void fake_adapter_forget(struct remora_adapter *adapter, size_t index)
{
	clear_entry(&adapter->entries[index]);
}

void fake_adapter_destroy(struct remora_adapter *adapter)
{
	size_t i;

	for (i = 0; i < OBJECTS; i++)
		clear_entry(&adapter->entries[i]);
	for (i = 0; i < adapter->result_count; i++)
		remora_bitmap_destroy(adapter->results[i].bitmap);
	close(adapter->lookup_fd);
	close(adapter->load_fd);
	close(adapter->store_fd);
	free(adapter);
}

/* The key's entry, or a free one. */
static struct entry *find(struct remora_adapter *adapter, const struct remora_key *key)
{
	struct entry *free_entry = NULL;
	size_t i;

	for (i = 0; i < OBJECTS; i++) {
		struct entry *entry = &adapter->entries[i];

		if (!entry->key && !free_entry)
			free_entry = entry;
		if (entry->key && entry->key_len == key->len &&
			!memcmp(entry->key, key->data, key->len))
			return entry;
	}
	if (!free_entry)
		abort();
	return free_entry;
}

static struct result *new_result(struct remora_adapter *adapter)
{
	struct result *result;

	if (++adapter->counts.submits == adapter->faults.refuse)
		return NULL;
	if (adapter->result_count == TASKS)
		abort();
	result = &adapter->results[adapter->result_count++];
	result->task = (int64_t)adapter->result_count;
	return result;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void note_task(
	struct remora_adapter *adapter, const struct remora_object *objects, size_t count)
{
	size_t i;

	if (count > adapter->counts.largest_task)
		adapter->counts.largest_task = count;
	for (i = 0; i < count && adapter->arena; i++) {
		const unsigned char *data = objects[i].data;

		if (data < adapter->arena ||
			data + objects[i].len > adapter->arena + adapter->arena_len)
			adapter->counts.buffers_outside++;
	}
}

int64_t remora_submit_lookup(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	struct result *result = new_result(adapter);
	size_t i;

	if (!result)
		return -ENOMEM;
	if (++adapter->counts.lookups == adapter->faults.lose_lookup)
		return result->task;
	result->bitmap = remora_bitmap_create(count);
	for (i = 0; i < count; i++) {
		struct entry *entry = find(adapter, &keys[i]);

		if (!entry->key)
			continue;
		entry->locks++;
		adapter->counts.locks++;
		remora_bitmap_set(result->bitmap, i);
	}
	signal_fd(adapter->lookup_fd);
	return result->task;
}

void remora_submit_unlock(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct entry *entry = find(adapter, &keys[i]);

		if (!entry->locks)
			abort();
		entry->locks--;
		adapter->counts.locks--;
	}
}

static void load_one(struct remora_adapter *adapter, const struct remora_key *key,
	const struct remora_object *object, struct remora_bitmap *loaded, size_t bit)
{
	struct entry *entry = find(adapter, key);

	if (!entry->key || entry->len != object->len)
		return;
	if (!entry->locks)
		adapter->counts.loaded_unlocked++;
	remora_bitmap_set(loaded, bit);
	if (adapter->counts.loads != adapter->faults.skip_load)
		memcpy(object->data, entry->data, entry->len);
	if (adapter->counts.loads == adapter->faults.flip_load && !bit)
		((unsigned char *)object->data)[object->len / 2] ^= 0x10;
}

int64_t remora_submit_load(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	struct result *result = new_result(adapter);
	size_t i;

	if (!result)
		return -ENOMEM;
	if (key_count != object_count)
		abort();
	adapter->counts.loads++;
	note_task(adapter, objects, object_count);
	result->bitmap = remora_bitmap_create(key_count);
	for (i = 0; i < key_count; i++)
		load_one(adapter, &keys[i], &objects[i], result->bitmap, i);
	if (adapter->counts.loads == adapter->faults.miss_load)
		remora_bitmap_clear(result->bitmap, key_count - 1);
	signal_fd(adapter->load_fd);
	return result->task;
}

static uint64_t store_one(struct remora_adapter *adapter, const struct remora_key *key,
	const struct remora_object *object)
{
	struct entry *entry = find(adapter, key);

	if (entry->key)
		return 0;
	entry->key = malloc(key->len);
	entry->data = malloc(object->len);
	if (!entry->key || !entry->data)
		abort();
	entry->key_len = key->len;
	entry->len = object->len;
	memcpy(entry->key, key->data, key->len);
	memcpy(entry->data, object->data, object->len);
	adapter->counts.objects++;
	return object->len;
}

int64_t remora_submit_store(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count)
{
	struct result *result = new_result(adapter);
	size_t i;

	if (!result)
		return -ENOMEM;
	if (key_count != object_count)
		abort();
	note_task(adapter, objects, object_count);
	result->is_store = 1;
	if (++adapter->counts.stores == adapter->faults.fail_store)
		result->error = -ENOSPC;
	for (i = 0; i < key_count && !result->error; i++)
		result->bytes += store_one(adapter, &keys[i], &objects[i]);
	signal_fd(adapter->store_fd);
	return result->task;
}

static int query(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **out)
{
	struct result *result = &adapter->results[task - 1];

	if (!result->bitmap)
		return -EAGAIN;
	*out = result->bitmap;
	result->bitmap = NULL;
	return 0;
}

int remora_query_lookup(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	return query(adapter, task, result);
}

int remora_query_load(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result)
{
	return query(adapter, task, result);
}

size_t remora_pop_stores(
	struct remora_adapter *adapter, struct remora_store_result *results, size_t max)
{
	size_t count = 0;

	for (; count < max && adapter->popped < adapter->result_count; adapter->popped++) {
		const struct result *result = &adapter->results[adapter->popped];

		if (!result->is_store)
			continue;
		results[count++] = (struct remora_store_result){
			.task = result->task,
			.error = result->error,
			.bytes = result->bytes,
		};
	}
	return count;
}

int remora_store_fd(const struct remora_adapter *adapter)
{
	return adapter->store_fd;
}

int remora_lookup_fd(const struct remora_adapter *adapter)
{
	return adapter->lookup_fd;
}

int remora_load_fd(const struct remora_adapter *adapter)
{
	return adapter->load_fd;
}

void remora_status(struct remora_adapter *adapter, struct remora_status *status)
{
	(void)adapter;
	*status = (struct remora_status){.connected = 1};
}
