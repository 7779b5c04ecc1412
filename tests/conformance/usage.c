/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - group H: what is told of the bytes and objects stored */
#include <errno.h>
#include <string.h>

#include "trial.h"

static void is_nothing_at_first(struct trial *trial)
{
	struct remora_usage usage = trial_usage(trial);

	check_equal(usage.used, 0);
	check_equal(usage.objects, 0);
	check_equal(usage.reserved, 0);
	check_equal(usage.locked, 0);
}

static void counts_objects_and_bytes(struct trial *trial)
{
	struct remora_usage usage;

	trial_have(trial, trial_items(trial, 3, 2 * PAGE));
	usage = trial_usage(trial);
	check_equal(usage.objects, 3);
	check_equal(usage.used, 6 * PAGE);
	check_equal(usage.reserved, 0);
}

static void falls_by_a_delete(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, PAGE), two = trial_part(items, 0, 2);

	trial_have(trial, items);
	check_equal(trial_delete(trial, &two, NULL), 0);
	check_equal(trial_usage(trial).used, 2 * PAGE);
	check_equal(trial_usage(trial).objects, 2);
}

static void does_not_drift(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, PAGE);
	unsigned i;

	for (i = 0; i < 20; i++) {
		trial_have(trial, items);
		check_equal(trial_delete(trial, items, NULL), 0);
	}
	check_equal(trial_usage(trial).used, 0);
	check_equal(trial_usage(trial).objects, 0);
}

static void counts_a_key_once(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);

	trial_have(trial, items);
	trial_have(trial, items);
	check_equal(trial_usage(trial).used, PAGE);
	check_equal(trial_usage(trial).objects, 1);
}

static void falls_once(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE), one = trial_part(items, 0, 1);

	trial_have(trial, items);
	check_equal(trial_delete(trial, &one, NULL), 0);
	check_equal(trial_delete(trial, &one, NULL), 0);
	check_equal(trial_usage(trial).used, PAGE);
}

static void counts_locked_objects(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), two = trial_part(items, 0, 2);

	trial_have(trial, items);
	check_bits(trial_lookup(trial, &two), "11");
	check_bits(trial_lookup(trial, &two), "11");
	check_equal(trial_usage(trial).locked, 2);
}

static void counts_hits_and_misses(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE), two = trial_part(items, 0, 2);
	struct remora_usage before, after;

	trial_have(trial, &two);
	before = trial_usage(trial);
	check_bits(trial_lookup(trial, items), "110");
	after = trial_usage(trial);
	check_equal(after.hits - before.hits, 2);
	check_equal(after.misses - before.misses, 1);
}

/* What remora_usage_salts() told. */
struct salts {
	unsigned count, strange;
	uint64_t none, red, blue;
};

static int add_salt(void *arg, const char *salt, uint64_t bytes)
{
	struct salts *salts = arg;

	salts->count++;
	if (!strcmp(salt, ""))
		salts->none += bytes;
	else if (!strcmp(salt, "red"))
		salts->red += bytes;
	else if (!strcmp(salt, "blue"))
		salts->blue += bytes;
	else
		salts->strange++;
	return 0;
}

static struct salts get_salts(struct trial *trial)
{
	struct salts salts = {0};
	int err = remora_usage_salts(trial->adapter, add_salt, &salts);

	if (err == -EOPNOTSUPP)
		trial_skip("the type accounts no salts");
	check_equal(err, 0);
	check_equal(salts.strange, 0);
	return salts;
}

/* Two red, one blue, one without a salt; of logical lengths. */
static struct items *stored_with_salts(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, 1000);
	char red[] = "red";

	get_salts(trial);
	items->objects[0].salt = red;
	items->objects[1].salt = "blue";
	items->objects[2].salt = red;
	trial_have(trial, items);
	memset(red, 'x', 3);
	items->objects[0].salt = items->objects[2].salt = NULL;
	return items;
}

static void is_told_by_salt(struct trial *trial)
{
	struct salts salts;

	stored_with_salts(trial);
	salts = get_salts(trial);
	check_equal(salts.count, 3);
	check_equal(salts.red, 2000);
	check_equal(salts.blue, 1000);
	check_equal(salts.none, 1000);
}

