/* SPDX-License-Identifier: Apache-2.0 */
/* test_inventory.c - list, usage, delete and ping tell what the server has */
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

#include "client.h"
#include "items.h"

enum { MIB = 1 << 20, POOL = 64 * MIB, PAGE = 4096, MANY = 5000 };

static struct spawn server;
static struct client client;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "64MiB", NULL};

	(void)state;
	if (spawn_server(&server, client_port(0), options))
		return -1;
	return client_open(&client, &server, 8 * MIB, 0);
}

static int tear_down(void **state)
{
	(void)state;
	client_close(&client);
	return spawn_end(&server, SIGTERM);
}

static struct items *stored(const char *prefix, size_t count, size_t len)
{
	struct items *items = items_create(prefix, count, client.arena, len);

	assert_non_null(items);
	items_fill(items);
	assert_int_equal(client_store(&client, items->keys, items->objects, count, NULL), 0);
	return items;
}

static void drop(struct items *items)
{
	assert_int_equal(remora_delete(client.adapter, items->keys, items->count, NULL), 0);
	items_destroy(items);
}

static struct remora_usage usage(void)
{
	struct remora_usage now;

	assert_int_equal(remora_usage(client.adapter, &now), 0);
	return now;
}

/* How often each number behind a prefix was listed. */
struct seen {
	const char *prefix;
	uint8_t counts[MANY];
	size_t total, strange;
	uint64_t len;
	unsigned locked;
	int stop_after;
};

static int see(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	struct seen *seen = arg;
	size_t prefix_len = strlen(seen->prefix);
	char number[16] = "";

	seen->total++;
	seen->locked += locked;
	if (key->len <= prefix_len || key->len >= prefix_len + sizeof(number) ||
		memcmp(key->data, seen->prefix, prefix_len) != 0 || len != seen->len) {
		seen->strange++;
	} else {
		memcpy(number, (const char *)key->data + prefix_len, key->len - prefix_len);
		if (strtoul(number, NULL, 10) < MANY)
			seen->counts[strtoul(number, NULL, 10)]++;
	}
	return seen->stop_after && (int)seen->total == seen->stop_after ? 77 : 0;
}

static void each_of_thousands_of_keys_is_listed_once(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct items *items = stored("listed", MANY, 100), *others = stored("other", 50, 100);
	struct remora_key prefix = client_key("listed-");
	size_t i;

	(void)state;
	seen->prefix = "listed-";
	seen->len = 100;
	assert_int_equal(remora_list(client.adapter, &prefix, see, seen), 0);
	assert_int_equal(seen->total, MANY);
	assert_int_equal(seen->strange, 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seen->counts[i], 1);
	drop(items);
	drop(others);
	free(seen);
}

static size_t listed(const struct remora_key *prefix, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->prefix = "";
	assert_int_equal(remora_list(client.adapter, prefix, see, seen), 0);
	return seen->total;
}

static void a_listing_without_a_prefix_names_all(void **state)
{
	struct items *items = stored("a", 20, 10), *others = stored("b", 30, 10);
	struct remora_key none = {"", 0}, absent = client_key("c"), some = client_key("a-1");
	struct seen *seen = calloc(1, sizeof(*seen));

	(void)state;
	assert_int_equal(listed(NULL, seen), 50);
	assert_int_equal(listed(&none, seen), 50);
	assert_int_equal(listed(&absent, seen), 0);
	assert_int_equal(listed(&some, seen), 11); /* a-1, a-10 to a-19 */
	drop(items);
	drop(others);
	assert_int_equal(listed(NULL, seen), 0);
	free(seen);
}

static void a_listing_tells_locks_and_ends_when_asked_to(void **state)
{
	struct items *items = stored("some", 10, 10);
	struct seen *seen = calloc(1, sizeof(*seen));

	(void)state;
	assert_int_equal(client_lookup(&client, items->keys, 3), 3);
	assert_int_equal(listed(NULL, seen), 10);
	assert_int_equal(seen->locked, 3);
	remora_submit_unlock(client.adapter, items->keys, 3);
	memset(seen, 0, sizeof(*seen));
	seen->prefix = "";
	seen->stop_after = 4;
	assert_int_equal(remora_list(client.adapter, NULL, see, seen), 77);
	assert_int_equal(seen->total, 4);
	drop(items);
	free(seen);
}

