/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c - mutants that are wrong in locks, and in what they are good for */
#include "mutant.h"

#include <errno.h>
#include <unistd.h>

static void unlock_never(void *self, const struct remora_key *keys, size_t count)
{
	(void)self;
	(void)keys;
	(void)count;
}

static void never_unlocks(struct remora_type_ops *ops)
{
	ops->submit_unlock = unlock_never;
}

static void unlock_whole(void *self, const struct remora_key *keys, size_t count)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		faithful_ops.submit_unlock(self, keys, count);
}

static void gives_every_lock_back(struct remora_type_ops *ops)
{
	ops->submit_unlock = unlock_whole;
}

static void unlock_distinct(void *self, const struct remora_key *keys, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!i || keys[i].data != keys[0].data)
			faithful_ops.submit_unlock(self, keys + i, 1);
}

static void unlocks_a_key_once_a_batch(struct remora_type_ops *ops)
{
	ops->submit_unlock = unlock_distinct;
}

/* Counts what lookups were told, for the mutants below. */
static int64_t look_up_and_note(void *self, const struct remora_key *keys, size_t count)
{
	struct mutant *mutant = self;

	mutant->keys = keys;
	mutant->count = count;
	return faithful_ops.submit_lookup(self, keys, count);
}

static int query_and_count(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_lookup(self, task, result);
	size_t i;

	for (i = 0; !err && i < mutant->count; i++)
		if (remora_bitmap_test(*result, i))
			mutant_key(mutant, &mutant->keys[i])->count++;
	return err;
}

/* A bitmap of more hits than there are locks. */
static int query_and_give_back_twins(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_lookup(self, task, result);
	size_t i;

	for (i = 1; !err && i < mutant->count; i++)
		if (mutant->keys[i].data == mutant->keys[0].data)
			faithful_ops.submit_unlock(self, mutant->keys, 1);
	return err;
}

static void locks_a_key_once_a_batch(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_give_back_twins;
}

static void unlock_everything(struct mutant *mutant)
{
	struct remora_key key;
	unsigned i;

	for (i = 0; i < mutant->table_count; i++) {
		key = mutant_key_of(&mutant->table[i]);
		for (; mutant->table[i].count > 0; mutant->table[i].count--)
			remora_submit_unlock(mutant->inner, &key, 1);
	}
}

static void unlock_all(void *self, const struct remora_key *keys, size_t count)
{
	(void)keys;
	(void)count;
	unlock_everything(self);
}

static void unlocks_all_keys(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_count;
	ops->submit_unlock = unlock_all;
}

static void unlock_all_for_nothing(void *self, const struct remora_key *keys, size_t count)
{
	if (!keys || !count)
		unlock_everything(self);
	else
		faithful_ops.submit_unlock(self, keys, count);
}

static void takes_nothing_for_everything(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_count;
	ops->submit_unlock = unlock_all_for_nothing;
}

static void unlock_below_nought(void *self, const struct remora_key *keys, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		mutant_key(self, &keys[i])->count--;
	faithful_ops.submit_unlock(self, keys, count);
}

static int query_and_settle(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = query_and_count(self, task, result);
	size_t i;

	for (i = 0; !err && i < mutant->count; i++)
		if (remora_bitmap_test(*result, i) &&
			mutant_key(mutant, &mutant->keys[i])->count <= 0)
			faithful_ops.submit_unlock(self, &mutant->keys[i], 1);
	return err;
}

static void remembers_unlocks_too_many(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_settle;
	ops->submit_unlock = unlock_below_nought;
}

