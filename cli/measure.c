/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.c - keep an adapter busy with stores or loads, and count
 *
 * Used by one thread.
 */
#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "clock.h"
#include "payload.h"
#include "reason.h"
#include "transfer.h"

enum { KEY_TEXT_LEN = 64, CLEAN_BATCH = 1024 };

/* A task in flight, or the place for one. */
struct place {
	int64_t task; /* 0: none */
	uint64_t submitted_ns;
	struct remora_key *keys; /* a batch each */
	struct remora_object *objects;
	char (*text)[KEY_TEXT_LEN];
};

struct measure {
	struct measure_options options;
	struct place *places;
	unsigned char *arena;
	size_t arena_len, object_step;
	uint64_t named; /* objects that got a name: 0 to named - 1 */
	uint64_t begun; /* tasks */
	uint64_t end_ns;
};

static int place_init(struct measure *measure, unsigned index)
{
	size_t batch = measure->options.batch, i;
	struct place *place = &measure->places[index];
	unsigned char *memory = measure->arena + index * batch * measure->object_step;

	place->keys = calloc(batch, sizeof(*place->keys));
	place->objects = calloc(batch, sizeof(*place->objects));
	place->text = calloc(batch, sizeof(*place->text));
	if (!place->keys || !place->objects || !place->text)
		return -ENOMEM;
	for (i = 0; i < batch; i++)
		place->objects[i] = (struct remora_object){
			.data = memory + i * measure->object_step,
			.len = measure->options.size,
		};
	return 0;
}

