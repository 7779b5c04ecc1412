/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "locks.h"
#include "store.h"

enum { PAGES = 64, ARENAS = 2, KIB = 1024 };

static struct store *open_store(size_t pages, unsigned arenas)
{
	size_t lens[8];
	struct store_params params = {.arenas = lens, .arena_count = arenas, .seed = 42};
	struct store *store;

	for (unsigned i = 0; i < arenas; i++)
		lens[i] = pages * STORE_PAGE;
	assert_int_equal(store_create(&params, &store), 0);
	return store;
}

static int setup(void **state)
{
	*state = open_store(PAGES, ARENAS);
	return 0;
}

static void expect_sound(struct store *store)
{
	char text[200] = "";

	if (store_check(store, text, sizeof(text)))
		fail_msg("%s", text);
}

static int teardown(void **state)
{
	expect_sound(*state);
	store_destroy(*state);
	return 0;
}

static struct wire_key key_of(const char *text)
{
	return (struct wire_key){(const uint8_t *)text, (uint16_t)strlen(text)};
}

static struct wire_salt salt_of(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, (uint8_t)strlen(text)};
}

static enum wire_status try_reserve(
	struct store *store, struct wire_key key, uint64_t len, struct store_object *object)
{
	const struct store_wish wish = {.key = key, .len = len};

	return store_reserve(store, &wish, object);
}

static struct store_object reserve(struct store *store, const char *key, uint64_t len)
{
	struct store_object object;

	assert_int_equal(try_reserve(store, key_of(key), len, &object), WIRE_OK);
	return object;
}

static struct store_object put(struct store *store, const char *key, uint64_t len)
{
	struct store_object object = reserve(store, key, len);

	assert_int_equal(store_commit(store, object.handle), WIRE_OK);
	return object;
}

static struct store_object lock(struct store *store, const char *key)
{
	struct store_object object;

	assert_int_equal(store_lookup(store, key_of(key), 1, &object), WIRE_OK);
	return object;
}

static int is_visible(struct store *store, const char *key)
{
	struct store_object object;

	return store_lookup(store, key_of(key), 0, &object) == WIRE_OK;
}

static struct store_stats stats_of(struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	return stats;
}

static void object_is_visible_only_after_its_commit(void **state)
{
	struct store_object object = reserve(*state, "a", 5000), found;

	assert_false(is_visible(*state, "a"));
	assert_int_equal(store_commit(*state, object.handle), WIRE_OK);
	assert_int_equal(store_lookup(*state, key_of("a"), 0, &found), WIRE_OK);
	assert_int_equal(found.arena, object.arena);
	assert_int_equal(found.offset, object.offset);
	assert_int_equal(found.handle.slot, object.handle.slot);
	assert_int_equal(found.handle.generation, object.handle.generation);
	assert_int_equal(found.len, 5000);
}

static void reserve_tells_exists_for_objects_and_not_for_reservations(void **state)
{
	struct store_object first = reserve(*state, "a", 1), second = reserve(*state, "a", 1),
			    third;

	assert_true(first.offset != second.offset || first.arena != second.arena);
	assert_int_equal(store_commit(*state, second.handle), WIRE_OK);
	assert_int_equal(try_reserve(*state, key_of("a"), 1, &third), WIRE_EXISTS);
}

static void first_commit_wins_and_frees_the_losers_extent(void **state)
{
	struct store_object first = reserve(*state, "a", 9000), second = reserve(*state, "a", 1),
			    got;

	assert_int_equal(store_commit(*state, second.handle), WIRE_OK);
	assert_int_equal(store_commit(*state, first.handle), WIRE_EXISTS);
	assert_int_equal(stats_of(*state).reserved, 0);
	assert_int_equal(stats_of(*state).used, STORE_PAGE);
	assert_int_equal(store_lookup(*state, key_of("a"), 0, &got), WIRE_OK);
	assert_int_equal(got.len, 1);
	assert_int_equal(store_commit(*state, first.handle), WIRE_STALE);
}