static int64_t load_and_note(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;

	mutant->keys = keys;
	mutant->count = keys ? key_count : 0;
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static int query_load_and_unlock(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_load(self, task, result);

	if (!err)
		faithful_ops.submit_unlock(self, mutant->keys, mutant->count);
	return err;
}

static void unlocks_what_it_loads(struct remora_type_ops *ops)
{
	ops->submit_load = load_and_note;
	ops->query_load = query_load_and_unlock;
}

static int query_load_and_lock(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	struct remora_bitmap *bitmap;
	int err = faithful_ops.query_load(self, task, result);
	int64_t lookup;

	if (err)
		return err;
	lookup = remora_submit_lookup(mutant->inner, mutant->keys, mutant->count);
	while (remora_query_lookup(mutant->inner, lookup, &bitmap))
		usleep(100);
	remora_bitmap_destroy(bitmap);
	return 0;
}

static void locks_what_it_loads(struct remora_type_ops *ops)
{
	ops->submit_load = load_and_note;
	ops->query_load = query_load_and_lock;
}

static int query_load_if_locked(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_load(self, task, result);
	size_t i;

	for (i = 0; !err && i < mutant->count; i++)
		if (!mutant_key(mutant, &mutant->keys[i])->count)
			remora_bitmap_clear(*result, i);
	return err;
}

static void loads_only_what_was_looked_up(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_count;
	ops->submit_load = load_and_note;
	ops->query_load = query_load_if_locked;
}

/* A full store gives up what is locked. */
static int64_t store_at_any_price(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	struct remora_usage usage;
	struct remora_key first;
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < object_count; i++)
		len += objects[i].len;
	remora_usage(mutant->inner, &usage);
	if (usage.used + len > usage.capacity && mutant->table_count) {
		unlock_everything(mutant);
		first = mutant_key_of(&mutant->table[0]);
		while (remora_delete(mutant->inner, &first, 1, NULL) == -EBUSY)
			usleep(100);
	}
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void evicts_what_is_locked(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_and_note;
	ops->query_lookup = query_and_count;
	ops->submit_store = store_at_any_price;
}

static int64_t store_if_there_is_room(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	struct remora_usage usage;

	remora_usage(mutant->inner, &usage);
	if (usage.used + objects[0].len > usage.capacity)
		return faithful_ops.submit_store(self, keys, key_count, objects, 0);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void never_evicts(struct remora_type_ops *ops)
{
	ops->submit_store = store_if_there_is_room;
}

static int delete_by_force(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	size_t i;

	for (i = 0; i < 8; i++)
		faithful_ops.submit_unlock(self, keys, count);
	usleep(10000);
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static void deletes_what_is_locked(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_by_force;
}

/* Locks of adapters that were closed with them. */
static uint64_t left_locked;

static void close_and_leave(void *self)
{
	struct mutant *mutant = self;
	struct remora_usage usage;

	if (!remora_usage(mutant->inner, &usage))
		left_locked += usage.locked;
	faithful_ops.close(self);
}

static int usage_with_left(void *self, struct remora_usage *usage)
{
	int err = faithful_ops.usage(self, usage);

	if (!err)
		usage->locked += left_locked;
	return err;
}

static void keeps_locks_after_its_end(struct remora_type_ops *ops)
{
	ops->close = close_and_leave;
	ops->usage = usage_with_left;
}

const struct mutation lock_mutations[] = {
	{.name = "never-unlocks", .change = never_unlocks},
	{.name = "gives-every-lock-back", .change = gives_every_lock_back},
	{.name = "unlocks-a-key-once-a-batch", .change = unlocks_a_key_once_a_batch},
	{.name = "locks-a-key-once-a-batch", .change = locks_a_key_once_a_batch},
	{.name = "unlocks-all-keys", .change = unlocks_all_keys},
	{.name = "takes-nothing-for-everything", .change = takes_nothing_for_everything},
	{.name = "remembers-unlocks-too-many", .change = remembers_unlocks_too_many},
	{.name = "unlocks-what-it-loads", .change = unlocks_what_it_loads},
	{.name = "locks-what-it-loads", .change = locks_what_it_loads},
	{.name = "loads-only-what-was-looked-up", .change = loads_only_what_was_looked_up},
	{.name = "evicts-what-is-locked", .change = evicts_what_is_locked},
	{.name = "never-evicts", .change = never_evicts},
	{.name = "deletes-what-is-locked", .change = deletes_what_is_locked},
	{.name = "keeps-locks-after-its-end", .change = keeps_locks_after_its_end},
	{0},
};