int measure_create(const struct measure_options *options, struct measure **out)
{
	struct measure *measure;
	unsigned i;
	int err = 0;

	measure = calloc(1, sizeof(*measure));
	if (!measure)
		return -ENOMEM;
	measure->options = *options;
	measure->object_step = (options->size + 63) & ~(size_t)63;
	if (__builtin_mul_overflow(measure->object_step,
		    (size_t)options->batch * options->in_flight, &measure->arena_len))
		goto free_measure;
	measure->arena = mmap(NULL, measure->arena_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (measure->arena == MAP_FAILED)
		goto free_measure;
	madvise(measure->arena, measure->arena_len, MADV_HUGEPAGE);
	measure->places = calloc(options->in_flight, sizeof(*measure->places));
	if (!measure->places)
		err = -ENOMEM;
	for (i = 0; !err && i < options->in_flight; i++)
		err = place_init(measure, i);
	if (err) {
		measure_destroy(measure);
		return err;
	}
	*out = measure;
	return 0;

free_measure:
	free(measure);
	return -ENOMEM;
}

void *measure_arena(const struct measure *measure, size_t *len)
{
	*len = measure->arena_len;
	return measure->arena;
}

static void fail(
	struct measure_result *result, struct remora_adapter *adapter, const char *what, int err)
{
	struct remora_status status;

	result->failed++;
	if (result->error[0])
		return;
	remora_status(adapter, &status);
	snprintf(result->error, sizeof(result->error), "%s: %s%s%.200s", what, reason_text(err),
		status.error[0] ? ": " : "", status.error);
}

static size_t name_object(const struct measure *measure, uint64_t number, char *text)
{
	return (size_t)snprintf(
		text, KEY_TEXT_LEN, "bench/%016" PRIx64 "/%" PRIu64, measure->options.run, number);
}

/* Give the place's objects new names and, when bytes are verified, their content. */
static void name_objects(struct measure *measure, struct place *place)
{
	size_t i;

	for (i = 0; i < measure->options.batch; i++) {
		place->keys[i].data = place->text[i];
		place->keys[i].len = name_object(measure, measure->named++, place->text[i]);
		if (measure->options.verify)
			payload_fill(place->objects[i].data, place->objects[i].len,
				payload_seed(place->keys[i].data, place->keys[i].len));
	}
}

static void poison(const struct measure *measure, const struct place *place)
{
	size_t i;

	for (i = 0; measure->options.verify && i < measure->options.batch; i++)
		payload_poison(place->objects[i].data, place->objects[i].len,
			payload_seed(place->keys[i].data, place->keys[i].len));
}

static void verify(const struct measure *measure, const struct place *place,
	const struct remora_bitmap *loaded, struct measure_result *result)
{
	const struct remora_key *key;
	size_t i, wrong;

	for (i = 0; measure->options.verify && i < measure->options.batch; i++) {
		if (!remora_bitmap_test(loaded, i))
			continue;
		key = &place->keys[i];
		wrong = payload_check(place->objects[i].data, place->objects[i].len,
			payload_seed(key->data, key->len));
		result->verified += place->objects[i].len;
		if (wrong == PAYLOAD_GOOD)
			continue;
		result->mismatches++;
		if (!result->error[0])
			snprintf(result->error, sizeof(result->error), "%.*s: byte %zu is wrong",
				(int)key->len, (const char *)key->data, wrong);
	}
}

static int wants_more(const struct measure *measure, const struct measure_result *result)
{
	if (result->failed || result->mismatches)
		return 0;
	if (measure->options.seconds > 0.0)
		return clock_ns() < measure->end_ns;
	return measure->begun < measure->options.count;
}

static void begin_measure(struct measure *measure, uint64_t *since_ns)
{
	*since_ns = clock_ns();
	measure->end_ns = *since_ns + (uint64_t)(measure->options.seconds * 1e9);
}

static void end_task(struct place *place, struct measure_result *result, uint64_t bytes)
{
	histogram_record(&result->ns, clock_ns() - place->submitted_ns);
	result->tasks++;
	result->bytes += bytes;
	place->task = 0;
}

static int begin_task(struct measure *measure, struct place *place, int64_t task,
	struct remora_adapter *adapter, struct measure_result *result)
{
	measure->begun++;
	if (task < 0) {
		fail(result, adapter, "a task was not accepted", (int)task);
		return 0;
	}
	place->task = task;
	return 1;
}

static int begin_store(struct measure *measure, struct place *place, struct remora_adapter *adapter,
	struct measure_result *result)
{
	size_t batch = measure->options.batch;

	name_objects(measure, place);
	place->submitted_ns = clock_ns();
	return begin_task(measure, place,
		remora_submit_store(adapter, place->keys, batch, place->objects, batch), adapter,
		result);
}

static struct place *find_place(struct measure *measure, int64_t task)
{
	unsigned i;

	for (i = 0; i < measure->options.in_flight; i++)
		if (measure->places[i].task == task)
			return &measure->places[i];
	return NULL;
}

/* Read back what is still in each place, as far as the server still has it. */
static void read_back(
	struct measure *measure, struct remora_adapter *adapter, struct measure_result *result)
{
	size_t batch = measure->options.batch;
	struct remora_bitmap *loaded;
	struct place *place;
	unsigned i;
	int err;

	for (i = 0; i < measure->options.in_flight; i++) {
		place = &measure->places[i];
		if (!measure->options.verify || !place->keys[0].data || result->failed)
			continue;
		poison(measure, place);
		err = transfer_load(adapter, place->keys, place->objects, batch, &loaded);
		if (err) {
			fail(result, adapter, "reading back", err);
			return;
		}
		verify(measure, place, loaded, result);
		remora_bitmap_destroy(loaded);
	}
}

int measure_stores(
	struct measure *measure, struct remora_adapter *adapter, struct measure_result *result)
{
	struct remora_store_result stored;
	unsigned i, in_flight = 0;
	struct place *place;
	uint64_t since;

	begin_measure(measure, &since);
	for (i = 0; i < measure->options.in_flight && wants_more(measure, result); i++)
		in_flight += (unsigned)begin_store(measure, &measure->places[i], adapter, result);
	while (in_flight) {
		if (!remora_pop_stores(adapter, &stored, 1)) {
			transfer_wait(remora_store_fd(adapter));
			continue;
		}
		place = find_place(measure, stored.task);
		in_flight--;
		if (stored.error)
			fail(result, adapter, "a store failed", stored.error);
		end_task(place, result, stored.bytes);
		if (wants_more(measure, result))
			in_flight += (unsigned)begin_store(measure, place, adapter, result);
	}
	result->seconds = (double)(clock_ns() - since) / 1e9;
	read_back(measure, adapter, result);
	return 0;
}

static int begin_load(struct measure *measure, struct place *place, struct remora_adapter *adapter,
	struct measure_result *result)
{
	size_t batch = measure->options.batch;

	poison(measure, place);
	place->submitted_ns = clock_ns();
	return begin_task(measure, place,
		remora_submit_load(adapter, place->keys, batch, place->objects, batch), adapter,
		result);
}

/* Store a place's batch and lock it, for the session's life. */
static int prepare(struct measure *measure, struct place *place, struct remora_adapter *adapter,
	struct measure_result *result)
{
	size_t batch = measure->options.batch, count;
	struct remora_bitmap *found;
	uint64_t bytes;
	int err;

	name_objects(measure, place);
	err = transfer_store(adapter, place->keys, place->objects, batch, &bytes);
	if (!err)
		err = transfer_lookup(adapter, place->keys, batch, &found);
	if (err) {
		fail(result, adapter, "storing the objects to be loaded", err);
		return err;
	}
	count = remora_bitmap_popcount(found);
	remora_bitmap_destroy(found);
	if (count == batch)
		return 0;
	fail(result, adapter, "the objects to be loaded do not all fit into the server", -ENOSPC);
	return -ENOSPC;
}

/* Returns 1 if the place has a new task. */
static int go_on_loading(struct measure *measure, struct place *place,
	struct remora_adapter *adapter, struct measure_result *result)
{
	size_t batch = measure->options.batch, count;
	struct remora_bitmap *loaded;
	int err;

	err = remora_query_load(adapter, place->task, &loaded);
	if (err == -EAGAIN)
		return 1;
	if (err) {
		fail(result, adapter, "a load has no result", err);
		place->task = 0;
		return 0;
	}
	count = remora_bitmap_popcount(loaded);
	end_task(place, result, count * measure->options.size);
	if (count != batch)
		fail(result, adapter, "a load of locked objects was not complete", -EIO);
	verify(measure, place, loaded, result);
	remora_bitmap_destroy(loaded);
	return wants_more(measure, result) ? begin_load(measure, place, adapter, result) : 0;
}

int measure_loads(
	struct measure *measure, struct remora_adapter *adapter, struct measure_result *result)
{
	unsigned i, in_flight = 0;
	uint64_t since;
	int err;

	for (i = 0; i < measure->options.in_flight; i++) {
		err = prepare(measure, &measure->places[i], adapter, result);
		if (err)
			return err;
	}
	begin_measure(measure, &since);
	for (i = 0; i < measure->options.in_flight && wants_more(measure, result); i++)
		in_flight += (unsigned)begin_load(measure, &measure->places[i], adapter, result);
	while (in_flight) {
		transfer_wait(remora_load_fd(adapter));
		for (i = 0, in_flight = 0; i < measure->options.in_flight; i++)
			if (measure->places[i].task)
				in_flight += (unsigned)go_on_loading(
					measure, &measure->places[i], adapter, result);
	}
	result->seconds = (double)(clock_ns() - since) / 1e9;
	for (i = 0; i < measure->options.in_flight; i++)
		remora_submit_unlock(adapter, measure->places[i].keys, measure->options.batch);
	return 0;
}

int measure_clean(struct measure *measure, struct remora_adapter *adapter)
{
	char(*text)[KEY_TEXT_LEN] = calloc(CLEAN_BATCH, sizeof(*text));
	struct remora_key *keys = calloc(CLEAN_BATCH, sizeof(*keys));
	uint64_t number = 0, rtt_ns;
	size_t count;
	int err = keys && text ? 0 : -ENOMEM;

	/* Unlocks are told to nobody: after a round trip they are delivered. */
	if (!err)
		err = remora_ping(adapter, &rtt_ns);
	while (!err && number < measure->named) {
		for (count = 0; count < CLEAN_BATCH && number < measure->named; count++) {
			keys[count].data = text[count];
			keys[count].len = name_object(measure, number++, text[count]);
		}
		err = remora_delete(adapter, keys, count, NULL);
	}
	free(keys);
	free(text);
	return err;
}

void measure_destroy(struct measure *measure)
{
	unsigned i;

	if (!measure)
		return;
	for (i = 0; measure->places && i < measure->options.in_flight; i++) {
		free(measure->places[i].keys);
		free(measure->places[i].objects);
		free(measure->places[i].text);
	}
	free(measure->places);
	munmap(measure->arena, measure->arena_len);
	free(measure);
}
