/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - group E: filling the caller's buffers */
#include <errno.h>
#include <string.h>

#include "trial.h"

enum { GUARD = 0xa5 };

/* Stored, and the buffers wiped. */
static struct items *stored(struct trial *trial, size_t count, size_t len)
{
	struct items *items = trial_items(trial, count, len);

	trial_have(trial, items);
	items_wipe(items);
	return items;
}

static int64_t submit(struct trial *trial, const struct items *items)
{
	return remora_submit_load(
		trial->adapter, items->keys, items->count, items->objects, items->count);
}

static void signals_its_fd_alone(struct trial *trial)
{
	struct items *items = stored(trial, 1, PAGE);

	check_bits(trial_load(trial, items), "1");
	check(!trial_readable(remora_store_fd(trial->adapter), 0));
	check(!trial_readable(remora_lookup_fd(trial->adapter), 0));
}

static void fills_in_what_was_stored(struct trial *trial)
{
	struct items *items = stored(trial, 3, MIB);

	check_bits(trial_lookup(trial, items), "111");
	check_bits(trial_load(trial, items), "111");
	check_equal(items_wrong(items), 3);
}

static void needs_no_lookup(struct trial *trial)
{
	struct items *items = stored(trial, 2, PAGE);

	check_bits(trial_load(trial, items), "11");
	check_equal(items_wrong(items), 2);
}

static void leaves_no_lock(struct trial *trial)
{
	struct items *items = stored(trial, 1, PAGE);

	check_bits(trial_load(trial, items), "1");
	check(trial_goes(trial, items));
}

static void of_a_locked_key_leaves_it_locked(struct trial *trial)
{
	struct items *items = stored(trial, 1, PAGE);

	check_bits(trial_lookup(trial, items), "1");
	check_bits(trial_load(trial, items), "1");
	check_equal(trial_delete(trial, items, NULL), -EBUSY);
}

static void leaves_buffers_of_misses(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);

	memset(trial->arena, GUARD, (size_t)3 * PAGE);
	check_bits(trial_load(trial, items), "000");
	check(bytes_are(trial->arena, GUARD, (size_t)3 * PAGE));
}

static void tells_hits_from_misses(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, PAGE);
	struct items two = trial_part(items, 0, 2);

	trial_have(trial, &two);
	memset(trial->arena, GUARD, (size_t)4 * PAGE);
	check_bits(trial_load(trial, items), "1100");
	check_equal(items_wrong(&two), 2);
	check(bytes_are(trial->arena + (size_t)2 * PAGE, GUARD, (size_t)2 * PAGE));
}

static void is_told_once(struct trial *trial)
{
	struct items *items = stored(trial, 1, PAGE);
	struct remora_bitmap *bitmap = NULL;
	int64_t task = submit(trial, items);

	check_bits(trial_await_load(trial, task), "1");
	check_equal(remora_query_load(trial->adapter, task, &bitmap), -ENOENT);
	check(!bitmap);
}

static void is_unknown_by_another_id(struct trial *trial)
{
	struct items *items = stored(trial, 1, PAGE);
	struct remora_bitmap *bitmap = NULL;
	int64_t task = submit(trial, items);

	check_equal(remora_query_load(trial->adapter, task + 1000, &bitmap), -ENOENT);
	check_equal(remora_query_lookup(trial->adapter, task, &bitmap), -ENOENT);
	check_bits(trial_await_load(trial, task), "1");
}

/* The middle one of three buffers has another length than was stored. */
static void check_length(struct trial *trial, size_t len)
{
	struct items *items = trial_items(trial, 1, PAGE);

	trial_have(trial, items);
	memset(trial->arena, GUARD, (size_t)4 * PAGE);
	items->objects[0] = (struct remora_object){trial->arena + PAGE, len, NULL};
	check_bits(trial_load(trial, items), "0");
	check(bytes_are(trial->arena, GUARD, (size_t)4 * PAGE));
}

static void misses_for_a_short_buffer(struct trial *trial)
{
	check_length(trial, PAGE - 1);
	check_length(trial, 1);
}

static void misses_for_a_long_buffer(struct trial *trial)
{
	check_length(trial, PAGE + 1);
	check_length(trial, (size_t)2 * PAGE);
}

static void stays_within_the_buffer(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, 5000);
	uint8_t *at = trial->arena + PAGE;

	trial_have(trial, items);
	memset(trial->arena, GUARD, (size_t)4 * PAGE);
	items->objects[0].data = at;
	check_bits(trial_load(trial, items), "1");
	check_equal(items_wrong(items), 1);
	check(bytes_are(trial->arena, GUARD, PAGE));
	check(bytes_are(at + 5000, GUARD, PAGE));
}

static void fills_both_buffers_of_a_key(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct items one = trial_part(items, 0, 1);

	trial_have(trial, &one);
	items->keys[1] = items->keys[0];
	items_wipe(items);
	check_bits(trial_load(trial, items), "11");
	check_equal(items_wrong(items), 2);
}

static void of_nothing_has_no_bits(struct trial *trial)
{
	int64_t task = remora_submit_load(trial->adapter, NULL, 0, NULL, 0);

	check_bits(trial_await_load(trial, task), "");
}

static void misses_if_counts_differ(struct trial *trial)
{
	struct items *items = stored(trial, 3, PAGE);
	int64_t task;

	task = remora_submit_load(trial->adapter, items->keys, 3, items->objects, 2);
	check_bits(trial_await_load(trial, task), "000");
	task = remora_submit_load(trial->adapter, items->keys, 2, items->objects, 3);
	check_bits(trial_await_load(trial, task), "00");
}

static void misses_without_an_array(struct trial *trial)
{
	struct items *items = stored(trial, 2, PAGE);
	int64_t task;

	task = remora_submit_load(trial->adapter, NULL, 2, items->objects, 2);
	check_bits(trial_await_load(trial, task), "00");
	task = remora_submit_load(trial->adapter, items->keys, 2, NULL, 2);
	check_bits(trial_await_load(trial, task), "00");
	items->objects[1].data = NULL;
	check_bits(trial_load(trial, items), "10");
}

static const struct trial_case cases[] = {
	{"a load signals its fd alone", signals_its_fd_alone},
	{"a load fills in what was stored", fills_in_what_was_stored},
	{"a load needs no lookup", needs_no_lookup},
	{"a load of an unlocked key leaves no lock", leaves_no_lock},
	{"a load of a locked key leaves it locked", of_a_locked_key_leaves_it_locked},
	{"a load leaves buffers of misses alone", leaves_buffers_of_misses},
	{"a load tells hits from misses", tells_hits_from_misses},
	{"a load's result is told once", is_told_once},
	{"another id tells no load's result", is_unknown_by_another_id},
	{"a buffer too short is a miss", misses_for_a_short_buffer},
	{"a buffer too long is a miss", misses_for_a_long_buffer},
	{"a load stays within the buffer", stays_within_the_buffer},
	{"a load fills both buffers of a key", fills_both_buffers_of_a_key},
	{"a load of nothing has no bits", of_nothing_has_no_bits},
	{"every key misses if counts differ", misses_if_counts_differ},
	{"keys miss without an array or memory", misses_without_an_array},
};

TRIAL_GROUP(load, cases);
