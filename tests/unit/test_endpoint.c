/* SPDX-License-Identifier: Apache-2.0 */
/* test_endpoint.c - addresses as people write them */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint.h"

static void becomes(const char *text, const char *normalised)
{
	struct endpoint endpoint;
	char error[128] = "";

	assert_int_equal(endpoint_parse(text, 7471, &endpoint, error, sizeof(error)), 0);
	assert_string_equal(endpoint.text, normalised);
	assert_string_equal(error, "");
}

static void refused(const char *text, int err, const char *why)
{
	struct endpoint endpoint;
	char error[128] = "";

	assert_int_equal(endpoint_parse(text, 7471, &endpoint, error, sizeof(error)), err);
	if (!strstr(error, why))
		fail_msg("\"%s\" is not in \"%s\"", why, error);
}

static void an_address_without_a_port_gets_the_default(void **state)
{
	(void)state;
	becomes("10.0.0.1", "10.0.0.1:7471");
	becomes("fe80::1", "[fe80::1]:7471");
	becomes("[fe80::1]", "[fe80::1]:7471");
}

static void a_port_follows_a_colon(void **state)
{
	(void)state;
	becomes("10.0.0.1:1", "10.0.0.1:1");
	becomes("10.0.0.1:65535", "10.0.0.1:65535");
	becomes("[::1]:7472", "[::1]:7472");
}

static void a_name_is_resolved(void **state)
{
	struct endpoint endpoint;
	char error[128];

	(void)state;
	assert_int_equal(endpoint_parse("localhost:7471", 1, &endpoint, error, sizeof(error)), 0);
	assert_non_null(strstr(endpoint.text, ":7471"));
}

static void a_bad_port_is_named(void **state)
{
	(void)state;
	refused("10.0.0.1:0", -EINVAL, "\"0\"");
	refused("10.0.0.1:65536", -EINVAL, "\"65536\"");
	refused("10.0.0.1:x", -EINVAL, "\"x\"");
	refused("10.0.0.1:", -EINVAL, "not a port");
	refused("10.0.0.1: 5", -EINVAL, "\" 5\"");
	refused("10.0.0.1:-5", -EINVAL, "\"-5\"");
	refused("10.0.0.1:99999999999999999999", -EINVAL, "1 to 65535");
}

static void what_is_no_address_is_named(void **state)
{
	char long_name[400];

	(void)state;
	refused("", -EINVAL, "empty");
	refused(":7471", -EINVAL, ":7471");
	refused("[::1", -EINVAL, "[::1");
	refused("[::1]7471", -EINVAL, "[::1]7471");
	refused("no.such.host.invalid", -ENOENT, "no.such.host.invalid");
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	refused(long_name, -EINVAL, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_without_a_port_gets_the_default),
		cmocka_unit_test(a_port_follows_a_colon),
		cmocka_unit_test(a_name_is_resolved),
		cmocka_unit_test(a_bad_port_is_named),
		cmocka_unit_test(what_is_no_address_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
