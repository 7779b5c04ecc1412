/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_request.c - one request of a replay on its way
 *
 * Belongs to one client's thread. Results drive it: each ends a step, and
 * advance() begins the next one.
 */
#include "replay_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "payload.h"
#include "reason.h"
#include "replay_totals.h"

enum { KEY_TEXT_LEN = REPLAY_PREFIX_MAX + 64 };

void replay_request_init(
	struct replay_request *request, const struct replay_context *context, unsigned char *memory)
{
	*request = (struct replay_request){.context = context, .memory = memory};
}

void replay_request_fini(struct replay_request *request)
{
	free(request->keys);
	free(request->key_text);
	free(request->objects);
}

/* Objects are kept apart by whole cache lines; payloads want 8 bytes. */
static size_t object_step(const struct replay_plan *plan)
{
	return (plan->object_len + 63) & ~(size_t)63;
}

static int make_room(struct replay_request *request, size_t count)
{
	if (count <= request->allocated)
		return 0;
	replay_request_fini(request);
	request->keys = calloc(count, sizeof(*request->keys));
	request->key_text = calloc(count, KEY_TEXT_LEN);
	request->objects = calloc(count, sizeof(*request->objects));
	request->allocated = request->keys && request->key_text && request->objects ? count : 0;
	return request->allocated ? 0 : -ENOMEM;
}

static void name_shares(struct replay_request *request, const struct trace_request *wanted)
{
	const struct replay_plan *plan = request->context->plan;
	const uint64_t *ids = plan->trace->ids + wanted->first;
	char *text = request->key_text;
	size_t i;
	int len;

	for (i = 0; i < request->count; i++, text += KEY_TEXT_LEN) {
		len = snprintf(text, KEY_TEXT_LEN, "%s/r%zu/%016" PRIx64, plan->prefix,
			i % plan->ranks, ids[i / plan->ranks]);
		request->keys[i] = (struct remora_key){.data = text, .len = (size_t)len};
	}
}

static void submitted(
	struct replay_request *request, struct replay_operation *operation, int64_t task)
{
	request->submitted_ns = clock_ns();
	request->task = task;
	replay_operation_begin(operation, request->submitted_ns);
}

static void ended(struct replay_request *request, struct replay_operation *operation, int failed)
{
	replay_operation_end(operation, request->submitted_ns, clock_ns(), failed);
	if (failed)
		atomic_fetch_add(&request->context->progress->failures, 1);
}

/* Where the i-th share of the task under way lies. */
static struct remora_object object_at(const struct replay_request *request, size_t i)
{
	const struct replay_plan *plan = request->context->plan;

	return (struct remora_object){
		.data = request->memory + i * object_step(plan),
		.len = plan->object_len,
	};
}

/* Choose the shares of the next task, up to end, and their memory. */
static void take_piece(struct replay_request *request, size_t end)
{
	const struct replay_plan *plan = request->context->plan;
	size_t fit = plan->request_memory / object_step(plan), i;

	request->piece = end - request->next < fit ? end - request->next : fit;
	for (i = 0; i < request->piece; i++)
		request->objects[i] = object_at(request, i);
}

static int submit_load(struct replay_request *request)
{
	const struct remora_key *keys = request->keys + request->next;
	const struct replay_context *context = request->context;
	size_t i;

	take_piece(request, request->leading);
	for (i = 0; i < request->piece; i++)
		payload_poison(request->objects[i].data, request->objects[i].len,
			payload_seed(keys[i].data, keys[i].len));
	request->step = REPLAY_LOAD;
	submitted(request, &context->totals->load,
		remora_submit_load(
			context->adapter, keys, request->piece, request->objects, request->piece));
	return request->task < 0 ? (int)request->task : 0;
}

