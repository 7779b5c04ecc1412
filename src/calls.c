/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - requests to the server and its replies
 *
 * A lane carries as many unanswered requests as it has credits. A task with
 * more keys than a frame holds is pipelined in as many requests as it needs.
 * The server is believed no more than it is by us: a reply must fit the request
 * it answers, and carry the session's boot id.
 */
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct call *call_begin(
	struct io *io, struct calls *calls, const struct peer_lane *lane, uint8_t type)
{
	unsigned limit = lane->credits < CALLS_MAX ? lane->credits : CALLS_MAX, i;

	if (calls->busy >= limit)
		return NULL;
	for (i = 0; calls->calls[i].id; i++)
		;
	calls->calls[i] = (struct call){
		.id = ++calls->next * CALLS_MAX + i,
		.sent_ns = io->now,
		.type = type,
	};
	calls->busy++;
	return &calls->calls[i];
}

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

void calls_unlock(struct io *io, struct wire_handle handle)
{
	size_t cap = io->unlock_cap ? 2 * io->unlock_cap : 1024;
	struct wire_handle *unlocks;

	if (io->unlock_count == io->unlock_cap) {
		unlocks = realloc(io->unlocks, cap * sizeof(*unlocks));
		if (!unlocks) {
			io_fault(io, -ENOMEM, "no memory for an unlock: the session ends instead");
			return;
		}
		io->unlocks = unlocks;
		io->unlock_cap = cap;
	}
	io->unlocks[io->unlock_count++] = handle;
}

static enum wire_type task_request(const struct task *task)
{
	switch (task->kind) {
	case TASK_STORE: return WIRE_RESERVE;
	case TASK_LOOKUP:
	case TASK_LENGTH:
	case TASK_LOAD: return WIRE_LOOKUP;
	case TASK_DELETE: return WIRE_DELETE;
	case TASK_LIST: return WIRE_LIST;
	case TASK_USAGE: return WIRE_USAGE;
	case TASK_PING:
	case TASK_UNLOCK: break;
	}
	return WIRE_PING;
}

/* Keys that one request of this task may name. */
static unsigned keys_max(const struct io *io, const struct task *task)
{
	unsigned max = wire_batch_max(task_request(task), io->peer->control.frame);
	size_t commits = (io->peer->data[0].frame - WIRE_HEADER_LEN) / sizeof(struct wire_handle);
	size_t left = task->count - task->next_key;

	/* A batch has one COMMIT, and that is one frame. */
	if (task->kind == TASK_STORE && max > commits)
		max = (unsigned)commits;
	return left < max ? (unsigned)left : max;
}

static int put_key(struct wire_writer *writer, const struct task *task, size_t key)
{
	if (task->kind == TASK_STORE)
		return wire_put_reserve(writer, task->keys[key], task->objects[key].len);
	return wire_put_key(writer, task->keys[key]);
}

static int put_keys(
	struct wire_writer *writer, struct task *task, struct batch *batch, unsigned max)
{
	int err = 0;

	for (; task->next_key < task->count && batch->count < max; task->next_key++) {
		if (task->settled[task->next_key])
			continue;
		err = put_key(writer, task, task->next_key);
		if (err)
			break;
		batch->items[batch->count++] = (struct item){.key = (uint32_t)task->next_key};
	}
	return err == -EMSGSIZE && batch->count ? 0 : err;
}

static int put_request(
	struct wire_writer *writer, struct task *task, struct batch *batch, unsigned max)
{
	static const struct wire_key everything;

	switch (task->kind) {
	case TASK_STORE:
	case TASK_LOOKUP:
	case TASK_LOAD:
	case TASK_LENGTH:
	case TASK_DELETE: return put_keys(writer, task, batch, max);
	case TASK_LIST:
		task->next_key = task->count;
		return wire_put_list(
			writer, task->cursor, task->count ? task->keys[0] : everything);
	case TASK_USAGE:
	case TASK_PING:
	case TASK_UNLOCK: break;
	}
	return 0;
}

