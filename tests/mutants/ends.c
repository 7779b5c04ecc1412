/* SPDX-License-Identifier: Apache-2.0 */
/* ends.c - mutants that are wrong in their close, and after it */
#include "mutant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LATE_US = 10000 };

static void close_never(void *self)
{
	(void)self;
	for (;;)
		pause();
}

static void hangs_in_close(struct remora_type_ops *ops)
{
	ops->close = close_never;
}

static void close_once(void *self)
{
	struct mutant *mutant = self;

	if (mutant->closed)
		abort();
	mutant->closed = true;
	faithful_ops.close(self);
}

static void crashes_in_a_second_close(struct remora_type_ops *ops)
{
	ops->close = close_once;
}

/* Whatever was not told before the close is never told. */
static void close_and_note(void *self)
{
	((struct mutant *)self)->closed = true;
	faithful_ops.close(self);
}

static size_t pop_while_open(void *self, struct remora_store_result *results, size_t max)
{
	return ((struct mutant *)self)->closed ? 0 : faithful_ops.pop_stores(self, results, max);
}

static int query_lookup_while_open(void *self, int64_t task, struct remora_bitmap **result)
{
	if (((struct mutant *)self)->closed)
		return -EAGAIN;
	return faithful_ops.query_lookup(self, task, result);
}

static int query_load_while_open(void *self, int64_t task, struct remora_bitmap **result)
{
	if (((struct mutant *)self)->closed)
		return -EAGAIN;
	return faithful_ops.query_load(self, task, result);
}

static void leaves_tasks_pending(struct remora_type_ops *ops)
{
	ops->close = close_and_note;
	ops->pop_stores = pop_while_open;
	ops->query_lookup = query_lookup_while_open;
	ops->query_load = query_load_while_open;
}

static int64_t load_and_note(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;

	if (objects && object_count)
		mutant->arena = objects[0].data;
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static void *write_late(void *arg)
{
	usleep(LATE_US);
	memset(arg, 0, 64);
	return NULL;
}

static int query_and_write_late(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;
	int err = faithful_ops.query_load(self, task, result);
	pthread_t thread;

	if (!err && mutant->arena && !pthread_create(&thread, NULL, write_late, mutant->arena))
		pthread_detach(thread);
	return err;
}

static void close_and_write_late(void *self)
{
	struct mutant *mutant = self;
	pthread_t thread;

	faithful_ops.close(self);
	if (mutant->arena && !pthread_create(&thread, NULL, write_late, mutant->arena))
		pthread_detach(thread);
}

static void writes_after_the_end(struct remora_type_ops *ops)
{
	ops->submit_load = load_and_note;
	ops->query_load = query_and_write_late;
	ops->close = close_and_write_late;
}

/* An id of which nothing is ever heard. */
static int64_t store_while_open(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (((struct mutant *)self)->closed)
		return INT64_MAX;
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static void hangs_after_close(struct remora_type_ops *ops)
{
	ops->close = close_and_note;
	ops->submit_store = store_while_open;
}

static int usage_for_ever(void *self, struct remora_usage *usage)
{
	int err = faithful_ops.usage(self, usage);

	return err == -ECANCELED ? 0 : err;
}

static void status_for_ever(void *self, struct remora_status *status)
{
	faithful_ops.status(self, status);
	status->healthy = 1;
}

static void answers_after_close(struct remora_type_ops *ops)
{
	ops->usage = usage_for_ever;
	ops->status = status_for_ever;
}

static void close_with_fds(void *self)
{
	struct mutant *mutant = self;

	faithful_ops.close(self);
	if (!mutant->closed)
		close(remora_load_fd(mutant->inner));
	mutant->closed = true;
}

static void closes_its_fds_too_early(struct remora_type_ops *ops)
{
	ops->close = close_with_fds;
}

static void destroy_and_leak(void *self)
{
	eventfd(0, EFD_CLOEXEC);
	faithful_ops.destroy(self);
}

static void leaks_an_fd(struct remora_type_ops *ops)
{
	ops->destroy = destroy_and_leak;
}

const struct mutation end_mutations[] = {
	{.name = "hangs-in-close", .change = hangs_in_close},
	{.name = "crashes-in-a-second-close", .change = crashes_in_a_second_close},
	{.name = "leaves-tasks-pending", .change = leaves_tasks_pending},
	{.name = "writes-after-the-end", .change = writes_after_the_end},
	{.name = "hangs-after-close", .change = hangs_after_close},
	{.name = "answers-after-close", .change = answers_after_close},
	{.name = "closes-its-fds-too-early", .change = closes_its_fds_too_early},
	{.name = "leaks-an-fd", .change = leaks_an_fd},
	{0},
};