static void forgets_salts_without_objects(struct trial *trial)
{
	struct items *items = stored_with_salts(trial), blue = trial_part(items, 1, 1);
	struct salts salts;

	check_equal(trial_delete(trial, &blue, NULL), 0);
	salts = get_salts(trial);
	check_equal(salts.count, 2);
	check_equal(salts.blue, 0);
	check_equal(trial_delete(trial, items, NULL), 0);
	check_equal(get_salts(trial).count, 0);
}

static void keeps_the_first_salt(struct trial *trial)
{
	struct items *items = stored_with_salts(trial), blue = trial_part(items, 1, 1);

	blue.objects[0].salt = "red";
	trial_have(trial, &blue);
	check_equal(get_salts(trial).red, 2000);
	check_equal(get_salts(trial).blue, 1000);
}

/* Objects listed whose keys start with the prefix, and pages it took. */
struct listing {
	const struct items *items;
	unsigned found, strange;
};

static int add_listed(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	struct listing *listing = arg;
	size_t i;

	for (i = 0; i < listing->items->count; i++) {
		const struct remora_key *mine = &listing->items->keys[i];

		if (mine->len == key->len && !memcmp(mine->data, key->data, key->len))
			break;
	}
	if (i == listing->items->count || len != PAGE || locked != (i == 0))
		listing->strange++;
	listing->found++;
	return 0;
}

static void a_listing_names_each_object_once(struct trial *trial)
{
	struct items *items = trial_named(trial, "a", 200, PAGE), one = trial_part(items, 0, 1);
	struct remora_key prefix = {items->names[0], strlen(items->names[0]) - 1};
	struct listing listing = {.items = items};
	int err;

	trial_have(trial, items);
	trial_have(trial, trial_named(trial, "b", 20, PAGE));
	check_bits(trial_lookup(trial, &one), "1");
	err = remora_list(trial->adapter, &prefix, add_listed, &listing);
	if (err == -EOPNOTSUPP)
		trial_skip("the type lists nothing");
	check_equal(err, 0);
	check_equal(listing.found, 200);
	check_equal(listing.strange, 0);
}

static void a_listing_comes_in_pages(struct trial *trial)
{
	struct items *items = trial_named(trial, "p", 200, PAGE), one = trial_part(items, 0, 1);
	struct listing listing = {.items = items};
	uint64_t cursor = 0;
	unsigned pages = 0;
	int err;

	trial_have(trial, items);
	check_bits(trial_lookup(trial, &one), "1");
	do {
		err = remora_list_page(trial->adapter, NULL, &cursor, add_listed, &listing);
		if (err == -EOPNOTSUPP)
			trial_skip("the type lists nothing");
		check_equal(err, 0);
	} while (cursor && ++pages < 10000);
	check_equal(cursor, 0);
	check_equal(listing.found, 200);
	check_equal(listing.strange, 0);
}

static void a_length_is_told(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, 5000), one = trial_part(items, 0, 1);
	uint64_t len = 0;
	int err;

	trial_have(trial, &one);
	err = remora_length(trial->adapter, &items->keys[0], &len);
	if (err == -EOPNOTSUPP)
		trial_skip("the type tells no lengths");
	check_equal(err, 0);
	check_equal(len, 5000);
	check_equal(remora_length(trial->adapter, &items->keys[1], &len), -ENOENT);
	check_equal(trial_usage(trial).locked, 0);
}

static const struct trial_case cases[] = {
	{"nothing is used at first", is_nothing_at_first},
	{"the usage counts objects and bytes", counts_objects_and_bytes},
	{"the usage has fallen when a delete returns", falls_by_a_delete},
	{"the usage does not drift", does_not_drift},
	{"a key stored twice is counted once", counts_a_key_once},
	{"a key deleted twice is subtracted once", falls_once},
	{"the usage counts locked objects", counts_locked_objects},
	{"the usage counts hits and misses", counts_hits_and_misses},
	{"the usage is told by salt", is_told_by_salt},
	{"a salt without objects is not named", forgets_salts_without_objects},
	{"a key keeps its first salt", keeps_the_first_salt},
	{"a listing names each object once", a_listing_names_each_object_once},
	{"a listing comes in pages", a_listing_comes_in_pages},
	{"a length is told, and locks nothing", a_length_is_told},
};

TRIAL_GROUP(usage, cases);
