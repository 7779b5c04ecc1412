/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutant.h - adapters that are wrong on purpose, each in one way
 *
 * A mutant is `mock` behind ops that hand every call on, of which a few are
 * replaced. It proves that the conformance suite notices. Nothing here is
 * thread-safe but what the suite's threads really use at once.
 */
#ifndef MUTANT_H
#define MUTANT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <remora/adapter.h>
#include <remora/bitmap.h>
#include <remora/type.h>

enum { MUTANT_KEYS_MAX = 512, MUTANT_KEY_LEN = 48 };

/* A key and a number, which is what the mutant makes of it. */
struct mutant_key {
	char data[MUTANT_KEY_LEN];
	size_t len;
	int count;
};

struct mutant {
	struct remora_adapter *inner;
	uint8_t *arena;
	size_t arena_len;

	/* For the replaced functions, each in its own way. */
	int fd;
	unsigned calls;
	bool closed, storing;
	int64_t last_store, last_lookup, last_load;
	struct remora_bitmap *last_bits;
	struct remora_store_result last_result;
	const struct remora_key *keys; /* of the last task */
	const struct remora_object *objects;
	size_t count;
	struct remora_usage usage;
	uint64_t extra;

	struct mutant_key table[MUTANT_KEYS_MAX];
	unsigned table_count;

	const struct remora_listener *listener; /* the caller's */
	struct remora_listener relay;           /* ours, of the inner adapter */
	unsigned relayed;
	pthread_mutex_t mutex;
};

struct mutation {
	const char *name; /* of the type */
	void (*change)(struct remora_type_ops *ops);
	bool no_bandwidth; /* the inner adapter is not told of it */
	bool needs_arena;
};

/* Ends with a name that is NULL. */
extern const struct mutation result_mutations[], store_mutations[], load_mutations[],
	lock_mutations[], account_mutations[], end_mutations[];

/* What hands every call on. */
extern const struct remora_type_ops faithful_ops;

/* The entry of a key, made if there is none. */
struct mutant_key *mutant_key(struct mutant *mutant, const struct remora_key *key);
struct remora_key mutant_key_of(const struct mutant_key *entry);

/* Submit to the inner adapter and wait for the result without reading its fd. */
int mutant_store_now(struct mutant *mutant, const struct remora_key *keys,
	const struct remora_object *objects, size_t count);

/* Make a fd readable once more. */
void mutant_signal(int fd);

#endif
