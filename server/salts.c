/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salts.c - a chained hash table, and an array by number
 *
 * A reference keeps a salt in place, so its holder counts bytes without the
 * mutex. The arrays have their full length from the start: the kernel gives
 * them pages as they are touched.
 */
#include "salts.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { LIST_STEP = 256 }; /* numbers looked at under one taking of the mutex */

struct salt {
	struct salt *next; /* of its bucket */
	_Atomic uint64_t bytes;
	uint32_t refs;
	uint16_t id;
	uint8_t len;
	uint8_t text[];
};

struct salts {
	pthread_mutex_t mutex; /* guards all but the bytes */
	uint64_t seed;
	uint32_t ids;         /* that were ever in use */
	uint32_t spare_count; /* of these, free again */
	struct salt *all[SALTS_MAX];
	struct salt *buckets[SALTS_MAX];
	uint16_t spare[SALTS_MAX];
};

int salts_create(uint64_t seed, struct salts **out)
{
	struct salts *salts = calloc(1, sizeof(*salts));

	if (!salts)
		return -ENOMEM;
	pthread_mutex_init(&salts->mutex, NULL);
	salts->seed = seed;
	*out = salts;
	return 0;
}

void salts_destroy(struct salts *salts)
{
	if (!salts)
		return;
	for (uint32_t id = 0; id < salts->ids; id++)
		free(salts->all[id]);
	pthread_mutex_destroy(&salts->mutex);
	free(salts);
}

/* The link to the salt with this text, or to the end of its bucket. */
static struct salt **find(struct salts *salts, const uint8_t *text, uint8_t len)
{
	uint64_t hash = XXH3_64bits_withSeed(text, len, salts->seed);
	struct salt **link = &salts->buckets[hash % SALTS_MAX];

	while (*link && ((*link)->len != len || (len && memcmp((*link)->text, text, len))))
		link = &(*link)->next;
	return link;
}

static int add(struct salts *salts, struct wire_salt text, struct salt **link)
{
	struct salt *salt;

	if (!salts->spare_count && salts->ids == SALTS_MAX)
		return -ENOSPC;
	salt = malloc(sizeof(*salt) + text.len);
	if (!salt)
		return -ENOMEM;
	salt->next = NULL;
	atomic_init(&salt->bytes, 0);
	salt->refs = 0;
	salt->id = salts->spare_count ? salts->spare[--salts->spare_count] : (uint16_t)salts->ids++;
	salt->len = text.len;
	if (text.len)
		memcpy(salt->text, text.data, text.len);
	salts->all[salt->id] = salt;
	*link = salt;
	return 0;
}

int salts_get(struct salts *salts, struct wire_salt salt, uint16_t *id)
{
	struct salt **link;
	int err = 0;

	pthread_mutex_lock(&salts->mutex);
	link = find(salts, salt.data, salt.len);
	if (!*link)
		err = add(salts, salt, link);
	if (!err) {
		(*link)->refs++;
		*id = (*link)->id;
	}
	pthread_mutex_unlock(&salts->mutex);
	return err;
}

void salts_put(struct salts *salts, uint16_t id)
{
	struct salt *salt;

	pthread_mutex_lock(&salts->mutex);
	salt = salts->all[id];
	if (!--salt->refs) {
		*find(salts, salt->text, salt->len) = salt->next;
		salts->all[id] = NULL;
		salts->spare[salts->spare_count++] = id;
		free(salt);
	}
	pthread_mutex_unlock(&salts->mutex);
}

/* Relaxed: each object's bytes come and go under the mutex of its shard. */
void salts_charge(struct salts *salts, uint16_t id, uint64_t bytes)
{
	atomic_fetch_add_explicit(&salts->all[id]->bytes, bytes, memory_order_relaxed);
}

void salts_refund(struct salts *salts, uint16_t id, uint64_t bytes)
{
	atomic_fetch_sub_explicit(&salts->all[id]->bytes, bytes, memory_order_relaxed);
}

/* Tells one number, if it is in use and has bytes. */
static int list_one(const struct salt *salt, salts_list_fn fn, void *arg)
{
	uint64_t bytes = salt ? atomic_load_explicit(&salt->bytes, memory_order_relaxed) : 0;

	return bytes ? fn(arg, (struct wire_salt){salt->text, salt->len}, bytes) : 0;
}

void salts_list(struct salts *salts, uint64_t *cursor, salts_list_fn fn, void *arg)
{
	uint64_t at = *cursor ? *cursor - 1 : 0; /* a cursor is one more: 0 is the end */
	bool more = true, stopped = false;

	while (more && !stopped) {
		pthread_mutex_lock(&salts->mutex);
		for (unsigned step = 0; step < LIST_STEP && at < salts->ids; step++) {
			stopped = list_one(salts->all[at], fn, arg);
			if (stopped)
				break;
			at++;
		}
		more = at < salts->ids;
		pthread_mutex_unlock(&salts->mutex);
	}
	*cursor = more ? at + 1 : 0;
}

uint32_t salts_end(struct salts *salts)
{
	uint32_t end;

	pthread_mutex_lock(&salts->mutex);
	end = salts->ids;
	pthread_mutex_unlock(&salts->mutex);
	return end;
}

uint32_t salts_audit(struct salts *salts, uint16_t id, uint64_t *bytes)
{
	const struct salt *salt;
	uint32_t refs = 0;

	pthread_mutex_lock(&salts->mutex);
	salt = salts->all[id];
	*bytes = 0;
	if (salt) {
		*bytes = atomic_load_explicit(&salt->bytes, memory_order_relaxed);
		refs = salt->refs;
	}
	pthread_mutex_unlock(&salts->mutex);
	return refs;
}
