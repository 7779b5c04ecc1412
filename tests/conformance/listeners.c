/* SPDX-License-Identifier: Apache-2.0 */
/* listeners.c - group I: who wants to know of keys stored, loaded and deleted */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "trial.h"

/* What was heard; the mutex guards all of it. */
struct ear {
	struct remora_listener listener;
	struct trial *trial;
	const struct items *items; /* the only keys that may be named */
	pthread_mutex_t mutex;
	unsigned stored, accessed, deleted, strange;
	uint64_t bytes;
	bool held;      /* a call waits until it is false */
	unsigned asked; /* calls back into the adapter that worked */
};

static bool known(const struct ear *ear, const struct remora_key *key)
{
	size_t i;

	for (i = 0; i < ear->items->count; i++) {
		const struct remora_key *mine = &ear->items->keys[i];

		if (mine->len == key->len && !memcmp(mine->data, key->data, key->len))
			return true;
	}
	return false;
}

static void hear(struct ear *ear, unsigned *counter, const struct remora_key *keys, size_t count)
{
	size_t i;

	pthread_mutex_lock(&ear->mutex);
	for (i = 0; i < count; i++)
		ear->strange += !known(ear, &keys[i]);
	*counter += (unsigned)count;
	while (ear->held) {
		pthread_mutex_unlock(&ear->mutex);
		trial_sleep_ms(1);
		pthread_mutex_lock(&ear->mutex);
	}
	pthread_mutex_unlock(&ear->mutex);
}

static void hear_stored(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	struct ear *ear = arg;
	struct remora_usage usage;
	size_t i;

	pthread_mutex_lock(&ear->mutex);
	for (i = 0; i < count; i++)
		ear->bytes += sizes[i];
	pthread_mutex_unlock(&ear->mutex);
	hear(ear, &ear->stored, keys, count);
	if (remora_usage(ear->trial->adapter, &usage) == 0) {
		pthread_mutex_lock(&ear->mutex);
		ear->asked++;
		pthread_mutex_unlock(&ear->mutex);
	}
}

static void hear_accessed(void *arg, const struct remora_key *keys, size_t count)
{
	struct ear *ear = arg;

	hear(ear, &ear->accessed, keys, count);
}

static void hear_deleted(void *arg, const struct remora_key *keys, size_t count)
{
	struct ear *ear = arg;

	hear(ear, &ear->deleted, keys, count);
}

static void listen(struct trial *trial, struct ear *ear, const struct items *items)
{
	int err;

	memset(ear, 0, sizeof(*ear));
	pthread_mutex_init(&ear->mutex, NULL);
	ear->trial = trial;
	ear->items = items;
	ear->listener = (struct remora_listener){
		.arg = ear,
		.stored = hear_stored,
		.accessed = hear_accessed,
		.deleted = hear_deleted,
	};
	err = remora_add_listener(trial->adapter, &ear->listener);
	if (err == -EOPNOTSUPP)
		trial_skip("the type has no listeners");
	check_equal(err, 0);
}

static unsigned heard(struct ear *ear, const unsigned *counter)
{
	unsigned count;

	pthread_mutex_lock(&ear->mutex);
	count = *counter;
	pthread_mutex_unlock(&ear->mutex);
	return count;
}

/* Wait until it has been heard so often. */
static void await(struct ear *ear, const unsigned *counter, unsigned count)
{
	uint64_t end = trial_now_ms() + (uint64_t)ear->trial->wait_ms;

	while (heard(ear, counter) < count && trial_now_ms() < end)
		trial_sleep_ms(1);
	check_equal(heard(ear, counter), count);
}

static void hold(struct ear *ear, bool held)
{
	pthread_mutex_lock(&ear->mutex);
	ear->held = held;
	pthread_mutex_unlock(&ear->mutex);
}

/* Everything is told once the adapter is closed. */
static void settle(struct ear *ear)
{
	remora_close(ear->trial->adapter);
	check_equal(ear->strange, 0);
}

static void hear_of_stores(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);
	struct ear ear;

	listen(trial, &ear, items);
	trial_have(trial, items);
	await(&ear, &ear.stored, 3);
	settle(&ear);
	check_equal(ear.bytes, 3 * PAGE);
	check_equal(ear.stored, 3);
}

