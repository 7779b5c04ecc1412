/* SPDX-License-Identifier: Apache-2.0 */
/* loads.c - mutants that are wrong in what they find and load */
#include "mutant.h"

#include <string.h>

enum { BATCH_MAX = 8192, SCRATCH_LEN = 4 << 20 };

static struct remora_key some_keys[BATCH_MAX];
static struct remora_object some_objects[BATCH_MAX];
static uint8_t scratch[SCRATCH_LEN];

static size_t shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int query_all(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err)
		remora_bitmap_set_range(*result, 0, remora_bitmap_size(*result));
	return err;
}

static int query_load_all(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_load(self, task, result);

	if (!err)
		remora_bitmap_set_range(*result, 0, remora_bitmap_size(*result));
	return err;
}

static void finds_everything(struct remora_type_ops *ops)
{
	ops->query_lookup = query_all;
	ops->query_load = query_load_all;
}

static int query_none(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_lookup(self, task, result);
	size_t i;

	for (i = 0; !err && i < remora_bitmap_size(*result); i++)
		remora_bitmap_clear(*result, i);
	return err;
}

static void finds_nothing(struct remora_type_ops *ops)
{
	ops->query_lookup = query_none;
}

/* A bitmap of another size, with the bits in another order. */
static void rearrange(struct remora_bitmap **bitmap, size_t size, bool reverse)
{
	struct remora_bitmap *other = remora_bitmap_create(size);
	size_t i;

	for (i = 0; i < size; i++)
		if (remora_bitmap_test(*bitmap, reverse ? size - 1 - i : i))
			remora_bitmap_set(other, i);
	remora_bitmap_destroy(*bitmap);
	*bitmap = other;
}

static int query_reversed(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err)
		rearrange(result, remora_bitmap_size(*result), true);
	return err;
}

static int query_load_reversed(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_load(self, task, result);

	if (!err)
		rearrange(result, remora_bitmap_size(*result), true);
	return err;
}

static void reverses_bits(struct remora_type_ops *ops)
{
	ops->query_lookup = query_reversed;
	ops->query_load = query_load_reversed;
}

static int query_one_short(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err && remora_bitmap_size(*result) > 64)
		rearrange(result, remora_bitmap_size(*result) - 1, false);
	return err;
}

static void tells_one_bit_too_few(struct remora_type_ops *ops)
{
	ops->query_lookup = query_one_short;
}

static int64_t look_up_a_thousand(void *self, const struct remora_key *keys, size_t count)
{
	return faithful_ops.submit_lookup(self, keys, shorter(count, 1000));
}

static void looks_up_a_thousand_keys(struct remora_type_ops *ops)
{
	ops->submit_lookup = look_up_a_thousand;
}

static const struct remora_key *cut_at_nul(const struct remora_key *keys, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		some_keys[i] =
			(struct remora_key){keys[i].data, strnlen(keys[i].data, keys[i].len)};
	return some_keys;
}

static int64_t store_texts(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	return faithful_ops.submit_store(
		self, cut_at_nul(keys, key_count), key_count, objects, object_count);
}

static int64_t look_up_texts(void *self, const struct remora_key *keys, size_t count)
{
	return faithful_ops.submit_lookup(self, cut_at_nul(keys, count), count);
}

static void ends_keys_at_nul(struct remora_type_ops *ops)
{
	ops->submit_store = store_texts;
	ops->submit_lookup = look_up_texts;
}

