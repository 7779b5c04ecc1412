/* SPDX-License-Identifier: Apache-2.0 */
/* test_task.c - tasks with their copies of keys, and the table of them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "task.h"

enum { MANY = 1000 };

static struct task *make(enum task_kind kind)
{
	struct remora_key key = {"k", 1};
	struct task *task = task_create(kind, &key, 1, NULL);

	assert_non_null(task);
	return task;
}

static void keys_are_copied(void **state)
{
	char names[2][4] = {"abc", "x\0y"};
	struct remora_key keys[2] = {{names[0], 3}, {names[1], 3}};
	struct task *task = task_create(TASK_LOOKUP, keys, 2, NULL);

	(void)state;
	assert_non_null(task);
	memset(names, 0, sizeof(names));
	memset(keys, 0, sizeof(keys));
	assert_int_equal(task->count, 2);
	assert_int_equal(task->keys[0].len, 3);
	assert_memory_equal(task->keys[0].data, "abc", 3);
	assert_memory_equal(task->keys[1].data, "x\0y", 3);
	assert_int_equal(task_bad_key(task), 2);
	task_destroy(task);
}

static void the_object_array_is_copied_and_the_objects_are_not(void **state)
{
	struct remora_key key = {"k", 1};
	struct remora_object objects[1] = {{.data = &key, .len = 5}};
	struct task *task = task_create(TASK_STORE, &key, 1, objects);

	(void)state;
	assert_non_null(task);
	objects[0].len = 0;
	assert_ptr_equal(task->objects[0].data, &key);
	assert_int_equal(task->objects[0].len, 5);
	task_destroy(task);
}

static void the_first_bad_key_is_found(void **state)
{
	static const char name[REMORA_KEY_MAX + 1] = "k";
	struct remora_key keys[4] = {
		{name, 1}, {name, REMORA_KEY_MAX}, {name, REMORA_KEY_MAX + 1}, {NULL, 1}};
	struct task *task = task_create(TASK_LOOKUP, keys, 4, NULL);

	(void)state;
	assert_int_equal(task_bad_key(task), 2);
	assert_int_equal(task->keys[1].len, REMORA_KEY_MAX);
	assert_int_equal(task->keys[3].len, 0);
	task_destroy(task);
}

static void a_task_without_keys_is_possible(void **state)
{
	struct task *task = task_create(TASK_PING, NULL, 0, NULL);

	(void)state;
	assert_non_null(task);
	assert_int_equal(task_bad_key(task), 0);
	task_destroy(task);
	task_destroy(NULL);
}

static void an_absurd_count_is_refused(void **state)
{
	struct remora_key key = {"k", 1};

	(void)state;
	assert_null(task_create(TASK_LOOKUP, &key, SIZE_MAX / 2, NULL));
}

static void a_task_is_found_by_its_id(void **state)
{
	struct task_table table = {0};
	struct task *task = make(TASK_LOOKUP), *other = make(TASK_LOOKUP);

	(void)state;
	assert_int_equal(task_table_insert(&table, task), 0);
	assert_int_equal(task_table_insert(&table, other), 0);
	assert_true(task->id > 0);
	assert_int_not_equal(task->id, other->id);
	assert_ptr_equal(task_table_find(&table, task->id), task);
	assert_ptr_equal(task_table_find(&table, other->id), other);
	task_table_fini(&table);
}

static void ids_that_were_never_given_find_nothing(void **state)
{
	static const int64_t ids[] = {0, -1, 2, 1 << 20, INT64_MAX, INT64_MIN};
	struct task_table table = {0};
	size_t i;

	(void)state;
	assert_null(task_table_find(&table, 1));
	assert_int_equal(task_table_insert(&table, make(TASK_LOOKUP)), 0);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_null(task_table_find(&table, ids[i]));
	task_table_fini(&table);
}

static void an_id_is_never_given_twice(void **state)
{
	struct task_table table = {0};
	struct task *task;
	int64_t before = 0;
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		task = make(TASK_LOOKUP);
		assert_int_equal(task_table_insert(&table, task), 0);
		assert_true(task->id > before);
		before = task->id;
		task_table_remove(&table, task);
		task_destroy(task);
		assert_null(task_table_find(&table, before));
	}
	task_table_fini(&table);
}

static void the_table_grows(void **state)
{
	struct task_table table = {0};
	int64_t ids[MANY];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		struct task *task = make(TASK_LOOKUP);

		assert_int_equal(task_table_insert(&table, task), 0);
		ids[i] = task->id;
	}
	for (i = 0; i < MANY; i++)
		assert_int_equal(task_table_find(&table, ids[i])->id, ids[i]);
	task_table_fini(&table);
}

static void all_but_the_first_of_equal_keys_are_twins(void **state)
{
	struct remora_key keys[300];
	char names[300][8];
	struct task *task;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "%d", i % 100);
		keys[i] = (struct remora_key){names[i], strlen(names[i])};
	}
	task = task_create(TASK_STORE, keys, 300, NULL);
	assert_int_equal(task_mark_twins(task), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(task->settled[i], i < 100 ? TASK_UNSETTLED : TASK_TWIN);
	task_destroy(task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_copied),
		cmocka_unit_test(the_object_array_is_copied_and_the_objects_are_not),
		cmocka_unit_test(the_first_bad_key_is_found),
		cmocka_unit_test(a_task_without_keys_is_possible),
		cmocka_unit_test(an_absurd_count_is_refused),
		cmocka_unit_test(a_task_is_found_by_its_id),
		cmocka_unit_test(ids_that_were_never_given_find_nothing),
		cmocka_unit_test(an_id_is_never_given_twice),
		cmocka_unit_test(the_table_grows),
		cmocka_unit_test(all_but_the_first_of_equal_keys_are_twins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
