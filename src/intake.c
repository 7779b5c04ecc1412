/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.c - how a submitted task begins: what of it needs a question
 *
 * For the I/O thread.
 */
#include "io.h"

#include <errno.h>

void intake_unlock(struct io *io, struct task *task)
{
	struct wire_handle handle;
	size_t i;

	for (i = 0; io->peer && i < task->count; i++)
		if (task->keys[i].len && held_unlock(io->held, task->keys[i], &handle))
			calls_unlock(io, handle);
	task_destroy(task);
}

/* Keys that can be read at once: one batch of them. The others are asked for. */
static int start_held(struct io *io, struct task *task)
{
	struct held_entry *entry;
	struct batch *batch;
	size_t i;

	batch = batch_create(io, task, (unsigned)task->count);
	if (!batch)
		return -ENOMEM;
	for (i = 0; i < task->count; i++) {
		entry = task->settled[i] ? NULL : held_find(io->held, task->keys[i]);
		if (!entry)
			continue;
		task->settled[i] = TASK_SETTLED;
		if (entry->extent.len != task->objects[i].len)
			continue;
		held_pin(entry);
		batch->items[batch->count++] =
			(struct item){.key = (uint32_t)i, .extent = entry->extent, .pin = entry};
	}
	if (batch->count)
		transfer_start(io, batch);
	else
		batch_drop(io, batch);
	return 0;
}

/* Bad keys, and objects that nothing can be loaded into, miss without a question. */
static void settle_bad(struct task *task)
{
	size_t i;

	for (i = 0; i < task->count; i++)
		if (!task->keys[i].len ||
			(task->objects && (!task->objects[i].data || !task->objects[i].len)))
			task->settled[i] = TASK_SETTLED;
}

void intake_task(struct io *io, struct task *task)
{
	int err;

	if (task->kind == TASK_LOOKUP || task->kind == TASK_LOAD)
		settle_bad(task);
	if (task->kind == TASK_LOAD) {
		err = start_held(io, task);
		if (err) {
			io_task_error(task, err);
			io_settle(io, task);
			return;
		}
	}
	while (task->next_key < task->count && task->settled[task->next_key])
		task->next_key++;
	if (task->count && task->next_key == task->count) {
		io_settle(io, task);
		return;
	}
	task->asking = true;
	STAILQ_INSERT_TAIL(&io->asks, task, ask_link);
}