static void aborted_reservation_leaves_nothing(void **state)
{
	struct store_object object = reserve(*state, "a", 9000);

	assert_int_equal(stats_of(*state).reserved, 3 * STORE_PAGE);
	assert_int_equal(store_abort(*state, object.handle), WIRE_OK);
	assert_int_equal(stats_of(*state).reserved, 0);
	assert_int_equal(store_abort(*state, object.handle), WIRE_STALE);
	assert_int_equal(store_commit(*state, object.handle), WIRE_STALE);
	assert_false(is_visible(*state, "a"));
}

static void committed_object_cannot_be_aborted_or_committed_again(void **state)
{
	struct store_object object = put(*state, "a", 1);

	assert_int_equal(store_abort(*state, object.handle), WIRE_STALE);
	assert_int_equal(store_commit(*state, object.handle), WIRE_STALE);
	assert_true(is_visible(*state, "a"));
}

static void two_locks_need_two_unlocks(void **state)
{
	struct store_object object = put(*state, "a", 1);

	lock(*state, "a");
	lock(*state, "a");
	assert_int_equal(stats_of(*state).locked, 1);
	assert_int_equal(store_unlock(*state, object.handle), WIRE_OK);
	assert_int_equal(store_delete(*state, key_of("a")), WIRE_LOCKED);
	assert_int_equal(store_unlock(*state, object.handle), WIRE_OK);
	assert_int_equal(store_unlock(*state, object.handle), WIRE_STALE);
	assert_int_equal(store_delete(*state, key_of("a")), WIRE_OK);
	assert_int_equal(store_delete(*state, key_of("a")), WIRE_NOT_FOUND);
}

static void handle_of_a_deleted_object_is_stale_when_its_slot_is_used_again(void **state)
{
	struct store_object old = put(*state, "a", 1), fresh;

	assert_int_equal(store_delete(*state, key_of("a")), WIRE_OK);
	put(*state, "a", 1);
	fresh = lock(*state, "a");
	assert_int_equal(fresh.handle.slot, old.handle.slot);
	assert_int_equal(store_unlock(*state, old.handle), WIRE_STALE);
	assert_int_equal(store_commit(*state, old.handle), WIRE_STALE);
	assert_int_equal(store_abort(*state, old.handle), WIRE_STALE);
	assert_int_equal(stats_of(*state).locked, 1);
}

static void handles_that_never_were_are_stale(void **state)
{
	struct store_object object = put(*state, "a", 1);
	struct wire_handle wild[] = {{0, 0}, {UINT32_MAX, 1}, {object.handle.slot, 0},
		{object.handle.slot, object.handle.generation + 1}, {object.handle.slot ^ 1, 1}};

	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		assert_int_equal(store_unlock(*state, wild[i]), WIRE_STALE);
		assert_int_equal(store_commit(*state, wild[i]), WIRE_STALE);
		assert_int_equal(store_abort(*state, wild[i]), WIRE_STALE);
	}
}

static void bad_keys_and_lengths_are_refused(void **state)
{
	static const uint8_t bytes[WIRE_KEY_MAX + 1];
	struct wire_key none = {bytes, 0}, longest = {bytes, WIRE_KEY_MAX},
			over = {bytes, WIRE_KEY_MAX + 1};
	struct store_object object;

	assert_int_equal(try_reserve(*state, none, 1, &object), WIRE_BAD_REQUEST);
	assert_int_equal(try_reserve(*state, over, 1, &object), WIRE_BAD_REQUEST);
	assert_int_equal(try_reserve(*state, longest, 0, &object), WIRE_BAD_REQUEST);
	assert_int_equal(try_reserve(*state, longest, 1, &object), WIRE_OK);
	assert_int_equal(store_lookup(*state, none, 0, &object), WIRE_NOT_FOUND);
	assert_int_equal(store_delete(*state, over), WIRE_NOT_FOUND);
}

