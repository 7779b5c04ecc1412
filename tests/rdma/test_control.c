/* SPDX-License-Identifier: Apache-2.0 */
/* test_control.c - what a running server tells on its UNIX socket */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "raw.h"
#include "spawn.h"

enum { PORT = 7581, OBJECT = 100000, PAGES = 102400, ASKED = 50 };

static struct spawn server;
static char path[64];

static int start_server(void **state)
{
	const char *const options[] = {"--memory", "64MiB", "--workers", "3", "--lease-ms", "60000",
		"--control", path, NULL};

	(void)state;
	snprintf(path, sizeof(path), "/tmp/remorad-control-%d", (int)getpid());
	return spawn_server(&server, PORT, options);
}

static int stop_server(void **state)
{
	(void)state;
	if (server.pid)
		spawn_end(&server, SIGKILL);
	unlink(path);
	return 0;
}

static json_t *ask(const char *command)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *stream = fdopen(fd, "r");
	size_t room = 0;
	char *line = NULL;
	json_t *answer;

	strcpy(addr.sun_path, path);
	assert_non_null(stream);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(dprintf(fd, "%s\n", command) > 0);
	assert_true(getline(&line, &room, stream) > 0);
	answer = json_loads(line, 0, NULL);
	assert_non_null(answer);
	free(line);
	fclose(stream);
	return answer;
}

static json_int_t number(const json_t *answer, const char *name)
{
	const json_t *value = json_object_get(answer, name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* An audit that must find nothing wrong. */
static json_t *audit(void)
{
	json_t *answer = ask("audit");

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%s", json_dumps(answer, JSON_COMPACT));
	assert_int_equal(number(answer, "leaked_extents"), 0);
	assert_int_equal(number(answer, "leaked_locks"), 0);
	return answer;
}

static void expect_audit(json_int_t objects, json_int_t reserved, json_int_t locks)
{
	json_t *answer = audit();

	assert_int_equal(number(answer, "objects"), objects);
	assert_int_equal(number(answer, "reserved_bytes"), reserved);
	assert_int_equal(number(answer, "locks"), locks);
	assert_int_equal(number(answer, "extents_bytes"), objects * PAGES + reserved);
	json_decref(answer);
}

static void store(struct raw *raw, const char *key)
{
	struct wire_extent extent;

	assert_int_equal(raw_reserve(raw, key, OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_write(raw, &extent, OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent.handle), WIRE_OK);
}

static void audit_counts_what_sessions_hold(void **state)
{
	struct wire_extent extent;
	struct raw a, b;

	(void)state;
	expect_audit(0, 0, 0);
	assert_int_equal(raw_hello(&a, &server.addr), 0);
	assert_int_equal(raw_hello(&b, &server.addr), 0);
	store(&a, "one");
	assert_int_equal(raw_lookup(&a, "one", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_lookup(&a, "one", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_lookup(&b, "one", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_reserve(&b, "two", OBJECT, &extent), WIRE_OK);
	expect_audit(1, PAGES, 3);
	raw_close(&b);
	raw_close(&a);
}

static void sessions_are_told_with_what_they_hold(void **state)
{
	struct wire_extent extent;
	json_t *answer, *one;
	struct raw raw;

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	store(&raw, "one");
	assert_int_equal(raw_lookup(&raw, "one", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_reserve(&raw, "two", OBJECT, &extent), WIRE_OK);
	answer = ask("sessions");
	assert_int_equal(json_array_size(json_object_get(answer, "sessions")), 1);
	one = json_array_get(json_object_get(answer, "sessions"), 0);
	assert_int_equal(number(one, "lanes"), 2);
	assert_int_equal(number(one, "reservations"), 1);
	assert_int_equal(number(one, "reserved_bytes"), PAGES);
	assert_int_equal(number(one, "locks"), 1);
	json_decref(answer);
	raw_close(&raw);
}

static void status_tells_who_answers(void **state)
{
	struct raw raw;
	json_t *answer;
	char boot[20];

	(void)state;
	assert_int_equal(raw_hello(&raw, &server.addr), 0);
	snprintf(boot, sizeof(boot), "%016llx", (unsigned long long)raw.boot);
	answer = ask("status");
	assert_string_equal(json_string_value(json_object_get(answer, "boot")), boot);
	assert_int_equal(number(answer, "sessions"), 1);
	assert_int_equal(number(answer, "capacity"), 64 << 20);
	json_decref(answer);
	raw_close(&raw);
}

static void an_unknown_command_is_refused(void **state)
{
	json_t *answer = ask("fish");

	(void)state;
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_non_null(strstr(json_string_value(json_object_get(answer, "error")), "audit"));
	json_decref(answer);
}

static void audits_agree_while_clients_work(void **state)
{
	struct raw raw[3];
	char key[16];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(raw_hello(&raw[i], &server.addr), 0);
	for (unsigned i = 0; i < ASKED; i++) {
		struct raw *one = &raw[i % 3];
		struct wire_extent extent;

		snprintf(key, sizeof(key), "key%u", i);
		store(one, key);
		assert_int_equal(raw_lookup(one, key, WIRE_FLAG_LOCK, &extent), WIRE_OK);
		json_decref(audit());
		if (i % 2)
			assert_int_equal(raw_handle(one, WIRE_UNLOCK, extent.handle), WIRE_OK);
	}
	for (unsigned i = 0; i < 3; i++)
		raw_close(&raw[i]);
}

static void the_socket_goes_with_the_server(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(spawn_end(&server, SIGTERM), 0);
	assert_int_equal(stat(path, &status), -1);
}

static void what_a_killed_server_left_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(spawn_end(&server, SIGKILL), 128 + SIGKILL);
	assert_int_equal(start_server(state), 0);
	expect_audit(0, 0, 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(audit_counts_what_sessions_hold),
		WITH_SERVER(sessions_are_told_with_what_they_hold),
		WITH_SERVER(status_tells_who_answers),
		WITH_SERVER(an_unknown_command_is_refused),
		WITH_SERVER(audits_agree_while_clients_work),
		WITH_SERVER(the_socket_goes_with_the_server),
		WITH_SERVER(what_a_killed_server_left_is_replaced),
	};
	char address[64];

	alarm(230);
	if (spawn_address(address, sizeof(address))) {
		printf("1..0 # SKIP no RDMA device\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
