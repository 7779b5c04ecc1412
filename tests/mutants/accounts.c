/* SPDX-License-Identifier: Apache-2.0 */
/* accounts.c - mutants that are wrong in deletes, usage, listings and listeners */
#include "mutant.h"

#include <errno.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int delete_nothing(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	(void)self;
	(void)keys;
	if (deleted)
		*deleted = remora_bitmap_create_prefix(count, count);
	return 0;
}

static void deletes_nothing(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_nothing;
}

static int delete_listed(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	(void)len;
	(void)locked;
	remora_delete(arg, key, 1, NULL);
	return 0;
}

static int delete_everything(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	struct mutant *mutant = self;
	int err = faithful_ops.delete_keys(self, keys, count, deleted);

	remora_list(mutant->inner, NULL, delete_listed, mutant->inner);
	return err;
}

static void deletes_everything(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_everything;
}

static int delete_and_claim(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	int err = faithful_ops.delete_keys(self, keys, count, deleted);

	if (deleted && *deleted)
		remora_bitmap_set_range(*deleted, 0, count);
	return err;
}

static void claims_every_delete(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_and_claim;
}

static int delete_one_by_one(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	int err = faithful_ops.delete_keys(self, keys, count, deleted);
	size_t i;

	for (i = 0; err == -EINVAL && i < count; i++)
		faithful_ops.delete_keys(self, keys + i, 1, NULL);
	return err;
}

static void deletes_beside_bad_keys(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_one_by_one;
}

