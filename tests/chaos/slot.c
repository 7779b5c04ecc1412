/* SPDX-License-Identifier: Apache-2.0 */
/* slot.c - one thing at a time that a client does */
#include "slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../rdma/items.h"

enum {
	WIPED = 0xee,
	PAUSE_MS = 10, /* after a failure: a server that is down fails tasks at once */
};

void slot_init(struct slot *slot, struct remora_adapter *adapter, struct counters *counters,
	uint8_t *memory)
{
	*slot = (struct slot){.adapter = adapter, .counters = counters, .memory = memory};
	memset(memory, WIPED, SLOT_BYTES);
}

/*
 * The result has been told, so the buffers are ours: nothing may have changed in
 * them since they were wiped.
 */
static void check_wiped(struct slot *slot)
{
	unsigned i;

	for (i = 0; i < SLOT_BYTES; i++)
		if (slot->memory[i] != WIPED)
			slot->counters->late_bytes++;
}

static void wipe(struct slot *slot)
{
	unsigned i;

	for (i = 0; i < slot->count; i++)
		memset(slot->objects[i].data, WIPED, slot->objects[i].len);
}

void slot_clear(struct slot *slot)
{
	if (!bytes_are(slot->memory, WIPED, SLOT_BYTES)) {
		check_wiped(slot);
		memset(slot->memory, WIPED, SLOT_BYTES);
	}
	slot->count = 0;
	slot->proof = false;
	slot->proven = false;
}

void slot_add_key(struct slot *slot, unsigned number, const char *prefix)
{
	unsigned i = slot->count++;

	snprintf(slot->names[i], sizeof(slot->names[i]), "%s-%u", prefix, number);
	slot->keys[i] = (struct remora_key){slot->names[i], strlen(slot->names[i])};
	slot->objects[i] = (struct remora_object){
		.data = slot->memory + i * CONTENT_MAX,
		.len = content_len(number),
	};
}

static void begin(struct slot *slot, enum slot_state state, int64_t task, uint64_t now_ms)
{
	slot->counters->submitted++;
	slot->state = state;
	slot->task = task;
	slot->began_ms = now_ms;
}

static void rest(struct slot *slot, uint64_t now_ms, bool failed)
{
	slot->state = SLOT_IDLE;
	slot->task = 0;
	slot->until_ms = now_ms + (failed ? PAUSE_MS : 0);
}

void slot_store(struct slot *slot, uint32_t version, uint64_t now_ms)
{
	unsigned i;

	for (i = 0; i < slot->count; i++)
		content_fill(
			&slot->keys[i], version, slot->objects[i].data, slot->objects[i].len);
	slot->counters->stores++;
	begin(slot, SLOT_STORING,
		remora_submit_store(
			slot->adapter, slot->keys, slot->count, slot->objects, slot->count),
		now_ms);
}

void slot_lookup(struct slot *slot, uint64_t now_ms)
{
	begin(slot, SLOT_LOOKING, remora_submit_lookup(slot->adapter, slot->keys, slot->count),
		now_ms);
}

void slot_stored(struct slot *slot, const struct remora_store_result *result, uint64_t now_ms)
{
	struct counters *counters = slot->counters;

	counters->completed++;
	counters->stores--;
	if (result->error)
		counters->stores_failed++;
	else
		counters->stores_done++;
	counters->bytes_stored += result->bytes;
	wipe(slot);
	rest(slot, now_ms, result->error);
	if (slot->proof && !result->error)
		slot_lookup(slot, now_ms);
}

/* A result is told once: the second question must find none. */
static void expect_told(struct slot *slot,
	int (*query)(struct remora_adapter *, int64_t, struct remora_bitmap **))
{
	struct remora_bitmap *bits = NULL;

	slot->counters->completed++;
	if (query(slot->adapter, slot->task, &bits) == -ENOENT)
		return;
	slot->counters->twice++;
	remora_bitmap_destroy(bits);
}

/* Keep the keys that were found. */
static void keep(struct slot *slot, const struct remora_bitmap *found)
{
	unsigned kept = 0, i;

	for (i = 0; i < slot->count; i++) {
		if (!remora_bitmap_test(found, i))
			continue;
		memmove(slot->names[kept], slot->names[i], CONTENT_NAME);
		slot->keys[kept] = (struct remora_key){slot->names[kept], slot->keys[i].len};
		slot->objects[kept++] = slot->objects[i];
	}
	slot->count = kept;
}

static void take_lookup(struct slot *slot, uint64_t now_ms)
{
	struct remora_bitmap *found;

	if (remora_query_lookup(slot->adapter, slot->task, &found))
		return;
	expect_told(slot, remora_query_lookup);
	keep(slot, found);
	remora_bitmap_destroy(found);
	slot->counters->keys_found += slot->count;
	slot->counters->locks += slot->count;
	if (!slot->count) {
		rest(slot, now_ms, true);
		return;
	}
	slot->state = SLOT_HOLDING;
}

static void start_load(struct slot *slot, uint64_t now_ms)
{
	slot->counters->loads++;
	begin(slot, SLOT_LOADING,
		remora_submit_load(
			slot->adapter, slot->keys, slot->count, slot->objects, slot->count),
		now_ms);
}

/* Returns how many keys came. */
static unsigned verify(struct slot *slot, const struct remora_bitmap *loaded)
{
	struct counters *counters = slot->counters;
	unsigned came = 0, i;

	for (i = 0; i < slot->count; i++) {
		const struct remora_object *object = &slot->objects[i];

		if (!remora_bitmap_test(loaded, i))
			continue;
		came++;
		if (content_is_right(&slot->keys[i], object->data, object->len)) {
			counters->bytes_verified += object->len;
			continue;
		}
		counters->wrong_bytes += object->len;
		fprintf(stderr, "wrong bytes: key %s, %zu bytes\n", slot->names[i], object->len);
	}
	counters->keys_loaded += came;
	return came;
}

static void take_load(struct slot *slot, uint64_t now_ms)
{
	struct remora_bitmap *loaded;
	unsigned came;

	if (remora_query_load(slot->adapter, slot->task, &loaded))
		return;
	expect_told(slot, remora_query_load);
	slot->counters->loads--;
	slot->counters->loads_done++;
	came = verify(slot, loaded);
	remora_bitmap_destroy(loaded);
	remora_submit_unlock(slot->adapter, slot->keys, slot->count);
	slot->counters->locks -= slot->count;
	slot->proven = slot->proof && came == slot->count;
	wipe(slot);
	rest(slot, now_ms, came < slot->count);
}

void slot_turn(struct slot *slot, uint64_t now_ms)
{
	if (slot->state == SLOT_LOOKING)
		take_lookup(slot, now_ms);
	if (slot->state == SLOT_HOLDING && !slot->hold)
		start_load(slot, now_ms);
	if (slot->state == SLOT_LOADING)
		take_load(slot, now_ms);
}