static void keys_of_1024_bytes_are_listed(void **state)
{
	static char name[40][REMORA_KEY_MAX];
	struct seen *seen = calloc(1, sizeof(*seen));
	struct remora_key keys[40];
	struct remora_object objects[40];
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		memset(name[i], 'x', REMORA_KEY_MAX);
		name[i][0] = (char)i;
		keys[i] = (struct remora_key){name[i], REMORA_KEY_MAX};
		objects[i] = (struct remora_object){.data = client.arena, .len = 1};
	}
	assert_int_equal(client_store(&client, keys, objects, 40, NULL), 0);
	assert_int_equal(listed(NULL, seen), 40);
	assert_int_equal(remora_delete(client.adapter, keys, 40, NULL), 0);
	free(seen);
}

static void usage_counts_whole_pages_and_goes_back_to_zero(void **state)
{
	struct items *small, *large;

	(void)state;
	assert_int_equal(usage().capacity, POOL);
	assert_int_equal(usage().used, 0);
	small = stored("small", 3, 1);
	assert_int_equal(usage().used, 3 * PAGE);
	large = stored("large", 2, MIB + 1);
	assert_int_equal(usage().used, 3 * PAGE + 2 * (MIB + PAGE));
	assert_int_equal(usage().objects, 5);
	assert_int_equal(usage().reserved, 0);
	assert_int_equal(client_lookup(&client, small->keys, 3), 3);
	assert_int_equal(usage().locked, 3);
	remora_submit_unlock(client.adapter, small->keys, 3);
	assert_int_equal(usage().locked, 0);
	drop(small);
	assert_int_equal(usage().used, 2 * (MIB + PAGE));
	drop(large);
	assert_int_equal(usage().used, 0);
	assert_int_equal(usage().objects, 0);
}

/* The bytes of one salt, and of all; NULL is none. */
struct account {
	const char *salt;
	uint64_t bytes, all;
	unsigned count;
};

static int take_account(void *arg, const char *salt, uint64_t bytes)
{
	struct account *account = arg;

	account->count++;
	account->all += bytes;
	if (account->salt && strcmp(salt, account->salt) == 0)
		account->bytes = bytes;
	return 0;
}

static struct account account(const char *salt)
{
	struct account account = {.salt = salt};

	assert_int_equal(remora_usage_salts(client.adapter, take_account, &account), 0);
	return account;
}

static void label(struct items *items, const char *salt)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		items->objects[i].salt = salt;
	assert_int_equal(client_store(&client, items->keys, items->objects, items->count, NULL), 0);
}

static void bytes_are_told_by_salt_exactly(void **state)
{
	struct items *red = items_create("red", 1000, client.arena, 1001);
	struct items *blue = items_create("blue", 3, client.arena, MIB);
	struct items *none = items_create("none", 2, client.arena, 7);

	(void)state;
	assert_int_equal(account(NULL).count, 0);
	label(red, "red");
	label(blue, "blue");
	label(none, NULL);
	label(blue, "red"); /* they exist, and stay blue */
	assert_int_equal(account("red").bytes, 1000 * 1001);
	assert_int_equal(account("blue").bytes, 3 * MIB);
	assert_int_equal(account("").bytes, 2 * 7);
	assert_int_equal(remora_delete(client.adapter, blue->keys, 1, NULL), 0);
	assert_int_equal(account("blue").bytes, 2 * MIB);
	drop(red);
	drop(blue);
	assert_int_equal(account("").count, 1);
	drop(none);
	assert_int_equal(account(NULL).count, 0);
}

static void thousands_of_salts_are_all_told(void **state)
{
	static char salts[MANY][REMORA_SALT_MAX + 1];
	struct items *items = items_create("salted", MANY, client.arena, 10);
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		memset(salts[i], 's', REMORA_SALT_MAX);
		snprintf(salts[i], REMORA_SALT_MAX, "%zu", i);
		salts[i][strlen(salts[i])] = ' ';
		items->objects[i].salt = salts[i];
	}
	assert_int_equal(client_store(&client, items->keys, items->objects, MANY, NULL), 0);
	assert_int_equal(account(salts[MANY - 1]).bytes, 10);
	assert_int_equal(account(NULL).count, MANY);
	assert_int_equal(account(NULL).all, 10 * MANY);
	drop(items);
	assert_int_equal(account(NULL).count, 0);
}

static int sum_lengths(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	(void)key, (void)locked;
	*(uint64_t *)arg += len;
	return 0;
}

static void evicted_bytes_leave_the_accounts(void **state)
{
	static const char *const salts[] = {"x", "y", "z"};
	uint64_t evictions = usage().evictions, listed_bytes = 0;
	struct remora_bitmap *deleted;
	struct items *items[30];
	char prefix[16];
	size_t i;

	(void)state;
	for (i = 0; i < 30; i++) {
		snprintf(prefix, sizeof(prefix), "evict%zu", i);
		items[i] = items_create(prefix, 5, client.arena, MIB - i);
		label(items[i], salts[i % 3]);
	}
	assert_true(usage().evictions > evictions);
	assert_int_equal(remora_list(client.adapter, NULL, sum_lengths, &listed_bytes), 0);
	assert_int_equal(account(NULL).all, listed_bytes);
	for (i = 0; i < 30; i++) {
		assert_int_equal(remora_delete(client.adapter, items[i]->keys, 5, &deleted), 0);
		remora_bitmap_destroy(deleted);
		items_destroy(items[i]);
	}
	assert_int_equal(account(NULL).count, 0);
}

