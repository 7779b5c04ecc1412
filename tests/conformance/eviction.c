/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eviction.c - group G: a full store, and deleting
 *
 * What is evicted is the type's choice; what must not be is not. The capacity
 * is what remora_usage() tells, and objects are an eighth of it.
 */
#include <errno.h>
#include <stdio.h>

#include "trial.h"

enum { SHARE = 8, ROUNDS = 2 * SHARE, TRIES = 4 * SHARE };

/* `count` keys that share one buffer of an eighth of the capacity. */
static struct items *eighths(struct trial *trial, size_t count)
{
	uint64_t capacity = trial_usage(trial).capacity;
	size_t len = (size_t)(capacity / SHARE / PAGE * PAGE), i;
	struct items *items;

	if (!capacity || len > trial->arena_len)
		trial_skip("needs a capacity of at most 32 MiB");
	items = trial_items(trial, count, 0);
	for (i = 0; i < count; i++)
		items->objects[i].len = len;
	item_fill(&items->keys[0], 0, items->objects[0].data, len);
	return items;
}

static void makes_room(struct trial *trial)
{
	struct items *items = eighths(trial, ROUNDS);
	struct remora_usage usage;
	struct items one;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		one = trial_part(items, i, 1);
		trial_have(trial, &one);
		usage = trial_usage(trial);
		check(usage.used <= usage.capacity);
	}
	check_bits(trial_lookup(trial, &one), "1");
	check(trial_usage(trial).objects <= SHARE);
}

static void spares_what_is_locked(struct trial *trial)
{
	struct items *items = eighths(trial, ROUNDS);
	struct items first = trial_part(items, 0, 1), one;
	size_t i;

	trial_have(trial, &first);
	check_bits(trial_lookup(trial, &first), "1");
	for (i = 1; i < ROUNDS; i++) {
		one = trial_part(items, i, 1);
		trial_have(trial, &one);
	}
	item_fill(&items->keys[1], 0, items->objects[0].data, items->objects[0].len);
	check_bits(trial_load(trial, &first), "1");
	check_equal(items_wrong(&first), 1);
}

/* Store and lock one after the other until a store fails; tells which did. */
static size_t lock_all(struct trial *trial, const struct items *items)
{
	struct items one;
	size_t i;

	for (i = 0; i < items->count; i++) {
		one = trial_part(items, i, 1);
		if (trial_store(trial, &one).error)
			break;
		remora_bitmap_destroy(trial_lookup(trial, &one));
	}
	return i;
}

static void fails_if_all_is_locked(struct trial *trial)
{
	struct items *items = eighths(trial, TRIES), missing;
	size_t failed = lock_all(trial, items);

	check(failed > 0 && failed < TRIES);
	missing = trial_part(items, failed, 1);
	check_bits(trial_lookup(trial, &missing), "0");
}

static void goes_on_after_an_unlock(struct trial *trial)
{
	struct items *items = eighths(trial, TRIES), locked, next;
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;
	size_t failed = lock_all(trial, items);

	check(failed < TRIES);
	locked = trial_part(items, 0, failed);
	next = trial_part(items, failed, 1);
	trial_unlock(trial, &locked);
	while (trial_store(trial, &next).error)
		check(trial_now_ms() < end);
	check_bits(trial_lookup(trial, &next), "1");
}

static void a_batch_too_large_fails(struct trial *trial)
{
	struct items *items = eighths(trial, TRIES), last, batch;
	size_t failed = lock_all(trial, items);
	struct remora_usage usage;

	check(failed > 0 && failed + 3 <= TRIES);
	last = trial_part(items, failed - 1, 1);
	batch = trial_part(items, failed, 3);
	trial_unlock(trial, &last);
	check(trial_store(trial, &batch).error < 0);
	usage = trial_usage(trial);
	check(usage.used <= usage.capacity);
}

static void a_batch_beyond_the_capacity_fails(struct trial *trial)
{
	struct items *items = eighths(trial, SHARE + 2);
	struct remora_usage usage;

	check(trial_store(trial, items).error < 0);
	usage = trial_usage(trial);
	check(usage.used <= usage.capacity);
}

