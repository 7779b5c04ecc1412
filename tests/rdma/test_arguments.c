/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_arguments.c - mistakes of callers: each completes as failed and is explained
 *
 * After each mistake the adapter works on.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remora/config.h>

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, LEN = 4096, POOL = 64 * MIB };

static struct spawn server;
static struct client client;
static struct items *good; /* stored before anything else */

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	if (client_open(&client, &server, 4 * MIB, 0))
		return -1;
	good = items_create("good", 3, client.arena, LEN);
	items_fill(good);
	return client_store(&client, good->keys, good->objects, 3, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	items_destroy(good);
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

static void forget_what_was_said(void)
{
	memset(client.said, 0, sizeof(client.said));
}

static void works_still(void)
{
	assert_int_equal(client_load(&client, good->keys, good->objects, 3), 3);
	assert_int_equal(items_wrong(good), 3);
}

/* A store of one key that fails, and says so. */
static void refused(struct remora_key key, struct remora_object object, int err, const char *why)
{
	struct remora_store_result result;

	forget_what_was_said();
	assert_int_equal(client_store(&client, &key, &object, 1, &result), err);
	assert_int_equal(result.bytes, 0);
	if (why && !client_said(&client, why))
		fail_msg("\"%s\" is not in what was said: %s", why, client.said);
	works_still();
}

static void an_empty_key_is_refused(void **state)
{
	(void)state;
	refused((struct remora_key){"", 0}, good->objects[0], -EINVAL, "key 0 has 0 bytes");
	refused((struct remora_key){NULL, 5}, good->objects[0], -EINVAL, "at NULL");
}

static void a_key_of_1025_bytes_is_refused(void **state)
{
	static const char name[REMORA_KEY_MAX + 1] = "long";

	(void)state;
	refused((struct remora_key){name, sizeof(name)}, good->objects[0], -EINVAL,
		"key 0 has 1025 bytes: a key has 1 to 1024 bytes");
}

static void an_empty_object_is_refused(void **state)
{
	(void)state;
	refused(client_key("empty"), (struct remora_object){.data = client.arena, .len = 0},
		-EINVAL, "object 0 has 0 bytes");
	refused(client_key("empty"), (struct remora_object){.data = NULL, .len = 10}, -EINVAL,
		"object 0");
}

static void an_object_larger_than_the_pool_is_refused_and_evicts_nothing(void **state)
{
	uint8_t *memory = malloc(POOL + 1);

	(void)state;
	assert_non_null(memory);
	refused(client_key("huge"), (struct remora_object){.data = memory, .len = POOL + 1}, -EFBIG,
		NULL);
	free(memory);
}

static void an_object_of_absurd_length_is_refused(void **state)
{
	(void)state;
	refused(client_key("absurd"), (struct remora_object){.data = client.arena, .len = SIZE_MAX},
		-EFBIG, NULL);
	refused(client_key("absurd"),
		(struct remora_object){.data = client.arena, .len = SIZE_MAX / 2}, -EFBIG, NULL);
}

static void one_bad_key_fails_a_store_as_a_whole(void **state)
{
	struct remora_key keys[3] = {client_key("a"), {"", 0}, client_key("b")};

	(void)state;
	forget_what_was_said();
	assert_int_equal(client_store(&client, keys, good->objects, 3, NULL), -EINVAL);
	assert_true(client_said(&client, "key 1"));
	assert_int_equal(client_lookup(&client, keys, 1), 0);
	works_still();
}

static void bad_keys_miss_in_a_lookup_and_others_are_found(void **state)
{
	static const char name[REMORA_KEY_MAX + 1] = "long";
	struct remora_key keys[4] = {{name, sizeof(name)}, good->keys[0], {NULL, 1}, {"", 0}};
	struct remora_bitmap *bits;

	(void)state;
	bits = client_await_lookup(&client, remora_submit_lookup(client.adapter, keys, 4));
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_size(bits), 4);
	assert_int_equal(remora_bitmap_popcount(bits), 1);
	assert_true(remora_bitmap_test(bits, 1));
	remora_bitmap_destroy(bits);
	remora_submit_unlock(client.adapter, keys, 4);
	assert_true(client_usage_becomes(&client, CLIENT_LOCKED, 0));
}