static void hear_not_of_what_existed(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), two = trial_part(items, 1, 2);
	struct items one = trial_part(items, 0, 1);
	struct ear ear;

	trial_have(trial, &one);
	listen(trial, &ear, &two);
	trial_have(trial, items);
	settle(&ear);
	check_equal(ear.stored, 2);
}

static void hear_of_loads_that_hit(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), two = trial_part(items, 0, 2);
	struct ear ear;

	trial_have(trial, &two);
	listen(trial, &ear, &two);
	check_bits(trial_load(trial, items), "110");
	settle(&ear);
	check_equal(ear.accessed, 2);
}

static void hear_nothing_of_lookups(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct ear ear;

	trial_have(trial, items);
	listen(trial, &ear, items);
	check_bits(trial_lookup(trial, items), "11");
	settle(&ear);
	check_equal(ear.accessed, 0);
	check_equal(ear.stored, 0);
}

static void hear_of_what_was_deleted(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, PAGE), three = trial_part(items, 0, 3);
	struct items first = trial_part(items, 0, 1), two = trial_part(items, 1, 2);
	struct ear ear;

	trial_have(trial, &three);
	check_bits(trial_lookup(trial, &first), "1");
	listen(trial, &ear, &two);
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
	settle(&ear);
	check_equal(ear.deleted, 2);
}

static void may_be_slow(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE), one = trial_part(items, 0, 1);
	struct ear ear;

	listen(trial, &ear, items);
	hold(&ear, true);
	trial_have(trial, &one);
	await(&ear, &ear.stored, 1);
	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), "11");
	check_bits(trial_load(trial, items), "11");
	hold(&ear, false);
	settle(&ear);
	check_equal(ear.stored, 2);
}

static void may_use_the_adapter(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct ear ear;

	trial_usage(trial);
	listen(trial, &ear, items);
	trial_have(trial, items);
	await(&ear, &ear.asked, 1);
	settle(&ear);
}

static void are_not_called_after_their_removal(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE), one = trial_part(items, 0, 1);
	struct ear ear;

	listen(trial, &ear, items);
	trial_have(trial, &one);
	await(&ear, &ear.stored, 1);
	check_equal(remora_remove_listener(trial->adapter, &ear.listener), 0);
	trial_have(trial, items);
	settle(&ear);
	check_equal(ear.stored, 1);
}

static void are_added_and_removed_once(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct ear ear;

	listen(trial, &ear, items);
	check_equal(remora_add_listener(trial->adapter, &ear.listener), -EEXIST);
	check_equal(remora_remove_listener(trial->adapter, &ear.listener), 0);
	check_equal(remora_remove_listener(trial->adapter, &ear.listener), -ENOENT);
	settle(&ear);
}

static void hear_everything_before_the_close_returns(struct trial *trial)
{
	struct items *items = trial_items(trial, 200, PAGE);
	struct remora_store_result results[200];
	struct ear ear;
	size_t i;

	listen(trial, &ear, items);
	for (i = 0; i < 200; i++)
		remora_submit_store(trial->adapter, items->keys + i, 1, items->objects + i, 1);
	check_equal(trial_results(trial, results, 200), 200);
	settle(&ear);
	check_equal(ear.stored, 200);
	check_equal(ear.bytes, 200 * PAGE);
}

static const struct trial_case cases[] = {
	{"listeners hear of stores and their sizes", hear_of_stores},
	{"listeners hear not of keys that existed", hear_not_of_what_existed},
	{"listeners hear of loads that hit", hear_of_loads_that_hit},
	{"listeners hear nothing of lookups", hear_nothing_of_lookups},
	{"listeners hear of what was really deleted", hear_of_what_was_deleted},
	{"a slow listener holds up no task", may_be_slow},
	{"a listener may use the adapter", may_use_the_adapter},
	{"a listener is not called after its removal", are_not_called_after_their_removal},
	{"a listener is added and removed once", are_added_and_removed_once},
	{"listeners hear everything before a close returns",
		hear_everything_before_the_close_returns},
};

TRIAL_GROUP(listeners, cases);