static int submit_store(struct replay_request *request)
{
	const struct remora_key *keys = request->keys + request->next;
	const struct replay_context *context = request->context;
	size_t i;

	take_piece(request, request->count);
	for (i = 0; i < request->piece; i++)
		payload_fill(request->objects[i].data, request->objects[i].len,
			payload_seed(keys[i].data, keys[i].len));
	request->step = REPLAY_STORE;
	submitted(request, &context->totals->store,
		remora_submit_store(
			context->adapter, keys, request->piece, request->objects, request->piece));
	return request->task < 0 ? (int)request->task : 0;
}

static void finish(struct replay_request *request)
{
	request->step = REPLAY_IDLE;
	request->context->totals->requests++;
	atomic_fetch_add(&request->context->progress->done, 1);
}

/* Give back the locks of the leading run when all of it was loaded. */
static void unlock_loaded(struct replay_request *request)
{
	if (!request->locked || request->next < request->leading)
		return;
	request->locked = 0;
	remora_submit_unlock(request->context->adapter, request->keys, request->leading);
}

/* Begin the next task. One that cannot be submitted counts as failed and is passed over. */
static void advance(struct replay_request *request)
{
	const struct replay_context *context = request->context;
	struct replay_operation *operation;
	int err;

	for (;;) {
		unlock_loaded(request);
		if (request->next < request->leading) {
			operation = &context->totals->load;
			err = submit_load(request);
		} else if (request->next < request->count) {
			operation = &context->totals->store;
			err = submit_store(request);
		} else {
			finish(request);
			return;
		}
		if (!err)
			return;
		ended(request, operation, 1);
		replay_totals_error(
			context->totals, "a task was not accepted: %s", reason_text(err));
		request->next += request->piece;
	}
}

void replay_request_begin(struct replay_request *request, const struct trace_request *wanted)
{
	const struct replay_context *context = request->context;

	request->count = (size_t)wanted->block_count * context->plan->ranks;
	request->leading = request->next = 0;
	request->locked = 0;
	if (!request->count) {
		finish(request);
		return;
	}
	if (make_room(request, request->count)) {
		replay_totals_error(context->totals, "no memory for %zu keys", request->count);
		request->count = 0;
		submitted(request, &context->totals->lookup, -ENOMEM);
		ended(request, &context->totals->lookup, 1);
		finish(request);
		return;
	}
	name_shares(request, wanted);
	request->step = REPLAY_LOOKUP;
	submitted(request, &context->totals->lookup,
		remora_submit_lookup(context->adapter, request->keys, request->count));
	if (request->task < 0) {
		ended(request, &context->totals->lookup, 1);
		replay_totals_error(context->totals, "a lookup was not accepted: %s",
			reason_text((int)request->task));
		advance(request);
	}
}

/* Count the blocks of which all ranks' shares were found. */
static void count_hits(struct replay_request *request, const struct remora_bitmap *found)
{
	struct replay_totals *totals = request->context->totals;
	size_t ranks = request->context->plan->ranks, i, rank;

	for (i = 0; i < request->count; i += ranks) {
		for (rank = 0; rank < ranks; rank++)
			if (!remora_bitmap_test(found, i + rank))
				break;
		totals->hits += rank == ranks;
	}
	totals->blocks += request->count / ranks;
	totals->leading_hits += request->leading / ranks;
}

/* Unlock what the lookup locked and nobody will load. */
static void unlock_rest(struct replay_request *request, const struct remora_bitmap *found)
{
	struct remora_key *keys;
	size_t i, count = 0;

	keys = calloc(request->count, sizeof(*keys));
	for (i = request->leading; i < request->count; i++) {
		if (!remora_bitmap_test(found, i))
			continue;
		/* Short of memory, one by one. */
		if (!keys)
			remora_submit_unlock(request->context->adapter, &request->keys[i], 1);
		else
			keys[count++] = request->keys[i];
	}
	if (count)
		remora_submit_unlock(request->context->adapter, keys, count);
	free(keys);
}

