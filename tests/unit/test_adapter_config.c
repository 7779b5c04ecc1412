/* SPDX-License-Identifier: Apache-2.0 */
/* test_adapter_config.c - configurations, and what is said of mistakes in them */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <remora/config.h>
#include <remora/type.h>

static char error[512];

static struct remora_config *make(const char *type)
{
	struct remora_config *config;

	assert_int_equal(remora_config_create(type, &config), 0);
	return config;
}

static void says(const char *text)
{
	if (!strstr(error, text))
		fail_msg("\"%s\" is not in \"%s\"", text, error);
}

/* A field of a fresh configuration refuses the text, and says what it accepts. */
static void refuses(const char *type, const char *field, const char *text, const char *why)
{
	struct remora_config *config = make(type);

	assert_int_equal(remora_config_set(config, field, text, error, sizeof(error)), -EINVAL);
	says(field);
	says(text);
	says(why);
	remora_config_destroy(config);
}

static void fields_have_their_defaults(void **state)
{
	struct remora_config *config = make("rdma");

	(void)state;
	assert_int_equal(remora_config_unsigned(config, "timeout_ms"), 30000);
	assert_int_equal(remora_config_size(config, "bounce_size"), 16 << 20);
	assert_null(remora_config_string(config, "server"));
	remora_config_destroy(config);
}

static void fields_take_values_of_their_kind(void **state)
{
	struct remora_config *config = make("rdma");

	(void)state;
	assert_int_equal(remora_config_set(config, "server", "::1", NULL, 0), 0);
	assert_int_equal(remora_config_set(config, "server", "10.0.0.1", NULL, 0), 0);
	assert_int_equal(remora_config_set(config, "data_lanes", "8", error, sizeof(error)), 0);
	assert_string_equal(error, "");
	assert_int_equal(remora_config_set(config, "bounce_size", "2GiB", NULL, 0), 0);
	assert_string_equal(remora_config_string(config, "server"), "10.0.0.1");
	assert_int_equal(remora_config_unsigned(config, "data_lanes"), 8);
	assert_int_equal(remora_config_size(config, "bounce_size"), UINT64_C(2) << 30);
	remora_config_destroy(config);
}

static void a_getter_of_another_kind_reads_nothing(void **state)
{
	struct remora_config *config = make("mock");

	(void)state;
	assert_int_equal(remora_config_set(config, "max_size_gb", "1.5", NULL, 0), 0);
	assert_true(remora_config_real(config, "max_size_gb") == 1.5);
	assert_int_equal(remora_config_unsigned(config, "max_size_gb"), 0);
	assert_null(remora_config_string(config, "max_size_gb"));
	assert_false(remora_config_boolean(config, "max_size_gb"));
	assert_true(remora_config_real(config, "nothing") == 0.0);
	remora_config_destroy(config);
}

static void values_out_of_range_are_refused_by_name(void **state)
{
	(void)state;
	refuses("rdma", "data_lanes", "9", "from 1 to 8");
	refuses("rdma", "data_lanes", "0", "from 1 to 8");
	refuses("rdma", "bounce_size", "4095", "from 4096");
	refuses("mock", "max_size_gb", "0", "a number above 0");
	refuses("mock", "max_size_gb", "-1", "a number above 0");
	refuses("mock", "fail_load_share", "1.01", "a number from 0 to 1");
	refuses("rdma", "server", "", "not empty");
}

static void values_of_another_kind_are_refused_by_name(void **state)
{
	(void)state;
	refuses("rdma", "data_lanes", "two", "a whole number");
	refuses("rdma", "data_lanes", "-1", "a whole number");
	refuses("rdma", "data_lanes", "2.0", "a whole number");
	refuses("rdma", "data_lanes", "18446744073709551617", "a whole number");
	refuses("rdma", "bounce_size", "64XiB", "64GiB");
	refuses("mock", "max_size_gb", "1GB", "a number");
	refuses("mock", "max_size_gb", "nan", "a number");
	refuses("mock", "max_size_gb", "inf", "a number");
}

static void a_refused_value_leaves_the_old_one(void **state)
{
	struct remora_config *config = make("rdma");

	(void)state;
	assert_int_equal(remora_config_set(config, "data_lanes", "3", NULL, 0), 0);
	assert_int_equal(remora_config_set(config, "data_lanes", "99", NULL, 0), -EINVAL);
	assert_int_equal(remora_config_unsigned(config, "data_lanes"), 3);
	remora_config_destroy(config);
}

