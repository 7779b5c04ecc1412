/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replies.c - what the server answers, and what follows from it
 *
 * The server is believed no more than it believes us: a reply must fit the
 * request it answers, and carry the session's boot id.
 */
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void call_end(struct calls *calls, struct call *call)
{
	call->id = 0;
	calls->busy--;
}

static struct call *call_find(struct calls *calls, uint64_t id)
{
	struct call *call = &calls->calls[id % CALLS_MAX];

	return id && call->id == id ? call : NULL;
}

/*
 * Each of these takes the reply's entries for one batch. What the batch still
 * has to move stays in its items.
 */
static int reply_reserve(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	struct task *task = batch->task;
	enum wire_status status;
	unsigned i, keep = 0;
	struct item item;
	int err;

	for (i = 0; i < batch->count; i++) {
		item = batch->items[i];
		err = wire_get_extent(reader, &status, &item.extent);
		if (err)
			return err;
		if (status != WIRE_OK) {
			if (status != WIRE_EXISTS)
				io_task_error(task, wire_status_to_errno(status));
			continue;
		}
		if (item.extent.len != task->objects[item.key].len)
			return -EPROTO;
		batch->items[keep++] = item;
	}
	batch->count = keep;
	batch->write = true;
	batch_unreserve(io, batch);
	for (i = 0; i < keep; i++)
		batch_reserve(io, batch, batch->items[i].extent.len);
	if (keep)
		transfer_start(io, batch);
	else
		batch_finish(io, batch);
	return 0;
}

static int reply_lookup(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	struct task *task = batch->task;
	bool load = task->kind == TASK_LOAD;
	struct held_entry *entry;
	enum wire_status status;
	struct wire_handle handle;
	unsigned i, keep = 0;
	struct item item;
	int err;

	for (i = 0; i < batch->count; i++) {
		item = batch->items[i];
		err = wire_get_extent(reader, &status, &item.extent);
		if (err)
			return err;
		if (status != WIRE_OK)
			continue;
		entry = held_add(io->held, task->keys[item.key], &item.extent);
		if (!entry) {
			calls_unlock(io, item.extent.handle);
			continue;
		}
		if (!load) {
			remora_bitmap_set(task->bits, item.key);
			continue;
		}
		/* The lock is the load's own: it goes when the pin goes. */
		if (item.extent.len == task->objects[item.key].len) {
			held_pin(entry);
			item.pin = entry;
			batch->items[keep++] = item;
		}
		if (held_unlock(io->held, task->keys[item.key], &handle))
			calls_unlock(io, handle);
	}
	batch->count = keep;
	if (keep)
		transfer_start(io, batch);
	else
		batch_finish(io, batch);
	return 0;
}

/* What a store left behind; a key that is gone was not stored. */
static int reply_verify(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	struct wire_extent extent;
	enum wire_status status;
	unsigned i;
	int err;

	for (i = 0; i < batch->count; i++) {
		err = wire_get_extent(reader, &status, &extent);
		if (err)
			return err;
		if (status != WIRE_OK)
			io_task_error(batch->task, -ENOSPC);
	}
	batch_finish(io, batch);
	return 0;
}

static int reply_commit(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	struct task *task = batch->task;
	enum wire_status status;
	unsigned i;
	int err;

	for (i = 0; i < batch->count; i++) {
		err = wire_get_status(reader, &status);
		if (err)
			return err;
		if (status != WIRE_OK && status != WIRE_EXISTS)
			io_task_error(task, wire_status_to_errno(status));
		else
			task->bytes += batch->items[i].extent.len;
		if (status == WIRE_OK)
			task->settled[batch->items[i].key] = TASK_SETTLED;
	}
	/* The answer proves that every WRITE is placed, but not that they completed here. */
	if (!batch->outstanding)
		batch_finish(io, batch);
	return 0;
}

static int reply_delete(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	struct task *task = batch->task;
	enum wire_status status;
	unsigned i;
	int err;

	for (i = 0; i < batch->count; i++) {
		err = wire_get_status(reader, &status);
		if (err)
			return err;
		if (status == WIRE_OK)
			remora_bitmap_set(task->bits, batch->items[i].key);
		else if (status != WIRE_NOT_FOUND)
			io_task_error(task, wire_status_to_errno(status));
	}
	batch_finish(io, batch);
	return 0;
}

/* The asker reads it, on its own thread. */
static int reply_copy(struct io *io, struct batch *batch, const void *frame, size_t len)
{
	struct task *task = batch->task;

	task->reply = malloc(len);
	if (task->reply) {
		memcpy(task->reply, frame, len);
		task->reply_len = len;
	} else {
		io_task_error(task, -ENOMEM);
	}
	batch_finish(io, batch);
	return 0;
}

static int reply_refused(struct io *io, struct batch *batch, struct wire_reader *reader)
{
	char text[WIRE_TEXT_MAX + 1];
	struct wire_refusal refusal;
	int err = wire_get_refusal(reader, &refusal);

	if (err)
		return err;
	wire_refusal_text(&refusal, text);
	core_log(io->core, REMORA_LOG_WARN, "the server refused a request: %s", text);
	if (!batch)
		return 0;
	io_task_error(batch->task, wire_status_to_errno(refusal.status));
	if (batch->write) {
		/* A refused COMMIT leaves the WRITEs in flight: only the session's end is safe. */
		io_fault(io, -EPROTO, "the server refused a commit");
		return 0;
	}
	batch_finish(io, batch);
	return 0;
}

static int reply(struct io *io, uint8_t type, struct batch *batch, struct wire_reader *reader,
	unsigned count)
{
	int err;

	if (count != batch->count)
		return -EPROTO;
	if (type == WIRE_RESERVE)
		err = reply_reserve(io, batch, reader);
	else if (batch->task->verifying)
		err = reply_verify(io, batch, reader);
	else if (type == WIRE_LOOKUP)
		err = reply_lookup(io, batch, reader);
	else if (type == WIRE_COMMIT)
		err = reply_commit(io, batch, reader);
	else
		err = reply_delete(io, batch, reader);
	return err ? err : wire_close(reader);
}

static int take_reply(struct io *io, struct calls *calls, const void *frame, size_t len)
{
	struct wire_header header;
	struct wire_reader reader;
	struct batch *batch;
	struct call *call;
	uint8_t type;
	int err;

	err = wire_open(&reader, frame, len, &header);
	if (err)
		return err;
	call = call_find(calls, header.task);
	if (!call || header.boot != io->peer->boot)
		return -EPROTO;
	type = call->type;
	batch = call->batch;
	if (call->sent_ns > io->renewed_ns)
		io->renewed_ns = call->sent_ns;
	call_end(calls, call);
	if (batch)
		batch->awaiting = false;
	if (header.type == WIRE_REFUSED)
		return reply_refused(io, batch, &reader);
	if (header.type != (type | WIRE_REPLY))
		return -EPROTO;
	if (!batch)
		return 0;
	if (batch->task->kind >= TASK_LENGTH)
		return reply_copy(io, batch, frame, len);
	return reply(io, type, batch, &reader, header.count);
}

void replies_received(struct io *io, int lane, const void *frame, size_t len)
{
	struct calls *calls = lane < 0 ? &io->control_calls : &io->data_calls[lane];
	int err = take_reply(io, calls, frame, len);

	if (err)
		io_fault(io, err, "the server sent a reply that does not fit: %zu bytes on %s lane",
			len, lane < 0 ? "the control" : "a data");
}
