/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - group B: storing, and how its results are told */
#include <stdlib.h>
#include <string.h>

#include "trial.h"

static int64_t submit(struct trial *trial, const struct items *items)
{
	return remora_submit_store(
		trial->adapter, items->keys, items->count, items->objects, items->count);
}

static void signals_its_fd_alone(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_store_result result = trial_store(trial, items);

	check_equal(result.error, 0);
	check(!trial_readable(remora_lookup_fd(trial->adapter), 0));
	check(!trial_readable(remora_load_fd(trial->adapter), 0));
}

static void has_its_result_when_it_signals(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_store_result result;
	unsigned i;

	for (i = 0; i < 50; i++) {
		submit(trial, items);
		check(trial_readable(remora_store_fd(trial->adapter), trial->wait_ms));
		check_equal(remora_pop_stores(trial->adapter, &result, 1), 1);
		trial_wait_fd(trial, remora_store_fd(trial->adapter));
	}
}

static void is_told_once(struct trial *trial)
{
	struct remora_store_result result;

	trial_have(trial, trial_items(trial, 1, PAGE));
	check_equal(remora_pop_stores(trial->adapter, &result, 1), 0);
}

static void has_an_id_of_its_own(struct trial *trial)
{
	struct items *items = trial_items(trial, 5, PAGE);
	struct remora_store_result results[5];
	int64_t ids[5];
	int i, j, found = 0;

	for (i = 0; i < 5; i++)
		ids[i] = remora_submit_store(
			trial->adapter, items->keys + i, 1, items->objects + i, 1);
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++)
			check(ids[i] != ids[j]);
	check_equal(trial_results(trial, results, 5), 5);
	for (i = 0; i < 5; i++)
		for (j = 0; j < 5; j++)
			found += ids[i] == results[j].task;
	check_equal(found, 5);
}

static void takes_a_batch(struct trial *trial)
{
	struct items *items = trial_items(trial, 5, PAGE);

	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), "11111");
}

static void is_fetched_in_portions(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);
	struct remora_store_result results[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		remora_submit_store(trial->adapter, items->keys + i, 1, items->objects + i, 1);
	for (i = 0; i < 3; i++)
		check_equal(trial_results(trial, results + i, 1), 1);
	check_equal(remora_pop_stores(trial->adapter, results, 3), 0);
}

static void keeps_what_is_there(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_store_result again;

	trial_have(trial, items);
	item_fill(&items->keys[0], 1, items->objects[0].data, PAGE);
	again = trial_store(trial, items);
	check_equal(again.error, 0);
	check_bits(trial_load(trial, items), "1");
	check_equal(items_wrong(items), 1);
}

static void tells_the_bytes_moved(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, 10000);

	check_equal(trial_store(trial, items).bytes, 30000);
	check_equal(trial_store(trial, items).bytes, 0);
}

static void takes_a_key_twice(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct items first = trial_part(items, 0, 1);

	items->keys[1] = items->keys[0];
	check_equal(trial_store(trial, items).error, 0);
	check_equal(trial_usage(trial).objects, 1);
	items_wipe(items);
	check_bits(trial_load(trial, &first), "1");
	check_equal(items_wrong(&first), 1);
}

static void fails_for_an_object_beyond_the_capacity(struct trial *trial)
{
	struct remora_usage usage = trial_usage(trial);
	struct items *items = trial_items(trial, 1, PAGE);

	if (!usage.capacity || usage.capacity > 256 * MIB)
		trial_skip("the capacity is not known, or beyond 256 MiB");
	items->objects[0].len = usage.capacity + PAGE;
	items->objects[0].data = calloc(1, items->objects[0].len);
	check(items->objects[0].data);
	check(trial_store(trial, items).error < 0);
	check_bits(trial_lookup(trial, items), "0");
	check_equal(trial_usage(trial).used, usage.used);
	free(items->objects[0].data);
}

static void of_nothing_succeeds(struct trial *trial)
{
	struct remora_store_result result;

	result = trial_await_store(trial, remora_submit_store(trial->adapter, NULL, 0, NULL, 0));
	check_equal(result.error, 0);
	check_equal(result.bytes, 0);
}