static void object_longer_than_any_arena_is_too_large(void **state)
{
	struct store_object object;
	uint64_t most = store_max_object(*state);

	assert_int_equal(most, PAGES * STORE_PAGE);
	put(*state, "whole", most);
	assert_int_equal(try_reserve(*state, key_of("b"), most + 1, &object), WIRE_TOO_LARGE);
	assert_int_equal(try_reserve(*state, key_of("b"), UINT64_MAX, &object), WIRE_TOO_LARGE);
}

/* 2 arenas of 64 pages: 8 objects of 16 pages. Keys "0" to "7". */
static void fill(struct store *store)
{
	for (char key[] = "0"; key[0] < '8'; key[0]++)
		put(store, key, 16 * STORE_PAGE);
}

static void oldest_unlocked_objects_go_first(void **state)
{
	fill(*state);
	lock(*state, "0");
	assert_true(is_visible(*state, "1")); /* no lock: no recency */
	put(*state, "a", 16 * STORE_PAGE);
	put(*state, "b", 16 * STORE_PAGE);
	assert_true(is_visible(*state, "0"));
	assert_false(is_visible(*state, "1"));
	assert_false(is_visible(*state, "2"));
	for (char key[] = "3"; key[0] < '8'; key[0]++)
		assert_true(is_visible(*state, key));
	assert_int_equal(stats_of(*state).evictions, 2);
}

static void unlock_and_exists_make_an_object_the_newest(void **state)
{
	struct store_object object;

	fill(*state);
	assert_int_equal(store_unlock(*state, lock(*state, "0").handle), WIRE_OK);
	assert_int_equal(try_reserve(*state, key_of("1"), 1, &object), WIRE_EXISTS);
	put(*state, "a", 16 * STORE_PAGE);
	assert_true(is_visible(*state, "0"));
	assert_true(is_visible(*state, "1"));
	assert_false(is_visible(*state, "2"));
}

static void nothing_goes_while_all_are_locked(void **state)
{
	struct store_object object, held = {0};

	fill(*state);
	for (char key[] = "0"; key[0] < '8'; key[0]++)
		held = lock(*state, key);
	assert_int_equal(try_reserve(*state, key_of("a"), 1, &object), WIRE_NO_SPACE);
	assert_int_equal(stats_of(*state).objects, 8);
	assert_int_equal(store_unlock(*state, held.handle), WIRE_OK);
	assert_int_equal(try_reserve(*state, key_of("a"), 1, &object), WIRE_OK);
	assert_false(is_visible(*state, "7"));
}

static void reservations_are_not_evicted(void **state)
{
	struct store_object object;

	reserve(*state, "a", PAGES * STORE_PAGE);
	reserve(*state, "b", PAGES * STORE_PAGE);
	assert_int_equal(try_reserve(*state, key_of("c"), 1, &object), WIRE_NO_SPACE);
}

static void long_object_gets_contiguous_room_among_short_ones(void **state)
{
	char key[16];

	for (int i = 0; i < 2 * PAGES; i++) {
		snprintf(key, sizeof(key), "%d", i * 37 % (2 * PAGES));
		put(*state, key, STORE_PAGE);
	}
	/* Make the order of age another one than that of addresses. */
	for (int i = 0; i < 2 * PAGES; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(store_unlock(*state, lock(*state, key).handle), WIRE_OK);
	}
	put(*state, "long", 32 * STORE_PAGE);
	assert_true(stats_of(*state).evictions <= 64 + 2);
}

static void stats_count_every_event(void **state)
{
	struct store_stats stats;

	put(*state, "a", 1);
	put(*state, "b", STORE_PAGE + 1);
	reserve(*state, "c", STORE_PAGE);
	lock(*state, "a");
	assert_false(is_visible(*state, "c"));
	stats = stats_of(*state);
	assert_int_equal(stats.capacity, ARENAS * PAGES * STORE_PAGE);
	assert_int_equal(stats.used, 3 * STORE_PAGE);
	assert_int_equal(stats.reserved, STORE_PAGE);
	assert_int_equal(stats.objects, 2);
	assert_int_equal(stats.locked, 1);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.stored, 2);
	assert_int_equal(stats.evictions, 0);
}

