/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - check everything that the store believes about itself
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard.h"

/* What objects and reservations say of one salt. */
struct label {
	uint64_t bytes;
	uint32_t refs;
};

/* One audit under way: what the objects say, and the first thing wrong. */
struct audit {
	struct store *store;
	struct store_sums *sums;
	int64_t *taken;       /* pages, by arena */
	struct label *labels; /* SALTS_MAX of them */
	uint32_t labels_end;  /* the salts there may be */
	char *text;
	size_t text_len;
};

static int complain(const struct audit *audit, const struct shard *shard, const char *what)
{
	snprintf(audit->text, audit->text_len, "shard %u: %s",
		(unsigned)(shard - audit->store->shards), what);
	return -EINVAL;
}

/* Add an object to the sums and see that its extent is its own. */
static int audit_object(
	struct audit *audit, const struct shard *shard, uint32_t slot, struct store_stats *sum)
{
	const struct object *object = index_object(shard->index, slot);
	struct place place = shard_place(object);
	uint32_t owner;

	if (object->state == OBJECT_FREE)
		return 0;
	owner = arenas_owner(audit->store->arenas, place);
	if (owner != shard_slot_outside(audit->store, shard, slot))
		return complain(audit, shard, "an object's extent belongs to another one");
	if (object->len > shard_bytes(object) || object->len + STORE_PAGE <= shard_bytes(object))
		return complain(audit, shard, "an object's extent has not its length");
	audit->taken[place.arena] += place.pages;
	if (object->salt >= audit->labels_end)
		return complain(audit, shard, "an object has a salt that there never was");
	audit->labels[object->salt].refs++;
	audit->sums->locks += object->locks;

	if (object->state == OBJECT_VISIBLE) {
		audit->labels[object->salt].bytes += object->len;
		sum->used += shard_bytes(object);
		sum->objects++;
		sum->locked += object->locks > 0;
	} else {
		sum->reserved += shard_bytes(object);
		audit->sums->reservations++;
		if (object->locks)
			return complain(audit, shard, "a reservation is locked");
	}
	return 0;
}

static int audit_shard(struct audit *audit, const struct shard *shard)
{
	const struct store_stats *counts = &shard->counts;
	struct store_stats sum = {0};
	int err = 0;

	if (index_check(shard->index))
		return complain(audit, shard, "the index contradicts itself");
	if (eviction_check(&shard->order, shard->index))
		return complain(audit, shard, "the eviction order contradicts itself");
	for (uint32_t slot = 0; slot < index_slots(shard->index) && !err; slot++)
		err = audit_object(audit, shard, slot, &sum);
	audit->sums->objects += sum.objects;
	audit->sums->used += sum.used;
	audit->sums->reserved += sum.reserved;
	if (err)
		return err;

	if (shard->order.count != sum.objects - sum.locked)
		return complain(audit, shard, "an unlocked object is not in the eviction order");
	if (counts->used != sum.used || counts->reserved != sum.reserved)
		return complain(audit, shard, "the bytes in use are miscounted");
	if (counts->objects != sum.objects || counts->locked != sum.locked)
		return complain(audit, shard, "the objects are miscounted");
	return 0;
}

/* What the arenas' own books say, if they can be read. */
static void sum_arenas(const struct audit *audit)
{
	for (unsigned i = 0; i < arenas_count(audit->store->arenas); i++) {
		int64_t taken = arenas_audit(audit->store->arenas, i);

		if (taken > 0)
			audit->sums->taken += (uint64_t)taken * STORE_PAGE;
	}
}

/* Owners are unique, so equal sums mean that objects and extents match one to one. */
static int audit_arenas(struct audit *audit)
{
	for (unsigned i = 0; i < arenas_count(audit->store->arenas); i++) {
		int64_t taken = arenas_audit(audit->store->arenas, i);

		if (taken == audit->taken[i])
			continue;
		snprintf(audit->text, audit->text_len,
			taken < 0 ? "arena %u: the extents contradict each other"
				  : "arena %u: an extent has no object",
			i);
		return -EINVAL;
	}
	return 0;
}

static int audit_salts(const struct audit *audit)
{
	for (uint32_t id = 0; id < audit->labels_end; id++) {
		const struct label *label = &audit->labels[id];
		uint64_t bytes;

		if (salts_audit(audit->store->salts, (uint16_t)id, &bytes) == label->refs &&
			bytes == label->bytes)
			continue;
		snprintf(audit->text, audit->text_len,
			"salt %u: %llu bytes counted, %llu in its objects", (unsigned)id,
			(unsigned long long)bytes, (unsigned long long)label->bytes);
		return -EINVAL;
	}
	return 0;
}

/* A shard that is wrong does not keep the others from being counted. */
static int audit_all(struct audit *audit)
{
	int err = 0;

	audit->labels_end = salts_end(audit->store->salts);
	for (unsigned i = 0; i < audit->store->shard_count; i++)
		if (audit_shard(audit, &audit->store->shards[i]))
			err = -EINVAL;
	sum_arenas(audit);
	if (err)
		return err;
	return audit_arenas(audit) || audit_salts(audit) ? -EINVAL : 0;
}

int store_audit(struct store *store, struct store_sums *sums, char *text, size_t text_len)
{
	struct audit audit = {.store = store, .sums = sums, .text = text, .text_len = text_len};
	int err;

	*sums = (struct store_sums){0};
	audit.taken = calloc(arenas_count(store->arenas), sizeof(*audit.taken));
	audit.labels = calloc(SALTS_MAX, sizeof(*audit.labels));
	if (!audit.taken || !audit.labels) {
		snprintf(text, text_len, "no memory for the check");
		err = -ENOMEM;
		goto free_sums;
	}
	for (unsigned i = 0; i < store->shard_count; i++)
		pthread_mutex_lock(&store->shards[i].mutex);
	err = audit_all(&audit);
	for (unsigned i = store->shard_count; i--;)
		pthread_mutex_unlock(&store->shards[i].mutex);

free_sums:
	free(audit.labels);
	free(audit.taken);
	return err;
}

int store_check(struct store *store, char *text, size_t text_len)
{
	struct store_sums sums;

	return store_audit(store, &sums, text, text_len);
}