static void fails_if_counts_differ(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	int64_t task = remora_submit_store(trial->adapter, items->keys, 2, items->objects, 1);

	check(trial_await_store(trial, task).error < 0);
	check_bits(trial_lookup(trial, items), "00");
}

static void fails_without_an_array(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	int64_t task = remora_submit_store(trial->adapter, NULL, 1, items->objects, 1);

	check(trial_await_store(trial, task).error < 0);
	task = remora_submit_store(trial->adapter, items->keys, 1, NULL, 1);
	check(trial_await_store(trial, task).error < 0);
}

/* A batch of two, of which the second is bad, stores nothing. */
static void check_refused(struct trial *trial, const struct items *items)
{
	const struct items good = trial_part(items, 0, 1);

	check(trial_store(trial, items).error < 0);
	check_bits(trial_lookup(trial, &good), "0");
}

static void fails_for_a_bad_key(struct trial *trial)
{
	static const char key[REMORA_KEY_MAX + 1];
	struct items *items = trial_items(trial, 2, PAGE);

	items->keys[1] = (struct remora_key){key, sizeof(key)};
	check_refused(trial, items);
	items->keys[1] = (struct remora_key){key, 0};
	check_refused(trial, items);
	items->keys[1] = (struct remora_key){NULL, 1};
	check_refused(trial, items);
}

static void fails_for_an_empty_object(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);

	items->objects[1].len = 0;
	check_refused(trial, items);
}

static void fails_for_a_long_salt(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	char salt[REMORA_SALT_MAX + 2];

	memset(salt, 's', sizeof(salt));
	salt[REMORA_SALT_MAX + 1] = '\0';
	items->objects[1].salt = salt;
	check_refused(trial, items);
	salt[REMORA_SALT_MAX] = '\0';
	trial_have(trial, items);
}

static void takes_the_longest_key(struct trial *trial)
{
	static char key[REMORA_KEY_MAX];
	struct items *items = trial_items(trial, 1, PAGE);

	memset(key, 'k', sizeof(key));
	items->keys[0] = (struct remora_key){key, sizeof(key)};
	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), "1");
}

static void copies_its_keys(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, MIB);
	char name[ITEMS_KEY_LEN];
	int64_t task;

	memcpy(name, items->names[0], sizeof(name));
	task = submit(trial, items);
	memset(items->names[0], 'x', items->keys[0].len);
	check_equal(trial_await_store(trial, task).error, 0);
	memcpy(items->names[0], name, sizeof(name));
	check_bits(trial_lookup(trial, items), "1");
}

static void that_fails_leaves_the_usage(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);
	uint64_t used = trial_usage(trial).used;

	items->objects[2].len = 0;
	check(trial_store(trial, items).error < 0);
	check_equal(trial_usage(trial).used, used);
}

static const struct trial_case cases[] = {
	{"a store signals its fd alone", signals_its_fd_alone},
	{"a store has its result when it signals", has_its_result_when_it_signals},
	{"a store's result is told once", is_told_once},
	{"stores in flight have ids of their own and complete", has_an_id_of_its_own},
	{"one store takes a batch", takes_a_batch},
	{"results of stores are fetched in portions", is_fetched_in_portions},
	{"a store keeps the content that is there", keeps_what_is_there},
	{"a store tells the bytes it moved", tells_the_bytes_moved},
	{"a key twice in a store is stored once, as its first object", takes_a_key_twice},
	{"an object beyond the capacity fails", fails_for_an_object_beyond_the_capacity},
	{"a store of nothing succeeds", of_nothing_succeeds},
	{"a store fails if counts differ", fails_if_counts_differ},
	{"a store fails without an array", fails_without_an_array},
	{"a bad key fails the whole store", fails_for_a_bad_key},
	{"an empty object fails the whole store", fails_for_an_empty_object},
	{"a salt too long fails the whole store", fails_for_a_long_salt},
	{"the longest key is stored", takes_the_longest_key},
	{"a store copies its keys", copies_its_keys},
	{"a store that fails leaves the usage as it was", that_fails_leaves_the_usage},
};

TRIAL_GROUP(store, cases);
