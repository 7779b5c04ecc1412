/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - chained linear hashing over slots
 *
 * The map has any number of buckets, not a power of two: when there are too few
 * for the objects, one more is added and the one chain that it shares with its
 * older half is dealt out. So growth costs every insertion the same, there
 * is no second table and nothing large is ever copied or freed.
 *
 * Buckets and objects live in segments that double in length. A segment is
 * allocated when it is first needed, zeroed by the kernel page by page, and
 * stays until the end.
 */
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	SEGMENT_BITS = 10, /* of the first segment's length, and of the second's */
	SEGMENTS = 32 - SEGMENT_BITS + 1,
};

struct index {
	struct object *objects[SEGMENTS];
	uint32_t *buckets[SEGMENTS]; /* slot + 1; 0 ends a chain */
	uint32_t bucket_count;
	uint32_t count;
	uint32_t slots;
	uint32_t slots_max;
	uint32_t spare; /* free slots below `slots`: slot + 1 */
};

/* Where element i is: the segment, and in `at` the place in it. */
static unsigned segment_of(uint32_t i, uint32_t *at)
{
	unsigned log;

	*at = i;
	if (i < 1u << SEGMENT_BITS)
		return 0;
	log = 31 - (unsigned)__builtin_clz(i);
	*at = i - (1u << log);
	return log - SEGMENT_BITS + 1;
}

static size_t segment_len(unsigned segment)
{
	return (size_t)1 << (SEGMENT_BITS + (segment ? segment - 1 : 0));
}

static uint32_t *bucket_at(const struct index *index, uint32_t bucket)
{
	uint32_t at;
	unsigned segment = segment_of(bucket, &at);

	return &index->buckets[segment][at];
}

struct object *index_object(const struct index *index, uint32_t slot)
{
	uint32_t at;
	unsigned segment = segment_of(slot, &at);

	return &index->objects[segment][at];
}

int index_create(uint32_t slots_max, struct index **out)
{
	struct index *index;

	if (!slots_max || slots_max > INT32_MAX)
		return -EINVAL;
	index = calloc(1, sizeof(*index));
	if (!index)
		return -ENOMEM;
	index->buckets[0] = calloc(segment_len(0), sizeof(**index->buckets));
	if (!index->buckets[0]) {
		free(index);
		return -ENOMEM;
	}
	index->bucket_count = 1;
	index->slots_max = slots_max;
	*out = index;
	return 0;
}

void index_destroy(struct index *index)
{
	if (!index)
		return;
	for (uint32_t slot = 0; slot < index->slots; slot++)
		free(index_object(index, slot)->key);
	for (unsigned segment = 0; segment < SEGMENTS; segment++) {
		free(index->objects[segment]);
		free(index->buckets[segment]);
	}
	free(index);
}

uint64_t index_hash(uint64_t seed, struct wire_key key)
{
	return XXH3_64bits_withSeed(key.data, key.len, seed);
}

static int take_slot(struct index *index, uint32_t *slot)
{
	uint32_t at;
	unsigned segment;

	if (index->spare) {
		*slot = index->spare - 1;
		index->spare = index_object(index, *slot)->next;
		return 0;
	}
	if (index->slots == index->slots_max)
		return -ENOSPC;
	segment = segment_of(index->slots, &at);
	if (!index->objects[segment]) {
		index->objects[segment] = calloc(segment_len(segment), sizeof(struct object));
		if (!index->objects[segment])
			return -ENOMEM;
	}
	*slot = index->slots++;
	return 0;
}

int index_add(struct index *index, struct wire_key key, uint64_t hash, uint32_t *slot)
{
	struct object *object;
	uint8_t *copy = malloc(key.len);
	uint32_t generation;
	int err;

	if (!copy)
		return -ENOMEM;
	err = take_slot(index, slot);
	if (err) {
		free(copy);
		return err;
	}
	memcpy(copy, key.data, key.len);
	object = index_object(index, *slot);
	generation = object->generation + 1;
	*object = (struct object){
		.key = copy,
		.key_len = key.len,
		.hash = (uint32_t)hash,
		.generation = generation ? generation : 1,
		.state = OBJECT_NEW,
	};
	return 0;
}

void index_release(struct index *index, uint32_t slot)
{
	struct object *object = index_object(index, slot);

	free(object->key);
	object->key = NULL;
	object->state = OBJECT_FREE;
	object->next = index->spare;
	index->spare = slot + 1;
}

