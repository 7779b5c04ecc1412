/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_store.h - objects in this process's RAM, of a limited number of bytes
 *
 * A store is in two steps: reserving copies the bytes, and makes room for them
 * by evicting the oldest unlocked objects; publishing makes the object visible,
 * unless another was faster. Pure; for one thread at a time.
 */
#ifndef MOCK_STORE_H
#define MOCK_STORE_H

#include <stdbool.h>

#include <remora/adapter.h>

#include "wire.h"

struct mock_store;
struct mock_object;

enum { MOCK_PAGE_LEN = 64 };

struct mock_listed {
	uint64_t len;
	uint32_t locks;
	uint16_t key_len;
	uint8_t key[REMORA_KEY_MAX];
};

struct mock_salt_usage {
	char salt[REMORA_SALT_MAX + 1];
	uint64_t bytes;
};

/* NULL: out of memory. */
struct mock_store *mock_store_create(uint64_t capacity);

/* With all objects, but those that are reserved. NULL is allowed. */
void mock_store_destroy(struct mock_store *store);

/*
 * A copy of the object, for the caller to publish or abort. If the key exists,
 * *out is the object that is there, protected until then; if `owner` has reserved
 * the key before, it is NULL. owner is any address but NULL.
 *
 * -EFBIG: larger than the capacity; -ENOSPC: too much of it is locked or
 * reserved, and nothing is evicted; -ENOMEM.
 */
int mock_store_reserve(struct mock_store *store, struct wire_key key,
	const struct remora_object *object, const void *owner, struct mock_object **out);

/* Whether it is a copy, and not what was there. */
bool mock_store_is_new(const struct mock_object *object);

/*
 * Make it visible. Returns whether this has stored it: false if the key was
 * there, in which case the older object stays and a copy is freed.
 */
bool mock_store_publish(struct mock_store *store, struct mock_object *object);
void mock_store_abort(struct mock_store *store, struct mock_object *object);

/* Whether the key is there; it has one lock more then. */
bool mock_store_lock(struct mock_store *store, struct wire_key key);

/* One lock less, if there is one. */
void mock_store_unlock(struct mock_store *store, struct wire_key key);

/* Whether the key is there with this length; its bytes are copied then. */
bool mock_store_copy(struct mock_store *store, struct wire_key key, void *data, size_t len);

/* An unlock got lost: give every lock back. */
void mock_store_unlock_all(struct mock_store *store);

/* -ENOENT; -EBUSY: it is locked, or a store that found it there is not over. */
int mock_store_delete(struct mock_store *store, struct wire_key key);

/* -ENOENT. */
int mock_store_length(const struct mock_store *store, struct wire_key key, uint64_t *len);

/*
 * Up to MOCK_PAGE_LEN objects whose keys begin with prefix, oldest first.
 * Returns how many; *cursor is 0 at the beginning and after the end. Finding
 * the page's beginning takes a step for each object before it.
 */
size_t mock_store_page(const struct mock_store *store, struct wire_key prefix, uint64_t *cursor,
	struct mock_listed page[MOCK_PAGE_LEN]);

/* What a store knows of a usage. */
void mock_store_usage(const struct mock_store *store, struct remora_usage *usage);

size_t mock_store_salt_count(const struct mock_store *store);

/* All of them: there is room for mock_store_salt_count(). */
void mock_store_salts(const struct mock_store *store, struct mock_salt_usage *salts);

#endif
