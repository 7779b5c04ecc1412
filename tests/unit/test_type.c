/* SPDX-License-Identifier: Apache-2.0 */
/* test_type.c - the registry of types, and dispatch to one that is registered */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remora/type.h>

static const struct remora_field fields[] = {
	{.name = "level",
		.kind = REMORA_FIELD_UNSIGNED,
		.fallback = "3",
		.min = 1,
		.max = 5,
		.help = "how much"},
	{.name = "loud", .kind = REMORA_FIELD_BOOLEAN, .fallback = "false"},
	{.name = "label", .kind = REMORA_FIELD_STRING, .required = true},
	{0},
};

static int opened, closed, destroyed;

static int open_it(const struct remora_config *config, const struct remora_host *host, void **self)
{
	(void)host;
	opened = (int)remora_config_unsigned(config, "level");
	*self = &opened;
	return remora_config_boolean(config, "loud") ? -EPERM : 0;
}

static int fd(const void *self)
{
	(void)self;
	return 77;
}

static int64_t submit(void *self, const struct remora_key *keys, size_t key_count,
	const struct remora_object *objects, size_t object_count)
{
	(void)self, (void)keys, (void)objects, (void)object_count;
	return (int64_t)key_count;
}

static size_t pop(void *self, struct remora_store_result *results, size_t max)
{
	(void)self, (void)results;
	return max;
}

static int64_t lookup(void *self, const struct remora_key *keys, size_t count)
{
	(void)self, (void)keys;
	return (int64_t)count;
}

static int query(void *self, int64_t task, struct remora_bitmap **result)
{
	(void)self, (void)task, (void)result;
	return -ENOENT;
}

static void unlock(void *self, const struct remora_key *keys, size_t count)
{
	(void)self, (void)keys, (void)count;
}

static void status(void *self, struct remora_status *status)
{
	(void)self;
	status->healthy = 1;
}

static void close_it(void *self)
{
	(void)self;
	closed++;
}

static void destroy_it(void *self)
{
	(void)self;
	destroyed++;
}

static const struct remora_type_ops ops = {
	.store_fd = fd,
	.lookup_fd = fd,
	.load_fd = fd,
	.submit_store = submit,
	.pop_stores = pop,
	.submit_lookup = lookup,
	.query_lookup = query,
	.submit_unlock = unlock,
	.submit_load = submit,
	.query_load = query,
	.status = status,
	.close = close_it,
	.destroy = destroy_it,
};

static const struct remora_type own = {
	.name = "own", .help = "of this test", .fields = fields, .open = open_it, .ops = &ops};

static void the_built_in_types_are_found(void **state)
{
	(void)state;
	assert_string_equal(remora_type_find("rdma")->name, "rdma");
	assert_string_equal(remora_type_find("mock")->name, "mock");
	assert_null(remora_type_find("nothing"));
	assert_null(remora_type_find(NULL));
	assert_ptr_equal(remora_type_at(0), remora_type_find("rdma"));
	assert_ptr_equal(remora_type_at(1), remora_type_find("mock"));
}

static void a_type_is_registered_once(void **state)
{
	(void)state;
	assert_int_equal(remora_type_register(&own), 0);
	assert_ptr_equal(remora_type_find("own"), &own);
	assert_ptr_equal(remora_type_at(2), &own);
	assert_null(remora_type_at(3));
	assert_int_equal(remora_type_register(&own), -EEXIST);
	assert_int_equal(remora_type_register(remora_type_find("mock")), -EEXIST);
}

static void a_type_that_lacks_something_is_refused(void **state)
{
	static const struct remora_field bad[] = {
		{.name = "x", .kind = REMORA_FIELD_UNSIGNED, .fallback = "9", .max = 8}, {0}};
	struct remora_type_ops some = ops;
	struct remora_type type = own;

	(void)state;
	type.name = "other";
	type.ops = &some;
	some.query_load = NULL;
	assert_int_equal(remora_type_register(&type), -EINVAL);
	some = ops;
	type.fields = bad;
	assert_int_equal(remora_type_register(&type), -EINVAL);
	type.fields = fields;
	type.open = NULL;
	assert_int_equal(remora_type_register(&type), -EINVAL);
	assert_int_equal(remora_type_register(NULL), -EINVAL);
	assert_null(remora_type_find("other"));
}

