/* SPDX-License-Identifier: Apache-2.0 */
/* mock_store.c - objects in this process's RAM, of a limited number of bytes */
#include "mock_store.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <xxhash.h>

#include "mock_queue.h"

enum { BUCKETS_FIRST = 256 };

/* Bytes by salt. Few are expected: one is found by looking at all. */
struct salt {
	LIST_ENTRY(salt) link;
	struct mock_salt_usage usage; /* of visible objects */
	size_t objects;               /* that point here, reserved ones too */
};

struct mock_object {
	struct mock_object *next;      /* of the same bucket */
	TAILQ_ENTRY(mock_object) link; /* in the order of publishing */
	struct mock_place place;       /* among the evictable: published and unlocked */
	uint64_t age;                  /* ascending from 1 on as they are published */
	const void *owner;             /* who reserved it; NULL: published */
	struct salt *salt;
	uint64_t hash;
	size_t len;
	uint32_t locks;
	uint32_t pins; /* stores in progress that rely on it */
	uint16_t key_len;
	uint8_t *data; /* the object's bytes, then the key's */
};

struct mock_store {
	struct mock_object **buckets;
	size_t bucket_count, object_count; /* reserved ones too */
	TAILQ_HEAD(, mock_object) published;
	LIST_HEAD(, salt) salts;
	struct mock_queue evictable;
	uint64_t evictable_bytes;
	uint64_t next_age;
	struct remora_usage usage;
};

struct mock_store *mock_store_create(uint64_t capacity)
{
	struct mock_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->buckets = calloc(BUCKETS_FIRST, sizeof(struct mock_object *));
	if (!store->buckets) {
		free(store);
		return NULL;
	}
	store->bucket_count = BUCKETS_FIRST;
	store->next_age = 1;
	store->usage.capacity = capacity;
	store->usage.sessions = 1;
	TAILQ_INIT(&store->published);
	LIST_INIT(&store->salts);
	return store;
}

static struct salt *salt_get(struct mock_store *store, const char *text)
{
	struct salt *salt;

	LIST_FOREACH(salt, &store->salts, link)
	if (!strcmp(salt->usage.salt, text))
		break;
	if (!salt) {
		salt = calloc(1, sizeof(*salt));
		if (!salt)
			return NULL;
		snprintf(salt->usage.salt, sizeof(salt->usage.salt), "%s", text);
		LIST_INSERT_HEAD(&store->salts, salt, link);
	}
	salt->objects++;
	return salt;
}

static void salt_put(struct salt *salt)
{
	if (--salt->objects)
		return;
	LIST_REMOVE(salt, link);
	free(salt);
}

static struct mock_object **bucket_of(const struct mock_store *store, uint64_t hash)
{
	return &store->buckets[hash % store->bucket_count];
}

/* The object of this key that this owner reserved, or, for NULL, that is published. */
static struct mock_object *find(
	const struct mock_store *store, struct wire_key key, const void *owner)
{
	uint64_t hash = XXH3_64bits(key.data, key.len);
	struct mock_object *object;

	for (object = *bucket_of(store, hash); object; object = object->next)
		if (object->hash == hash && object->owner == owner && object->key_len == key.len &&
			!memcmp(object->data + object->len, key.data, key.len))
			return object;
	return NULL;
}

static void grow_buckets(struct mock_store *store)
{
	struct mock_object **old = store->buckets, *object, *next;
	size_t old_count = store->bucket_count, i;

	store->buckets = calloc(2 * old_count, sizeof(struct mock_object *));
	if (!store->buckets) {
		/* Longer chains are slower, and that is all. */
		store->buckets = old;
		return;
	}
	store->bucket_count = 2 * old_count;
	for (i = 0; i < old_count; i++) {
		for (object = old[i]; object; object = next) {
			next = object->next;
			object->next = *bucket_of(store, object->hash);
			*bucket_of(store, object->hash) = object;
		}
	}
	free(old);
}