static void bad_keys_and_buffers_miss_in_a_load(void **state)
{
	struct remora_key keys[4] = {good->keys[0], {"", 0}, good->keys[1], good->keys[2]};
	struct remora_object objects[4] = {
		good->objects[0], good->objects[1], {.len = LEN}, {.data = client.arena + MIB}};

	(void)state;
	assert_int_equal(client_load(&client, keys, objects, 4), 1);
	assert_int_equal(client_lookup(&client, good->keys, 3), 3);
	assert_int_equal(client_load(&client, keys, objects, 4), 1);
	remora_submit_unlock(client.adapter, good->keys, 3);
	works_still();
}

static void arrays_of_different_length_are_refused(void **state)
{
	struct remora_store_result result;
	struct remora_bitmap *bits;

	(void)state;
	forget_what_was_said();
	assert_true(remora_submit_store(client.adapter, good->keys, 3, good->objects, 2) > 0);
	assert_int_equal(client_wait_fd(remora_store_fd(client.adapter), 1000), 0);
	assert_int_equal(remora_pop_stores(client.adapter, &result, 1), 1);
	assert_int_equal(result.error, -EINVAL);
	assert_true(client_said(&client, "3 keys but 2 objects"));
	bits = client_await_load(
		&client, remora_submit_load(client.adapter, good->keys, 2, good->objects, 3));
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_size(bits), 2);
	assert_int_equal(remora_bitmap_popcount(bits), 0);
	remora_bitmap_destroy(bits);
	works_still();
}

static void null_arrays_are_refused(void **state)
{
	(void)state;
	forget_what_was_said();
	assert_int_equal(client_store(&client, NULL, good->objects, 3, NULL), -EINVAL);
	assert_true(client_said(&client, "the array of keys is NULL"));
	assert_int_equal(client_store(&client, good->keys, NULL, 3, NULL), -EINVAL);
	assert_true(client_said(&client, "the array of objects is NULL"));
	assert_int_equal(client_lookup(&client, NULL, 3), 0);
	assert_int_equal(client_load(&client, NULL, good->objects, 3), 0);
	assert_int_equal(client_load(&client, good->keys, NULL, 3), 0);
	remora_submit_unlock(client.adapter, NULL, 3);
	assert_int_equal(remora_delete(client.adapter, NULL, 3, NULL), -EINVAL);
	works_still();
}

static void deleting_a_bad_key_is_refused(void **state)
{
	struct remora_key keys[2] = {good->keys[0], {"", 0}};
	struct remora_bitmap *deleted = NULL;

	(void)state;
	assert_int_equal(remora_delete(client.adapter, keys, 2, &deleted), -EINVAL);
	assert_null(deleted);
	works_still();
}

static void unlocking_what_is_not_locked_is_ignored(void **state)
{
	struct remora_key keys[3] = {good->keys[0], client_key("unknown"), {"", 0}};

	(void)state;
	remora_submit_unlock(client.adapter, keys, 3);
	remora_submit_unlock(client.adapter, keys, 3);
	assert_int_equal(client_lookup(&client, good->keys, 1), 1);
	remora_submit_unlock(client.adapter, keys, 3);
	remora_submit_unlock(client.adapter, keys, 3);
	assert_int_equal(client_lookup(&client, good->keys, 1), 1);
	assert_int_equal(remora_delete(client.adapter, good->keys, 1, NULL), -EBUSY);
	remora_submit_unlock(client.adapter, keys, 1);
	works_still();
}

