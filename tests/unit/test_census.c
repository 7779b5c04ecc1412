/* SPDX-License-Identifier: Apache-2.0 */
/* test_census.c - workers that tell what their sessions hold */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "census.h"

enum { WORKERS = 3, SESSIONS = 100, WAIT_MS = 30000 };

struct worker {
	struct census *census;
	pthread_t thread;
	unsigned index;
	_Atomic unsigned over;
};

static void *tell(void *arg)
{
	struct worker *worker = arg;
	struct census_entry entry = {.locks = worker->index};

	for (entry.session = 0; entry.session < SESSIONS; entry.session++)
		census_add(worker->census, &entry);
	census_done(worker->census);
	atomic_store(&worker->over, 1);
	census_put(worker->census);
	return NULL;
}

static void start(struct worker *workers, unsigned count, struct census *census)
{
	for (unsigned i = 0; i < count; i++) {
		workers[i] = (struct worker){.census = census, .index = i};
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, tell, &workers[i]), 0);
	}
}

static void join(struct worker *workers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

static void every_session_is_told_once(void **state)
{
	unsigned seen[WORKERS] = {0}, count;
	const struct census_entry *entries;
	struct worker workers[WORKERS];
	struct census *census;

	(void)state;
	assert_int_equal(census_create(WORKERS, false, &census), 0);
	start(workers, WORKERS, census);
	assert_int_equal(census_wait(census, WAIT_MS), 0);
	entries = census_entries(census, &count);
	assert_int_equal(count, WORKERS * SESSIONS);
	for (unsigned i = 0; i < count; i++)
		seen[entries[i].locks]++;
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(seen[i], SESSIONS);
	join(workers, WORKERS);
	census_put(census);
}

static void a_holding_census_keeps_the_workers_until_it_lets_go(void **state)
{
	struct worker workers[WORKERS];
	struct census *census;

	(void)state;
	assert_int_equal(census_create(WORKERS, true, &census), 0);
	start(workers, WORKERS, census);
	assert_int_equal(census_wait(census, WAIT_MS), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(atomic_load(&workers[i].over), 0);
	census_release(census);
	join(workers, WORKERS);
	census_put(census);
}

static void a_worker_that_is_late_is_not_waited_for_nor_kept(void **state)
{
	struct worker workers[WORKERS];
	struct census *census;

	(void)state;
	assert_int_equal(census_create(WORKERS, true, &census), 0);
	start(workers, WORKERS - 1, census);
	assert_int_equal(census_wait(census, 50), -ETIMEDOUT);
	census_release(census);
	join(workers, WORKERS - 1);
	census_put(census);
	/* Its reference outlives the asker's. */
	start(workers, 1, census);
	join(workers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_session_is_told_once),
		cmocka_unit_test(a_holding_census_keeps_the_workers_until_it_lets_go),
		cmocka_unit_test(a_worker_that_is_late_is_not_waited_for_nor_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