/* Takes `room` names a page; counts how often each was told. */
struct page {
	unsigned room;
	unsigned told[1000];
	unsigned strangers;
};

static int take_name(void *arg, struct wire_key key, uint64_t len, uint32_t locks)
{
	struct page *page = arg;
	char text[16] = "";

	assert_true(key.len < sizeof(text));
	(void)len, (void)locks;
	if (!page->room)
		return 1;
	page->room--;
	memcpy(text, key.data, key.len);
	if (text[0] == 'k')
		page->told[atoi(text + 1)]++;
	else
		page->strangers++;
	return 0;
}

static void list_pages_name_what_stays_exactly_once(void **state)
{
	struct store *store = open_store(4096, 1);
	struct page page = {0};
	uint64_t cursor = 0;
	char key[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(store, key, 1);
	}
	for (int round = 0; !round || cursor; round++) {
		page.room = 7;
		snprintf(key, sizeof(key), "s%d", round);
		put(store, key, 1);
		store_list(store, key_of(""), &cursor, take_name, &page);
		if (round % 2)
			assert_int_equal(store_delete(store, key_of(key)), WIRE_OK);
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(page.told[i], 1);
	store_destroy(store);
}

static void list_keeps_to_the_prefix_and_to_visible_objects(void **state)
{
	struct page page = {.room = 100};
	uint64_t cursor = 0;

	put(*state, "k1", 1);
	put(*state, "s2", 1);
	put(*state, "k", 1);
	reserve(*state, "k3", 1);
	store_list(*state, key_of("k"), &cursor, take_name, &page);
	assert_int_equal(cursor, 0);
	assert_int_equal(page.told[1], 1);
	assert_int_equal(page.told[3], 0);
	assert_int_equal(page.room, 98);
}

static void list_that_stops_at_once_goes_on_where_it_was(void **state)
{
	struct page page = {.room = 0};
	uint64_t cursor = 0;

	put(*state, "k1", 1);
	store_list(*state, key_of(""), &cursor, take_name, &page);
	assert_true(cursor != 0);
	page.room = 2;
	store_list(*state, key_of(""), &cursor, take_name, &page);
	assert_int_equal(cursor, 0);
	assert_int_equal(page.told[1], 1);
}

static void list_takes_any_cursor(void **state)
{
	const uint64_t wild[] = {UINT64_MAX, 1, UINT64_MAX / 2, (uint64_t)16 << 32, UINT32_MAX};
	struct page page = {.room = 100};

	put(*state, "k1", 1);
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		uint64_t cursor = wild[i];

		store_list(*state, key_of(""), &cursor, take_name, &page);
		assert_int_equal(cursor, 0);
	}
}

static void bad_parameters_are_refused(void **state)
{
	size_t odd = STORE_PAGE + 1, none = 0, good = STORE_PAGE;
	const struct store_params bad[] = {
		{.arenas = &odd, .arena_count = 1},
		{.arenas = &none, .arena_count = 1},
		{.arenas = &good, .arena_count = 0},
		{.arenas = &good, .arena_count = 1, .shards = 3},
	};
	struct store *store = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(store_create(&bad[i], &store) < 0);
	assert_null(store);
	store_destroy(NULL);
}

static struct store_object label(struct store *store, const char *key, const char *salt)
{
	const struct store_wish wish = {key_of(key), 5000, salt_of(salt)};
	struct store_object object;

	assert_int_equal(store_reserve(store, &wish, &object), WIRE_OK);
	return object;
}

/* The bytes of one salt that is looked for. */
struct account {
	const char *salt;
	uint64_t bytes;
};