static void a_null_adapter_is_refused(void **state)
{
	struct remora_store_result result;
	struct remora_status status;
	struct remora_bitmap *bits;
	struct remora_usage usage;
	uint64_t rtt;

	(void)state;
	assert_int_equal(remora_submit_store(NULL, good->keys, 1, good->objects, 1), -EINVAL);
	assert_int_equal(remora_submit_lookup(NULL, good->keys, 1), -EINVAL);
	assert_int_equal(remora_submit_load(NULL, good->keys, 1, good->objects, 1), -EINVAL);
	remora_submit_unlock(NULL, good->keys, 1);
	assert_int_equal(remora_pop_stores(NULL, &result, 1), 0);
	assert_int_equal(remora_query_lookup(NULL, 1, &bits), -EINVAL);
	assert_int_equal(remora_query_load(NULL, 1, &bits), -EINVAL);
	assert_int_equal(remora_delete(NULL, good->keys, 1, NULL), -EINVAL);
	assert_int_equal(remora_usage(NULL, &usage), -EINVAL);
	assert_int_equal(remora_ping(NULL, &rtt), -EINVAL);
	assert_int_equal(remora_wait_connected(NULL, 1), -EINVAL);
	assert_int_equal(remora_store_fd(NULL), -EINVAL);
	assert_int_equal(remora_lookup_fd(NULL), -EINVAL);
	assert_int_equal(remora_load_fd(NULL), -EINVAL);
	remora_status(NULL, &status);
	assert_false(status.connected);
	remora_destroy(NULL);
}

static const struct {
	const char *server; /* NULL: none is named */
	size_t arena_len;   /* without an arena */
	const char *said;
} bad_options[] = {
	{NULL, 0, "server is missing"},
	{"10.77.0.2:0", 0, "\"0\""},
	{"10.77.0.2:65536", 0, "\"65536\""},
	{"10.77.0.2:x", 0, "\"x\""},
	{"[::1", 0, "[::1"},
	{"no.such.host.invalid", 0, "no.such.host.invalid"},
	{"10.77.0.2", 4096, "arena"},
};

static void remember(void *arg, enum remora_log_level level, const char *text)
{
	(void)level;
	snprintf(arg, 256, "%s", text);
}

static void open_badly(const char *address, size_t arena_len, const char *why)
{
	char said[256] = "";
	const struct remora_host host = {.arena_len = arena_len, .log = remember, .log_arg = said};
	struct remora_adapter *adapter = NULL;
	struct remora_config *config;

	assert_int_equal(remora_config_create("rdma", &config), 0);
	if (address)
		assert_int_equal(remora_config_set(config, "server", address, NULL, 0), 0);
	assert_int_equal(remora_open(config, &host, &adapter), -EINVAL);
	assert_null(adapter);
	remora_config_destroy(config);
	if (!strstr(said, why))
		fail_msg("\"%s\" is not in \"%s\"", why, said);
}

static void bad_options_are_refused_by_name(void **state)
{
	struct remora_adapter *adapter = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_options) / sizeof(bad_options[0]); i++)
		open_badly(bad_options[i].server, bad_options[i].arena_len, bad_options[i].said);
	assert_int_equal(remora_open(NULL, NULL, &adapter), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_key_is_refused),
		cmocka_unit_test(a_key_of_1025_bytes_is_refused),
		cmocka_unit_test(an_empty_object_is_refused),
		cmocka_unit_test(an_object_larger_than_the_pool_is_refused_and_evicts_nothing),
		cmocka_unit_test(an_object_of_absurd_length_is_refused),
		cmocka_unit_test(one_bad_key_fails_a_store_as_a_whole),
		cmocka_unit_test(bad_keys_miss_in_a_lookup_and_others_are_found),
		cmocka_unit_test(bad_keys_and_buffers_miss_in_a_load),
		cmocka_unit_test(arrays_of_different_length_are_refused),
		cmocka_unit_test(null_arrays_are_refused),
		cmocka_unit_test(deleting_a_bad_key_is_refused),
		cmocka_unit_test(unlocking_what_is_not_locked_is_ignored),
		cmocka_unit_test(a_null_adapter_is_refused),
		cmocka_unit_test(bad_options_are_refused_by_name),
	};

	if (!client_has_lab(60))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