static int64_t note_objects(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;

	mutant->keys = keys;
	mutant->objects = objects;
	mutant->count = objects ? object_count : 0;
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static int64_t load_elsewhere(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i;

	if (!objects || object_count > BATCH_MAX)
		return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
	for (i = 0; i < object_count; i++)
		some_objects[i] = (struct remora_object){scratch, objects[i].len, NULL};
	return faithful_ops.submit_load(self, keys, key_count, some_objects, object_count);
}

static void loads_elsewhere(struct remora_type_ops *ops)
{
	ops->submit_load = load_elsewhere;
}

static int64_t load_after_wiping(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i;

	for (i = 0; objects && i < object_count; i++)
		if (objects[i].data)
			memset(objects[i].data, 0, objects[i].len);
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static void clears_buffers_of_misses(struct remora_type_ops *ops)
{
	ops->submit_load = load_after_wiping;
}

/* Whatever the buffer's length is, as much as fits. */
static int64_t load_any_length(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;
	uint64_t len;

	mutant->extra = 0;
	if (key_count != 1 || remora_length(mutant->inner, keys, &len))
		return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
	mutant->objects = objects;
	mutant->extra = len;
	some_objects[0] = (struct remora_object){scratch, len, NULL};
	return faithful_ops.submit_load(self, keys, 1, some_objects, 1);
}

static int query_any_length(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_load(self, task, result);

	if (!err && mutant->extra)
		memcpy(mutant->objects[0].data, scratch,
			shorter(mutant->objects[0].len, mutant->extra));
	return err;
}

static void loads_any_length(struct remora_type_ops *ops)
{
	ops->submit_load = load_any_length;
	ops->query_load = query_any_length;
}

/* Called for each object of a load that was told. */
static int query_and_touch(struct mutant *mutant, int64_t task, struct remora_bitmap **result,
	void (*touch)(struct mutant *, const struct remora_object *))
{
	int err = faithful_ops.query_load(mutant, task, result);
	size_t i;

	for (i = 0; !err && i < mutant->count; i++)
		if (remora_bitmap_test(*result, i))
			touch(mutant, &mutant->objects[i]);
	return err;
}

static void touch_beyond(struct mutant *mutant, const struct remora_object *object)
{
	(void)mutant;
	((uint8_t *)object->data)[object->len] ^= 0xff;
}

static int query_beyond(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_and_touch(self, task, result, touch_beyond);
}

static void writes_beyond_the_buffer(struct remora_type_ops *ops)
{
	ops->submit_load = note_objects;
	ops->query_load = query_beyond;
}

static void touch_odd(struct mutant *mutant, const struct remora_object *object)
{
	(void)mutant;
	if (object->len % 8)
		((uint8_t *)object->data)[object->len - 1] ^= 0xff;
}

static int query_odd(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_and_touch(self, task, result, touch_odd);
}

static void spoils_odd_lengths(struct remora_type_ops *ops)
{
	ops->submit_load = note_objects;
	ops->query_load = query_odd;
}

static bool in_arena(const struct mutant *mutant, const struct remora_object *object)
{
	const uint8_t *data = object->data;

	return mutant->arena && data >= mutant->arena && data < mutant->arena + mutant->arena_len;
}

static void touch_inside(struct mutant *mutant, const struct remora_object *object)
{
	if (in_arena(mutant, object))
		((uint8_t *)object->data)[object->len / 2] ^= 0xff;
}

static int query_inside(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_and_touch(self, task, result, touch_inside);
}

static void spoils_what_is_in_the_arena(struct remora_type_ops *ops)
{
	ops->submit_load = note_objects;
	ops->query_load = query_inside;
}

static void touch_outside(struct mutant *mutant, const struct remora_object *object)
{
	if (!in_arena(mutant, object))
		((uint8_t *)object->data)[object->len / 2] ^= 0xff;
}

static int query_outside(void *self, int64_t task, struct remora_bitmap **result)
{
	return query_and_touch(self, task, result, touch_outside);
}

static void spoils_what_is_outside_the_arena(struct remora_type_ops *ops)
{
	ops->submit_load = note_objects;
	ops->query_load = query_outside;
}

static int64_t load_once(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	size_t i;

	for (i = 0; i < object_count && i < BATCH_MAX; i++) {
		some_objects[i] = objects[i];
		if (i && keys[i].data == keys[0].data)
			some_objects[i].data = scratch;
	}
	return faithful_ops.submit_load(self, keys, key_count, some_objects, object_count);
}

static void fills_one_buffer_of_a_key(struct remora_type_ops *ops)
{
	ops->submit_load = load_once;
}

static int query_all_or_nothing(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_load(self, task, result);
	size_t size, i;

	if (err)
		return err;
	size = remora_bitmap_size(*result);
	if (remora_bitmap_popcount(*result) < size)
		for (i = 0; i < size; i++)
			remora_bitmap_clear(*result, i);
	return 0;
}

static void loads_all_or_nothing(struct remora_type_ops *ops)
{
	ops->query_load = query_all_or_nothing;
}

const struct mutation load_mutations[] = {
	{.name = "finds-everything", .change = finds_everything},
	{.name = "finds-nothing", .change = finds_nothing},
	{.name = "reverses-bits", .change = reverses_bits},
	{.name = "tells-one-bit-too-few", .change = tells_one_bit_too_few},
	{.name = "looks-up-a-thousand-keys", .change = looks_up_a_thousand_keys},
	{.name = "ends-keys-at-nul", .change = ends_keys_at_nul},
	{.name = "loads-elsewhere", .change = loads_elsewhere},
	{.name = "clears-buffers-of-misses", .change = clears_buffers_of_misses},
	{.name = "loads-any-length", .change = loads_any_length},
	{.name = "writes-beyond-the-buffer", .change = writes_beyond_the_buffer},
	{.name = "spoils-odd-lengths", .change = spoils_odd_lengths},
	{.name = "spoils-the-arena", .change = spoils_what_is_in_the_arena},
	{.name = "spoils-the-outside", .change = spoils_what_is_outside_the_arena},
	{.name = "fills-one-buffer-of-a-key", .change = fills_one_buffer_of_a_key},
	{.name = "loads-all-or-nothing", .change = loads_all_or_nothing},
	{0},
};
