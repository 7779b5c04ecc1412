/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - one task at a time, waited for
 *
 * For an adapter that no other thread uses and that has no other task.
 */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

#include <stddef.h>

#include <remora/adapter.h>

/* Errors are negative errno. */
int transfer_store(struct remora_adapter *adapter, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, uint64_t *bytes);

/* The bitmaps are the caller's; bit i says that keys[i] was found, or loaded. */
int transfer_lookup(struct remora_adapter *adapter, const struct remora_key *keys, size_t count,
	struct remora_bitmap **found);
int transfer_load(struct remora_adapter *adapter, const struct remora_key *keys,
	const struct remora_object *objects, size_t count, struct remora_bitmap **loaded);

/* Wait for an event fd of an adapter, and clear it. -EINTR: a signal came. */
int transfer_wait(int fd);

#endif
