/* SPDX-License-Identifier: Apache-2.0 */
/* test_remorad_config.c - the server's settings, from a file and from options */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

struct fixture {
	struct config config;
	char error[CONFIG_ERROR_LEN];
	char path[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	config_init(&f->config);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->path[0])
		unlink(f->path);
	free(f);
	return 0;
}

static int set(struct fixture *f, const char *key, const char *value)
{
	return config_set(&f->config, key, value, f->error, sizeof(f->error));
}

static void write_file(struct fixture *f, const char *text)
{
	int fd;

	strcpy(f->path, "/tmp/remorad-conf-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int read_text(struct fixture *f, const char *text)
{
	write_file(f, text);
	return config_read(&f->config, f->path, f->error, sizeof(f->error));
}

static int parse(struct fixture *f, int argc, const char **argv)
{
	return config_parse(&f->config, argc, (char **)argv, f->error, sizeof(f->error));
}

static void expect_error(struct fixture *f, const char *part)
{
	if (!strstr(f->error, part))
		fail_msg("\"%s\" is not in: %s", part, f->error);
}

static void sizes_have_binary_units(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "memory", "1048576"), 0);
	assert_int_equal(f->config.common.memory, 1 << 20);
	assert_int_equal(set(f, "memory", "2048KiB"), 0);
	assert_int_equal(f->config.common.memory, 2 << 20);
	assert_int_equal(set(f, "memory", "512MiB"), 0);
	assert_int_equal(f->config.common.memory, 512 << 20);
	assert_int_equal(set(f, "memory", "64GiB"), 0);
	assert_int_equal(f->config.common.memory, UINT64_C(64) << 30);
	assert_int_equal(set(f, "memory", "2TiB"), 0);
	assert_int_equal(f->config.common.memory, UINT64_C(2) << 40);
}

static void bad_values_are_named_with_what_is_accepted(void **state)
{
	static const char *const bad[][3] = {
		{"memory", "", "GiB"},
		{"memory", "1", "1MiB"},
		{"memory", "-1", "GiB"},
		{"memory", "3GB", "GiB"},
		{"memory", "1.5GiB", "GiB"},
		{"memory", " 1GiB", "GiB"},
		{"memory", "99999999999999999999", "GiB"},
		{"memory", "16777216TiB", "GiB"},
		{"workers", "0", "1 to 64"},
		{"workers", "65", "1 to 64"},
		{"workers", "two", "1 to 64"},
		{"workers", "+2", "1 to 64"},
		{"numa-node", "-1", "any"},
		{"numa-node", "first", "any"},
		{"huge", "yes", "auto, off or require"},
		{"max-sessions", "0", "4096"},
		{"max-reserved", "x", "half the memory"},
		{"max-reservations", "0", "1 to"},
		{"max-locks", "0", "1 to"},
		{"lease-ms", "999", "1000"},
		{"drain-ms", "3600001", "3600000"},
		{"log-level", "loud", "debug"},
	};
	struct fixture *f = *state;
	struct config before = f->config;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(set(f, bad[i][0], bad[i][1]), -EINVAL);
		expect_error(f, bad[i][0]);
		expect_error(f, bad[i][1]);
		expect_error(f, bad[i][2]);
	}
	assert_memory_equal(&before, &f->config, sizeof(before));
}

static void addresses_may_have_a_port(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
	} good[] = {
		{"192.0.2.1", "192.0.2.1", 7471},
		{"192.0.2.1:80", "192.0.2.1", 80},
		{"2001:db8::1", "2001:db8::1", 7471},
		{"[2001:db8::1]", "2001:db8::1", 7471},
		{"[2001:db8::1]:65535", "2001:db8::1", 65535},
	};
	char host[INET6_ADDRSTRLEN];
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(set(f, "listen", good[i].text), 0);
		config_host(&f->config, host);
		assert_string_equal(host, good[i].host);
		assert_int_equal(config_port(&f->config), good[i].port);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"host",
		"192.0.2",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:80x",
		":80",
		"[2001:db8::1",
		"[2001:db8::1]80",
		"[2001:db8::1]:",
		"2001:db8::1:x",
		"192.0.2.1:80:80",
		"fe80::1%eth0.....................................................................",
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(set(f, "listen", bad[i]), -EINVAL);
		expect_error(f, "192.0.2.1:7471");
	}
	assert_string_equal(f->config.listen, "");
}

static void a_file_sets_what_it_names(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "# a server\n"
				      "\n"
				      "  listen = 192.0.2.1:99   # here\n"
				      "memory=2GiB\n"
				      "\thuge\t=\toff\t\n"
				      "log-level = debug"),
		0);
	assert_int_equal(config_port(&f->config), 99);
	assert_int_equal(f->config.common.memory, UINT64_C(2) << 30);
	assert_int_equal(f->config.huge, CONFIG_HUGE_OFF);
	assert_int_equal(f->config.log_level, LOG_DEBUG);
	assert_int_equal(f->config.drain_ms, 5000);
}

