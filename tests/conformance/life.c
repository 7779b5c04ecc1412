/* SPDX-License-Identifier: Apache-2.0 */
/* life.c - group F: an object's life from end to end, also under two threads */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "trial.h"

enum { ROUNDS = 100, BATCH = 4, LEN = 10000, LARGE = 2 * MIB };

static void live(struct trial *trial, size_t count, const char *all)
{
	struct items *items = trial_items(trial, count, 100000);

	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), all);
	items_wipe(items);
	check_bits(trial_load(trial, items), all);
	check_equal(items_wrong(items), count);
	trial_unlock(trial, items);
	check(trial_goes(trial, items));
}

static void one_key_lives(struct trial *trial)
{
	live(trial, 1, "1");
}

static void five_keys_live(struct trial *trial)
{
	live(trial, 5, "11111");
}

static void deleted_keys_may_come_back(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);

	trial_have(trial, items);
	check(trial_goes(trial, items));
	check_bits(trial_lookup(trial, items), "0");
	item_fill(&items->keys[0], 1, items->objects[0].data, PAGE);
	trial_have(trial, items);
	items_wipe(items);
	check_bits(trial_load(trial, items), "1");
	check(item_is(&items->keys[0], 1, items->objects[0].data, PAGE));
}

/* What the storing thread is doing. */
struct storer {
	struct trial *trial;
	struct items *items;     /* of ROUNDS batches, in one place of the arena */
	_Atomic unsigned rounds; /* stored; read by the prefetching thread */
	_Atomic bool failed;
};

static bool store_round(const struct storer *storer, unsigned round)
{
	struct remora_adapter *adapter = storer->trial->adapter;
	struct items part = trial_part(storer->items, (size_t)round * BATCH, BATCH);
	struct remora_store_result result;
	uint64_t count;
	int64_t task;

	items_fill(&part);
	task = remora_submit_store(adapter, part.keys, BATCH, part.objects, BATCH);
	return task > 0 && trial_readable(remora_store_fd(adapter), storer->trial->wait_ms) &&
	       read(remora_store_fd(adapter), &count, sizeof(count)) == sizeof(count) &&
	       remora_pop_stores(adapter, &result, 1) == 1 && result.task == task && !result.error;
}

static void *run_storer(void *arg)
{
	struct storer *storer = arg;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		if (!store_round(storer, i)) {
			atomic_store(&storer->failed, true);
			break;
		}
		atomic_store(&storer->rounds, i + 1);
	}
	return NULL;
}

static void fetch_round(struct trial *trial, const struct items *items, unsigned round)
{
	struct items part = trial_part(items, (size_t)round * BATCH, BATCH);

	check_bits(trial_lookup(trial, &part), "1111");
	items_wipe(&part);
	check_bits(trial_load(trial, &part), "1111");
	check_equal(items_wrong(&part), BATCH);
	trial_unlock(trial, &part);
}

/* Keys of the same names for both threads, each with a place of its own for a batch. */
static struct items *make_rounds(struct trial *trial, const char *word, size_t first)
{
	struct items *items = trial_named(trial, word, (size_t)ROUNDS * BATCH, 0);
	size_t i;

	for (i = 0; i < items->count; i++) {
		items->objects[i].data = trial->arena + (first + i % BATCH) * LEN;
		items->objects[i].len = LEN;
	}
	return items;
}

static void two_threads_get_along(struct trial *trial)
{
	struct storer storer = {.trial = trial};
	struct items *items = make_rounds(trial, "t", 0);
	pthread_t thread;
	unsigned i;

	storer.items = make_rounds(trial, "t", BATCH);
	check_equal(pthread_create(&thread, NULL, run_storer, &storer), 0);
	for (i = 0; i < ROUNDS; i++) {
		while (atomic_load(&storer.rounds) <= i && !atomic_load(&storer.failed))
			sched_yield();
		check(!atomic_load(&storer.failed));
		fetch_round(trial, items, i);
	}
	check_equal(pthread_join(thread, NULL), 0);
}

/* Look the key up until it is found, while the store is under way. */
static void an_object_that_is_found_is_whole(struct trial *trial)
{
	struct items *items = trial_named(trial, "w", 1, LARGE);
	struct remora_bitmap *bitmap;
	int64_t task;
	bool found;

	task = remora_submit_store(trial->adapter, items->keys, 1, items->objects, 1);
	do {
		bitmap = trial_lookup(trial, items);
		found = remora_bitmap_test(bitmap, 0);
		remora_bitmap_destroy(bitmap);
	} while (!found);
	items->objects[0].data = trial->arena + LARGE;
	check_bits(trial_load(trial, items), "1");
	check_equal(items_wrong(items), 1);
	check_equal(trial_await_store(trial, task).error, 0);
}

static void a_finished_store_is_found_at_once(struct trial *trial)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		struct items *items = trial_items(trial, 2, PAGE);

		trial_have(trial, items);
		check_bits(trial_lookup(trial, items), "11");
	}
}

static void objects_of_all_sizes_come_back(struct trial *trial)
{
	static const size_t lens[] = {1, 7, 63, PAGE - 1, PAGE, PAGE + 1, 65537, MIB + 1};
	size_t i;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct items *items = trial_items(trial, 1, lens[i]);

		trial_have(trial, items);
		items_wipe(items);
		check_bits(trial_load(trial, items), "1");
		check_equal(items_wrong(items), 1);
	}
}

static const struct trial_case cases[] = {
	{"one key is stored, found, loaded, unlocked and deleted", one_key_lives},
	{"five keys are stored, found, loaded, unlocked and deleted", five_keys_live},
	{"a deleted key comes back with new content", deleted_keys_may_come_back},
	{"one thread stores while another prefetches", two_threads_get_along},
	{"an object that is found is whole", an_object_that_is_found_is_whole},
	{"what a finished store stored is found at once", a_finished_store_is_found_at_once},
	{"objects of all sizes come back", objects_of_all_sizes_come_back},
};

TRIAL_GROUP(life, cases);