static void an_unknown_field_is_refused_and_a_like_one_proposed(void **state)
{
	struct remora_config *config = make("mock");

	(void)state;
	assert_int_equal(remora_config_set(config, "max_size", "1", error, sizeof(error)), -ENOENT);
	says("mock has no field \"max_size\": did you mean \"max_size_gb\"?");
	assert_int_equal(remora_config_set(config, "colour", "red", error, sizeof(error)), -ENOENT);
	says("--help-adapter mock");
	remora_config_destroy(config);
}

static void a_required_field_is_missed(void **state)
{
	struct remora_config *config = make("rdma");

	(void)state;
	assert_int_equal(remora_config_check(config, error, sizeof(error)), -EINVAL);
	says("server is missing");
	assert_int_equal(remora_config_set(config, "server", "x", NULL, 0), 0);
	assert_int_equal(remora_config_check(config, error, sizeof(error)), 0);
	remora_config_destroy(config);
}

static void an_unknown_type_is_refused(void **state)
{
	struct remora_config *config = NULL;

	(void)state;
	assert_int_equal(remora_config_create("nothing", &config), -ENOENT);
	assert_null(config);
}

static void json_gives_every_kind_of_value(void **state)
{
	static const char json[] = "{\"type\": \"rdma\", \"server\": \"a:1\", \"data_lanes\": 4,"
				   " \"bounce_size\": \"64KiB\"}";
	struct remora_config *config;

	(void)state;
	assert_int_equal(remora_config_parse(json, NULL, &config, error, sizeof(error)), 0);
	assert_string_equal(remora_config_type(config)->name, "rdma");
	assert_string_equal(remora_config_string(config, "server"), "a:1");
	assert_int_equal(remora_config_unsigned(config, "data_lanes"), 4);
	assert_int_equal(remora_config_size(config, "bounce_size"), 65536);
	remora_config_destroy(config);
}

static void a_real_may_be_written_as_a_whole_number(void **state)
{
	struct remora_config *config;

	(void)state;
	assert_int_equal(remora_config_parse("{\"type\": \"mock\", \"max_size_gb\": 2}", NULL,
				 &config, error, sizeof(error)),
		0);
	assert_true(remora_config_real(config, "max_size_gb") == 2.0);
	remora_config_destroy(config);
}

/* Wrong JSON, the error and what it says; NULL ends the list. */
static const struct {
	const char *json;
	int err;
	const char *said;
} wrong[] = {
	{"", -EINVAL, "not JSON"},
	{"{", -EINVAL, "line 1"},
	{"{\"type\": \"mock\"} x", -EINVAL, "not JSON"},
	{"{\"type\": \"mock\", \"max_size_gb\": 1, \"max_size_gb\": 2}", -EINVAL, "duplicate"},
	{"[]", -EINVAL, "no JSON object"},
	{"7", -EINVAL, "no JSON object"},
	{"{}", -EINVAL, "type is missing"},
	{"{\"type\": 7}", -EINVAL, "type is no text"},
	{"{\"type\": \"rmda\"}", -ENOENT, "did you mean \"rdma\""},
	{"{\"type\": \"colourless\"}", -ENOENT, "there are rdma, mock"},
	{"{\"type\": \"mock\"}", -EINVAL, "max_size_gb is missing"},
	{"{\"type\": \"mock\", \"max_size_gb\": 0}", -EINVAL, "max_size_gb is 0: it must be"},
	{"{\"type\": \"mock\", \"max_size_gb\": \"1\"}", -EINVAL, "max_size_gb is \"1\""},
	{"{\"type\": \"mock\", \"max_size_gb\": null}", -EINVAL, "max_size_gb is null"},
	{"{\"type\": \"mock\", \"max_size_gb\": 1, \"x\": 1}", -ENOENT, "no field \"x\""},
	{"{\"type\": \"mock\", \"max_size_gb\": 1, \"fault_seed\": 1.5}", -EINVAL, "1.5"},
	{"{\"type\": \"mock\", \"max_size_gb\": 1, \"fault_seed\": -1}", -EINVAL, "-1"},
	{"{\"type\": \"rdma\", \"server\": 7}", -EINVAL, "server is 7"},
	{"{\"type\": \"rdma\", \"server\": \"a\", \"bounce_size\": \"7x\"}", -EINVAL, "7x"},
	{"{\"type\": \"rdma\", \"server\": \"a\", \"bounce_size\": true}", -EINVAL, "true"},
};

static void every_mistake_in_json_is_named_with_its_position(void **state)
{
	struct remora_config *config = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(remora_config_parse(
					 wrong[i].json, "here #3", &config, error, sizeof(error)),
			wrong[i].err);
		assert_null(config);
		assert_int_equal(strncmp(error, "here #3: ", 9), 0);
		says(wrong[i].said);
	}
}

