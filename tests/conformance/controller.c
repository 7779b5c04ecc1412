/* SPDX-License-Identifier: Apache-2.0 */
/* controller.c - group O: the calls of a cache engine, in its order */
#include "trial.h"

enum { CHUNKS = 8 };

/* Store the chunks whose digit is 1. */
static struct items *stored(struct trial *trial, const char *which)
{
	struct items *items = trial_items(trial, CHUNKS, PAGE), one;
	size_t i;

	for (i = 0; i < CHUNKS; i++) {
		one = trial_part(items, i, 1);
		if (which[i] == '1')
			trial_have(trial, &one);
	}
	items_wipe(items);
	return items;
}

/* Look up; load the leading hits and unlock the others, then the leading ones. */
static void retrieve(struct trial *trial, const struct items *items, size_t hits)
{
	struct remora_bitmap *bitmap = trial_lookup(trial, items);
	size_t prefix = remora_bitmap_count_leading_ones(bitmap), i;
	struct items part;

	check_equal(prefix, hits);
	for (i = prefix; i < items->count; i++) {
		part = trial_part(items, i, 1);
		if (remora_bitmap_test(bitmap, i))
			trial_unlock(trial, &part);
	}
	remora_bitmap_destroy(bitmap);
	part = trial_part(items, 0, prefix);
	bitmap = trial_load(trial, &part);
	check_equal(remora_bitmap_count_leading_ones(bitmap), hits);
	check_equal(items_wrong(&part), hits);
	remora_bitmap_destroy(bitmap);
	trial_unlock(trial, &part);
}

static void a_whole_prefix_is_retrieved(struct trial *trial)
{
	struct items *items = stored(trial, "11111111");

	retrieve(trial, items, 8);
	check(trial_locked_becomes(trial, 0));
}

static void a_gap_ends_the_prefix(struct trial *trial)
{
	struct items *items = stored(trial, "11101101");
	struct items rest = trial_part(items, 3, CHUNKS - 3);

	retrieve(trial, items, 3);
	check(trial_locked_becomes(trial, 0));
	check(bytes_are(rest.objects[0].data, *(uint8_t *)rest.objects[0].data,
		(CHUNKS - 3) * (size_t)PAGE));
}

static void requests_share_locks(struct trial *trial)
{
	struct items *items = stored(trial, "11110000"), hits = trial_part(items, 0, 4);

	check_bits(trial_lookup(trial, items), "11110000");
	retrieve(trial, items, 4);
	/* The first request's locks are still there. */
	check_equal(trial_usage(trial).locked, 4);
	check(trial_delete(trial, &hits, NULL) < 0);
	trial_unlock(trial, &hits);
	check(trial_locked_becomes(trial, 0));
}

static void a_load_that_fails_shortens_the_hit(struct trial *trial)
{
	struct items *items = stored(trial, "11111111");

	check_bits(trial_lookup(trial, items), "11111111");
	items->objects[3].len = PAGE / 2;
	check_bits(trial_load(trial, items), "11101111");
	items->objects[3].len = PAGE;
	trial_unlock(trial, items);
	check(trial_locked_becomes(trial, 0));
}

static void what_is_looked_up_and_not_loaded_is_unlocked(struct trial *trial)
{
	struct items *items = stored(trial, "01111111");

	check_bits(trial_lookup(trial, items), "01111111");
	trial_unlock(trial, items);
	check(trial_locked_becomes(trial, 0));
}

static void a_shutdown_releases_the_locks(struct trial *trial)
{
	struct items *items = stored(trial, "11110000");

	check_bits(trial_lookup(trial, items), "11110000");
	trial_usage(trial);
	remora_destroy(trial->adapter);
	trial->adapter = trial_open(trial, trial->json);
	check_equal(remora_wait_connected(trial->adapter, (uint32_t)trial->wait_ms), 0);
	check(trial_locked_becomes(trial, 0));
}

static const struct trial_case cases[] = {
	{"a whole prefix is retrieved and unlocked", a_whole_prefix_is_retrieved},
	{"a gap ends the prefix and the rest is unlocked", a_gap_ends_the_prefix},
	{"two requests for the same keys have locks of their own", requests_share_locks},
	{"a load that fails in the middle shortens the hit", a_load_that_fails_shortens_the_hit},
	{"what is looked up and not loaded is unlocked",
		what_is_looked_up_and_not_loaded_is_unlocked},
	{"a shutdown releases the locks", a_shutdown_releases_the_locks},
};

TRIAL_GROUP(controller, cases);
