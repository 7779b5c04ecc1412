/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - group L: every task completes, whatever fails */
#include "trial.h"

enum { MANY = 1000 };

/* From here on the case has the dead adapter instead of the live one. */
static void go_dead(struct trial *trial)
{
	if (!trial->dead)
		trial_skip("needs --dead-adapter");
	remora_destroy(trial->adapter);
	trial->adapter = trial_open(trial, trial->dead);
}

static void stores_fail(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct remora_store_result result;

	go_dead(trial);
	result = trial_store(trial, items);
	check(result.error < 0);
	check_equal(result.bytes, 0);
}

static void later_tasks_fail_too(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	unsigned i;

	go_dead(trial);
	for (i = 0; i < 3; i++) {
		check(trial_store(trial, items).error < 0);
		check_bits(trial_lookup(trial, items), "00");
		trial_unlock(trial, items);
		check_bits(trial_load(trial, items), "00");
	}
}

static void a_close_completes_the_rest(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct remora_bitmap *bitmap = NULL;
	int64_t task;

	go_dead(trial);
	task = remora_submit_lookup(trial->adapter, items->keys, 2);
	remora_close(trial->adapter);
	check_equal(remora_query_lookup(trial->adapter, task, &bitmap), 0);
	check_bits(bitmap, "00");
}

static void a_task_that_fails_leaves_others_alone(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), good = trial_part(items, 0, 1);
	struct remora_store_result results[3];
	unsigned failed = 0, i;

	items->objects[1].len = 0;
	for (i = 0; i < 3; i++)
		remora_submit_store(trial->adapter, items->keys + i, 1, items->objects + i, 1);
	check_equal(trial_results(trial, results, 3), 3);
	for (i = 0; i < 3; i++)
		failed += results[i].error != 0;
	check_equal(failed, 1);
	check_bits(trial_lookup(trial, items), "101");
	check_bits(trial_load(trial, &good), "1");
}

static void a_task_of_many_parts_completes_once(struct trial *trial)
{
	struct items *items = trial_items(trial, MANY, PAGE);
	struct remora_store_result result;
	struct remora_bitmap *bitmap;

	trial_have(trial, items);
	trial_sleep_ms(10);
	check_equal(remora_pop_stores(trial->adapter, &result, 1), 0);
	check(!trial_readable(remora_store_fd(trial->adapter), 0));
	items_wipe(items);
	bitmap = trial_load(trial, items);
	check_equal(remora_bitmap_popcount(bitmap), MANY);
	check_equal(items_wrong(items), MANY);
	remora_bitmap_destroy(bitmap);
	check(!trial_readable(remora_load_fd(trial->adapter), 10));
}

static const struct trial_case cases[] = {
	{"stores of a dead server fail and signal", stores_fail},
	{"later tasks of a dead server fail too", later_tasks_fail_too},
	{"a close completes what waits for a dead server", a_close_completes_the_rest},
	{"a task that fails leaves others alone", a_task_that_fails_leaves_others_alone},
	{"a task of many parts completes once", a_task_of_many_parts_completes_once},
};

TRIAL_GROUP(completion, cases);
