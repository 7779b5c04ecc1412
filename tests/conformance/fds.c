/* SPDX-License-Identifier: Apache-2.0 */
/* fds.c - group A: the three event fds */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "trial.h"

static void get(const struct remora_adapter *adapter, int fds[3])
{
	fds[0] = remora_store_fd(adapter);
	fds[1] = remora_lookup_fd(adapter);
	fds[2] = remora_load_fd(adapter);
}

static void are_open_and_do_not_block(struct trial *trial)
{
	int fds[3], i;

	get(trial->adapter, fds);
	for (i = 0; i < 3; i++) {
		check(fds[i] >= 0);
		check(fcntl(fds[i], F_GETFL) >= 0);
		check(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
	}
}

static void differ(struct trial *trial)
{
	int fds[3];

	get(trial->adapter, fds);
	check(fds[0] != fds[1] && fds[0] != fds[2] && fds[1] != fds[2]);
}

static void stay_the_same(struct trial *trial)
{
	int before[3], after[3], i;

	get(trial->adapter, before);
	trial_have(trial, trial_items(trial, 1, PAGE));
	get(trial->adapter, after);
	for (i = 0; i < 3; i++)
		check_equal(after[i], before[i]);
}

static void are_not_readable_at_first(struct trial *trial)
{
	int fds[3], i;

	get(trial->adapter, fds);
	for (i = 0; i < 3; i++)
		check(!trial_readable(fds[i], 0));
}

static void are_no_other_adapters(struct trial *trial)
{
	struct remora_adapter *other = trial_open(trial, trial->json);
	int mine[3], its[3], i, j;

	get(trial->adapter, mine);
	get(other, its);
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++)
			check(mine[i] != its[j]);
	remora_destroy(other);
}

static void are_empty_after_one_read(struct trial *trial)
{
	struct items *items = trial_items(trial, 2, PAGE);
	struct remora_store_result results[2];
	uint64_t count;
	int fd = remora_store_fd(trial->adapter), i;

	for (i = 0; i < 2; i++)
		remora_submit_store(trial->adapter, items->keys + i, 1, items->objects + i, 1);
	check_equal(trial_results(trial, results, 2), 2);
	/* The last one's signal may have been read before its result was fetched. */
	if (trial_readable(fd, 0))
		check_equal(read(fd, &count, sizeof(count)), sizeof(count));
	check(!trial_readable(fd, 0));
	check_equal(read(fd, &count, sizeof(count)), -1);
	check_equal(errno, EAGAIN);
}

static const struct trial_case cases[] = {
	{"event fds are open and do not block", are_open_and_do_not_block},
	{"the three event fds differ", differ},
	{"event fds stay the same", stay_the_same},
	{"no event fd is readable before the first task", are_not_readable_at_first},
	{"two adapters share no event fd", are_no_other_adapters},
	{"one read empties an event fd", are_empty_after_one_read},
};

TRIAL_GROUP(fds, cases);
