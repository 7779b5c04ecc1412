/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.c - the bytes of batches, by WRITE and READ on the data lanes
 *
 * Each lane has a first-in first-out queue of batches. The batch at its head
 * is cut into work requests of at most LANE_CHUNK_MAX bytes that stay inside
 * one memory region; a store's COMMIT follows its last WRITE on the same lane,
 * so the server's receive of it proves that the bytes are in place.
 */
#include "io.h"

#include <stdlib.h>
#include <string.h>

struct batch *batch_create(struct io *io, struct task *task, unsigned items_max)
{
	struct batch *batch = malloc(sizeof(*batch) + items_max * sizeof(batch->items[0]));

	if (!batch)
		return NULL;
	memset(batch, 0, sizeof(*batch));
	batch->task = task;
	task->batches++;
	TAILQ_INSERT_TAIL(&io->batches, batch, all);
	return batch;
}

/* As the server counts them. */
static uint64_t whole_pages(uint64_t len)
{
	return (len + 4095) & ~UINT64_C(4095);
}

bool batch_may_reserve(const struct io *io, uint64_t len)
{
	const struct wire_welcome *welcome = &io->peer->welcome;

	if (!io->reservations || len > welcome->max_object)
		return true;
	return io->reservations < welcome->max_reservations &&
	       io->reserved + whole_pages(len) <= welcome->max_reserved;
}

void batch_reserve(struct io *io, struct batch *batch, uint64_t len)
{
	/* What is too large is refused, not reserved. */
	if (len > io->peer->welcome.max_object)
		return;
	batch->reserved += whole_pages(len);
	batch->reservations++;
	io->reserved += whole_pages(len);
	io->reservations++;
}

void batch_unreserve(struct io *io, struct batch *batch)
{
	io->reserved -= batch->reserved;
	io->reservations -= batch->reservations;
	batch->reserved = 0;
	batch->reservations = 0;
}

void batch_drop(struct io *io, struct batch *batch)
{
	batch_unreserve(io, batch);
	batch->task->batches--;
	TAILQ_REMOVE(&io->batches, batch, all);
	free(batch);
}

void batch_finish(struct io *io, struct batch *batch)
{
	struct task *task = batch->task;
	struct wire_handle handle;
	unsigned i, owed;

	for (i = 0; i < batch->count; i++) {
		if (!batch->items[i].pin)
			continue;
		owed = held_unpin(io->held, batch->items[i].pin, &handle);
		while (owed--)
			calls_unlock(io, handle);
	}
	batch_drop(io, batch);
	io_settle(io, task);
}

/* All bytes of a load are here, or all of a store are committed. */
static void finish_if_over(struct io *io, struct batch *batch)
{
	unsigned i;

	if (!batch->queued || batch->outstanding || batch->awaiting)
		return;
	/*
	 * An answer may leave the server after the lock is gone: soft-iWARP sends
	 * it from the pages, and TCP goes on when the queue pair is destroyed.
	 */
	if (!batch->write && !lease_holds(io))
		return;
	if (!batch->write)
		for (i = 0; i < batch->count; i++) {
			remora_bitmap_set(batch->task->bits, batch->items[i].key);
			batch->task->bytes += batch->items[i].extent.len;
		}
	batch_finish(io, batch);
}

void transfer_start(struct io *io, struct batch *batch)
{
	unsigned lane, i;

	for (i = 0; i < batch->count; i++)
		batch->left += batch->items[i].extent.len;
	for (lane = 1; lane < io->peer->data_lanes; lane++)
		if (io->fifo_bytes[lane] < io->fifo_bytes[batch->lane])
			batch->lane = lane;
	io->fifo_bytes[batch->lane] += batch->left;
	STAILQ_INSERT_TAIL(&io->fifos[batch->lane], batch, fifo);
}

/* A registered place for the next chunk, and how long it may be. */
struct place {
	uint8_t *data;
	uint32_t lkey;
	size_t len;
	void *cookie;
};

static bool place_in_bounce(
	struct io *io, struct batch *batch, uint8_t *data, size_t len, struct place *place)
{
	struct bounce_slot *slot = bounce_take(io->bounce);
	size_t left;

