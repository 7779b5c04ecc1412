/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - mutants that are wrong in fds, ids, signals and how results are told */
#include "mutant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* An eventfd that nobody signals. */
static int silent_fd(const void *self)
{
	struct mutant *mutant = (struct mutant *)self;

	if (mutant->fd < 0)
		mutant->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return mutant->fd;
}

static void never_signals_stores(struct remora_type_ops *ops)
{
	ops->store_fd = silent_fd;
}

static void never_signals_lookups(struct remora_type_ops *ops)
{
	ops->lookup_fd = silent_fd;
}

static void never_signals_loads(struct remora_type_ops *ops)
{
	ops->load_fd = silent_fd;
}

static int blocking_fd(const void *self)
{
	int fd = faithful_ops.store_fd(self);

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static void blocks_in_reads(struct remora_type_ops *ops)
{
	ops->store_fd = blocking_fd;
}

static void has_one_fd_for_all(struct remora_type_ops *ops)
{
	ops->lookup_fd = faithful_ops.store_fd;
	ops->load_fd = faithful_ops.store_fd;
}

static int another_fd(const void *self)
{
	return dup(faithful_ops.load_fd(self));
}

static void changes_its_fds(struct remora_type_ops *ops)
{
	ops->load_fd = another_fd;
}

/* The first adapter's fd, for all. */
static int first_fd(const void *self)
{
	static int first = -1;

	if (first < 0)
		first = faithful_ops.load_fd(self);
	return first;
}

static void shares_fds_with_others(struct remora_type_ops *ops)
{
	ops->load_fd = first_fd;
}

static int ready_fd(const void *self)
{
	struct mutant *mutant = (struct mutant *)self;

	if (!mutant->calls++)
		mutant_signal(faithful_ops.lookup_fd(self));
	return faithful_ops.lookup_fd(self);
}

static void signals_before_any_task(struct remora_type_ops *ops)
{
	ops->lookup_fd = ready_fd;
}

static size_t pop_and_signal(void *self, struct remora_store_result *results, size_t max)
{
	size_t count = faithful_ops.pop_stores(self, results, max);

	if (count)
		mutant_signal(faithful_ops.store_fd(self));
	return count;
}

static int query_load_and_signal(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_load(self, task, result);

	if (!err)
		mutant_signal(faithful_ops.load_fd(self));
	return err;
}

static void signals_twice(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_and_signal;
	ops->query_load = query_load_and_signal;
}

static void signal_all(struct mutant *mutant)
{
	mutant_signal(remora_store_fd(mutant->inner));
	mutant_signal(remora_lookup_fd(mutant->inner));
	mutant_signal(remora_load_fd(mutant->inner));
}

static size_t pop_and_signal_all(void *self, struct remora_store_result *results, size_t max)
{
	size_t count = faithful_ops.pop_stores(self, results, max);

	if (count)
		signal_all(self);
	return count;
}

static int query_lookup_and_signal_all(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_lookup(self, task, result);

	if (!err)
		signal_all(self);
	return err;
}

static int query_load_and_signal_all(void *self, int64_t task, struct remora_bitmap **result)
{
	int err = faithful_ops.query_load(self, task, result);

	if (!err)
		signal_all(self);
	return err;
}

static void signals_every_fd(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_and_signal_all;
	ops->query_lookup = query_lookup_and_signal_all;
	ops->query_load = query_load_and_signal_all;
}

/* As if the fd had been signalled before the result was recorded. */
static size_t pop_late(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;

	return mutant->calls++ % 2 ? faithful_ops.pop_stores(self, results, max) : 0;
}

static int query_late(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;

	return mutant->calls++ % 2 ? faithful_ops.query_lookup(self, task, result) : -EAGAIN;
}

static void signals_too_early(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_late;
	ops->query_lookup = query_late;
}

static size_t pop_again(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count = faithful_ops.pop_stores(self, results, max);

	if (count) {
		mutant->last_result = results[0];
	} else if (mutant->last_result.task && max) {
		results[0] = mutant->last_result;
		count = 1;
	}
	return count;
}

static int again(struct mutant *mutant, int err, struct remora_bitmap **result)
{
	if (!err) {
		remora_bitmap_destroy(mutant->last_bits);
		mutant->last_bits = remora_bitmap_copy(*result);
	} else if (mutant->last_bits) {
		*result = remora_bitmap_copy(mutant->last_bits);
		err = 0;
	}
	return err;
}

static int query_lookup_again(void *self, int64_t task, struct remora_bitmap **result)
{
	return again(self, faithful_ops.query_lookup(self, task, result), result);
}

static int query_load_again(void *self, int64_t task, struct remora_bitmap **result)
{
	return again(self, faithful_ops.query_load(self, task, result), result);
}

static void tells_results_twice(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_again;
	ops->query_lookup = query_lookup_again;
	ops->query_load = query_load_again;
}

static int64_t submit_store_by_one_id(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	faithful_ops.submit_store(self, keys, key_count, objects, object_count);
	return 1;
}

static size_t pop_one_id(void *self, struct remora_store_result *results, size_t max)
{
	size_t count = faithful_ops.pop_stores(self, results, max), i;

	for (i = 0; i < count; i++)
		results[i].task = 1;
	return count;
}

static void reuses_ids(struct remora_type_ops *ops)
{
	ops->submit_store = submit_store_by_one_id;
	ops->pop_stores = pop_one_id;
}

/* More results than there is room for are lost. */
static size_t pop_and_lose(void *self, struct remora_store_result *results, size_t max)
{
	struct remora_store_result lost[64];
	size_t count;

	usleep(20000);
	count = faithful_ops.pop_stores(self, results, max);
	if (count == max)
		faithful_ops.pop_stores(self, lost, 64);
	return count;
}

static void loses_results(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_and_lose;
}

static int64_t note_lookup(void *self, const struct remora_key *keys, size_t count)
{
	struct mutant *mutant = self;

	mutant->last_lookup = faithful_ops.submit_lookup(self, keys, count);
	return mutant->last_lookup;
}

static int64_t note_load(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	struct mutant *mutant = self;

	mutant->last_load = faithful_ops.submit_load(self, keys, key_count, objects, object_count);
	return mutant->last_load;
}

static int query_last_lookup(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;

	(void)task;
	usleep(20000);
	return faithful_ops.query_lookup(self, mutant->last_lookup, result);
}

static int query_last_load(void *self, int64_t task, struct remora_bitmap **result)
{
	struct mutant *mutant = self;

	(void)task;
	usleep(20000);
	return faithful_ops.query_load(self, mutant->last_load, result);
}

static void ignores_ids(struct remora_type_ops *ops)
{
	ops->submit_lookup = note_lookup;
	ops->query_lookup = query_last_lookup;
	ops->submit_load = note_load;
	ops->query_load = query_last_load;
}

/* An id of which nothing is ever heard. */
static int64_t store_but_not_nothing(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (!key_count)
		return INT64_MAX;
	return faithful_ops.submit_store(self, keys, key_count, objects, object_count);
}

static int64_t lookup_but_not_nothing(void *self, const struct remora_key *keys, size_t count)
{
	return count ? faithful_ops.submit_lookup(self, keys, count) : INT64_MAX;
}

static int64_t load_but_not_nothing(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	if (!key_count)
		return INT64_MAX;
	return faithful_ops.submit_load(self, keys, key_count, objects, object_count);
}

static void hangs_on_nothing(struct remora_type_ops *ops)
{
	ops->submit_store = store_but_not_nothing;
	ops->submit_lookup = lookup_but_not_nothing;
	ops->submit_load = load_but_not_nothing;
}

static size_t pop_tired(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count = faithful_ops.pop_stores(self, results, max), i;

	for (i = 0; i < count; i++)
		if (mutant->calls++ >= 60)
			results[i].error = -EIO;
	return count;
}

static void tires_after_some_stores(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_tired;
}

static size_t pop_poisoned(void *self, struct remora_store_result *results, size_t max)
{
	struct mutant *mutant = self;
	size_t count = faithful_ops.pop_stores(self, results, max), i;

	for (i = 0; i < count; i++) {
		if (results[i].error)
			mutant->calls = 1;
		else if (mutant->calls)
			results[i].error = -EIO;
	}
	return count;
}

static void is_poisoned_by_a_failure(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_poisoned;
}

static size_t pop_success(void *self, struct remora_store_result *results, size_t max)
{
	size_t count = faithful_ops.pop_stores(self, results, max), i;

	for (i = 0; i < count; i++)
		results[i].error = 0;
	return count;
}

static void tells_success_always(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_success;
}

static size_t pop_rounded(void *self, struct remora_store_result *results, size_t max)
{
	size_t count = faithful_ops.pop_stores(self, results, max), i;

	for (i = 0; i < count; i++)
		results[i].bytes = (results[i].bytes + 4095) / 4096 * 4096;
	return count;
}

static void tells_whole_pages(struct remora_type_ops *ops)
{
	ops->pop_stores = pop_rounded;
}

const struct mutation result_mutations[] = {
	{.name = "never-signals-stores", .change = never_signals_stores},
	{.name = "never-signals-lookups", .change = never_signals_lookups},
	{.name = "never-signals-loads", .change = never_signals_loads},
	{.name = "blocks-in-reads", .change = blocks_in_reads},
	{.name = "has-one-fd-for-all", .change = has_one_fd_for_all},
	{.name = "changes-its-fds", .change = changes_its_fds},
	{.name = "shares-fds-with-others", .change = shares_fds_with_others},
	{.name = "signals-before-any-task", .change = signals_before_any_task},
	{.name = "signals-twice", .change = signals_twice},
	{.name = "signals-every-fd", .change = signals_every_fd},
	{.name = "signals-too-early", .change = signals_too_early},
	{.name = "tells-results-twice", .change = tells_results_twice},
	{.name = "reuses-ids", .change = reuses_ids},
	{.name = "loses-results", .change = loses_results},
	{.name = "ignores-ids", .change = ignores_ids},
	{.name = "hangs-on-nothing", .change = hangs_on_nothing},
	{.name = "tires-after-some-stores", .change = tires_after_some_stores},
	{.name = "is-poisoned-by-a-failure", .change = is_poisoned_by_a_failure},
	{.name = "tells-success-always", .change = tells_success_always},
	{.name = "tells-whole-pages", .change = tells_whole_pages},
	{0},
};
