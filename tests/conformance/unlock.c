/* SPDX-License-Identifier: Apache-2.0 */
/* unlock.c - group D: giving locks back, seen by what may be deleted */
#include <errno.h>

#include "trial.h"

/* Store and lock. */
static struct items *locked(struct trial *trial, size_t count)
{
	struct items *items = trial_items(trial, count, PAGE);
	struct remora_bitmap *bitmap;

	trial_have(trial, items);
	bitmap = trial_lookup(trial, items);
	check_equal(remora_bitmap_popcount(bitmap), count);
	remora_bitmap_destroy(bitmap);
	return items;
}

static void ends_the_lock(struct trial *trial)
{
	struct items *items = locked(trial, 1);

	check_equal(trial_delete(trial, items, NULL), -EBUSY);
	trial_unlock(trial, items);
	check(trial_goes(trial, items));
}

static void of_unknown_keys_is_ignored(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);

	trial_unlock(trial, items);
	trial_have(trial, items);
	trial_unlock(trial, items);
	check_bits(trial_lookup(trial, items), "111");
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
}

static void of_nothing_is_ignored(struct trial *trial)
{
	struct items *items = locked(trial, 1);

	remora_submit_unlock(trial->adapter, items->keys, 0);
	remora_submit_unlock(trial->adapter, NULL, 0);
	remora_submit_unlock(trial->adapter, NULL, 3);
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
}

static void is_needed_for_each_lookup(struct trial *trial)
{
	struct items *items = locked(trial, 1);

	check_bits(trial_lookup(trial, items), "1");
	trial_unlock(trial, items);
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
	trial_unlock(trial, items);
	check(trial_goes(trial, items));
}

static void too_many_owe_nothing(struct trial *trial)
{
	struct items *items = locked(trial, 1);
	unsigned i;

	for (i = 0; i < 3; i++)
		trial_unlock(trial, items);
	check_bits(trial_lookup(trial, items), "1");
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
}

static void leaves_other_keys_locked(struct trial *trial)
{
	struct items *items = locked(trial, 3);
	struct items middle = trial_part(items, 1, 1);
	struct remora_bitmap *deleted = NULL;

	trial_unlock(trial, &middle);
	check(trial_goes(trial, &middle));
	check_equal(trial_delete(trial, items, &deleted), -EBUSY);
	check_bits(deleted, "000");
}

static void of_a_key_twice_gives_two_locks_back(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct items one = trial_part(items, 0, 1);

	items->keys[1] = items->keys[0];
	trial_have(trial, &one);
	check_bits(trial_lookup(trial, items), "11");
	trial_unlock(trial, items);
	check(trial_goes(trial, &one));
}

static const struct trial_case cases[] = {
	{"an unlock ends the lock", ends_the_lock},
	{"unlocking what is not locked is ignored", of_unknown_keys_is_ignored},
	{"unlocking nothing is ignored", of_nothing_is_ignored},
	{"two lookups need two unlocks", is_needed_for_each_lookup},
	{"unlocks too many do not weaken later locks", too_many_owe_nothing},
	{"an unlock leaves other keys locked", leaves_other_keys_locked},
	{"a key twice in an unlock gives two locks back", of_a_key_twice_gives_two_locks_back},
};

TRIAL_GROUP(unlock, cases);
