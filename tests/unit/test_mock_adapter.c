/* SPDX-License-Identifier: Apache-2.0 */
/* test_mock_adapter.c - the type mock through the public functions */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remora/adapter.h>
#include <remora/config.h>

enum { LEN = 4096, WAIT_MS = 20000 };

static struct remora_adapter *adapter;
static char said[512];
static uint8_t out[LEN], in[LEN];

static void remember(void *arg, enum remora_log_level level, const char *text)
{
	(void)arg, (void)level;
	snprintf(said, sizeof(said), "%s", text);
}

static void open_mock(const char *more)
{
	const struct remora_host host = {.log = remember};
	struct remora_config *config;
	char json[256], error[256];

	snprintf(json, sizeof(json), "{\"type\": \"mock\", \"max_size_gb\": 0.001%s}", more);
	if (remora_config_parse(json, NULL, &config, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(remora_open(config, &host, &adapter), 0);
	remora_config_destroy(config);
	memset(out, 5, LEN);
	memset(in, 0, LEN);
}

static int tear_down(void **state)
{
	(void)state;
	remora_destroy(adapter);
	adapter = NULL;
	return 0;
}

static void await(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint64_t count;

	assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
}

static const struct remora_key key = {"key", 3};

static struct remora_store_result await_store(int64_t task)
{
	struct remora_store_result result = {0};

	assert_true(task > 0);
	await(remora_store_fd(adapter));
	assert_int_equal(remora_pop_stores(adapter, &result, 1), 1);
	assert_int_equal(result.task, task);
	return result;
}

static struct remora_store_result store(const char *salt)
{
	const struct remora_object object = {.data = out, .len = LEN, .salt = salt};

	return await_store(remora_submit_store(adapter, &key, 1, &object, 1));
}

static size_t lookup(void)
{
	int64_t task = remora_submit_lookup(adapter, &key, 1);
	struct remora_bitmap *bits;
	size_t found;

	await(remora_lookup_fd(adapter));
	assert_int_equal(remora_query_lookup(adapter, task, &bits), 0);
	found = remora_bitmap_popcount(bits);
	remora_bitmap_destroy(bits);
	return found;
}

static size_t load(void)
{
	const struct remora_object object = {.data = in, .len = LEN};
	int64_t task = remora_submit_load(adapter, &key, 1, &object, 1);
	struct remora_bitmap *bits;
	size_t loaded;

	await(remora_load_fd(adapter));
	assert_int_equal(remora_query_load(adapter, task, &bits), 0);
	loaded = remora_bitmap_popcount(bits);
	remora_bitmap_destroy(bits);
	return loaded;
}

static void an_object_comes_back(void **state)
{
	(void)state;
	open_mock("");
	assert_int_equal(store(NULL).bytes, LEN);
	assert_int_equal(lookup(), 1);
	assert_int_equal(load(), 1);
	assert_memory_equal(in, out, LEN);
}

static void storing_twice_moves_nothing_the_second_time(void **state)
{
	struct remora_store_result result;

	(void)state;
	open_mock("");
	assert_int_equal(store(NULL).error, 0);
	result = store(NULL);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.bytes, 0);
}

static void a_key_twice_in_a_batch_is_stored_once(void **state)
{
	const struct remora_object object = {.data = out, .len = LEN};
	const struct remora_object objects[2] = {object, object};
	const struct remora_key keys[2] = {key, key};
	struct remora_store_result result;
	struct remora_usage usage;

	(void)state;
	open_mock("");
	result = await_store(remora_submit_store(adapter, keys, 2, objects, 2));
	assert_int_equal(result.error, 0);
	assert_int_equal(result.bytes, LEN);
	assert_int_equal(remora_usage(adapter, &usage), 0);
	assert_int_equal(usage.used, LEN);
}

static void a_salt_of_129_bytes_fails_the_store(void **state)
{
	char salt[REMORA_SALT_MAX + 2];

	(void)state;
	open_mock("");
	memset(salt, 'x', sizeof(salt));
	salt[REMORA_SALT_MAX + 1] = '\0';
	assert_int_equal(store(salt).error, -EINVAL);
	assert_non_null(strstr(said, "at most 128 bytes"));
	assert_int_equal(lookup(), 0);
	assert_int_equal(store(salt + 1).error, 0);
}

static int sum(void *arg, const char *salt, uint64_t bytes)
{
	*(uint64_t *)arg += bytes;
	return strcmp(salt, "user 1") ? -EBADMSG : 0;
}

static void bytes_are_told_by_salt(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	open_mock("");
	store("user 1");
	assert_int_equal(remora_usage_salts(adapter, sum, &bytes), 0);
	assert_int_equal(bytes, LEN);
	assert_int_equal(remora_delete(adapter, &key, 1, NULL), 0);
	assert_int_equal(remora_usage_salts(adapter, sum, &bytes), 0);
	assert_int_equal(bytes, LEN);
}

static void a_locked_object_is_not_deleted(void **state)
{
	struct remora_bitmap *deleted = NULL;

	(void)state;
	open_mock("");
	store(NULL);
	assert_int_equal(lookup(), 1);
	assert_int_equal(remora_delete(adapter, &key, 1, &deleted), -EBUSY);
	assert_int_equal(remora_bitmap_popcount(deleted), 0);
	remora_bitmap_destroy(deleted);
	remora_submit_unlock(adapter, &key, 1);
	assert_int_equal(remora_delete(adapter, &key, 1, NULL), 0);
	assert_int_equal(load(), 0);
}

static void a_fault_fails_the_task_and_not_the_next(void **state)
{
	(void)state;
	open_mock(", \"fail_store_nth\": 1, \"fail_lookup_nth\": 1, \"fail_load_nth\": 1");
	assert_int_equal(store(NULL).error, -EIO);
	assert_int_equal(store(NULL).bytes, LEN);
	assert_int_equal(lookup(), 0);
	assert_int_equal(lookup(), 1);
	assert_int_equal(load(), 0);
	assert_int_equal(in[0], 0);
	assert_int_equal(load(), 1);
}

static void a_late_task_holds_up_no_other(void **state)
{
	const struct remora_object object = {.data = in, .len = LEN};
	struct remora_bitmap *bits;
	int64_t late;

	(void)state;
	open_mock(", \"delay_load_ms\": 86400000, \"delay_load_nth\": 1, \"timeout_ms\": 86400000");
	store(NULL);
	late = remora_submit_load(adapter, &key, 1, &object, 1);
	assert_int_equal(load(), 1);
	assert_int_equal(remora_query_load(adapter, late, &bits), -EAGAIN);
	remora_close(adapter);
	assert_int_equal(remora_query_load(adapter, late, &bits), 0);
	remora_bitmap_destroy(bits);
}

static void an_unfinished_store_is_not_visible_and_goes_at_close(void **state)
{
	const struct remora_object object = {.data = out, .len = LEN};
	struct remora_store_result result;
	int64_t task;

	(void)state;
	open_mock(", \"delay_store_ms\": 80000000, \"timeout_ms\": 86400000");
	task = remora_submit_store(adapter, &key, 1, &object, 1);
	assert_int_equal(lookup(), 0);
	remora_close(adapter);
	assert_int_equal(remora_pop_stores(adapter, &result, 1), 1);
	assert_int_equal(result.task, task);
	assert_int_equal(result.error, -ECANCELED);
}

static void what_takes_longer_than_the_timeout_has_failed(void **state)
{
	(void)state;
	open_mock(", \"delay_store_ms\": 60000, \"timeout_ms\": 1,"
		  " \"delay_lookup_ms\": 60000, \"delay_lookup_nth\": 2");
	assert_int_equal(store(NULL).error, -ETIMEDOUT);
	assert_int_equal(lookup(), 0);
	assert_int_equal(lookup(), 0);
}

static void after_close_everything_fails_at_once_and_signals(void **state)
{
	struct remora_bitmap *bits = NULL;
	struct remora_usage usage;
	uint64_t bytes = 0;

	(void)state;
	open_mock("");
	store(NULL);
	remora_close(adapter);
	remora_close(adapter);
	assert_int_equal(store(NULL).error, -ECANCELED);
	assert_int_equal(lookup(), 0);
	assert_int_equal(load(), 0);
	remora_submit_unlock(adapter, &key, 1);
	assert_int_equal(remora_delete(adapter, &key, 1, &bits), -ECANCELED);
	assert_null(bits);
	assert_int_equal(remora_usage(adapter, &usage), -ECANCELED);
	assert_int_equal(remora_usage_salts(adapter, sum, &bytes), -ECANCELED);
	assert_int_equal(remora_length(adapter, &key, &bytes), -ECANCELED);
	assert_int_equal(remora_ping(adapter, &bytes), -ECANCELED);
	assert_int_equal(remora_wait_connected(adapter, 1), -ECANCELED);
}

static void count_stored(
	void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	(void)keys, (void)sizes;
	*(size_t *)arg += count;
}

static void everything_is_told_before_close_returns(void **state)
{
	size_t stored = 0;
	const struct remora_listener listener = {.arg = &stored, .stored = count_stored};

	(void)state;
	open_mock("");
	assert_int_equal(remora_add_listener(adapter, &listener), 0);
	store(NULL);
	remora_close(adapter);
	assert_int_equal(stored, 1);
}

static void the_report_is_json_with_its_members(void **state)
{
	json_t *report;
	char *text;

	(void)state;
	open_mock("");
	store(NULL);
	text = remora_report_status(adapter);
	report = json_loads(text, 0, NULL);
	assert_non_null(report);
	assert_true(json_is_true(json_object_get(report, "is_healthy")));
	assert_string_equal(json_string_value(json_object_get(report, "type")), "mock");
	assert_int_equal(json_array_size(json_object_get(report, "peers")), 0);
	assert_int_equal(json_integer_value(json_object_get(report, "bytes_written")), LEN);
	assert_int_equal(json_integer_value(json_object_get(report, "tasks_in_flight")), 0);
	assert_string_equal(json_string_value(json_object_get(report, "breaker")), "closed");
	assert_true(json_is_number(json_object_get(report, "breaker_retry_in_seconds")));
	assert_true(json_is_integer(json_object_get(report, "connection_failures")));
	json_decref(report);
	free(text);
}

static void a_closed_adapter_is_not_healthy(void **state)
{
	char *text;

	(void)state;
	open_mock("");
	remora_close(adapter);
	text = remora_report_status(adapter);
	assert_non_null(strstr(text, "\"is_healthy\":false"));
	free(text);
}

#define CLOSING(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOSING(an_object_comes_back),
		CLOSING(storing_twice_moves_nothing_the_second_time),
		CLOSING(a_key_twice_in_a_batch_is_stored_once),
		CLOSING(a_salt_of_129_bytes_fails_the_store),
		CLOSING(bytes_are_told_by_salt),
		CLOSING(a_locked_object_is_not_deleted),
		CLOSING(a_fault_fails_the_task_and_not_the_next),
		CLOSING(a_late_task_holds_up_no_other),
		CLOSING(an_unfinished_store_is_not_visible_and_goes_at_close),
		CLOSING(what_takes_longer_than_the_timeout_has_failed),
		CLOSING(after_close_everything_fails_at_once_and_signals),
		CLOSING(everything_is_told_before_close_returns),
		CLOSING(the_report_is_json_with_its_members),
		CLOSING(a_closed_adapter_is_not_healthy),
	};

	return cmocka_run_group_tests_name("mock_adapter", tests, NULL, NULL);
}
