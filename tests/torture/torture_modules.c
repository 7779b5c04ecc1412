/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torture_modules.c - each allocation fails, in modules that need no device
 *
 *	torture_modules
 *
 * A scenario uses a module and returns 0, or the error of what failed. It is
 * run once for each call of an allocator that it makes, which then fails: the
 * module says -ENOMEM, or copes; nothing is left over; and what is there still
 * contradicts nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <remora/adapter.h>
#include <remora/bitmap.h>
#include <remora/config.h>

#include "extent.h"
#include "index.h"
#include "locks.h"
#include "plan.h"
#include "reservations.h"
#include "salts.h"
#include "store.h"

enum { WORK, PHASES, AFTER = FAULTS_PHASES - 1 };

static const char *const phases[FAULTS_PHASES] = {"its work", "", "", "", "", "", "", "the end"};

enum { OBJECTS = 100, PAGES = 1024, SECONDS = 120 };

static struct wire_key number_key(unsigned *number)
{
	return (struct wire_key){.data = (const uint8_t *)number, .len = sizeof(*number)};
}

static int use_extents(void)
{
	struct extent_map *map;
	uint32_t first;
	int err = extent_create(PAGES, &map);

	if (err)
		return err;
	err = extent_alloc(map, 3, 1, &first);
	if (!err)
		err = extent_free(map, first, 3, NULL);
	if (!err)
		err = extent_check(map);
	extent_destroy(map);
	return err;
}

static int fill_index(struct index *index)
{
	uint32_t slot;
	unsigned i;
	int err;

	for (i = 0; i < OBJECTS; i++) {
		err = index_add(index, number_key(&i), index_hash(1, number_key(&i)), &slot);
		if (err)
			return err;
		index_publish(index, slot);
	}
	return 0;
}

static int use_index(void)
{
	struct index *index;
	int err = index_create(2 * OBJECTS, &index);

	if (err)
		return err;
	err = fill_index(index);
	if (index_check(index))
		err = -EBADMSG;
	index_destroy(index);
	return err;
}

static int use_salts(void)
{
	struct wire_salt salt;
	struct salts *salts;
	unsigned i;
	uint16_t id;
	int err = salts_create(1, &salts);

	for (i = 0; !err && i < OBJECTS; i++) {
		salt = (struct wire_salt){(const uint8_t *)&i, sizeof(i)};
		err = salts_get(salts, salt, &id);
	}
	if (!err || i)
		salts_destroy(salts);
	return err;
}

static int use_locks(void)
{
	struct wire_handle handle = {0};
	struct locks locks;
	int err = 0;

	locks_init(&locks);
	for (handle.slot = 1; !err && handle.slot <= OBJECTS; handle.slot++)
		err = locks_add(&locks, handle);
	if (locks_handles(&locks) != handle.slot - 1 - (err ? 1 : 0))
		err = -EBADMSG;
	locks_fini(&locks);
	return err;
}

static int use_reservations(void)
{
	struct wire_handle handle = {0};
	struct reservations set = {0};
	int err = 0;

	for (handle.slot = 1; !err && handle.slot <= OBJECTS; handle.slot++)
		err = reservations_add(&set, handle, STORE_PAGE);
	if (set.count * (uint64_t)STORE_PAGE != set.bytes)
		err = -EBADMSG;
	reservations_fini(&set);
	return err;
}

/* The store has no status of its own for a lack of memory. */
static int from_status(enum wire_status status)
{
	return status == WIRE_NO_SPACE || status == WIRE_LIMIT ? -ENOMEM : -EBADMSG;
}

static int fill_store(struct store *store)
{
	struct store_object object;
	enum wire_status status;
	struct store_wish wish = {.len = STORE_PAGE};
	char salt[16];
	unsigned i;

	for (i = 0; i < OBJECTS; i++) {
		wish.key = number_key(&i);
		snprintf(salt, sizeof(salt), "%u", i);
		wish.salt = (struct wire_salt){(const uint8_t *)salt, (uint8_t)strlen(salt)};
		status = store_reserve(store, &wish, &object);
		if (status != WIRE_OK)
			return from_status(status);
		status = store_commit(store, object.handle);
		if (status != WIRE_OK)
			return from_status(status);
	}
	return 0;
}

static int use_store(void)
{
	const size_t arenas[] = {PAGES * (size_t)STORE_PAGE};
	struct store_params params = {.arenas = arenas, .arena_count = 1, .seed = 1};
	struct store *store;
	char text[200];
	int err = store_create(&params, &store), check;

	if (err)
		return err;
	err = fill_store(store);
	check = store_check(store, text, sizeof(text));
	if (check && strstr(text, "no memory"))
		err = -ENOMEM;
	else if (check)
		err = -EBADMSG;
	store_destroy(store);
	return err;
}

