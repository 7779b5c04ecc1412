/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the life of an object: reserve, commit, lookup, unlock, delete, evict
 *
 * The store ties the index, the extents and the eviction order together. It
 * holds no bytes of objects and calls no verbs: it hands out extents of arenas,
 * whose memory is somebody else's.
 *
 * A *reservation* is an object that only its session knows: it is in no index
 * and blocks nobody. A commit makes it visible, unless the key became visible
 * meanwhile: then the reservation is freed and that is a success too. A locked
 * object is neither evicted nor deleted. The caller (a session) remembers its
 * reservations and locks and gives them back; the store checks every handle by
 * its generation, so a stale one is recognised and harmless.
 *
 * All functions may be called from any thread. Keys are spread over shards,
 * each with a mutex that is held for the work on one key.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct store;

enum { STORE_PAGE = 4096 };

struct store_params {
	const size_t *arenas; /* bytes of each arena, multiples of STORE_PAGE */
	unsigned arena_count;
	uint64_t seed;   /* of the index hash: not guessable by clients */
	unsigned shards; /* a power of two, at most 4096; 0: 16 */
};

/* What somebody wants to store. */
struct store_wish {
	struct wire_key key;
	uint64_t len; /* bytes */
	struct wire_salt salt;
};

/* Where an object lies: the caller adds the arena's address and rkey. */
struct store_object {
	unsigned arena;
	uint64_t offset; /* bytes from the arena's start */
	uint64_t len;
	struct wire_handle handle;
};

/* Bytes are whole pages. `used` is of visible objects, without what is reserved. */
struct store_stats {
	uint64_t capacity, used, reserved, objects, locked;
	uint64_t evictions, hits, misses, stored;
};

int store_create(const struct store_params *params, struct store **out);
void store_destroy(struct store *store);

/* The largest object that could ever be stored: the longest arena. */
uint64_t store_max_object(const struct store *store);

/*
 * Reserve an extent, evicting unlocked objects if need be (a bounded
 * number). WIRE_OK: *object is the reservation. WIRE_EXISTS: the key is
 * visible, keeps its salt, and counts as recently used. WIRE_NO_SPACE,
 * WIRE_TOO_LARGE, WIRE_BAD_REQUEST (a bad key or salt, or len 0), WIRE_LIMIT (the
 * salt is one too many of different ones).
 */
enum wire_status store_reserve(
	struct store *store, const struct store_wish *wish, struct store_object *object);

/*
 * Publish a reservation. WIRE_OK, or WIRE_EXISTS if another one was first (the
 * extent is freed), or WIRE_STALE. The handle is void after it as a
 * reservation.
 */
enum wire_status store_commit(struct store *store, struct wire_handle handle);

/*
 * Free a reservation. Only when no NIC can write to it any more. WIRE_OK or
 * WIRE_STALE.
 */
enum wire_status store_abort(struct store *store, struct wire_handle handle);

/*
 * Find a visible object. With `lock`, count one lock on it. WIRE_OK or
 * WIRE_NOT_FOUND. Counts as recently used only when locked.
 */
enum wire_status store_lookup(
	struct store *store, struct wire_key key, int lock, struct store_object *object);

/* Give one lock back. WIRE_OK, or WIRE_STALE if there is none on that version. */
enum wire_status store_unlock(struct store *store, struct wire_handle handle);

/* WIRE_OK, WIRE_NOT_FOUND or WIRE_LOCKED. */
enum wire_status store_delete(struct store *store, struct wire_key key);

/*
 * Call fn for visible objects whose key starts with prefix, from *cursor on (0:
 * the beginning), until it returns non-zero (that object is told again next
 * time) or a bounded number of slots was looked at. *cursor is where to go on;
 * 0: all were told. fn runs under a shard's mutex: it only copies.
 */
typedef int (*store_list_fn)(void *arg, struct wire_key key, uint64_t len, uint32_t locks);
void store_list(
	struct store *store, struct wire_key prefix, uint64_t *cursor, store_list_fn fn, void *arg);

/*
 * Call fn for every salt with visible objects and the sum of their lengths, as
 * salts_list() does. fn runs under a mutex: it only copies.
 */
typedef int (*store_salts_fn)(void *arg, struct wire_salt salt, uint64_t bytes);
void store_salts(struct store *store, uint64_t *cursor, store_salts_fn fn, void *arg);

void store_stats(struct store *store, struct store_stats *stats);

/*
 * Check every invariant (extents of objects and reservations tile the used
 * space, lists and index agree, counters match) with all shards locked. Returns
 * 0 or -EINVAL and a sentence. For tests and audits: slow.
 */
int store_check(struct store *store, char *text, size_t text_len);

/* What store_audit() counted, object by object. Bytes are whole pages. */
struct store_sums {
	uint64_t objects, used; /* visible ones */
	uint64_t reservations, reserved;
	uint64_t locks; /* every one, not the objects that have any */
	uint64_t taken; /* bytes of extents, by the arenas' own books */
};

/* store_check() that also tells what there is. *sums is filled in any case. */
int store_audit(struct store *store, struct store_sums *sums, char *text, size_t text_len);

#endif