static int take_bytes(void *arg, struct wire_salt salt, uint64_t bytes)
{
	struct account *account = arg;

	assert_true(bytes > 0);
	if (!account->salt ||
		(salt.len == strlen(account->salt) && !memcmp(salt.data, account->salt, salt.len)))
		account->bytes += bytes;
	return 0;
}

/* NULL: of all salts. */
static uint64_t bytes_of(struct store *store, const char *salt)
{
	struct account account = {.salt = salt};
	uint64_t cursor = 0;

	store_salts(store, &cursor, take_bytes, &account);
	assert_int_equal(cursor, 0);
	return account.bytes;
}

static void salt_has_the_bytes_of_its_visible_objects(void **state)
{
	struct store_object a = label(*state, "a", "red"), b = label(*state, "b", "red");

	assert_int_equal(bytes_of(*state, NULL), 0);
	store_commit(*state, a.handle);
	assert_int_equal(bytes_of(*state, "red"), 5000);
	store_commit(*state, b.handle);
	store_commit(*state, label(*state, "c", "").handle);
	assert_int_equal(bytes_of(*state, "red"), 10000);
	assert_int_equal(bytes_of(*state, ""), 5000);
	store_delete(*state, key_of("a"));
	store_delete(*state, key_of("c"));
	assert_int_equal(bytes_of(*state, NULL), 5000);
}

static void loser_of_a_race_is_not_accounted(void **state)
{
	struct store_object first = label(*state, "a", "red"), second = label(*state, "a", "blue");

	assert_int_equal(store_commit(*state, second.handle), WIRE_OK);
	assert_int_equal(store_commit(*state, first.handle), WIRE_EXISTS);
	assert_int_equal(bytes_of(*state, "red"), 0);
	assert_int_equal(bytes_of(*state, "blue"), 5000);
	assert_int_equal(store_abort(*state, label(*state, "b", "red").handle), WIRE_OK);
	assert_int_equal(bytes_of(*state, NULL), 5000);
}

static void bad_salts_are_refused(void **state)
{
	uint8_t text[WIRE_SALT_MAX + 1];
	struct store_wish wish = {key_of("a"), 1, {text, WIRE_SALT_MAX + 1}};
	struct store_object object;

	memset(text, 's', sizeof(text));
	assert_int_equal(store_reserve(*state, &wish, &object), WIRE_BAD_REQUEST);
	wish.salt = (struct wire_salt){(const uint8_t *)"a\0b", 3};
	assert_int_equal(store_reserve(*state, &wish, &object), WIRE_BAD_REQUEST);
	wish.salt = (struct wire_salt){text, WIRE_SALT_MAX};
	assert_int_equal(store_reserve(*state, &wish, &object), WIRE_OK);
}

static void evicted_objects_leave_the_accounts(void **state)
{
	uint64_t whole = store_max_object(*state);

	for (char key[] = "A"; key[0] < 'z'; key[0]++)
		store_commit(*state, label(*state, key, "short").handle);
	put(*state, "whole", whole);
	assert_true(stats_of(*state).evictions > 0);
	assert_int_equal(bytes_of(*state, "short"), (stats_of(*state).objects - 1) * 5000);
	assert_int_equal(bytes_of(*state, ""), whole);
}

static void one_salt_too_many_is_a_limit_until_another_one_goes(void **state)
{
	struct store *store = open_store(140000, 1);
	struct store_wish wish = {key_of("k"), 1, salt_of("new")};
	struct store_object object;
	char text[16];

	(void)state;
	for (int i = 0; i < 65536; i++) {
		snprintf(text, sizeof(text), "%d", i);
		store_commit(store, label(store, text, text).handle);
	}
	assert_int_equal(store_reserve(store, &wish, &object), WIRE_LIMIT);
	expect_sound(store);
	assert_int_equal(store_delete(store, key_of(text)), WIRE_OK);
	assert_int_equal(store_reserve(store, &wish, &object), WIRE_OK);
	expect_sound(store);
	store_destroy(store);
}