static int use_bitmaps(void)
{
	struct remora_bitmap *a = remora_bitmap_create(OBJECTS), *b = NULL, *c = NULL;

	if (a)
		b = remora_bitmap_not(a);
	if (b)
		c = remora_bitmap_and(a, b);
	remora_bitmap_destroy(a);
	remora_bitmap_destroy(b);
	remora_bitmap_destroy(c);
	return c ? 0 : -ENOMEM;
}

static int use_config(void)
{
	struct remora_config *config = NULL;
	char error[256] = "";
	int err = remora_config_create("mock", &config);

	if (!err)
		err = remora_config_set(config, "max_size_gb", "1", error, sizeof(error));
	remora_config_destroy(config);
	return err;
}

/* What a caller does; after a fault each step may fail, and none may hang. */
static int ask_mock(struct remora_adapter *adapter)
{
	static char data[512];
	struct remora_key key = {.data = "key", .len = 3};
	struct remora_object object = {.data = data, .len = sizeof(data), .salt = "salt"};
	struct remora_store_result result;
	struct remora_bitmap *bits = NULL;
	struct remora_usage usage;
	uint64_t len;
	int64_t task;
	int err;

	task = remora_submit_store(adapter, &key, 1, &object, 1);
	if (task < 0)
		return (int)task;
	while (!remora_pop_stores(adapter, &result, 1))
		usleep(1000);
	task = result.error ? result.error : remora_submit_lookup(adapter, &key, 1);
	if (task < 0)
		return (int)task;
	while ((err = remora_query_lookup(adapter, task, &bits)) == -EAGAIN)
		usleep(1000);
	remora_bitmap_destroy(bits);
	remora_submit_unlock(adapter, &key, 1);
	if (!err)
		err = remora_length(adapter, &key, &len);
	return err ? err : remora_usage(adapter, &usage);
}

static int use_mock(void)
{
	struct remora_config *config = NULL;
	struct remora_adapter *adapter = NULL;
	int err = remora_config_create("mock", &config);

	if (!err)
		err = remora_config_set(config, "max_size_gb", "1", NULL, 0);
	if (!err)
		err = remora_config_set(config, "mock_bandwidth_gb", "100", NULL, 0);
	if (!err)
		err = remora_open(config, NULL, &adapter);
	remora_config_destroy(config);
	if (err)
		return err;
	err = ask_mock(adapter);
	remora_destroy(adapter);
	return err;
}

static const struct {
	const char *name;
	int (*use)(void);
} scenarios[] = {
	{"extents", use_extents},
	{"the index", use_index},
	{"salts", use_salts},
	{"locks", use_locks},
	{"reservations", use_reservations},
	{"the store", use_store},
	{"bitmaps", use_bitmaps},
	{"settings", use_config},
	{"mock", use_mock},
};

static unsigned left_over(const struct faults *faults)
{
	unsigned kind, left = 0;

	for (kind = 0; kind < FAULTS_KINDS; kind++)
		left += atomic_load(&faults->live[kind]);
	return left;
}

static void run_step(struct plan *plan, size_t i, int (*use)(void))
{
	struct faults *faults = plan->faults;
	struct plan_step *step = &plan->steps[i];
	int err;

	faults_arm(faults, step->site, step->phase, step->n);
	atomic_store(&faults->phase, WORK);
	err = use();
	atomic_store(&faults->phase, AFTER);
	atomic_store(&step->fired, atomic_load(&faults->fired));
	faults_disarm(faults);
	if (err && err != -faults_errno(faults, step->site))
		plan_complain(plan, i, "it says %s", strerror(-err));
	if (left_over(faults)) {
		plan_complain(plan, i, "%u things are left over", left_over(faults));
		faults_tell_live();
		exit(EXIT_FAILURE);
	}
	atomic_store(&faults->phase, AFTER);
	err = use();
	if (err)
		plan_complain(plan, i, "after it: %s", strerror(-err));
}

/* Every call of the scenario fails once. True: something is wrong. */
static bool torture(const char *name, int (*use)(void), unsigned *number)
{
	struct faults *faults = faults_mine();
	struct plan *plan;
	bool bad = false;
	size_t i;

	faults_reset(faults, WORK);
	atomic_store(&faults->phase, WORK);
	if (use() || left_over(faults)) {
		faults_tell_live();
		printf("not ok %u - %s: works without a fault\n", (*number)++, name);
		return true;
	}
	plan = plan_create(faults, name, getenv("TORTURE_LIBRARY"), phases, WORK, PHASES, true);
	if (!plan)
		return true;
	for (i = 0; i < plan->count; i++)
		run_step(plan, i, use);
	*number = plan_tell(plan, *number, &bad);
	return bad;
}

int main(void)
{
	unsigned number = 1, i;
	bool bad = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(SECONDS);
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (torture(scenarios[i].name, scenarios[i].use, &number))
			bad = true;
	printf("1..%u\n", number - 1);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
