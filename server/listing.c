/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.c - name the visible objects, slot by slot
 *
 * An object keeps its slot, so a listing that takes many calls names everything
 * that is there all the time exactly once.
 */
#include <string.h>

#include "shard.h"

enum {
	LIST_SLOTS = 16384, /* looked at by one store_list() */
	LIST_STEP = 256,    /* of them under one taking of the mutex */
};

/* One store_list() under way. */
struct listing {
	struct wire_key prefix;
	store_list_fn fn;
	void *arg;
	uint64_t at;     /* shard << 32 | slot, the next to look at */
	unsigned budget; /* slots */
	int stopped;
};

static void list_slot(struct listing *listing, const struct object *object)
{
	struct wire_key key = {object->key, object->key_len}, prefix = listing->prefix;

	if (object->state != OBJECT_VISIBLE || key.len < prefix.len)
		return;
	if (prefix.len && memcmp(key.data, prefix.data, prefix.len))
		return;
	listing->stopped = listing->fn(listing->arg, key, object->len, object->locks);
}

static void list_step(struct store *store, struct listing *listing)
{
	uint64_t shard_number = listing->at >> 32;
	struct shard *shard = &store->shards[shard_number];
	uint32_t slot = (uint32_t)listing->at, end;

	pthread_mutex_lock(&shard->mutex);
	end = index_slots(shard->index);
	for (unsigned step = 0; step < LIST_STEP && slot < end && listing->budget; step++) {
		list_slot(listing, index_object(shard->index, slot));
		if (listing->stopped)
			break;
		slot++;
		listing->budget--;
	}
	pthread_mutex_unlock(&shard->mutex);
	listing->at = slot < end ? shard_number << 32 | slot : (shard_number + 1) << 32;
}

void store_list(
	struct store *store, struct wire_key prefix, uint64_t *cursor, store_list_fn fn, void *arg)
{
	struct listing listing = {
		.prefix = prefix,
		.fn = fn,
		.arg = arg,
		.at = *cursor ? *cursor - 1 : 0, /* a cursor is one more: 0 is the end */
		.budget = LIST_SLOTS,
	};

	while (listing.at >> 32 < store->shard_count && listing.budget && !listing.stopped)
		list_step(store, &listing);
	*cursor = listing.at >> 32 < store->shard_count ? listing.at + 1 : 0;
}
