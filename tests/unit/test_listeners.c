/* SPDX-License-Identifier: Apache-2.0 */
/* test_listeners.c - events reach listeners, from a thread of their own */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "listeners.h"

static struct listeners *listeners;

/* What a listener was told, guarded by listeners_stop() or by a semaphore. */
struct heard {
	unsigned stored, accessed, deleted;
	uint64_t bytes;
	char last[16];
	sem_t *entered, *go; /* NULL: does not wait */
	int remove_result;
	const struct remora_listener *removes; /* while it is called */
};

static void note(struct heard *heard, const struct remora_key *keys, size_t count)
{
	snprintf(heard->last, sizeof(heard->last), "%.*s", (int)keys[count - 1].len,
		(const char *)keys[count - 1].data);
	if (heard->removes)
		heard->remove_result = listeners_remove(listeners, heard->removes);
	if (heard->entered)
		sem_post(heard->entered);
	if (heard->go)
		sem_wait(heard->go);
}

static void on_stored(void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	struct heard *heard = arg;
	size_t i;

	heard->stored += (unsigned)count;
	for (i = 0; i < count; i++)
		heard->bytes += sizes[i];
	note(heard, keys, count);
}

static void on_accessed(void *arg, const struct remora_key *keys, size_t count)
{
	((struct heard *)arg)->accessed += (unsigned)count;
	note(arg, keys, count);
}

static void on_deleted(void *arg, const struct remora_key *keys, size_t count)
{
	((struct heard *)arg)->deleted += (unsigned)count;
	note(arg, keys, count);
}

static struct remora_listener listener_of(struct heard *heard)
{
	return (struct remora_listener){
		.arg = heard,
		.stored = on_stored,
		.accessed = on_accessed,
		.deleted = on_deleted,
	};
}

static int set_up(void **state)
{
	(void)state;
	listeners = listeners_create();
	return listeners ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	listeners_stop(listeners);
	listeners_destroy(listeners);
	return 0;
}

/* A task of the keys "a", "b" and "c" has done something to those in . */
static void tell(enum task_kind kind, const char *which)
{
	static const struct remora_key keys[3] = {{"a", 1}, {"b", 1}, {"c", 1}};
	struct remora_object objects[3] = {{.data = listeners, .len = 10},
		{.data = listeners, .len = 20}, {.data = listeners, .len = 30}};
	struct task *task = task_create(kind, keys, 3, objects);

	assert_non_null(task);
	task->bits = remora_bitmap_create(3);
	for (; *which; which++) {
		task->settled[*which - 'a'] = kind == TASK_STORE;
		remora_bitmap_set(task->bits, (size_t)(*which - 'a'));
	}
	assert_int_equal(listeners_tell(listeners, task), 0);
	task_destroy(task);
}

static void each_kind_of_task_is_told_with_its_keys(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);

	(void)state;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	tell(TASK_STORE, "ac");
	tell(TASK_LOAD, "abc");
	tell(TASK_DELETE, "b");
	tell(TASK_LOOKUP, "abc");
	listeners_stop(listeners);
	assert_int_equal(heard.stored, 2);
	assert_int_equal(heard.bytes, 40);
	assert_int_equal(heard.accessed, 3);
	assert_int_equal(heard.deleted, 1);
	assert_string_equal(heard.last, "b");
}

static void a_task_that_did_nothing_is_not_told(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);

	(void)state;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	tell(TASK_STORE, "");
	listeners_stop(listeners);
	assert_string_equal(heard.last, "");
}

static void members_may_be_null(void **state)
{
	static const struct remora_listener deaf = {0};

	(void)state;
	assert_int_equal(listeners_add(listeners, &deaf), 0);
	tell(TASK_STORE, "a");
	tell(TASK_LOAD, "a");
	tell(TASK_DELETE, "a");
}

static void a_listener_is_told_of_what_comes_after_it(void **state)
{
	struct heard early = {0}, late = {0};
	struct remora_listener one = listener_of(&early), two = listener_of(&late);
	sem_t go;

	(void)state;
	sem_init(&go, 0, 0);
	early.go = &go;
	assert_int_equal(listeners_add(listeners, &one), 0);
	tell(TASK_STORE, "a");
	tell(TASK_STORE, "b");
	/* Neither event is over: the first waits in the first listener. */
	assert_int_equal(listeners_add(listeners, &two), 0);
	tell(TASK_STORE, "c");
	sem_post(&go);
	sem_post(&go);
	sem_post(&go);
	listeners_stop(listeners);
	assert_int_equal(early.stored, 3);
	assert_int_equal(late.stored, 1);
	assert_string_equal(late.last, "c");
	sem_destroy(&go);
}

static void telling_does_not_wait_for_a_slow_listener(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);
	unsigned i;
	sem_t go;

	(void)state;
	sem_init(&go, 0, 0);
	heard.go = &go;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	for (i = 0; i < 100; i++)
		tell(TASK_STORE, "a");
	for (i = 0; i < 100; i++)
		sem_post(&go);
	listeners_stop(listeners);
	assert_int_equal(heard.stored, 100);
	sem_destroy(&go);
}

static void after_its_removal_nothing_is_told(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);

	(void)state;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	assert_int_equal(listeners_remove(listeners, &listener), 0);
	tell(TASK_STORE, "a");
	listeners_stop(listeners);
	assert_int_equal(heard.stored, 0);
	assert_int_equal(listeners_remove(listeners, &listener), -ENOENT);
}

static void *release(void *go)
{
	sem_post(go);
	return NULL;
}

static void removal_waits_for_a_call_under_way(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);
	pthread_t thread;
	sem_t entered, go;

	(void)state;
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	heard.entered = &entered;
	heard.go = &go;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	tell(TASK_STORE, "a");
	sem_wait(&entered);
	assert_int_equal(pthread_create(&thread, NULL, release, &go), 0);
	assert_int_equal(listeners_remove(listeners, &listener), 0);
	/* Its function has returned: what it used can go. */
	memset(&heard, 0, sizeof(heard));
	pthread_join(thread, NULL);
	sem_destroy(&entered);
	sem_destroy(&go);
}

static void a_listener_cannot_remove_one(void **state)
{
	struct heard heard = {0};
	struct remora_listener listener = listener_of(&heard);

	(void)state;
	heard.removes = &listener;
	assert_int_equal(listeners_add(listeners, &listener), 0);
	tell(TASK_STORE, "a");
	listeners_stop(listeners);
	assert_int_equal(heard.remove_result, -EDEADLK);
}

static void one_is_added_once_and_none_after_the_end(void **state)
{
	static const struct remora_listener deaf = {0}, other = {0};

	(void)state;
	assert_int_equal(listeners_add(listeners, &deaf), 0);
	assert_int_equal(listeners_add(listeners, &deaf), -EEXIST);
	listeners_stop(listeners);
	assert_int_equal(listeners_add(listeners, &other), -ECANCELED);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(each_kind_of_task_is_told_with_its_keys),
		WITH(a_task_that_did_nothing_is_not_told),
		WITH(members_may_be_null),
		WITH(a_listener_is_told_of_what_comes_after_it),
		WITH(telling_does_not_wait_for_a_slow_listener),
		WITH(after_its_removal_nothing_is_told),
		WITH(removal_waits_for_a_call_under_way),
		WITH(a_listener_cannot_remove_one),
		WITH(one_is_added_once_and_none_after_the_end),
	};

	return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
