/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tenants.c - adapters of two tenants, and those that nobody or no server should trust
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "landlord.h"
#include "rogue.h"

enum { OBJECT = 64 << 10, MIB = 1 << 20, STEPS = 3000, STEP_US = 10000 };

static struct landlord landlord;
static pid_t rogues[2];

/* The rogues first: nothing of RDMA may have been used before they fork. */
static int set_up(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rogues[i] = rogue_start(client_port(2 + i), i);
		if (rogues[i] <= 0)
			return -1;
	}
	return landlord_start(&landlord, client_port(0), "", "");
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		rogue_end(rogues[i]);
	return landlord_end(&landlord, SIGTERM);
}

static struct client_options options_of(unsigned tenant)
{
	static const char *const names[] = {"a", "b"};

	return (struct client_options){
		.bounce_size = MIB,
		.connect_timeout_ms = 30000,
		.tenant = names[tenant],
		.secret_file = landlord.secret_files[tenant],
	};
}

static void open_as(struct client *client, unsigned tenant)
{
	struct client_options options = options_of(tenant);

	assert_int_equal(
		client_open_with(client, client_server(&landlord.spawn), MIB, &options), 0);
}

static void store(struct client *client, const char *key, int fill)
{
	struct remora_key name = client_key(key);
	struct remora_object object = {.data = client->arena, .len = OBJECT};

	memset(client->arena, fill, OBJECT);
	assert_int_equal(client_store(client, &name, &object, 1, NULL), 0);
}

static void expect(struct client *client, const char *key, int fill)
{
	struct remora_key name = client_key(key);
	struct remora_object object = {.data = client->arena, .len = OBJECT};

	memset(client->arena, 0, OBJECT);
	assert_int_equal(client_load(client, &name, &object, 1), 1);
	for (unsigned i = 0; i < OBJECT; i++)
		assert_int_equal(client->arena[i], fill);
}

static void each_tenant_has_its_own_objects(void **state)
{
	struct remora_key both = client_key("both"), only = client_key("only a");
	struct remora_usage usage;
	struct client a, b;

	(void)state;
	open_as(&a, 0);
	open_as(&b, 1);
	store(&a, "both", 0x0a);
	store(&b, "both", 0x0b);
	store(&a, "only a", 0x1a);
	expect(&a, "both", 0x0a);
	expect(&b, "both", 0x0b);
	assert_int_equal(client_lookup(&b, &only, 1), 0);
	assert_int_equal(remora_usage(b.adapter, &usage), 0);
	assert_int_equal(usage.capacity, 8 * MIB);
	assert_int_equal(usage.objects, 1);
	assert_int_equal(usage.sessions, 1);
	assert_int_equal(client_lookup(&a, &both, 1), 1);
	client_close(&a);
	client_close(&b);
}

/* The status says why, a moment after the failure was told. */
static void expect_reason(struct client *client, const char *text)
{
	struct remora_status status;

	for (unsigned i = 0; i < STEPS; i++) {
		remora_status(client->adapter, &status);
		if (strstr(status.error, text))
			return;
		usleep(STEP_US);
	}
	fail_msg("\"%s\" is not in: %s", text, status.error);
}

static void expect_kept_out(
	const char *server, const struct client_options *options, const char *text)
{
	struct client client;
	int err, steps = 0;

	assert_int_equal(client_start(&client, server, MIB, options), 0);
	while ((err = remora_wait_connected(client.adapter, CLIENT_WAIT_MS)) != -EACCES &&
		++steps < STEPS)
		usleep(STEP_US);
	assert_int_equal(err, -EACCES);
	expect_reason(&client, text);
	client_close(&client);
}

static void a_wrong_secret_is_named(void **state)
{
	struct client_options options = options_of(0);

	(void)state;
	options.secret_file = landlord.secret_files[1];
	expect_kept_out(client_server(&landlord.spawn), &options, "tenant \"a\"");
	options.secret_file = NULL;
	expect_kept_out(client_server(&landlord.spawn), &options, "asks for a secret");
	options = options_of(0);
	options.tenant = "nobody";
	expect_kept_out(client_server(&landlord.spawn), &options, "tenant \"nobody\"");
}

static void a_server_that_cannot_prove_itself_is_not_believed(void **state)
{
	struct client_options options = options_of(0);
	struct spawn rogue = landlord.spawn;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		((struct sockaddr_in *)&rogue.addr)->sin_port = htons((uint16_t)client_port(2 + i));
		expect_kept_out(client_server(&rogue), &options, "cannot prove that it knows");
	}
}

static void who_has_a_secret_does_not_trust_an_insecure_server(void **state)
{
	static const char *const insecure[] = {"--memory", "8MiB", "--insecure", NULL};
	struct client_options options = options_of(0);
	struct spawn server;

	(void)state;
	assert_int_equal(spawn_server(&server, client_port(1), insecure), 0);
	assert_int_equal(spawn_logged(&server, "insecure: everybody"), 1);
	expect_kept_out(client_server(&server), &options, "runs with --insecure");
	assert_int_equal(spawn_end(&server, SIGTERM), 0);
}

static void a_secret_that_others_may_read_is_not_used(void **state)
{
	const char *const args[] = {"--secret-file", landlord.secret_files[0], NULL};
	struct client_options options = options_of(0);
	struct client client;
	struct spawn server;

	(void)state;
	assert_int_equal(chmod(landlord.secret_files[0], 0644), 0);
	assert_int_equal(
		client_start(&client, client_server(&landlord.spawn), MIB, &options), -EPERM);
	assert_true(client_said(&client, "chmod 600"));
	client_close(&client);
	assert_int_equal(spawn_server(&server, client_port(1), args), -ECHILD);
	assert_int_equal(spawn_logged(&server, "chmod 600"), 1);
	unlink(server.log);
	assert_int_equal(chmod(landlord.secret_files[0], 0600), 0);
}

static void change_secret(unsigned tenant)
{
	static const char text[] = "another secret, for the restart";
	int fd = open(landlord.secret_files[tenant], O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void a_changed_secret_is_taken_up_by_clients_that_run(void **state)
{
	struct client client;

	(void)state;
	open_as(&client, 1);
	change_secret(1);
	assert_int_equal(landlord_restart(&landlord, client_port(0)), 0);
	assert_true(client_usage_becomes(&client, CLIENT_SESSIONS, 1));
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tenant_has_its_own_objects),
		cmocka_unit_test(a_wrong_secret_is_named),
		cmocka_unit_test(a_server_that_cannot_prove_itself_is_not_believed),
		cmocka_unit_test(who_has_a_secret_does_not_trust_an_insecure_server),
		cmocka_unit_test(a_secret_that_others_may_read_is_not_used),
		cmocka_unit_test(a_changed_secret_is_taken_up_by_clients_that_run),
	};

	if (!client_has_lab(230))
		return 77;
	return cmocka_run_group_tests_name("tenants", tests, set_up, tear_down);
}