static void a_delete_deletes(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_bitmap *deleted = NULL;

	trial_have(trial, items);
	check_equal(trial_delete(trial, items, &deleted), 0);
	check_bits(deleted, "1");
	check_bits(trial_lookup(trial, items), "0");
}

static void a_delete_takes_some_of_several(struct trial *trial)
{
	struct items *items = trial_items(trial, 5, PAGE), three = trial_part(items, 1, 3);
	struct remora_bitmap *deleted = NULL;

	trial_have(trial, items);
	check_equal(trial_delete(trial, &three, &deleted), 0);
	check_bits(deleted, "111");
	check_bits(trial_lookup(trial, items), "10001");
}

static void a_delete_of_what_is_missing_does_nothing(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), middle = trial_part(items, 1, 1);
	struct remora_bitmap *deleted = NULL;

	trial_have(trial, &middle);
	check_equal(trial_delete(trial, items, &deleted), 0);
	check_bits(deleted, "010");
	deleted = NULL;
	check_equal(remora_delete(trial->adapter, NULL, 0, &deleted), 0);
	check_bits(deleted, "");
}

static void a_delete_leaves_what_is_locked(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), middle = trial_part(items, 1, 1);
	struct remora_bitmap *deleted = NULL;

	trial_have(trial, items);
	check_bits(trial_lookup(trial, &middle), "1");
	check_equal(trial_delete(trial, items, &deleted), -EBUSY);
	check_bits(deleted, "101");
	items_wipe(items);
	check_bits(trial_load(trial, items), "010");
	check_equal(items_wrong(&middle), 1);
}

static void a_delete_names_a_key_twice_once(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE), one = trial_part(items, 0, 1);
	struct remora_bitmap *deleted = NULL;

	trial_have(trial, &one);
	items->keys[1] = items->keys[0];
	check_equal(trial_delete(trial, items, &deleted), 0);
	check_equal(remora_bitmap_popcount(deleted), 1);
	remora_bitmap_destroy(deleted);
}

static void a_bad_key_deletes_nothing(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE), good = trial_part(items, 0, 1);

	trial_have(trial, &good);
	items->keys[1].len = 0;
	check_equal(trial_delete(trial, items, NULL), -EINVAL);
	check_bits(trial_lookup(trial, &good), "1");
}

/* A delete that comes between a store's submit and its end. */
static void a_delete_during_a_store_leaves_no_half(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, MIB);
	struct remora_bitmap *bitmap;
	int64_t task;

	task = remora_submit_store(trial->adapter, items->keys, 1, items->objects, 1);
	trial_delete(trial, items, NULL);
	check_equal(trial_await_store(trial, task).error, 0);
	items_wipe(items);
	bitmap = trial_load(trial, items);
	if (remora_bitmap_test(bitmap, 0))
		check_equal(items_wrong(items), 1);
	remora_bitmap_destroy(bitmap);
	trial_delete(trial, items, NULL);
	check_bits(trial_lookup(trial, items), "0");
}

static const struct trial_case cases[] = {
	{"a full store makes room", makes_room},
	{"what is locked is not evicted", spares_what_is_locked},
	{"a store fails if all is locked", fails_if_all_is_locked},
	{"stores go on after an unlock", goes_on_after_an_unlock},
	{"a batch beyond what is unlocked fails", a_batch_too_large_fails},
	{"a batch beyond the capacity fails", a_batch_beyond_the_capacity_fails},
	{"a delete deletes", a_delete_deletes},
	{"a delete leaves other keys", a_delete_takes_some_of_several},
	{"deleting what is missing does nothing", a_delete_of_what_is_missing_does_nothing},
	{"a delete leaves what is locked", a_delete_leaves_what_is_locked},
	{"a key twice in a delete is deleted once", a_delete_names_a_key_twice_once},
	{"a bad key deletes nothing", a_bad_key_deletes_nothing},
	{"a delete during a store leaves no half object", a_delete_during_a_store_leaves_no_half},
};

TRIAL_GROUP(eviction, cases);
