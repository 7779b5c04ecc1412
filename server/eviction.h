/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eviction.h - the order in which the unlocked objects of one shard go
 *
 * Least recently used first. Only objects that may go are in the order: a
 * locked one leaves it and comes back as the newest, so a victim is found in
 * one step, always. The links lie in the objects.
 *
 * Pure: no threads, no verbs. An order is used by one thread at a time, but for
 * eviction_oldest_stamp().
 */
#ifndef EVICTION_H
#define EVICTION_H

#include <stdatomic.h>
#include <stdint.h>

#include "index.h"

#define EVICTION_NEVER UINT64_MAX

struct eviction {
	uint32_t newest; /* slots, or INDEX_NONE */
	uint32_t oldest;
	uint32_t count;
	_Atomic uint64_t oldest_stamp;
};

void eviction_init(struct eviction *order);

/* Add an object as the newest; stamps only ever grow. */
void eviction_add(struct eviction *order, struct index *index, uint32_t slot, uint64_t stamp);
void eviction_remove(struct eviction *order, struct index *index, uint32_t slot);

/* The slot that goes first, or INDEX_NONE. */
uint32_t eviction_oldest(const struct eviction *order);

/*
 * Its stamp, EVICTION_NEVER if there is none. Any thread may ask, to compare
 * shards without their mutexes: the answer may be old already.
 */
uint64_t eviction_oldest_stamp(const struct eviction *order);

/* 0, or -EINVAL if links, stamps and count contradict each other. */
int eviction_check(const struct eviction *order, const struct index *index);

#endif