static void link_object(struct mock_store *store, struct mock_object *object)
{
	struct mock_object **bucket;

	if (store->object_count >= store->bucket_count)
		grow_buckets(store);
	bucket = bucket_of(store, object->hash);
	object->next = *bucket;
	*bucket = object;
	store->object_count++;
}

static void free_object(struct mock_object *object)
{
	salt_put(object->salt);
	free(object->data);
	free(object);
}

/* Out of the index and of the bytes in use. */
static void drop(struct mock_store *store, struct mock_object *object)
{
	struct mock_object **at = bucket_of(store, object->hash);

	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	store->object_count--;
	store->usage.used -= object->len;
	free_object(object);
}

static void make_evictable(struct mock_store *store, struct mock_object *object)
{
	mock_queue_add(&store->evictable, &object->place);
	store->evictable_bytes += object->len;
}

static void make_safe(struct mock_store *store, struct mock_object *object)
{
	mock_queue_remove(&store->evictable, &object->place);
	store->evictable_bytes -= object->len;
}

static bool is_free(const struct mock_object *object)
{
	return !object->locks && !object->pins;
}

static void pin(struct mock_store *store, struct mock_object *object)
{
	if (is_free(object))
		make_safe(store, object);
	object->pins++;
}

static void unpin(struct mock_store *store, struct mock_object *object)
{
	object->pins--;
	if (is_free(object))
		make_evictable(store, object);
}

/* One that is published and free. */
static void remove_object(struct mock_store *store, struct mock_object *object)
{
	make_safe(store, object);
	TAILQ_REMOVE(&store->published, object, link);
	object->salt->usage.bytes -= object->len;
	store->usage.objects--;
	drop(store, object);
}

void mock_store_destroy(struct mock_store *store)
{
	struct mock_object *object;

	if (!store)
		return;
	while ((object = TAILQ_FIRST(&store->published))) {
		TAILQ_REMOVE(&store->published, object, link);
		free_object(object);
	}
	mock_queue_fini(&store->evictable);
	free(store->buckets);
	free(store);
}

static int make_room(struct mock_store *store, size_t len)
{
	struct remora_usage *usage = &store->usage;
	struct mock_place *oldest;

	if (len > usage->capacity)
		return -EFBIG;
	if (usage->used - store->evictable_bytes > usage->capacity - len)
		return -ENOSPC;
	while (usage->used > usage->capacity - len) {
		oldest = mock_queue_first(&store->evictable);
		remove_object(
			store, (struct mock_object *)(void *)((char *)oldest -
							      offsetof(struct mock_object, place)));
		usage->evictions++;
	}
	return 0;
}

static struct mock_object *copy_object(
	struct mock_store *store, struct wire_key key, const struct remora_object *from)
{
	struct mock_object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->data = malloc(from->len + key.len);
	object->salt = object->data ? salt_get(store, from->salt) : NULL;
	if (!object->salt) {
		free(object->data);
		free(object);
		return NULL;
	}
	memcpy(object->data, from->data, from->len);
	memcpy(object->data + from->len, key.data, key.len);
	object->len = from->len;
	object->key_len = key.len;
	object->hash = XXH3_64bits(key.data, key.len);
	return object;
}

int mock_store_reserve(struct mock_store *store, struct wire_key key,
	const struct remora_object *from, const void *owner, struct mock_object **out)
{
	struct mock_object *object;
	int err;

	object = find(store, key, NULL);
	if (object)
		pin(store, object);
	if (object || find(store, key, owner)) {
		*out = object;
		return 0;
	}
	err = make_room(store, from->len);
	if (!err)
		err = mock_queue_reserve(&store->evictable, store->object_count + 1);
	if (err)
		return err;
	object = copy_object(store, key, from);
	if (!object)
		return -ENOMEM;
	object->owner = owner;
	link_object(store, object);
	store->usage.used += object->len;
	store->usage.reserved += object->len;
	*out = object;
	return 0;
}

bool mock_store_is_new(const struct mock_object *object)
{
	return object->owner;
}