static void looked_up(struct replay_request *request, const struct remora_bitmap *found)
{
	const struct replay_context *context = request->context;
	size_t ranks = context->plan->ranks;
	int failed = remora_bitmap_size(found) != request->count;

	ended(request, &context->totals->lookup, failed);
	if (failed)
		replay_totals_error(context->totals, "a lookup of %zu keys answered for %zu",
			request->count, remora_bitmap_size(found));
	request->leading = remora_bitmap_count_leading_ones(found) / ranks * ranks;
	if (request->leading > request->count)
		request->leading = 0;
	request->locked = request->leading > 0;
	count_hits(request, found);
	unlock_rest(request, found);
	advance(request);
}

static void note_mismatch(struct replay_request *request, size_t i, size_t offset)
{
	const struct remora_key *key = &request->keys[request->next + i];
	const uint8_t *data = request->objects[i].data;

	request->context->totals->mismatches++;
	replay_totals_error(request->context->totals,
		"object %.*s: byte %zu of %zu is 0x%02x, not 0x%02x", (int)key->len,
		(const char *)key->data, offset, request->objects[i].len, data[offset],
		payload_byte(offset, payload_seed(key->data, key->len)));
}

static void verify(struct replay_request *request, size_t i)
{
	const struct remora_key *key = &request->keys[request->next + i];
	struct replay_totals *totals = request->context->totals;
	const struct remora_object *object = &request->objects[i];
	size_t wrong;

	wrong = payload_check(object->data, object->len, payload_seed(key->data, key->len));
	if (wrong != PAYLOAD_GOOD)
		note_mismatch(request, i, wrong);
	totals->objects_loaded++;
	totals->bytes_loaded += object->len;
	totals->bytes_verified += object->len;
	atomic_fetch_add(&request->context->progress->bytes_loaded, object->len);
}

static void loaded(struct replay_request *request, const struct remora_bitmap *done)
{
	const struct replay_context *context = request->context;
	int failed = remora_bitmap_size(done) != request->piece ||
		     remora_bitmap_popcount(done) != request->piece;
	struct remora_status status;
	size_t i;

	ended(request, &context->totals->load, failed);
	if (failed) {
		remora_status(context->adapter, &status);
		replay_totals_error(context->totals, "a load of %zu locked objects gave %zu: %s",
			request->piece, remora_bitmap_popcount(done),
			status.error[0] ? status.error : "no reason is known");
	}
	for (i = 0; i < request->piece; i++)
		if (remora_bitmap_test(done, i))
			verify(request, i);

	request->next += request->piece;
	advance(request);
}

void replay_request_stored(struct replay_request *request, const struct remora_store_result *result)
{
	const struct replay_context *context = request->context;
	struct replay_totals *totals = context->totals;
	uint64_t objects = result->bytes / context->plan->object_len;
	struct remora_status status;

	ended(request, &totals->store, result->error != 0);
	totals->objects_stored += objects;
	totals->bytes_stored += result->bytes;
	atomic_fetch_add(&context->progress->bytes_stored, result->bytes);
	if (result->error) {
		remora_status(context->adapter, &status);
		replay_totals_error(totals, "a store of %zu objects failed: %s%s%s", request->piece,
			reason_text(result->error), status.error[0] ? ": " : "", status.error);
	} else {
		totals->objects_existed += request->piece - objects;
	}
	request->next += request->piece;
	advance(request);
}

void replay_request_query(struct replay_request *request)
{
	struct remora_adapter *adapter = request->context->adapter;
	enum replay_step step = request->step;
	struct remora_bitmap *bitmap;
	int err;

	if (step == REPLAY_LOOKUP)
		err = remora_query_lookup(adapter, request->task, &bitmap);
	else if (step == REPLAY_LOAD)
		err = remora_query_load(adapter, request->task, &bitmap);
	else
		return;
	if (err == -EAGAIN)
		return;
	if (err) {
		/* Not a result: an empty one makes the task count as failed. */
		replay_totals_error(request->context->totals, "task %" PRId64 " is unknown: %s",
			request->task, reason_text(err));
		bitmap = remora_bitmap_create(0);
	}
	if (step == REPLAY_LOOKUP)
		looked_up(request, bitmap);
	else
		loaded(request, bitmap);
	remora_bitmap_destroy(bitmap);
}