static void an_error_is_cut_to_its_room(void **state)
{
	struct remora_config *config;
	char small[8];

	(void)state;
	assert_int_equal(remora_config_parse("{}", NULL, &config, small, sizeof(small)), -EINVAL);
	assert_string_equal(small, "type is");
	assert_int_equal(remora_config_parse("{}", NULL, &config, NULL, 0), -EINVAL);
}

static void a_list_keeps_the_order_and_counts_from_one(void **state)
{
	struct remora_config_list *list;

	(void)state;
	assert_int_equal(remora_config_list_create(&list), 0);
	assert_int_equal(remora_config_list_add_json(
				 list, "{\"type\": \"mock\", \"max_size_gb\": 1}", NULL, 0),
		0);
	assert_int_equal(remora_config_list_add_json(list, "{}", error, sizeof(error)), -EINVAL);
	says("--l2-adapter #2: ");
	assert_int_equal(remora_config_list_add_json(
				 list, "{\"type\": \"rdma\", \"server\": \"a\"}", NULL, 0),
		0);
	assert_int_equal(remora_config_list_count(list), 2);
	assert_string_equal(remora_config_type(remora_config_list_at(list, 0))->name, "mock");
	assert_string_equal(remora_config_type(remora_config_list_at(list, 1))->name, "rdma");
	assert_null(remora_config_list_at(list, 2));
	remora_config_list_destroy(list);
}

/* Adds a file with this text. */
static int add_text(struct remora_config_list *list, const char *text)
{
	char path[] = "/tmp/remora-config-XXXXXX";
	int fd = mkstemp(path), err;
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	err = remora_config_list_add_file(list, path, error, sizeof(error));
	remove(path);
	return err;
}

static void a_file_has_one_object_or_an_array(void **state)
{
	struct remora_config_list *list;

	(void)state;
	assert_int_equal(remora_config_list_create(&list), 0);
	assert_int_equal(add_text(list, "{\"type\": \"mock\", \"max_size_gb\": 1}"), 0);
	assert_int_equal(add_text(list, "[{\"type\": \"mock\", \"max_size_gb\": 2},"
					"{\"type\": \"rdma\", \"server\": \"a\"}]"),
		0);
	assert_int_equal(remora_config_list_count(list), 3);
	assert_int_equal(add_text(list, "[]"), 0);
	assert_int_equal(remora_config_list_count(list), 3);
	remora_config_list_destroy(list);
}

static void a_file_with_a_mistake_adds_nothing_and_is_named(void **state)
{
	struct remora_config_list *list;

	(void)state;
	assert_int_equal(remora_config_list_create(&list), 0);
	assert_int_equal(add_text(list, "[{\"type\": \"mock\", \"max_size_gb\": 1}, {}]"), -EINVAL);
	says(" #2: type is missing");
	assert_int_equal(add_text(list, "["), -EINVAL);
	says("not JSON");
	assert_int_equal(
		remora_config_list_add_file(list, "/nonexistent", error, sizeof(error)), -ENOENT);
	says("/nonexistent: cannot be opened");
	assert_int_equal(remora_config_list_count(list), 0);
	remora_config_list_destroy(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_their_defaults),
		cmocka_unit_test(fields_take_values_of_their_kind),
		cmocka_unit_test(a_getter_of_another_kind_reads_nothing),
		cmocka_unit_test(values_out_of_range_are_refused_by_name),
		cmocka_unit_test(values_of_another_kind_are_refused_by_name),
		cmocka_unit_test(a_refused_value_leaves_the_old_one),
		cmocka_unit_test(an_unknown_field_is_refused_and_a_like_one_proposed),
		cmocka_unit_test(a_required_field_is_missed),
		cmocka_unit_test(an_unknown_type_is_refused),
		cmocka_unit_test(json_gives_every_kind_of_value),
		cmocka_unit_test(a_real_may_be_written_as_a_whole_number),
		cmocka_unit_test(every_mistake_in_json_is_named_with_its_position),
		cmocka_unit_test(an_error_is_cut_to_its_room),
		cmocka_unit_test(a_list_keeps_the_order_and_counts_from_one),
		cmocka_unit_test(a_file_has_one_object_or_an_array),
		cmocka_unit_test(a_file_with_a_mistake_adds_nothing_and_is_named),
	};

	return cmocka_run_group_tests_name("adapter_config", tests, NULL, NULL);
}