static int64_t store_spoilt(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (object_count == 1)
		((uint8_t *)objects[0].data)[0] ^= 0xff;
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void stores_other_bytes(struct remora_type_ops *ops)
{
	ops->submit_store = store_spoilt;
}

static int usage_of_a_page_more(void *self, struct remora_usage *usage)
{
	int err = faithful_ops.usage(self, usage);

	usage->used += PAGE;
	return err;
}

static void uses_a_page_more(struct remora_type_ops *ops)
{
	ops->usage = usage_of_a_page_more;
}

static int usage_before(void *self, struct remora_usage *usage)
{
	struct mutant *mutant = self;
	struct remora_usage now;
	int err = faithful_ops.usage(self, &now);

	*usage = mutant->calls++ ? mutant->usage : now;
	mutant->usage = now;
	return err;
}

static int delete_and_remember(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	struct mutant *mutant = self;

	faithful_ops.usage(self, &mutant->usage);
	mutant->calls = 1;
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static void lowers_the_usage_later(struct remora_type_ops *ops)
{
	ops->usage = usage_before;
	ops->delete_keys = delete_and_remember;
}

static int delete_and_drift(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	struct mutant *mutant = self;

	mutant->extra++;
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static int usage_with_extra(void *self, struct remora_usage *usage)
{
	struct mutant *mutant = self;
	int err = faithful_ops.usage(self, usage);

	usage->used += mutant->extra;
	return err;
}

static void drifts(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_and_drift;
	ops->usage = usage_with_extra;
}

/* Bytes of keys that existed are counted again. */
static int64_t store_and_count(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	uint64_t len;
	size_t i;

	for (i = 0; i < key_count && i < object_count && keys && objects; i++)
		if (!remora_length(mutant->inner, keys + i, &len))
			mutant->extra += len;
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static size_t pop_counted(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count = faithful_ops.pop_stores(self, results, max);

	if (count)
		results[0].bytes += mutant->extra;
	return count;
}

static void counts_every_store(struct remora_type_ops *ops)
{
	ops->submit_store = store_and_count;
	ops->pop_stores = pop_counted;
	ops->usage = usage_with_extra;
}

static int delete_and_subtract(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	struct mutant *mutant = self;
	uint64_t len;
	size_t i;

	for (i = 0; i < count; i++)
		if (remora_length(mutant->inner, keys + i, &len) == -ENOENT)
			mutant->extra -= PAGE;
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static void subtracts_every_delete(struct remora_type_ops *ops)
{
	ops->delete_keys = delete_and_subtract;
	ops->usage = usage_with_extra;
}

static int query_and_count(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err)
		mutant->extra += remora_bitmap_popcount(*result);
	return err;
}

static int usage_of_locks(void *self, struct remora_usage *usage)
{
	struct mutant *mutant = self;
	int err = faithful_ops.usage(self, usage);

	usage->locked = mutant->extra;
	usage->hits = 0;
	return err;
}

static void counts_locks_for_objects(struct remora_type_ops *ops)
{
	ops->query_lookup = query_and_count;
	ops->usage = usage_of_locks;
}

static int salts_and_one_more(void *self, remora_salt_fn fn, void *arg)
{
	int err = faithful_ops.usage_salts(self, fn, arg);

	return err ? err : fn(arg, "red", 0);
}

static void names_salts_without_objects(struct remora_type_ops *ops)
{
	ops->usage_salts = salts_and_one_more;
}

static int list_twice(
	void *self, const struct remora_key *prefix, uint64_t *cursor, remora_list_fn fn, void *arg)
{
	uint64_t again = *cursor;
	int err = faithful_ops.list_page(self, prefix, &again, fn, arg);

	return err ? err : faithful_ops.list_page(self, prefix, cursor, fn, arg);
}

static void lists_twice(struct remora_type_ops *ops)
{
	ops->list_page = list_twice;
}

static int list_one_page(
	void *self, const struct remora_key *prefix, uint64_t *cursor, remora_list_fn fn, void *arg)
{
	int err = faithful_ops.list_page(self, prefix, cursor, fn, arg);

	*cursor = 0;
	return err;
}

static void lists_one_page(struct remora_type_ops *ops)
{
	ops->list_page = list_one_page;
}

static int length_of_pages(void *self, const struct remora_key *key, uint64_t *len)
{
	int err = faithful_ops.length(self, key, len);

	if (!err)
		*len = (*len + PAGE - 1) / PAGE * PAGE;
	return err;
}

static void tells_lengths_in_pages(struct remora_type_ops *ops)
{
	ops->length = length_of_pages;
}

static void status_of_nothing(void *self, struct remora_status *status)
{
	(void)self;
	*status = (struct remora_status){0};
}

static void tells_no_status(struct remora_type_ops *ops)
{
	ops->status = status_of_nothing;
}

static int peer_that_is_away(void *self, size_t index, struct remora_peer *peer)
{
	(void)self;
	*peer = (struct remora_peer){.address = "127.0.0.1"};
	return index ? -ENOENT : 0;
}

static void has_a_peer_that_is_away(struct remora_type_ops *ops)
{
	ops->peer = peer_that_is_away;
}

/* Listeners: the mutant stands between its caller's and the inner adapter. */
static void relay_stored(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	const struct mutant *mutant = arg;

	if (mutant->listener && mutant->listener->stored)
		mutant->listener->stored(mutant->listener->arg, keys, sizes, count);
}

static void relay_accessed(void *arg, const struct remora_key *keys, size_t count)
{
	const struct mutant *mutant = arg;

	if (mutant->listener && mutant->listener->accessed)
		mutant->listener->accessed(mutant->listener->arg, keys, count);
}

static void relay_deleted(void *arg, const struct remora_key *keys, size_t count)
{
	const struct mutant *mutant = arg;

	if (mutant->listener && mutant->listener->deleted)
		mutant->listener->deleted(mutant->listener->arg, keys, count);
}

static int relay(struct mutant *mutant, const struct remora_listener *listener,
	void (*stored)(void *, const struct remora_key *, const uint64_t *, size_t))
{
	mutant->listener = listener;
	mutant->relay = (struct remora_listener){
		.arg = mutant,
		.stored = stored,
		.accessed = relay_accessed,
		.deleted = relay_deleted,
	};
	return remora_add_listener(mutant->inner, &mutant->relay);
}

static int remove_relay(void *self, const struct remora_listener *listener)
{
	struct mutant *mutant = self;

	(void)listener;
	return remora_remove_listener(mutant->inner, &mutant->relay);
}

static void relay_no_sizes(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	uint64_t zeros[512] = {0};

	(void)sizes;
	relay_stored(arg, keys, zeros, count);
}

static int add_without_sizes(void *self, const struct remora_listener *listener)
{
	return relay(self, listener, relay_no_sizes);
}

static void tells_listeners_no_sizes(struct remora_type_ops *ops)
{
	ops->add_listener = add_without_sizes;
	ops->remove_listener = remove_relay;
}

static void relay_some(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	struct mutant *mutant = arg;

	if (mutant->relayed++ < 100)
		relay_stored(arg, keys, sizes, count);
}

static int add_for_some(void *self, const struct remora_listener *listener)
{
	return relay(self, listener, relay_some);
}

static void tells_listeners_the_first_only(struct remora_type_ops *ops)
{
	ops->add_listener = add_for_some;
	ops->remove_listener = remove_relay;
}

/* A lock around the call, which tasks need too. */
static void relay_locked(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	struct mutant *mutant = arg;

	pthread_mutex_lock(&mutant->mutex);
	relay_stored(arg, keys, sizes, count);
	pthread_mutex_unlock(&mutant->mutex);
}

static int add_locked(void *self, const struct remora_listener *listener)
{
	return relay(self, listener, relay_locked);
}

static size_t pop_locked(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count;

	pthread_mutex_lock(&mutant->mutex);
	count = faithful_ops.pop_stores(self, results, max);
	pthread_mutex_unlock(&mutant->mutex);
	return count;
}

static int usage_locked(void *self, struct remora_usage *usage)
{
	struct mutant *mutant = self;
	int err;

	pthread_mutex_lock(&mutant->mutex);
	err = faithful_ops.usage(self, usage);
	pthread_mutex_unlock(&mutant->mutex);
	return err;
}

static void calls_listeners_under_a_lock(struct remora_type_ops *ops)
{
	ops->add_listener = add_locked;
	ops->remove_listener = remove_relay;
	ops->pop_stores = pop_locked;
	ops->usage = usage_locked;
}

static int remove_never(void *self, const struct remora_listener *listener)
{
	(void)self;
	(void)listener;
	return 0;
}

static void keeps_removed_listeners(struct remora_type_ops *ops)
{
	ops->remove_listener = remove_never;
}

static int add_and_note(void *self, const struct remora_listener *listener)
{
	((struct mutant *)self)->listener = listener;
	return faithful_ops.add_listener(self, listener);
}

static int64_t load_and_tell(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	relay_accessed(self, keys, key_count);
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static int64_t look_up_and_tell(void *self, const struct remora_key *keys, size_t count)
{
	relay_accessed(self, keys, count);
	return faithful_ops.submit_lookup(self, keys, count);
}

static int64_t store_and_tell(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	uint64_t sizes[512] = {0};

	relay_stored(self, keys, sizes, key_count);
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static int delete_and_tell(
	void *self, const struct remora_key *keys, size_t count, struct remora_bitmap **deleted)
{
	relay_deleted(self, keys, count);
	return faithful_ops.delete_keys(self, keys, count, deleted);
}

static void tells_listeners_what_was_asked(struct remora_type_ops *ops)
{
	ops->add_listener = add_and_note;
	ops->submit_load = load_and_tell;
	ops->submit_lookup = look_up_and_tell;
	ops->submit_store = store_and_tell;
	ops->delete_keys = delete_and_tell;
}

const struct mutation account_mutations[] = {
	{.name = "deletes-nothing", .change = deletes_nothing},
	{.name = "deletes-everything", .change = deletes_everything},
	{.name = "claims-every-delete", .change = claims_every_delete},
	{.name = "deletes-beside-bad-keys", .change = deletes_beside_bad_keys},
	{.name = "stores-other-bytes", .change = stores_other_bytes},
	{.name = "uses-a-page-more", .change = uses_a_page_more},
	{.name = "lowers-the-usage-later", .change = lowers_the_usage_later},
	{.name = "drifts", .change = drifts},
	{.name = "counts-every-store", .change = counts_every_store},
	{.name = "subtracts-every-delete", .change = subtracts_every_delete},
	{.name = "counts-locks-for-objects", .change = counts_locks_for_objects},
	{.name = "names-salts-without-objects", .change = names_salts_without_objects},
	{.name = "lists-twice", .change = lists_twice},
	{.name = "lists-one-page", .change = lists_one_page},
	{.name = "tells-lengths-in-pages", .change = tells_lengths_in_pages},
	{.name = "tells-no-status", .change = tells_no_status},
	{.name = "has-a-peer-that-is-away", .change = has_a_peer_that_is_away},
	{.name = "tells-listeners-no-sizes", .change = tells_listeners_no_sizes},
	{.name = "tells-listeners-the-first-only", .change = tells_listeners_the_first_only},
	{.name = "calls-listeners-under-a-lock", .change = calls_listeners_under_a_lock},
	{.name = "keeps-removed-listeners", .change = keeps_removed_listeners},
	{.name = "tells-listeners-what-was-asked", .change = tells_listeners_what_was_asked},
	{0},
};
