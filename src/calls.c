/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - requests to the server
 *
 * A lane carries as many unanswered requests as it has credits. A task with
 * more keys than a frame holds is pipelined in as many requests as it needs.
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

void calls_unlock(struct io *io, struct wire_handle handle)
{
	size_t cap = io->unlock_cap ? 2 * io->unlock_cap : 1024;
	struct wire_handle *unlocks;

	if (io->unlock_count == io->unlock_cap) {
		unlocks = realloc(io->unlocks, cap * sizeof(*unlocks));
		if (!unlocks) {
			io_fault(io, -ENOMEM, "an unlock is lost, so the session ends: %s",
				strerror(ENOMEM));
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
	case TASK_STORE: return task->verifying ? WIRE_LOOKUP : WIRE_RESERVE;
	case TASK_LOOKUP:
	case TASK_LENGTH:
	case TASK_LOAD: return WIRE_LOOKUP;
	case TASK_DELETE: return WIRE_DELETE;
	case TASK_LIST: return WIRE_LIST;
	case TASK_USAGE: return WIRE_USAGE;
	case TASK_SALTS: return WIRE_SALTS;
	case TASK_PING:
	case TASK_UNLOCK: break;
	}
	return WIRE_PING;
}

/* No request names this key. */
static bool skips(const struct task *task, size_t key)
{
	/* What this task has stored is asked about again when it verifies. */
	return task->verifying ? task->settled[key] == TASK_TWIN : task->settled[key];
}

static bool reserves(const struct task *task)
{
	return task->kind == TASK_STORE && !task->verifying;
}

/* Keys that one request of this task may name. */
static unsigned keys_max(const struct io *io, const struct task *task)
{
	unsigned max = wire_batch_max(task_request(task), io->peer->control.frame);
	size_t commits = (io->peer->data[0].frame - WIRE_HEADER_LEN) / sizeof(struct wire_handle);
	size_t left = task->count - task->next_key;

	/* A batch has one COMMIT, and that is one frame. */
	if (reserves(task) && max > commits)
		max = (unsigned)commits;
	return left < max ? (unsigned)left : max;
}

static int put_key(struct wire_writer *writer, const struct task *task, size_t key)
{
	const struct remora_object *object;
	struct wire_salt salt;

	if (!reserves(task))
		return wire_put_key(writer, task->keys[key]);
	object = &task->objects[key];
	salt = (struct wire_salt){(const uint8_t *)object->salt, (uint8_t)strlen(object->salt)};
	return wire_put_reserve(writer, task->keys[key], object->len, salt);
}

static int put_keys(struct io *io, struct wire_writer *writer, struct batch *batch, unsigned max)
{
	struct task *task = batch->task;
	bool store = reserves(task);
	int err = 0;

	for (; task->next_key < task->count && batch->count < max; task->next_key++) {
		if (skips(task, task->next_key))
			continue;
		if (store && !batch_may_reserve(io, task->objects[task->next_key].len))
			break;
		err = put_key(writer, task, task->next_key);
		if (err)
			break;
		if (store)
			batch_reserve(io, batch, task->objects[task->next_key].len);
		batch->items[batch->count++] = (struct item){.key = (uint32_t)task->next_key};
	}
	return err == -EMSGSIZE && batch->count ? 0 : err;
}

static int put_request(struct io *io, struct wire_writer *writer, struct batch *batch, unsigned max)
{
	static const struct wire_key everything;
	struct task *task = batch->task;

	switch (task->kind) {
	case TASK_STORE:
	case TASK_LOOKUP:
	case TASK_LOAD:
	case TASK_LENGTH:
	case TASK_DELETE: return put_keys(io, writer, batch, max);
	case TASK_LIST:
		task->next_key = task->count;
		return wire_put_list(
			writer, task->cursor, task->count ? task->keys[0] : everything);
	case TASK_SALTS: return wire_put_cursor(writer, task->cursor);
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
	err = put_request(io, &writer, batch, max);
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

/* A store waits until what the session may reserve has room for its next key. */
static bool must_wait(const struct io *io, const struct task *task)
{
	return reserves(task) && !batch_may_reserve(io, task->objects[task->next_key].len);
}

/* Send the task's requests. False: some are left for later. */
static bool ask_all(struct io *io, struct task *task)
{
	do {
		if (must_wait(io, task)) {
			task->parted = task->next_key > 0;
			return false;
		}
		if (!ask(io, task))
			return false;
		while (task->next_key < task->count && skips(task, task->next_key))
			task->next_key++;
	} while (task->next_key < task->count);
	return true;
}

void calls_progress(struct io *io)
{
	struct task *task, *next;
	bool full = false;
	int err;

	/* First: a delete that follows an unlock must find the key unlocked. */
	if (io->unlock_count)
		send_unlocks(io);
	for (task = STAILQ_FIRST(&io->asks); task; task = next) {
		next = STAILQ_NEXT(task, ask_link);
		/* A large store would wait for ever while small ones take the room. */
		if (full && reserves(task))
			continue;
		if (!ask_all(io, task)) {
			full = full || must_wait(io, task);
			continue;
		}
		STAILQ_REMOVE(&io->asks, task, task, ask_link);
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

	/* With every credit in use there is traffic enough: the next one is due later. */
	io->asked_ns = io->now;
	if (io->control_calls.busy >= control->credits)
		return;
	frame = lane_frame(control->lane);
	if (!frame)
		return;
	header.task = call_begin(io, &io->control_calls, control, WIRE_PING)->id;
	wire_begin(&writer, frame, control->frame, &header);
	lane_send(control->lane, wire_end(&writer));
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