/* What one thread of the storm holds. */
struct client {
	struct store *store;
	uint64_t random;
	struct locks locks;
	struct locks reservations;
	unsigned operations;
};

static uint32_t draw(struct client *client, uint32_t below)
{
	client->random ^= client->random << 13;
	client->random ^= client->random >> 7;
	client->random ^= client->random << 17;
	return (uint32_t)(client->random >> 16) % below;
}

static void unlock_all(void *arg, struct wire_handle handle, uint32_t count)
{
	while (count--)
		if (store_unlock(arg, handle) != WIRE_OK)
			abort();
}

static void abort_all(void *arg, struct wire_handle handle, uint32_t count)
{
	(void)count;
	if (store_abort(arg, handle) != WIRE_OK)
		abort();
}

static struct wire_salt draw_salt(struct client *client)
{
	static const char text[] = "abcdefghijkl";
	uint32_t first = draw(client, 6);

	return (struct wire_salt){(const uint8_t *)text + first, (uint8_t)draw(client, 6)};
}

static void store_something(struct client *client, struct wire_key key)
{
	/* Mostly short, now and then a quarter of an arena. */
	uint64_t len = 1 + draw(client, draw(client, 20) ? 8 * STORE_PAGE : 256 * STORE_PAGE);
	struct store_object object, rival;
	struct store_wish wish = {key, len, draw_salt(client)};

	if (store_reserve(client->store, &wish, &object) != WIRE_OK)
		return;
	wish.salt = draw_salt(client);
	if (!draw(client, 8) && store_reserve(client->store, &wish, &rival) == WIRE_OK)
		store_commit(client->store, rival.handle);
	switch (draw(client, 8)) {
	case 0: store_abort(client->store, object.handle); break;
	case 1: locks_add(&client->reservations, object.handle); break;
	default: store_commit(client->store, object.handle); break;
	}
}

static void do_something(struct client *client)
{
	struct store_object object;
	char text[16];
	struct wire_key key;

	snprintf(text, sizeof(text), "%u", draw(client, 2000));
	key = key_of(text);
	switch (draw(client, 8)) {
	case 0: store_delete(client->store, key); break;
	case 1:
		if (draw(client, 30))
			break;
		locks_clear(&client->locks, unlock_all, client->store);
		locks_clear(&client->reservations, abort_all, client->store);
		break;
	case 2:
	case 3:
		if (store_lookup(client->store, key, 1, &object) == WIRE_OK)
			locks_add(&client->locks, object.handle);
		break;
	case 4: store_lookup(client->store, key, 0, &object); break;
	default: store_something(client, key);
	}
}

static void *run_client(void *arg)
{
	struct client *client = arg;

	for (unsigned i = 0; i < client->operations; i++)
		do_something(client);
	locks_clear(&client->locks, unlock_all, client->store);
	locks_clear(&client->reservations, abort_all, client->store);
	locks_fini(&client->locks);
	locks_fini(&client->reservations);
	return NULL;
}

static int delete_listed(void *arg, struct wire_key key, uint64_t len, uint32_t locks)
{
	struct wire_key *found = arg;

	(void)len, (void)locks;
	if (found->len)
		return 1;
	memcpy((uint8_t *)(uintptr_t)found->data, key.data, key.len);
	found->len = key.len;
	return 0;
}

static int add_length(void *arg, struct wire_key key, uint64_t len, uint32_t locks)
{
	(void)key, (void)locks;
	*(uint64_t *)arg += len;
	return 0;
}

static void expect_all_bytes_accounted(struct store *store)
{
	uint64_t cursor = 0, listed = 0;

	do {
		store_list(store, key_of(""), &cursor, add_length, &listed);
	} while (cursor);
	assert_true(listed > 0);
	assert_int_equal(bytes_of(store, NULL), listed);
}