void mock_store_abort(struct mock_store *store, struct mock_object *object)
{
	if (!object->owner) {
		unpin(store, object);
		return;
	}
	store->usage.reserved -= object->len;
	drop(store, object);
}

bool mock_store_publish(struct mock_store *store, struct mock_object *object)
{
	struct wire_key key = {.data = object->data + object->len, .len = object->key_len};

	if (!object->owner || find(store, key, NULL)) {
		mock_store_abort(store, object);
		return false;
	}
	object->owner = NULL;
	object->place.number = store->next_age++;
	object->age = object->place.number;
	TAILQ_INSERT_TAIL(&store->published, object, link);
	make_evictable(store, object);
	object->salt->usage.bytes += object->len;
	store->usage.reserved -= object->len;
	store->usage.objects++;
	store->usage.stored++;
	return true;
}

bool mock_store_lock(struct mock_store *store, struct wire_key key)
{
	struct mock_object *object = find(store, key, NULL);

	if (!object) {
		store->usage.misses++;
		return false;
	}
	store->usage.hits++;
	if (is_free(object))
		make_safe(store, object);
	if (!object->locks++)
		store->usage.locked++;
	return true;
}

void mock_store_unlock(struct mock_store *store, struct wire_key key)
{
	struct mock_object *object = find(store, key, NULL);

	if (!object || !object->locks || --object->locks)
		return;
	store->usage.locked--;
	if (is_free(object))
		make_evictable(store, object);
}

void mock_store_unlock_all(struct mock_store *store)
{
	struct mock_object *object;

	TAILQ_FOREACH(object, &store->published, link)
	{
		if (!object->locks)
			continue;
		object->locks = 0;
		if (is_free(object))
			make_evictable(store, object);
	}
	store->usage.locked = 0;
}

bool mock_store_copy(struct mock_store *store, struct wire_key key, void *data, size_t len)
{
	const struct mock_object *object = find(store, key, NULL);

	if (!object || object->len != len)
		return false;
	memcpy(data, object->data, len);
	return true;
}

int mock_store_delete(struct mock_store *store, struct wire_key key)
{
	struct mock_object *object = find(store, key, NULL);

	if (!object)
		return -ENOENT;
	if (!is_free(object))
		return -EBUSY;
	remove_object(store, object);
	return 0;
}

int mock_store_length(const struct mock_store *store, struct wire_key key, uint64_t *len)
{
	const struct mock_object *object = find(store, key, NULL);

	if (!object)
		return -ENOENT;
	*len = object->len;
	return 0;
}

static void copy_listed(const struct mock_object *object, struct mock_listed *listed)
{
	listed->len = object->len;
	listed->locks = object->locks;
	listed->key_len = object->key_len;
	memcpy(listed->key, object->data + object->len, object->key_len);
}

size_t mock_store_page(const struct mock_store *store, struct wire_key prefix, uint64_t *cursor,
	struct mock_listed page[MOCK_PAGE_LEN])
{
	const struct mock_object *object;
	uint64_t named = *cursor;
	size_t count = 0;

	TAILQ_FOREACH(object, &store->published, link)
	{
		if (object->age <= *cursor || object->key_len < prefix.len ||
			(prefix.len && memcmp(object->data + object->len, prefix.data, prefix.len)))
			continue;
		if (count == MOCK_PAGE_LEN) {
			*cursor = named;
			return count;
		}
		copy_listed(object, &page[count++]);
		named = object->age;
	}
	*cursor = 0;
	return count;
}

void mock_store_usage(const struct mock_store *store, struct remora_usage *usage)
{
	*usage = store->usage;
}

size_t mock_store_salt_count(const struct mock_store *store)
{
	const struct salt *salt;
	size_t count = 0;

	LIST_FOREACH(salt, &store->salts, link)
	count += salt->usage.bytes > 0;
	return count;
}

void mock_store_salts(const struct mock_store *store, struct mock_salt_usage *salts)
{
	const struct salt *salt;

	LIST_FOREACH(salt, &store->salts, link)
	if (salt->usage.bytes)
		*salts++ = salt->usage;
}
