/* SPDX-License-Identifier: Apache-2.0 */
/* test_strikes.c - addresses that fail to authenticate too often */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "strikes.h"

enum { NOW = 1000000 };

static int setup(void **state)
{
	return strikes_create((struct strikes **)state);
}

static int teardown(void **state)
{
	strikes_destroy(*state);
	return 0;
}

static const struct sockaddr *address(const char *text)
{
	static struct sockaddr_storage storage;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

	memset(&storage, 0, sizeof(storage));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
	}
	return (const struct sockaddr *)&storage;
}

static void strike(void **state, const char *text, unsigned times)
{
	while (times--)
		strikes_add(*state, address(text), NOW);
}

static bool out(void **state, const char *text, uint64_t after_ms)
{
	return strikes_out(*state, address(text), NOW + after_ms);
}

static void so_many_failures_are_too_many(void **state)
{
	assert_false(out(state, "192.0.2.1", 0));
	strike(state, "192.0.2.1", STRIKES_MAX - 1);
	assert_false(out(state, "192.0.2.1", 0));
	strike(state, "192.0.2.1", 1);
	assert_true(out(state, "192.0.2.1", 0));
	assert_false(out(state, "192.0.2.2", 0));
}

static void one_is_forgiven_after_a_while(void **state)
{
	strike(state, "192.0.2.1", STRIKES_MAX + 100);
	assert_true(out(state, "192.0.2.1", STRIKES_FORGIVE_MS - 1));
	assert_false(out(state, "192.0.2.1", STRIKES_FORGIVE_MS));
	strikes_add(*state, address("192.0.2.1"), NOW + STRIKES_FORGIVE_MS);
	assert_true(out(state, "192.0.2.1", STRIKES_FORGIVE_MS));
}

static void all_are_forgiven_in_the_end(void **state)
{
	strike(state, "192.0.2.1", STRIKES_MAX);
	for (unsigned i = 0; i < STRIKES_MAX - 1; i++)
		strikes_add(*state, address("192.0.2.1"),
			NOW + (uint64_t)STRIKES_MAX * STRIKES_FORGIVE_MS);
	assert_false(out(state, "192.0.2.1", STRIKES_MAX * STRIKES_FORGIVE_MS));
}

static void an_ipv6_host_cannot_choose_another_address(void **state)
{
	strike(state, "2001:db8:1:2::1", STRIKES_MAX);
	assert_true(out(state, "2001:db8:1:2:ffff::2", 0));
	assert_false(out(state, "2001:db8:1:3::1", 0));
}

/* A crowd of addresses that failed once each does not wash the worst away. */
static void the_worst_are_remembered(void **state)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr addr;

	strike(state, "192.0.2.1", STRIKES_MAX);
	for (unsigned i = 0; i < 4 * STRIKES_ADDRESSES; i++) {
		addr.s_addr = htonl(0x0a000000 + i);
		strike(state, inet_ntop(AF_INET, &addr, text, sizeof(text)), 1);
	}
	assert_true(out(state, "192.0.2.1", 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(so_many_failures_are_too_many),
		TEST(one_is_forgiven_after_a_while),
		TEST(all_are_forgiven_in_the_end),
		TEST(an_ipv6_host_cannot_choose_another_address),
		TEST(the_worst_are_remembered),
	};

	return cmocka_run_group_tests_name("strikes", tests, NULL, NULL);
}