/* The hash bits that tell buckets apart once bucket `last` exists. */
static uint32_t mask_for(uint32_t last)
{
	return last ? UINT32_MAX >> __builtin_clz(last) : 0;
}

static uint32_t *bucket_for(const struct index *index, uint32_t hash)
{
	uint32_t last = index->bucket_count - 1, mask = mask_for(last);
	uint32_t bucket = hash & mask;

	return bucket_at(index, bucket <= last ? bucket : bucket & mask >> 1);
}

/* Add a bucket. Without memory chains get longer, which is no error. */
static void grow(struct index *index)
{
	uint32_t added = index->bucket_count, mask = mask_for(added), at;
	unsigned segment = segment_of(added, &at);
	uint32_t *from, *to;

	if (!index->buckets[segment]) {
		index->buckets[segment] = calloc(segment_len(segment), sizeof(uint32_t));
		if (!index->buckets[segment])
			return;
	}
	index->bucket_count++;
	from = bucket_at(index, added & mask >> 1);
	to = bucket_at(index, added);
	while (*from) {
		struct object *object = index_object(index, *from - 1);

		if ((object->hash & mask) == added) {
			*to = *from;
			*from = object->next;
			to = &object->next;
		} else {
			from = &object->next;
		}
	}
	*to = 0;
}

void index_publish(struct index *index, uint32_t slot)
{
	struct object *object = index_object(index, slot);
	uint32_t *bucket;

	/* Two buckets an object: most chains are empty or one long. */
	for (int i = 0; i < 2 && index->bucket_count / 2 <= index->count; i++)
		grow(index);
	bucket = bucket_for(index, object->hash);
	object->next = *bucket;
	*bucket = slot + 1;
	object->state = OBJECT_VISIBLE;
	index->count++;
}

void index_withdraw(struct index *index, uint32_t slot)
{
	struct object *object = index_object(index, slot);
	uint32_t *link = bucket_for(index, object->hash);

	while (*link != slot + 1)
		link = &index_object(index, *link - 1)->next;
	*link = object->next;
	object->state = OBJECT_RESERVED;
	index->count--;
}

uint32_t index_find(const struct index *index, struct wire_key key, uint64_t hash)
{
	uint32_t link = *bucket_for(index, (uint32_t)hash);

	while (link) {
		const struct object *object = index_object(index, link - 1);

		if (object->hash == (uint32_t)hash && object->key_len == key.len &&
			!memcmp(object->key, key.data, key.len))
			return link - 1;
		link = object->next;
	}
	return INDEX_NONE;
}

struct object *index_get(const struct index *index, uint32_t slot, uint32_t generation)
{
	struct object *object;

	if (slot >= index->slots)
		return NULL;
	object = index_object(index, slot);
	return object->state != OBJECT_FREE && object->generation == generation ? object : NULL;
}

uint32_t index_slots(const struct index *index)
{
	return index->slots;
}

uint32_t index_count(const struct index *index)
{
	return index->count;
}

static int check_bucket(const struct index *index, uint32_t bucket, uint32_t *count)
{
	const uint32_t *link = bucket_at(index, bucket);

	while (*link) {
		const struct object *object;

		if (*link > index->slots || ++*count > index->count)
			return -EINVAL;
		object = index_object(index, *link - 1);
		if (object->state != OBJECT_VISIBLE ||
			bucket_for(index, object->hash) != bucket_at(index, bucket))
			return -EINVAL;
		link = &object->next;
	}
	return 0;
}

int index_check(const struct index *index)
{
	uint32_t chained = 0, visible = 0, used = 0, spare = 0;

	for (uint32_t bucket = 0; bucket < index->bucket_count; bucket++)
		if (check_bucket(index, bucket, &chained))
			return -EINVAL;
	for (uint32_t slot = 0; slot < index->slots; slot++) {
		const struct object *object = index_object(index, slot);

		used += object->state != OBJECT_FREE;
		visible += object->state == OBJECT_VISIBLE;
		if ((object->state == OBJECT_FREE) != !object->key)
			return -EINVAL;
	}
	for (uint32_t link = index->spare; link; link = index_object(index, link - 1)->next)
		if (link > index->slots || ++spare > index->slots)
			return -EINVAL;
	return chained == index->count && visible == index->count && used + spare == index->slots
		       ? 0
		       : -EINVAL;
}
