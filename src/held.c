/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - the locks that this client holds on the server, by key */
#include "held.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { HELD_BUCKETS_FIRST = 256 };

struct held {
	struct held_entry **buckets;
	size_t mask;
	size_t count;
};

struct held *held_create(void)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		return NULL;
	held->mask = HELD_BUCKETS_FIRST - 1;
	held->buckets = calloc(HELD_BUCKETS_FIRST, sizeof(*held->buckets));
	if (!held->buckets) {
		free(held);
		return NULL;
	}
	return held;
}

void held_clear(struct held *held)
{
	struct held_entry *entry, *next;
	size_t i;

	for (i = 0; i <= held->mask; i++) {
		for (entry = held->buckets[i]; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
		held->buckets[i] = NULL;
	}
	held->count = 0;
}

void held_destroy(struct held *held)
{
	if (!held)
		return;
	held_clear(held);
	free(held->buckets);
	free(held);
}

static struct held_entry *find_hashed(const struct held *held, struct wire_key key, uint64_t hash)
{
	struct held_entry *entry = held->buckets[hash & held->mask];

	while (entry && (entry->hash != hash || entry->key_len != key.len ||
				memcmp(entry->key, key.data, key.len) != 0))
		entry = entry->next;
	return entry;
}

struct held_entry *held_find(const struct held *held, struct wire_key key)
{
	return find_hashed(held, key, XXH3_64bits(key.data, key.len));
}

/* Staying small is correct, only slower: no memory is no error here. */
static void held_grow(struct held *held)
{
	size_t mask = 2 * held->mask + 1, i;
	struct held_entry **buckets, *entry, *next;

	buckets = calloc(mask + 1, sizeof(*buckets));
	if (!buckets)
		return;
	for (i = 0; i <= held->mask; i++) {
		for (entry = held->buckets[i]; entry; entry = next) {
			next = entry->next;
			entry->next = buckets[entry->hash & mask];
			buckets[entry->hash & mask] = entry;
		}
	}
	free(held->buckets);
	held->buckets = buckets;
	held->mask = mask;
}

static struct held_entry *held_insert(struct held *held, struct wire_key key, uint64_t hash)
{
	struct held_entry *entry = calloc(1, sizeof(*entry) + key.len);

	if (!entry)
		return NULL;
	if (held->count > held->mask)
		held_grow(held);
	entry->hash = hash;
	entry->key_len = key.len;
	memcpy(entry->key, key.data, key.len);
	entry->next = held->buckets[hash & held->mask];
	held->buckets[hash & held->mask] = entry;
	held->count++;
	return entry;
}

static void held_remove(struct held *held, struct held_entry *entry)
{
	struct held_entry **at = &held->buckets[entry->hash & held->mask];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	held->count--;
	free(entry);
}

struct held_entry *held_add(
	struct held *held, struct wire_key key, const struct wire_extent *extent)
{
	uint64_t hash = XXH3_64bits(key.data, key.len);
	struct held_entry *entry = find_hashed(held, key, hash);

	if (!entry) {
		entry = held_insert(held, key, hash);
		if (!entry)
			return NULL;
		entry->extent = *extent;
	}
	if (entry->extent.handle.slot != extent->handle.slot ||
		entry->extent.handle.generation != extent->handle.generation)
		return NULL;
	entry->locks++;
	return entry;
}

unsigned held_unlock(struct held *held, struct wire_key key, struct wire_handle *handle)
{
	struct held_entry *entry = held_find(held, key);

	if (!entry || entry->locks == entry->owed)
		return 0;
	if (entry->pins && entry->locks - entry->owed == 1) {
		entry->owed++;
		return 0;
	}
	*handle = entry->extent.handle;
	if (!--entry->locks)
		held_remove(held, entry);
	return 1;
}

void held_pin(struct held_entry *entry)
{
	entry->pins++;
}

unsigned held_unpin(struct held *held, struct held_entry *entry, struct wire_handle *handle)
{
	unsigned owed = entry->owed;

	*handle = entry->extent.handle;
	if (--entry->pins)
		return 0;
	entry->owed = 0;
	entry->locks -= owed;
	if (!entry->locks)
		held_remove(held, entry);
	return owed;
}