static int open_own(const char *loud, struct remora_adapter **adapter)
{
	struct remora_config *config;
	int err;

	assert_int_equal(remora_config_create("own", &config), 0);
	assert_int_equal(remora_config_set(config, "label", "a", NULL, 0), 0);
	assert_int_equal(remora_config_set(config, "loud", loud, NULL, 0), 0);
	err = remora_open(config, NULL, adapter);
	remora_config_destroy(config);
	return err;
}

static void public_functions_reach_the_type(void **state)
{
	struct remora_adapter *adapter;
	struct remora_status told;

	(void)state;
	assert_int_equal(open_own("false", &adapter), 0);
	assert_int_equal(opened, 3);
	assert_string_equal(remora_type_name(adapter), "own");
	assert_int_equal(remora_lookup_fd(adapter), 77);
	assert_int_equal(remora_submit_lookup(adapter, NULL, 12), 12);
	remora_status(adapter, &told);
	assert_true(told.healthy);
	remora_destroy(adapter);
	assert_int_equal(closed, 1);
	assert_int_equal(destroyed, 1);
}

static void what_a_type_lacks_is_not_supported(void **state)
{
	struct remora_adapter *adapter;
	struct remora_usage usage;
	struct remora_peer peer;
	uint64_t number;

	(void)state;
	assert_int_equal(open_own("false", &adapter), 0);
	assert_int_equal(remora_wait_connected(adapter, 1), 0);
	assert_int_equal(remora_usage(adapter, &usage), -EOPNOTSUPP);
	assert_int_equal(remora_ping(adapter, &number), -EOPNOTSUPP);
	assert_int_equal(remora_delete(adapter, NULL, 0, NULL), -EOPNOTSUPP);
	assert_int_equal(remora_peer(adapter, 0, &peer), -ENOENT);
	remora_destroy(adapter);
}

static void a_failed_open_is_passed_on(void **state)
{
	struct remora_adapter *adapter = NULL;

	(void)state;
	assert_int_equal(open_own("true", &adapter), -EPERM);
	assert_null(adapter);
}

static void null_is_an_error_everywhere(void **state)
{
	struct remora_bitmap *bits;
	struct remora_usage usage;
	uint64_t number = 0;

	(void)state;
	assert_int_equal(remora_open(NULL, NULL, NULL), -EINVAL);
	assert_int_equal(remora_store_fd(NULL), -EINVAL);
	assert_int_equal(remora_submit_store(NULL, NULL, 0, NULL, 0), -EINVAL);
	assert_int_equal(remora_submit_lookup(NULL, NULL, 0), -EINVAL);
	assert_int_equal(remora_query_lookup(NULL, 1, &bits), -EINVAL);
	assert_int_equal(remora_usage(NULL, &usage), -EINVAL);
	assert_int_equal(remora_list_page(NULL, NULL, &number, NULL, NULL), -EINVAL);
	assert_int_equal(remora_add_listener(NULL, NULL), -EINVAL);
	assert_null(remora_type_name(NULL));
	assert_null(remora_report_status(NULL));
	remora_submit_unlock(NULL, NULL, 0);
	remora_close(NULL);
	remora_destroy(NULL);
}

static void help_shows_every_field_with_its_range(void **state)
{
	char text[4096] = "";
	FILE *file = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_int_equal(remora_type_help("own", file), 0);
	fclose(file);
	assert_non_null(strstr(text, "of this test"));
	assert_non_null(strstr(text, "level"));
	assert_non_null(strstr(text, "how much"));
	assert_non_null(strstr(text, "a whole number from 1 to 5; default 3"));
	assert_non_null(strstr(text, "true or false; default false"));
	assert_non_null(strstr(text, "required"));
}

static void help_for_an_unknown_type_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(remora_type_help("nothing", stderr), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_built_in_types_are_found),
		cmocka_unit_test(a_type_is_registered_once),
		cmocka_unit_test(a_type_that_lacks_something_is_refused),
		cmocka_unit_test(public_functions_reach_the_type),
		cmocka_unit_test(what_a_type_lacks_is_not_supported),
		cmocka_unit_test(a_failed_open_is_passed_on),
		cmocka_unit_test(null_is_an_error_everywhere),
		cmocka_unit_test(help_shows_every_field_with_its_range),
		cmocka_unit_test(help_for_an_unknown_type_is_an_error),
	};

	return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}