/* Send one request of the task. False: not now. */
static bool ask(struct io *io, struct task *task)
{
	struct peer_lane *control = &io->peer->control;
	struct wire_header header = {.type = task_request(task), .boot = io->peer->boot};
	unsigned max = keys_max(io, task);
	struct wire_writer writer;
	struct batch *batch;
	struct call *call;
	void *frame;
	int err;

	if (io->control_calls.busy >= control->credits)
		return false;
	frame = lane_frame(control->lane);
	if (!frame)
		return false;
	batch = batch_create(io, task, max);
	if (!batch) {
		lane_unframe(control->lane);
		io_task_error(task, -ENOMEM);
		task->next_key = task->count;
		return true;
	}
	call = call_begin(io, &io->control_calls, control, header.type);
	call->batch = batch;
	header.task = call->id;
	if (task->kind == TASK_LOOKUP || task->kind == TASK_LOAD)
		header.flags = WIRE_FLAG_LOCK;
	wire_begin(&writer, frame, control->frame, &header);
	err = put_request(&writer, task, batch, max);
	if (err) {
		/* Keys and lengths were checked when the task was made. */
		io_fault(io, err, "cannot encode a request");
		lane_unframe(control->lane);
		return false;
	}
	batch->awaiting = true;
	lane_send(control->lane, wire_end(&writer));
	io->asked_ns = io->now;
	return true;
}

static void send_unlocks(struct io *io)
{
	struct peer_lane *control = &io->peer->control;
	struct wire_header header = {.type = WIRE_UNLOCK, .boot = io->peer->boot};
	unsigned max = wire_batch_max(WIRE_UNLOCK, control->frame);
	struct wire_writer writer;
	struct call *call;
	size_t sent = 0;
	void *frame;

	while (sent < io->unlock_count && io->control_calls.busy < control->credits &&
		(frame = lane_frame(control->lane))) {
		call = call_begin(io, &io->control_calls, control, WIRE_UNLOCK);
		header.task = call->id;
		wire_begin(&writer, frame, control->frame, &header);
		while (sent < io->unlock_count && writer.count < max &&
			!wire_put_handle(&writer, io->unlocks[sent]))
			sent++;
		lane_send(control->lane, wire_end(&writer));
	}
	io->unlock_count -= sent;
	memmove(io->unlocks, io->unlocks + sent, io->unlock_count * sizeof(*io->unlocks));
}

void calls_progress(struct io *io)
{
	struct task *task;
	int err;

	/* First: a delete that follows an unlock must find the key unlocked. */
	if (io->unlock_count)
		send_unlocks(io);
	while ((task = STAILQ_FIRST(&io->asks))) {
		if (!ask(io, task))
			break;
		while (task->next_key < task->count && task->settled[task->next_key])
			task->next_key++;
		if (task->next_key < task->count)
			continue;
		STAILQ_REMOVE_HEAD(&io->asks, ask_link);
		task->asking = false;
		io_settle(io, task);
	}
	/* Nobody waits for a request to be sent, only for its answer. */
	err = lane_flush(io->peer->control.lane, false);
	if (err)
		io_fault(io, err, "%s", lane_error(io->peer->control.lane));
}

void calls_heartbeat(struct io *io)
{
	struct peer_lane *control = &io->peer->control;
	struct wire_header header = {.type = WIRE_PING, .boot = io->peer->boot};
	struct wire_writer writer;
	void *frame;

	/* With every credit in use there is traffic enough. */
	if (io->control_calls.busy >= control->credits)
		return;
	frame = lane_frame(control->lane);
	if (!frame)
		return;
	header.task = call_begin(io, &io->control_calls, control, WIRE_PING)->id;
	wire_begin(&writer, frame, control->frame, &header);
	lane_send(control->lane, wire_end(&writer));
	io->asked_ns = io->now;
}

bool calls_commit(struct io *io, struct batch *batch)
{
	struct peer_lane *lane = &io->peer->data[batch->lane];
	struct calls *calls = &io->data_calls[batch->lane];
	struct wire_header header = {.type = WIRE_COMMIT, .boot = io->peer->boot};
	struct wire_writer writer;
	struct call *call;
	void *frame;
	unsigned i;

	if (calls->busy >= lane->credits)
		return false;
	frame = lane_frame(lane->lane);
	if (!frame)
		return false;
	call = call_begin(io, calls, lane, WIRE_COMMIT);
	call->batch = batch;
	header.task = call->id;
	wire_begin(&writer, frame, lane->frame, &header);
	for (i = 0; i < batch->count; i++)
		wire_put_handle(&writer, batch->items[i].extent.handle);
	batch->awaiting = true;
	lane_send(lane->lane, wire_end(&writer));
	return true;
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
	adapter_log(io->adapter, REMORA_LOG_WARN, "the server refused a request: %s", text);
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

void calls_received(struct io *io, int lane, const void *frame, size_t len)
{
	struct calls *calls = lane < 0 ? &io->control_calls : &io->data_calls[lane];
	int err = take_reply(io, calls, frame, len);

	if (err)
		io_fault(io, err, "the server sent a reply that does not fit: %zu bytes on %s lane",
			len, lane < 0 ? "the control" : "a data");
}