static void a_mistake_in_a_file_is_found_by_its_line(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "listen = 192.0.2.1\n\nmemory = 12 GiB\n"), -EINVAL);
	expect_error(f, f->path);
	expect_error(f, ":3: memory: \"12 GiB\"");
	expect_error(f, "wanted");
}

static void an_unknown_setting_is_told_with_those_that_exist(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "memry = 1GiB\n"), -EINVAL);
	expect_error(f, ":1: memry");
	expect_error(f, "memory");
	expect_error(f, "drain-ms");
}

static void a_line_without_a_value_is_a_mistake(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "memory\n"), -EINVAL);
	expect_error(f, ":1: \"memory\" is not `key = value`");
	unlink(f->path);
	assert_int_equal(read_text(f, "memory = # 1GiB\n"), -EINVAL);
	expect_error(f, ":1: memory: the value is missing");
}

static void an_endless_line_is_a_mistake(void **state)
{
	struct fixture *f = *state;
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(read_text(f, text), -EINVAL);
	expect_error(f, ":1: the line is longer");
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		config_read(&f->config, "/nonexistent", f->error, sizeof(f->error)), -ENOENT);
	expect_error(f, "/nonexistent");
}

static void the_command_line_wins_over_the_file(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"remorad", "--memory=3GiB", "--config", f->path, NULL};

	write_file(f, "memory = 2GiB\nlisten = 192.0.2.1\nworkers = 7\ninsecure = yes\n");
	assert_int_equal(parse(f, 4, argv), 0);
	assert_int_equal(f->config.common.memory, UINT64_C(3) << 30);
	assert_int_equal(f->config.workers, 7);
}

static void a_mistake_on_the_command_line_is_told_as_such(void **state)
{
	const char *argv[] = {"remorad", "--listen=192.0.2.1", "--huge", "maybe", NULL};
	struct fixture *f = *state;

	assert_int_equal(parse(f, 4, argv), -EINVAL);
	expect_error(f, "--huge: \"maybe\"");
}

static void an_address_is_required(void **state)
{
	const char *argv[] = {"remorad", NULL};
	struct fixture *f = *state;

	assert_int_equal(parse(f, 1, argv), -EINVAL);
	expect_error(f, "--listen 192.0.2.1");
}

static void no_client_may_reserve_more_than_there_is(void **state)
{
	const char *argv[] = {
		"remorad", "--listen=192.0.2.1", "--max-reserved=2GiB", "--insecure", NULL};
	struct fixture *f = *state;

	assert_int_equal(parse(f, 4, argv), -EINVAL);
	expect_error(f, "max-reserved");
}

static void whoever_may_enter_must_be_said(void **state)
{
	const char *argv[] = {"remorad", "--listen=192.0.2.1", NULL};
	struct fixture *f = *state;

	assert_int_equal(parse(f, 2, argv), -EINVAL);
	expect_error(f, "--secret-file PATH");
	expect_error(f, "--insecure");
}

static void a_secret_file_or_insecure_is_enough_but_both_are_too_much(void **state)
{
	const char *argv[] = {
		"remorad", "--listen=192.0.2.1", "--insecure", "--secret-file=/s", NULL};
	const char *secret[] = {"remorad", "--listen=192.0.2.1", "--secret-file=/s", NULL};
	struct fixture *f = *state;

	assert_int_equal(parse(f, 3, argv), 0);
	assert_true(f->config.insecure);
	assert_int_equal(parse(f, 4, argv), -EINVAL);
	expect_error(f, "leave one of them out");
	config_init(&f->config);
	assert_int_equal(parse(f, 3, secret), 0);
	assert_false(f->config.insecure);
	assert_string_equal(f->config.common.secret_file, "/s");
}

static int check(struct fixture *f)
{
	return config_check(&f->config, f->error, sizeof(f->error));
}

static void without_sections_there_is_one_tenant_without_a_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "listen = 192.0.2.1\ninsecure = yes\n"), 0);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->config.tenant_count, 1);
	assert_string_equal(f->config.tenants[0].name, "");
	assert_int_equal(f->config.tenants[0].memory, 1 << 30);
	assert_int_equal(f->config.tenants[0].max_reserved, 1 << 29);
	assert_int_equal(f->config.tenants[0].max_sessions, 256);
	assert_int_equal(f->config.tenants[0].max_locks, 1 << 20);
	assert_int_equal(f->config.tenants[0].total_locks, 1 << 24);
}

