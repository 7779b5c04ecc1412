/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c - group C: looking keys up, and locking those found */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

enum { MANY = 4096, NAME_LEN = 24 };

static int64_t submit(struct trial *trial, const struct items *items)
{
	return remora_submit_lookup(trial->adapter, items->keys, items->count);
}

static void signals_its_fd_alone(struct trial *trial)
{
	remora_bitmap_destroy(trial_lookup(trial, trial_items(trial, 1, PAGE)));
	check(!trial_readable(remora_store_fd(trial->adapter), 0));
	check(!trial_readable(remora_load_fd(trial->adapter), 0));
}

static void has_its_result_when_it_signals(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	unsigned i;

	for (i = 0; i < 50; i++)
		check_bits(trial_lookup(trial, items), "0");
}

static void finds_what_is_there(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);

	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), "11");
}

static void misses_what_is_not(struct trial *trial)
{
	check_bits(trial_lookup(trial, trial_items(trial, 2, PAGE)), "00");
}

static void tells_hits_from_misses(struct trial *trial)
{
	struct items *items = trial_items(trial, 5, PAGE);
	struct items one = trial_part(items, 1, 1), two = trial_part(items, 2, 1);

	trial_have(trial, &one);
	trial_have(trial, &two);
	check_bits(trial_lookup(trial, items), "01100");
}

static void is_told_once(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_bitmap *bitmap = NULL;
	int64_t task = submit(trial, items);

	check_bits(trial_await_lookup(trial, task), "0");
	check_equal(remora_query_lookup(trial->adapter, task, &bitmap), -ENOENT);
	check(!bitmap);
}

static void is_unknown_by_another_id(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_bitmap *bitmap = NULL;
	int64_t task = submit(trial, items);

	check_equal(remora_query_lookup(trial->adapter, task + 1000, &bitmap), -ENOENT);
	check_equal(remora_query_lookup(trial->adapter, -1, &bitmap), -ENOENT);
	check_equal(remora_query_load(trial->adapter, task, &bitmap), -ENOENT);
	check_bits(trial_await_lookup(trial, task), "0");
}

static void has_a_bit_for_each_key(struct trial *trial)
{
	static const size_t counts[] = {1, 7, 8, 9, 63, 64, 65};
	struct items *items = trial_items(trial, 65, PAGE);
	struct remora_bitmap *bitmap;
	struct items part;
	size_t i;

	trial_have(trial, items);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		part = trial_part(items, 0, counts[i]);
		bitmap = trial_lookup(trial, &part);
		check_equal(remora_bitmap_size(bitmap), counts[i]);
		check_equal(remora_bitmap_popcount(bitmap), counts[i]);
		remora_bitmap_destroy(bitmap);
	}
}

static void locks_once_for_each_hit(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct items one = trial_part(items, 0, 1);

	items->keys[1] = items->keys[0];
	trial_have(trial, &one);
	check_bits(trial_lookup(trial, items), "11");
	trial_unlock(trial, &one);
	check_equal(trial_delete(trial, &one, NULL), -EBUSY);
	trial_unlock(trial, &one);
	check(trial_goes(trial, &one));
}

/* Every other one of MANY keys is there. */
static void takes_thousands_of_keys(struct trial *trial)
{
	struct remora_key *keys = calloc(MANY, sizeof(*keys)), half[MANY / 2];
	struct remora_object objects[MANY / 2];
	char(*names)[NAME_LEN] = calloc(MANY, NAME_LEN);
	struct remora_bitmap *bitmap;
	size_t i;

	check(keys && names);
	for (i = 0; i < MANY; i++) {
		snprintf(names[i], NAME_LEN, "%s/%zu", trial->prefix, i);
		keys[i] = (struct remora_key){names[i], strlen(names[i])};
		half[i / 2] = keys[i / 2 * 2];
		objects[i / 2] = (struct remora_object){.data = trial->arena, .len = 64};
	}
	check_equal(trial_await_store(trial,
			    remora_submit_store(trial->adapter, half, MANY / 2, objects, MANY / 2))
			    .error,
		0);
	bitmap = trial_await_lookup(trial, remora_submit_lookup(trial->adapter, keys, MANY));
	check_equal(remora_bitmap_size(bitmap), MANY);
	for (i = 0; i < MANY; i++)
		check_equal(remora_bitmap_test(bitmap, i), i % 2 == 0);
	remora_bitmap_destroy(bitmap);
	free(names);
	free(keys);
}

static void compares_whole_keys(struct trial *trial)
{
	static const char key[] = "model@1\0group@salt", last[] = "model@1\0group@salu",
			  zero[] = "model@1\0Group@salt";
	const struct remora_key keys[] = {
		{key, 18}, {key, 17}, {key, 19}, {last, 18}, {zero, 18}, {key, 7}};
	struct items *items = trial_items(trial, 1, PAGE);
	int64_t task;

	items->keys[0] = keys[0];
	trial_have(trial, items);
	task = remora_submit_lookup(trial->adapter, keys, 6);
	check_bits(trial_await_lookup(trial, task), "100000");
}

static void of_nothing_has_no_bits(struct trial *trial)
{
	check_bits(trial_await_lookup(trial, remora_submit_lookup(trial->adapter, NULL, 0)), "");
}

static void misses_bad_keys(struct trial *trial)
{
	static const char key[REMORA_KEY_MAX + 1];
	struct items *items = trial_items(trial, 4, PAGE);
	struct items good = trial_part(items, 0, 1);

	trial_have(trial, &good);
	items->keys[1] = (struct remora_key){key, sizeof(key)};
	items->keys[2] = (struct remora_key){key, 0};
	items->keys[3] = (struct remora_key){NULL, 1};
	check_bits(trial_lookup(trial, items), "1000");
	check_bits(trial_await_lookup(trial, remora_submit_lookup(trial->adapter, NULL, 3)), "000");
}

static const struct trial_case cases[] = {
	{"a lookup signals its fd alone", signals_its_fd_alone},
	{"a lookup has its result when it signals", has_its_result_when_it_signals},
	{"a lookup finds what is there", finds_what_is_there},
	{"a lookup misses what is not there", misses_what_is_not},
	{"a lookup tells hits from misses", tells_hits_from_misses},
	{"a lookup's result is told once", is_told_once},
	{"another id tells no lookup's result", is_unknown_by_another_id},
	{"a lookup has a bit for each key", has_a_bit_for_each_key},
	{"a key twice in a lookup is locked twice", locks_once_for_each_hit},
	{"a lookup takes thousands of keys", takes_thousands_of_keys},
	{"keys differ if one byte does", compares_whole_keys},
	{"a lookup of nothing has no bits", of_nothing_has_no_bits},
	{"a lookup misses bad keys", misses_bad_keys},
};

TRIAL_GROUP(lookup, cases);
