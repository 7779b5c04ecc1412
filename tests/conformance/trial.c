/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c - what a case of the suite works with: an adapter, an arena, verdicts */
#include "trial.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <remora/config.h>

enum { DELETE_BATCH = 256, STEP_MS = 5, MADE_MAX = 64 };

static jmp_buf verdict;
static const char *skip_reason = "";

/* What trial_named() made for the case. */
static struct items *made[MADE_MAX];
static unsigned made_count;

_Noreturn void trial_fail(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	va_list args;

	printf("# %s:%d: ", name ? name + 1 : file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	longjmp(verdict, 1 + TRIAL_FAILED);
}

_Noreturn void trial_skip(const char *reason)
{
	skip_reason = reason;
	longjmp(verdict, 1 + TRIAL_SKIPPED);
}

const char *trial_reason(void)
{
	return skip_reason;
}

void trial_check_equal(const char *file, int line, const char *what, intmax_t a, intmax_t b)
{
	if (a != b)
		trial_fail(file, line, "%s is %jd, not %jd", what, a, b);
}

void trial_check_bits(const char *file, int line, struct remora_bitmap *bitmap, const char *text)
{
	char bits[256];

	if (!bitmap)
		trial_fail(file, line, "no bitmap where %s was expected", text);
	remora_bitmap_to_string(bitmap, bits, sizeof(bits));
	remora_bitmap_destroy(bitmap);
	if (strcmp(bits, text) != 0)
		trial_fail(file, line, "the bits are \"%s\", not \"%s\"", bits, text);
}

uint64_t trial_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void trial_sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

struct remora_adapter *trial_open(struct trial *trial, const char *json)
{
	struct remora_host host = {.arena = trial->arena, .arena_len = trial->arena_len};
	struct remora_config *config = NULL;
	struct remora_adapter *adapter = NULL;
	char error[512] = "";
	int err;

	err = remora_config_parse(json, "the adapter", &config, error, sizeof(error));
	if (err)
		trial_fail(__FILE__, __LINE__, "the configuration: %s", error);
	err = remora_open(config, &host, &adapter);
	remora_config_destroy(config);
	if (err)
		trial_fail(__FILE__, __LINE__, "remora_open: %s", strerror(-err));
	return adapter;
}

/* What one round of trial_empty() deletes. */
struct found {
	size_t count;
	struct remora_key keys[DELETE_BATCH];
};

static int find(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	struct found *found = arg;
	void *copy;

	(void)len;
	if (locked)
		return 0;
	copy = malloc(key->len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key->data, key->len);
	found->keys[found->count++] = (struct remora_key){.data = copy, .len = key->len};
	return found->count == DELETE_BATCH;
}

void trial_empty(struct remora_adapter *adapter)
{
	struct found found;
	size_t i;
	int more;

	do {
		found.count = 0;
		more = remora_list(adapter, NULL, find, &found);
		if (found.count)
			remora_delete(adapter, found.keys, found.count, NULL);
		for (i = 0; i < found.count; i++)
			free((void *)found.keys[i].data);
	} while (more > 0);
}

/* A first attempt to connect may fail, as soft-iWARP's do now and then. */
static void wait_connected(struct trial *trial)
{
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;
	int err;

	do {
		err = remora_wait_connected(trial->adapter, (uint32_t)trial->wait_ms);
		if (!err)
			return;
		trial_sleep_ms(STEP_MS);
	} while (trial_now_ms() < end);
	trial_fail(__FILE__, __LINE__, "remora_wait_connected: %s", strerror(-err));
}

static void name_keys(struct trial *trial)
{
	static unsigned number;

	number++;
	snprintf(trial->prefix, sizeof(trial->prefix), "%x.%x", (unsigned)getpid() & 0xfffffff,
		number & 0xffff);
}

static void forget_items(void)
{
	while (made_count)
		items_destroy(made[--made_count]);
}

static void run(struct trial *trial, const struct trial_case *one)
{
	trial->arena_len = ARENA_LEN;
	trial->arena = mmap(
		NULL, trial->arena_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(trial->arena != MAP_FAILED);
	name_keys(trial);
	trial->adapter = trial_open(trial, trial->json);
	wait_connected(trial);
	trial_empty(trial->adapter);
	one->run(trial);
	remora_destroy(trial->adapter);
	forget_items();
	munmap(trial->arena, trial->arena_len);
}

enum trial_outcome trial_run(struct trial *trial, const struct trial_case *one)
{
	int ended = setjmp(verdict);

	if (ended) {
		made_count = 0;
		return (enum trial_outcome)(ended - 1);
	}
	run(trial, one);
	return TRIAL_PASSED;
}

struct items *trial_named(struct trial *trial, const char *word, size_t count, size_t len)
{
	char prefix[ITEMS_KEY_LEN];
	struct items *items;

	check(count * len <= trial->arena_len);
	snprintf(prefix, sizeof(prefix), "%s.%s", trial->prefix, word);
	items = items_create(prefix, count, trial->arena, len);
	check(items && made_count < MADE_MAX);
	made[made_count++] = items;
	items_fill(items);
	return items;
}

struct items *trial_items(struct trial *trial, size_t count, size_t len)
{
	static unsigned number;
	char word[16];

	snprintf(word, sizeof(word), "%u", number++ % 1000);
	return trial_named(trial, word, count, len);
}

struct items trial_part(const struct items *items, size_t first, size_t count)
{
	return (struct items){
		.count = count,
		.keys = items->keys + first,
		.objects = items->objects + first,
		.names = items->names + first,
	};
}

bool trial_readable(int fd, int wait_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, wait_ms) == 1 && pollfd.revents == POLLIN;
}

void trial_wait_fd(struct trial *trial, int fd)
{
	uint64_t count;

	check(trial_readable(fd, trial->wait_ms));
	check_equal(read(fd, &count, sizeof(count)), sizeof(count));
}

struct remora_store_result trial_await_store(struct trial *trial, int64_t task)
{
	struct remora_store_result result = {0};

	check(task > 0);
	trial_wait_fd(trial, remora_store_fd(trial->adapter));
	check_equal(remora_pop_stores(trial->adapter, &result, 1), 1);
	check_equal(result.task, task);
	return result;
}

struct remora_bitmap *trial_await_lookup(struct trial *trial, int64_t task)
{
	struct remora_bitmap *bitmap = NULL;

	check(task > 0);
	trial_wait_fd(trial, remora_lookup_fd(trial->adapter));
	check_equal(remora_query_lookup(trial->adapter, task, &bitmap), 0);
	return bitmap;
}

struct remora_bitmap *trial_await_load(struct trial *trial, int64_t task)
{
	struct remora_bitmap *bitmap = NULL;

	check(task > 0);
	trial_wait_fd(trial, remora_load_fd(trial->adapter));
	check_equal(remora_query_load(trial->adapter, task, &bitmap), 0);
	return bitmap;
}

struct remora_store_result trial_store(struct trial *trial, const struct items *items)
{
	return trial_await_store(trial, remora_submit_store(trial->adapter, items->keys,
						items->count, items->objects, items->count));
}

struct remora_bitmap *trial_lookup(struct trial *trial, const struct items *items)
{
	return trial_await_lookup(
		trial, remora_submit_lookup(trial->adapter, items->keys, items->count));
}

struct remora_bitmap *trial_load(struct trial *trial, const struct items *items)
{
	return trial_await_load(trial, remora_submit_load(trial->adapter, items->keys, items->count,
					       items->objects, items->count));
}

void trial_have(struct trial *trial, const struct items *items)
{
	check_equal(trial_store(trial, items).error, 0);
}

void trial_unlock(struct trial *trial, const struct items *items)
{
	remora_submit_unlock(trial->adapter, items->keys, items->count);
}

int trial_delete(struct trial *trial, const struct items *items, struct remora_bitmap **deleted)
{
	int err = remora_delete(trial->adapter, items->keys, items->count, deleted);

	if (err == -EOPNOTSUPP)
		trial_skip("the type deletes nothing");
	return err;
}

bool trial_goes(struct trial *trial, const struct items *items)
{
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;

	const struct items first = trial_part(items, 0, 1);

	do {
		if (trial_delete(trial, &first, NULL) == 0)
			return true;
		trial_sleep_ms(STEP_MS);
	} while (trial_now_ms() < end);
	return false;
}

struct remora_usage trial_usage(struct trial *trial)
{
	struct remora_usage usage;
	int err = remora_usage(trial->adapter, &usage);

	if (err == -EOPNOTSUPP)
		trial_skip("the type tells no usage");
	check_equal(err, 0);
	return usage;
}

bool trial_locked_becomes(struct trial *trial, uint64_t count)
{
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;

	do {
		if (trial_usage(trial).locked == count)
			return true;
		trial_sleep_ms(STEP_MS);
	} while (trial_now_ms() < end);
	return false;
}

int trial_results(struct trial *trial, struct remora_store_result *results, unsigned count)
{
	uint64_t end = trial_now_ms() + (uint64_t)trial->wait_ms;
	unsigned have = 0;

	while (have < count && trial_now_ms() < end) {
		have += (unsigned)remora_pop_stores(trial->adapter, results + have, count - have);
		if (have < count)
			trial_wait_fd(trial, remora_store_fd(trial->adapter));
	}
	return (int)have;
}
