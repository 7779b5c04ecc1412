/* SPDX-License-Identifier: Apache-2.0 */
/* close.c - group J: closing, whatever is under way */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "trial.h"

enum { IN_FLIGHT = 8, CYCLES = 10, WIPED = 0x77 };

/* Some of every kind, all submitted and none awaited. */
struct flight {
	struct items *stores, *loads;
	int64_t store[IN_FLIGHT], lookup[IN_FLIGHT], load[IN_FLIGHT];
};

static struct flight take_off(struct trial *trial)
{
	struct flight flight;
	size_t i;

	flight.loads = trial_items(trial, IN_FLIGHT, MIB / 4);
	trial_have(trial, flight.loads);
	flight.stores = trial_items(trial, IN_FLIGHT, MIB / 4);
	/* Loads do not write where stores read. */
	for (i = 0; i < IN_FLIGHT; i++)
		flight.loads->objects[i].data = trial->arena + (IN_FLIGHT + i) * MIB / 4;
	for (i = 0; i < IN_FLIGHT; i++) {
		flight.store[i] = remora_submit_store(
			trial->adapter, flight.stores->keys + i, 1, flight.stores->objects + i, 1);
		flight.lookup[i] = remora_submit_lookup(trial->adapter, flight.loads->keys + i, 1);
		flight.load[i] = remora_submit_load(
			trial->adapter, flight.loads->keys + i, 1, flight.loads->objects + i, 1);
	}
	return flight;
}

static void of_an_idle_adapter_returns(struct trial *trial)
{
	remora_close(trial->adapter);
}

static void after_work_returns(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);

	trial_have(trial, items);
	check_bits(trial_lookup(trial, items), "11");
	remora_close(trial->adapter);
}

static void may_be_repeated(struct trial *trial)
{
	trial_have(trial, trial_items(trial, 1, PAGE));
	remora_close(trial->adapter);
	remora_close(trial->adapter);
	remora_close(NULL);
	remora_destroy(NULL);
}

static void completes_every_task_once(struct trial *trial)
{
	struct flight flight = take_off(trial);
	struct remora_store_result results[2 * IN_FLIGHT];
	struct remora_bitmap *bitmap;
	int i;

	remora_close(trial->adapter);
	check(trial_readable(remora_store_fd(trial->adapter), 0));
	check(trial_readable(remora_lookup_fd(trial->adapter), 0));
	check(trial_readable(remora_load_fd(trial->adapter), 0));
	check_equal(remora_pop_stores(trial->adapter, results, 2 * IN_FLIGHT), IN_FLIGHT);
	for (i = 0; i < IN_FLIGHT; i++) {
		check_equal(remora_query_lookup(trial->adapter, flight.lookup[i], &bitmap), 0);
		check_equal(remora_bitmap_size(bitmap), 1);
		remora_bitmap_destroy(bitmap);
		check_equal(remora_query_load(trial->adapter, flight.load[i], &bitmap), 0);
		check_equal(remora_bitmap_size(bitmap), 1);
		remora_bitmap_destroy(bitmap);
	}
}

static void lets_nobody_touch_buffers(struct trial *trial)
{
	take_off(trial);
	remora_close(trial->adapter);
	memset(trial->arena, WIPED, trial->arena_len);
	trial_sleep_ms(50);
	check(bytes_are(trial->arena, WIPED, trial->arena_len));
}

static void fails_what_is_submitted_later(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct remora_store_result result;

	trial_have(trial, items);
	remora_close(trial->adapter);
	result = trial_store(trial, items);
	check_equal(result.error, -ECANCELED);
	check_equal(result.bytes, 0);
	check_bits(trial_lookup(trial, items), "00");
	check_bits(trial_load(trial, items), "00");
	trial_unlock(trial, items);
}

static void leaves_nothing_to_ask(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_bitmap *deleted = NULL;
	struct remora_usage usage;

	trial_usage(trial);
	remora_close(trial->adapter);
	check_equal(remora_usage(trial->adapter, &usage), -ECANCELED);
	check_equal(trial_delete(trial, items, &deleted), -ECANCELED);
	check_equal(remora_wait_connected(trial->adapter, 1000), -ECANCELED);
}

static void leaves_the_fds_open(struct trial *trial)
{
	int store = remora_store_fd(trial->adapter), load = remora_load_fd(trial->adapter);

	remora_close(trial->adapter);
	check(fcntl(store, F_GETFL) >= 0);
	check_equal(remora_store_fd(trial->adapter), store);
	check(fcntl(load, F_GETFL) >= 0);
	check_equal(remora_load_fd(trial->adapter), load);
}

static void leaves_results_to_fetch(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	int64_t task;

	trial_have(trial, items);
	task = remora_submit_lookup(trial->adapter, items->keys, 2);
	check(trial_readable(remora_lookup_fd(trial->adapter), trial->wait_ms));
	remora_close(trial->adapter);
	check_bits(trial_await_lookup(trial, task), "11");
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	check(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Open, use and destroy one more adapter. */
static void come_and_go(struct trial *trial)
{
	struct remora_adapter *mine = trial->adapter;
	struct items *items = trial_items(trial, 1, PAGE);

	trial->adapter = trial_open(trial, trial->json);
	trial_have(trial, items);
	remora_destroy(trial->adapter);
	trial->adapter = mine;
}

/* A thread that was joined may take a moment to be gone. */
static unsigned threads(struct trial *trial, unsigned wanted)
{
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;
	unsigned count;

	do {
		count = entries("/proc/self/task");
	} while (count > wanted && trial_now_ms() < end);
	return count;
}

static void leaves_no_fd_and_no_thread(struct trial *trial)
{
	unsigned fds, before, i;

	/* The first leaves what the libraries below keep for the process. */
	come_and_go(trial);
	fds = entries("/proc/self/fd");
	before = entries("/proc/self/task");
	for (i = 0; i < CYCLES; i++)
		come_and_go(trial);
	check_equal(entries("/proc/self/fd"), fds);
	check(threads(trial, before) <= before);
}

static const struct trial_case cases[] = {
	{"closing an idle adapter returns", of_an_idle_adapter_returns},
	{"closing after work returns", after_work_returns},
	{"a close may be repeated", may_be_repeated},
	{"a close completes every task once", completes_every_task_once},
	{"after a close nobody touches a buffer", lets_nobody_touch_buffers},
	{"what is submitted after a close fails at once", fails_what_is_submitted_later},
	{"after a close there is nothing to ask", leaves_nothing_to_ask},
	{"a close leaves the event fds open", leaves_the_fds_open},
	{"a close leaves results to fetch", leaves_results_to_fetch},
	{"adapters that are gone leave no fd and no thread", leaves_no_fd_and_no_thread},
};

TRIAL_GROUP(close, cases);