	if (!slot)
		return false;
	if (len > bounce_slot_len(io->bounce))
		len = bounce_slot_len(io->bounce);
	slot->owner = batch;
	slot->len = len;
	slot->copy_to = batch->write ? NULL : data;
	if (batch->write)
		memcpy(slot->data, data, len);
	io->counters.bytes_bounced += len;
	*place = (struct place){
		.data = slot->data,
		.lkey = memory_lkey(io->device->bounce, slot->data, &left),
		.len = len,
		.cookie = slot,
	};
	return true;
}

/* False: every bounce slot is taken. */
static bool place_chunk(
	struct io *io, struct batch *batch, const struct item *item, struct place *place)
{
	struct remora_object *object = &batch->task->objects[item->key];
	uint8_t *data = (uint8_t *)object->data + batch->next_offset;
	size_t len = object->len - batch->next_offset, left;

	if (len > LANE_CHUNK_MAX)
		len = LANE_CHUNK_MAX;
	if (!io->device->arena || !memory_contains(io->device->arena, data, len))
		return place_in_bounce(io, batch, data, len, place);
	place->data = data;
	place->lkey = memory_lkey(io->device->arena, data, &left);
	place->len = len < left ? len : left;
	place->cookie = batch;
	return true;
}

/* Queue one work request. False: it cannot be now. */
static bool queue_chunk(struct io *io, struct batch *batch)
{
	struct lane *lane = io->peer->data[batch->lane].lane;
	struct item *item = &batch->items[batch->next_item];
	uint64_t remote = item->extent.addr + batch->next_offset;
	struct place place;

	if (!lane_room(lane) || !place_chunk(io, batch, item, &place))
		return false;
	if (batch->write) {
		lane_write(lane, place.data, place.lkey, place.len, remote, item->extent.rkey,
			place.cookie);
		io->counters.bytes_written += place.len;
	} else {
		lane_read(lane, place.data, place.lkey, place.len, remote, item->extent.rkey,
			place.cookie);
		io->counters.bytes_read += place.len;
	}
	batch->outstanding++;
	batch->left -= place.len;
	io->fifo_bytes[batch->lane] -= place.len;
	batch->next_offset += place.len;
	if (batch->next_offset == item->extent.len) {
		batch->next_item++;
		batch->next_offset = 0;
	}
	return true;
}

/* Queue the batch at the head of a lane. False: it is not all queued yet. */
static bool queue_batch(struct io *io, struct batch *batch)
{
	while (batch->next_item < batch->count)
		if (!queue_chunk(io, batch))
			return false;
	return !batch->write || calls_commit(io, batch);
}

static void progress_lane(struct io *io, unsigned number)
{
	struct lane *lane = io->peer->data[number].lane;
	struct lane_counters before = lane_counters(lane), after;
	struct batch *batch;
	int err;

	while ((batch = STAILQ_FIRST(&io->fifos[number]))) {
		if (!queue_batch(io, batch))
			break;
		STAILQ_REMOVE_HEAD(&io->fifos[number], fifo);
		batch->queued = true;
		finish_if_over(io, batch);
	}
	err = lane_flush(lane, true);
	if (err)
		io_fault(io, err, "%s", lane_error(lane));
	after = lane_counters(lane);
	io->counters.work_requests += after.work_requests - before.work_requests;
	io->counters.doorbells += after.doorbells - before.doorbells;
}

void transfer_progress(struct io *io)
{
	unsigned i;

	for (i = 0; i < io->peer->data_lanes; i++)
		progress_lane(io, i);
}

void transfer_done(struct io *io, void *cookie)
{
	struct batch *batch = cookie;
	struct bounce_slot *slot;

	if (bounce_owns(io->bounce, cookie)) {
		slot = cookie;
		batch = slot->owner;
		if (slot->copy_to)
			memcpy(slot->copy_to, slot->data, slot->len);
		bounce_give(io->bounce, slot);
	}
	batch->outstanding--;
	finish_if_over(io, batch);
}