static void a_section_is_a_tenant(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "listen = 192.0.2.1\nmax-locks = 50\n"
				      "[tenant a]\nmemory = 2MiB\nsecret-file = /a\n"
				      " [ tenant\tteam-B.2_ ] # the others\nmemory = 4MiB\n"
				      "secret-file = /b\nmax-locks = 7\ntotal-locks = 8\n"
				      "max-sessions = 9\nmax-reserved = 3MiB\n"
				      "max-reservations = 10\n"),
		0);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->config.tenant_count, 2);
	assert_string_equal(f->config.tenants[0].name, "a");
	assert_string_equal(f->config.tenants[0].secret_file, "/a");
	assert_int_equal(f->config.tenants[0].memory, 2 << 20);
	assert_int_equal(f->config.tenants[0].max_reserved, 1 << 20);
	assert_int_equal(f->config.tenants[0].max_locks, 50);
	assert_int_equal(f->config.tenants[0].max_sessions, 256);
	assert_string_equal(f->config.tenants[1].name, "team-B.2_");
	assert_string_equal(f->config.tenants[1].secret_file, "/b");
	assert_int_equal(f->config.tenants[1].max_locks, 7);
	assert_int_equal(f->config.tenants[1].total_locks, 8);
	assert_int_equal(f->config.tenants[1].max_sessions, 9);
	assert_int_equal(f->config.tenants[1].max_reserved, 3 << 20);
	assert_int_equal(f->config.tenants[1].max_reservations, 10);
}

static void a_mistake_in_a_section_is_named(void **state)
{
	static const char *const bad[][2] = {
		{"[tenant a]\nlisten = 192.0.2.1\n", ":2: listen: this is a setting of the server"},
		{"[tenant a]\n[tenant b]\n[tenant a]\n", ":3: tenant a: there is a section"},
		{"[tenant]\n", ":1: \"[tenant]\" is not `[tenant NAME]`"},
		{"[tenant a b]\n", "tenant \"a b\""},
		{"[tenant a\n", "is not `[tenant NAME]`"},
		{"[tenant a] x\n", "is not `[tenant NAME]`"},
		{"[server]\n", "is not `[tenant NAME]`"},
		{"[tenantry]\n", "is not `[tenant NAME]`"},
		{"[tenant 0123456789012345678901234567890123456789012345678901234567890123x]\n",
			"1 to 64"},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config_init(&f->config);
		assert_int_equal(read_text(f, bad[i][0]), -EINVAL);
		expect_error(f, bad[i][1]);
		unlink(f->path);
	}
}

static void tenants_must_be_told_all_that_they_need(void **state)
{
	static const char *const bad[][2] = {
		{"[tenant a]\nmemory = 1MiB\n",
			"tenant a: its section does not say its secret-file"},
		{"[tenant a]\nsecret-file = /a\n", "tenant a: its section does not say its memory"},
		{"memory = 1MiB\n[tenant a]\n", "memory: this cannot be said for all tenants"},
		{"secret-file = /x\n[tenant a]\n", "secret-file: this cannot be said"},
		{"insecure = yes\n[tenant a]\n", "insecure: this cannot be said"},
		{"[tenant a]\nmemory = 1MiB\nsecret-file = /a\nmax-reserved = 2MiB\n",
			"tenant a: max-reserved"},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config_init(&f->config);
		assert_int_equal(set(f, "listen", "192.0.2.1"), 0);
		assert_int_equal(read_text(f, bad[i][0]), 0);
		assert_int_equal(check(f), -EINVAL);
		expect_error(f, bad[i][1]);
		unlink(f->path);
	}
}

static void there_are_at_most_so_many_tenants(void **state)
{
	struct fixture *f = *state;
	char name[16];

	for (unsigned i = 0; i < CONFIG_TENANTS_MAX; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		assert_int_equal(
			config_begin_tenant(&f->config, name, f->error, sizeof(f->error)), 0);
	}
	assert_int_equal(
		config_begin_tenant(&f->config, "more", f->error, sizeof(f->error)), -EINVAL);
	expect_error(f, "no more than 64");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_have_binary_units),
		TEST(bad_values_are_named_with_what_is_accepted),
		TEST(addresses_may_have_a_port),
		TEST(what_is_no_address_is_refused),
		TEST(a_file_sets_what_it_names),
		TEST(a_mistake_in_a_file_is_found_by_its_line),
		TEST(an_unknown_setting_is_told_with_those_that_exist),
		TEST(a_line_without_a_value_is_a_mistake),
		TEST(an_endless_line_is_a_mistake),
		TEST(a_file_that_is_not_there_is_named),
		TEST(the_command_line_wins_over_the_file),
		TEST(a_mistake_on_the_command_line_is_told_as_such),
		TEST(an_address_is_required),
		TEST(no_client_may_reserve_more_than_there_is),
		TEST(whoever_may_enter_must_be_said),
		TEST(without_sections_there_is_one_tenant_without_a_name),
		TEST(a_section_is_a_tenant),
		TEST(a_mistake_in_a_section_is_named),
		TEST(tenants_must_be_told_all_that_they_need),
		TEST(there_are_at_most_so_many_tenants),
		TEST(a_secret_file_or_insecure_is_enough_but_both_are_too_much),
	};

	return cmocka_run_group_tests_name("remorad config", tests, NULL, NULL);
}
