/* SPDX-License-Identifier: Apache-2.0 */
/* stores.c - mutants that are wrong in what they store, and from when on */
#include "mutant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH_MAX = 8192, LATE_US = 20000 };

static struct remora_key some_keys[BATCH_MAX];
static struct remora_object some_objects[BATCH_MAX];

static bool is_bad(const struct remora_key *key)
{
	return !key->data || !key->len || key->len > REMORA_KEY_MAX;
}

static int64_t store_first_only(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	bool cut = keys && key_count == object_count && key_count > 1;

	return faithful_ops.submit_store(
		self, keys, cut ? 1 : key_count, objects, cut ? 1 : object_count);
}

static void stores_the_first_only(struct remora_type_ops *ops)
{
	ops->submit_store = store_first_only;
}

static int64_t store_over(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (keys && key_count)
		faithful_ops.delete_keys(self, keys, key_count, NULL);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void overwrites(struct remora_type_ops *ops)
{
	ops->submit_store = store_over;
}

static int64_t store_backwards(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i;

	if (!keys || !objects || key_count != object_count || key_count > BATCH_MAX)
		return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	for (i = 0; i < key_count; i++) {
		some_keys[i] = keys[key_count - 1 - i];
		some_objects[i] = objects[key_count - 1 - i];
	}
	return faithful_ops.submit_store(self, some_keys, key_count, some_objects, key_count);
}

static void stores_backwards(struct remora_type_ops *ops)
{
	ops->submit_store = store_backwards;
}

/* Store those of a batch that are accepted, silently without the others. */
static int64_t store_some(struct mutant *mutant, const struct remora_key *keys,
	const struct remora_object *objects, size_t count,
	bool (*accept)(struct mutant *, const struct remora_key *, const struct remora_object *))
{
	size_t i, some = 0;

	for (i = 0; i < count && count <= BATCH_MAX; i++) {
		if (!accept(mutant, &keys[i], &objects[i]))
			continue;
		some_keys[some] = keys[i];
		some_objects[some++] = objects[i];
	}
	return faithful_ops.submit_store(mutant, some_keys, some, some_objects, some);
}

static bool accept_small(
	struct mutant *mutant, const struct remora_key *key, const struct remora_object *object)
{
	struct remora_usage usage;

	(void)key;
	remora_usage(mutant->inner, &usage);
	return object->len <= usage.capacity;
}

static bool accept_good(
	struct mutant *mutant, const struct remora_key *key, const struct remora_object *object)
{
	(void)mutant;
	return !is_bad(key) && object->len;
}

static int64_t store_small(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (!keys || !objects || key_count != object_count)
		return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	return store_some(self, keys, objects, key_count, accept_small);
}

static void skips_what_is_too_large(struct remora_type_ops *ops)
{
	ops->submit_store = store_small;
}

static int64_t store_good(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (!keys || !objects || key_count != object_count)
		return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	return store_some(self, keys, objects, key_count, accept_good);
}

static void skips_what_is_bad(struct remora_type_ops *ops)
{
	ops->submit_store = store_good;
}

/* What precedes the bad one is stored, and the task fails then. */
static int64_t store_prefix(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i = 0;

	if (!keys || !objects || key_count != object_count)
		return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	while (i < key_count && accept_good(self, &keys[i], &objects[i]))
		i++;
	if (i < key_count && i)
		mutant_store_now(self, keys, objects, i);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void stores_a_part_and_fails(struct remora_type_ops *ops)
{
	ops->submit_store = store_prefix;
}

static int64_t store_without_salts(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i;

	if (!objects || object_count > BATCH_MAX)
		return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	for (i = 0; i < object_count; i++) {
		some_objects[i] = objects[i];
		some_objects[i].salt = NULL;
	}
	return faithful_ops.submit_store(self, keys, key_count, some_objects, object_count);
}

static void ignores_salts(struct remora_type_ops *ops)
{
	ops->submit_store = store_without_salts;
}

static int64_t store_short_keys(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (keys && key_count && keys[0].len == REMORA_KEY_MAX)
		return faithful_ops.submit_store(self, keys, key_count, objects, 0);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void refuses_the_longest_key(struct remora_type_ops *ops)
{
	ops->submit_store = store_short_keys;
}

static size_t shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int64_t store_shorter(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t count = shorter(key_count, object_count);

	return faithful_ops.submit_store(self, keys, count, objects, count);
}

static int64_t load_shorter(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t count = shorter(key_count, object_count);

	return faithful_ops.submit_load(self, keys, count, objects, count);
}

static void cuts_to_the_shorter_array(struct remora_type_ops *ops)
{
	ops->submit_store = store_shorter;
	ops->submit_load = load_shorter;
}

static int64_t store_unchecked(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if ((key_count && !keys) || (object_count && !objects))
		abort();
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static int64_t load_unchecked(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if ((key_count && !keys) || (object_count && !objects))
		abort();
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static void unlock_unchecked(void *self, const struct remora_key *keys, size_t count)
{
	if (!keys)
		abort();
	faithful_ops.submit_unlock(self, keys, count);
}

static void crashes_on_null(struct remora_type_ops *ops)
{
	ops->submit_store = store_unchecked;
	ops->submit_load = load_unchecked;
	ops->submit_unlock = unlock_unchecked;
}

/* A store that is submitted later, from a thread, and what it needs. */
static struct {
	struct mutant *mutant;
	const struct remora_key *keys;
	const struct remora_object *objects;
	size_t count;
	int error;
	bool done;
	pthread_mutex_t mutex;
} late = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void *store_late(void *arg)
{
	int error;

	(void)arg;
	usleep(LATE_US);
	error = mutant_store_now(late.mutant, late.keys, late.objects, late.count);
	pthread_mutex_lock(&late.mutex);
	late.error = error;
	late.done = true;
	pthread_mutex_unlock(&late.mutex);
	mutant_signal(late.mutant->fd);
	return NULL;
}

static int late_fd(const void *self)
{
	struct mutant *mutant = (struct mutant *)self;

	if (mutant->fd < 0)
		mutant->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return mutant->fd;
}

static int64_t submit_late(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	pthread_t thread;

	(void)object_count;
	late_fd(self);
	late.mutant = mutant;
	late.keys = keys;
	late.objects = objects;
	late.count = key_count;
	late.done = false;
	mutant->storing = true;
	pthread_create(&thread, NULL, store_late, NULL);
	pthread_detach(thread);
	return INT64_MAX;
}

static size_t pop_late(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count = 0;

	pthread_mutex_lock(&late.mutex);
	if (late.done && max) {
		late.done = false;
		mutant->storing = false;
		results[0] = (struct remora_store_result){INT64_MAX, late.error, 0};
		count = 1;
	}
	pthread_mutex_unlock(&late.mutex);
	return count;
}

static void reads_keys_later(struct remora_type_ops *ops)
{
	ops->store_fd = late_fd;
	ops->submit_store = submit_late;
	ops->pop_stores = pop_late;
}

static int query_all_while_storing(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err && mutant->storing)
		remora_bitmap_set_range(*result, 0, remora_bitmap_size(*result));
	return err;
}

static void publishes_before_it_is_complete(struct remora_type_ops *ops)
{
	reads_keys_later(ops);
	ops->query_lookup = query_all_while_storing;
}

/* The result is told at once, and the data comes later. */
static int64_t submit_hasty(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	int64_t task = submit_late(self, keys, key_count, objects, object_count);

	mutant_signal(mutant->fd);
	return task;
}

static size_t pop_hasty(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;

	if (!mutant->storing || !max)
		return 0;
	mutant->storing = false;
	results[0] = (struct remora_store_result){.task = INT64_MAX};
	return 1;
}

static void tells_stores_before_the_data_is_there(struct remora_type_ops *ops)
{
	ops->store_fd = late_fd;
	ops->submit_store = submit_hasty;
	ops->pop_stores = pop_hasty;
}

static int64_t store_unless_deleted(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (keys && key_count == 1 && mutant_key(self, keys)->count)
		return faithful_ops.submit_store(self, keys, 0, objects, 0);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static int delete_for_ever(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	size_t i;

	for (i = 0; i < count; i++)
		mutant_key(self, &keys[i])->count = 1;
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static void buries_deleted_keys(struct remora_type_ops *ops)
{
	ops->submit_store = store_unless_deleted;
	ops->delete_keys = delete_for_ever;
}

const struct mutation store_mutations[] = {
	{.name = "stores-the-first-only", .change = stores_the_first_only},
	{.name = "overwrites", .change = overwrites},
	{.name = "stores-backwards", .change = stores_backwards},
	{.name = "skips-what-is-too-large", .change = skips_what_is_too_large},
	{.name = "skips-what-is-bad", .change = skips_what_is_bad},
	{.name = "stores-a-part-and-fails", .change = stores_a_part_and_fails},
	{.name = "ignores-salts", .change = ignores_salts},
	{.name = "refuses-the-longest-key", .change = refuses_the_longest_key},
	{.name = "cuts-to-the-shorter-array", .change = cuts_to_the_shorter_array},
	{.name = "crashes-on-null", .change = crashes_on_null},
	{.name = "reads-keys-later", .change = reads_keys_later},
	{.name = "publishes-before-complete", .change = publishes_before_it_is_complete},
	{.name = "tells-before-the-data-is-there", .change = tells_stores_before_the_data_is_there},
	{.name = "buries-deleted-keys", .change = buries_deleted_keys},
	{.name = "needs-an-arena", .needs_arena = true},
	{.name = "ignores-the-bandwidth", .no_bandwidth = true},
	{0},
};
