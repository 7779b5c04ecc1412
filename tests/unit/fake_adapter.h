/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_adapter.h - the functions of adapter.h over a table in memory
 *
 * To be linked instead of the library where the caller of an adapter is
 * tested. Every task is complete when its submit returns, unless a fault says
 * otherwise. One thread at a time.
 */
#ifndef FAKE_ADAPTER_H
#define FAKE_ADAPTER_H

#include <remora/adapter.h>

/* What goes wrong; all zero: nothing. */
struct fake_faults {
	unsigned flip_load;   /* the n-th load changes a byte */
	unsigned skip_load;   /* the n-th load says it filled what it did not touch */
	unsigned miss_load;   /* the n-th load misses its last key */
	unsigned fail_store;  /* the n-th store fails with -ENOSPC */
	unsigned lose_lookup; /* the n-th lookup never completes */
	unsigned refuse;      /* the n-th submit of any kind returns -ENOMEM */
};

struct fake_counts {
	unsigned lookups, loads, stores, submits;
	size_t largest_task;    /* of a load or store, in objects */
	size_t objects;         /* in the table */
	size_t locks;           /* held now */
	size_t loaded_unlocked; /* loads of keys that were not locked */
	size_t buffers_outside; /* of the arena */
};

struct remora_adapter *fake_adapter_create(const struct fake_faults *faults);
void fake_adapter_set_arena(struct remora_adapter *adapter, void *arena, size_t len);
void fake_adapter_forget(struct remora_adapter *adapter, size_t index);
const struct fake_counts *fake_adapter_counts(const struct remora_adapter *adapter);
void fake_adapter_destroy(struct remora_adapter *adapter);

#endif
