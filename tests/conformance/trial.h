/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - what a case of the suite works with: an adapter, an arena, verdicts
 *
 * A case is a function. It returns if the adapter behaved, and ends early, by
 * one of the check macros, if it did not. Everything here is for the thread
 * that runs the case alone, unless it says otherwise. Nothing waits for longer
 * than the trial's wait_ms.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <remora/adapter.h>
#include <remora/bitmap.h>

#include "items.h"

enum { PAGE = 4096, KIB = 1 << 10, MIB = 1 << 20, ARENA_LEN = 4 * MIB };

struct trial {
	struct remora_adapter *adapter;
	const char *json; /* of the adapter */
	const char *dead; /* of one whose server does not answer, or NULL */
	uint8_t *arena;
	size_t arena_len;
	int wait_ms;
	char prefix[16]; /* of the keys; no other case has the same */
};

struct trial_case {
	const char *name;
	void (*run)(struct trial *trial);
};

struct trial_group {
	const char *name;
	const struct trial_case *cases;
	size_t count;
	bool (*applies)(const struct trial *trial); /* NULL: to every adapter */
};

#define TRIAL_GROUP(group, array) TRIAL_GROUP_IF(group, array, NULL)
#define TRIAL_GROUP_IF(group, array, condition)                                                    \
	const struct trial_group group##_group = {                                                 \
		#group, array, sizeof(array) / sizeof((array)[0]), condition}

enum trial_outcome { TRIAL_PASSED, TRIAL_FAILED, TRIAL_SKIPPED };

/*
 * Open the adapter, empty what it stores in, run the case and destroy the
 * adapter. After a failure the adapter is left as it is: it may hang.
 */
enum trial_outcome trial_run(struct trial *trial, const struct trial_case *one);

/* Why the last trial was skipped. */
const char *trial_reason(void);

/* End the case; for the thread that runs it. */
_Noreturn void trial_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void trial_skip(const char *reason);

#define check(condition)                                                                           \
	((condition) ? (void)0 : trial_fail(__FILE__, __LINE__, "not so: %s", #condition))

/* Both are integers that an intmax_t can hold. */
#define check_equal(a, b) trial_check_equal(__FILE__, __LINE__, #a, (intmax_t)(a), (intmax_t)(b))
void trial_check_equal(const char *file, int line, const char *what, intmax_t a, intmax_t b);

/* The bitmap's bits are these; destroys it. NULL is never right. */
#define check_bits(bitmap, text) trial_check_bits(__FILE__, __LINE__, bitmap, text)
void trial_check_bits(const char *file, int line, struct remora_bitmap *bitmap, const char *text);

/* One more adapter; the case destroys it. */
struct remora_adapter *trial_open(struct trial *trial, const char *json);

/* Delete every object that no one has locked. */
void trial_empty(struct remora_adapter *adapter);

/*
 * Keys that this case has not used, and objects of len bytes from the start of
 * the arena, already filled. They are gone after the case.
 */
struct items *trial_items(struct trial *trial, size_t count, size_t len);

/* Keys that begin with the trial's prefix and this word. */
struct items *trial_named(struct trial *trial, const char *word, size_t count, size_t len);

/* Is the fd readable now, or within wait_ms? Leaves it so. */
bool trial_readable(int fd, int wait_ms);

/* Wait until the fd is readable and read it. */
void trial_wait_fd(struct trial *trial, int fd);

/* Results of submitted tasks, after a wait for their fd. */
struct remora_store_result trial_await_store(struct trial *trial, int64_t task);
struct remora_bitmap *trial_await_lookup(struct trial *trial, int64_t task);
struct remora_bitmap *trial_await_load(struct trial *trial, int64_t task);

/* Submit and wait. */
struct remora_store_result trial_store(struct trial *trial, const struct items *items);
struct remora_bitmap *trial_lookup(struct trial *trial, const struct items *items);
struct remora_bitmap *trial_load(struct trial *trial, const struct items *items);

/* A store that must succeed. */
void trial_have(struct trial *trial, const struct items *items);

void trial_unlock(struct trial *trial, const struct items *items);

/* Delete, and tell the error; the bits of *deleted are the caller's to check. */
int trial_delete(struct trial *trial, const struct items *items, struct remora_bitmap **deleted);

/* Delete until the first key's object, whose unlock is under way, is gone. */
bool trial_goes(struct trial *trial, const struct items *items);

/* Cases that need what a type may lack are skipped here. */
struct remora_usage trial_usage(struct trial *trial);

/* Does it, within wait_ms? Unlocks are told by nothing else. */
bool trial_locked_becomes(struct trial *trial, uint64_t count);

/* Wait for this many stores; tells how many results there were. */
int trial_results(struct trial *trial, struct remora_store_result *results, unsigned count);

/* The part from item `first` on; shares the memory of the whole. */
struct items trial_part(const struct items *items, size_t first, size_t count);

uint64_t trial_now_ms(void);
void trial_sleep_ms(unsigned ms);

#endif