static void usage_counts_hits_misses_and_stores(void **state)
{
	struct remora_usage before = usage(), after;
	struct items *items = stored("counted", 4, 10);

	(void)state;
	assert_int_equal(client_lookup(&client, items->keys, 4), 4);
	remora_submit_unlock(client.adapter, items->keys, 4);
	assert_int_equal(client_store(&client, items->keys, items->objects, 4, NULL), 0);
	drop(items);
	items = items_create("counted", 4, client.arena, 10);
	assert_int_equal(client_lookup(&client, items->keys, 4), 0);
	after = usage();
	assert_int_equal(after.hits - before.hits, 4);
	assert_int_equal(after.misses - before.misses, 4);
	assert_int_equal(after.stored - before.stored, 4);
	assert_int_equal(after.sessions, 1);
	assert_true(after.uptime_ms >= before.uptime_ms);
	items_destroy(items);
}

static void delete_tells_key_by_key_what_was_there(void **state)
{
	struct items *items = stored("there", 5, 10);
	struct remora_bitmap *deleted;

	(void)state;
	assert_int_equal(remora_delete(client.adapter, &items->keys[1], 1, NULL), 0);
	assert_int_equal(remora_delete(client.adapter, items->keys, 5, &deleted), 0);
	assert_int_equal(remora_bitmap_size(deleted), 5);
	assert_int_equal(remora_bitmap_popcount(deleted), 4);
	assert_false(remora_bitmap_test(deleted, 1));
	remora_bitmap_destroy(deleted);
	assert_int_equal(client_lookup(&client, items->keys, 5), 0);
	items_destroy(items);
}

static void a_deleted_key_can_be_stored_anew_with_another_content(void **state)
{
	struct items *items = stored("anew", 1, 5000);

	(void)state;
	assert_int_equal(remora_delete(client.adapter, items->keys, 1, NULL), 0);
	item_fill(&items->keys[0], 1, items->objects[0].data, 5000);
	assert_int_equal(client_store(&client, items->keys, items->objects, 1, NULL), 0);
	items_wipe(items);
	assert_int_equal(client_load(&client, items->keys, items->objects, 1), 1);
	assert_true(item_is(&items->keys[0], 1, items->objects[0].data, 5000));
	drop(items);
}

static void a_ping_is_answered(void **state)
{
	uint64_t rtt;
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		rtt = 0;
		assert_int_equal(remora_ping(client.adapter, &rtt), 0);
		assert_true(rtt > 0);
	}
}

static void status_counts_what_was_moved(void **state)
{
	struct remora_status before, after;
	struct items *items;

	(void)state;
	remora_status(client.adapter, &before);
	items = stored("moved", 2, MIB);
	assert_int_equal(client_load(&client, items->keys, items->objects, 2), 2);
	remora_status(client.adapter, &after);
	assert_true(after.connected);
	assert_true(after.boot_id != 0);
	assert_true(after.device[0]);
	assert_int_equal(after.tasks_in_flight, 0);
	assert_int_equal(after.bytes_written - before.bytes_written, 2 * MIB);
	assert_int_equal(after.bytes_read - before.bytes_read, 2 * MIB);
	assert_int_equal(after.bytes_bounced, before.bytes_bounced);
	assert_true(after.connects >= 1);
	drop(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_counts_whole_pages_and_goes_back_to_zero),
		cmocka_unit_test(usage_counts_hits_misses_and_stores),
		cmocka_unit_test(bytes_are_told_by_salt_exactly),
		cmocka_unit_test(thousands_of_salts_are_all_told),
		cmocka_unit_test(evicted_bytes_leave_the_accounts),
		cmocka_unit_test(each_of_thousands_of_keys_is_listed_once),
		cmocka_unit_test(a_listing_without_a_prefix_names_all),
		cmocka_unit_test(a_listing_tells_locks_and_ends_when_asked_to),
		cmocka_unit_test(keys_of_1024_bytes_are_listed),
		cmocka_unit_test(delete_tells_key_by_key_what_was_there),
		cmocka_unit_test(a_deleted_key_can_be_stored_anew_with_another_content),
		cmocka_unit_test(a_ping_is_answered),
		cmocka_unit_test(status_counts_what_was_moved),
	};

	if (!client_has_lab(100))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