static void delete_everything(struct store *store)
{
	uint8_t bytes[WIRE_KEY_MAX];

	for (;;) {
		struct wire_key found = {bytes, 0};
		uint64_t cursor = 0;

		store_list(store, key_of(""), &cursor, delete_listed, &found);
		if (!found.len)
			return;
		assert_int_equal(store_delete(store, found), WIRE_OK);
	}
}

static void expect_empty(struct store *store, uint64_t arena, unsigned arenas)
{
	struct store_stats stats = stats_of(store);

	expect_sound(store);
	assert_int_equal(stats.used + stats.reserved + stats.objects + stats.locked, 0);
	assert_int_equal(bytes_of(store, NULL), 0);
	/* One free extent an arena: each takes an object as long as itself. */
	for (char key[] = "a"; key[0] < (char)('a' + arenas); key[0]++)
		reserve(store, key, arena);
}

static void a_hundred_thousand_random_operations_leave_the_books_right(void **state)
{
	struct store *store = open_store(1024, 4);
	struct client client = {.store = store, .random = 1, .operations = 10000};

	(void)state;
	for (int i = 0; i < 10; i++) {
		run_client(&client);
		expect_sound(store);
		expect_all_bytes_accounted(store);
	}
	assert_true(stats_of(store).evictions > 1000);
	delete_everything(store);
	expect_empty(store, 1024 * STORE_PAGE, 4);
	store_destroy(store);
}

static void four_threads_leave_the_books_right(void **state)
{
	struct store *store = open_store(1024, 3);
	struct client clients[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		clients[i] = (struct client){.store = store, .random = i + 1, .operations = 40000};
		assert_int_equal(pthread_create(&threads[i], NULL, run_client, &clients[i]), 0);
	}
	for (int i = 0; i < 10; i++)
		expect_sound(store);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(stats_of(store).evictions > 1000);
	expect_all_bytes_accounted(store);
	delete_everything(store);
	expect_empty(store, 1024 * STORE_PAGE, 3);
	store_destroy(store);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(object_is_visible_only_after_its_commit),
		WITH_STORE(reserve_tells_exists_for_objects_and_not_for_reservations),
		WITH_STORE(first_commit_wins_and_frees_the_losers_extent),
		WITH_STORE(aborted_reservation_leaves_nothing),
		WITH_STORE(committed_object_cannot_be_aborted_or_committed_again),
		WITH_STORE(two_locks_need_two_unlocks),
		WITH_STORE(handle_of_a_deleted_object_is_stale_when_its_slot_is_used_again),
		WITH_STORE(handles_that_never_were_are_stale),
		WITH_STORE(bad_keys_and_lengths_are_refused),
		WITH_STORE(object_longer_than_any_arena_is_too_large),
		WITH_STORE(oldest_unlocked_objects_go_first),
		WITH_STORE(unlock_and_exists_make_an_object_the_newest),
		WITH_STORE(nothing_goes_while_all_are_locked),
		WITH_STORE(reservations_are_not_evicted),
		WITH_STORE(long_object_gets_contiguous_room_among_short_ones),
		WITH_STORE(stats_count_every_event),
		WITH_STORE(salt_has_the_bytes_of_its_visible_objects),
		WITH_STORE(loser_of_a_race_is_not_accounted),
		WITH_STORE(bad_salts_are_refused),
		WITH_STORE(evicted_objects_leave_the_accounts),
		cmocka_unit_test(one_salt_too_many_is_a_limit_until_another_one_goes),
		WITH_STORE(list_keeps_to_the_prefix_and_to_visible_objects),
		WITH_STORE(list_that_stops_at_once_goes_on_where_it_was),
		WITH_STORE(list_takes_any_cursor),
		cmocka_unit_test(list_pages_name_what_stays_exactly_once),
		cmocka_unit_test(bad_parameters_are_refused),
		cmocka_unit_test(a_hundred_thousand_random_operations_leave_the_books_right),
		cmocka_unit_test(four_threads_leave_the_books_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
