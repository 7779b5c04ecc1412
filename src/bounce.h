/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounce.h - registered slots through which other memory is copied
 *
 * For buffers outside the caller's arena. Pure; for one thread.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bounce;

struct bounce_slot {
	uint8_t *data;
	void *copy_to; /* where the bytes go when they are here; NULL: nowhere */
	size_t len;    /* of them */
	void *owner;
	struct bounce_slot *next_free;
};

/* The memory [addr, addr + len) stays the caller's; len >= slot_len. */
struct bounce *bounce_create(void *addr, size_t len, size_t slot_len);
void bounce_destroy(struct bounce *bounce);

size_t bounce_slot_len(const struct bounce *bounce);

/* NULL: all are taken. */
struct bounce_slot *bounce_take(struct bounce *bounce);
void bounce_give(struct bounce *bounce, struct bounce_slot *slot);

/* Free all slots at once. */
void bounce_reset(struct bounce *bounce);

/* Is this pointer one of the slots? */
bool bounce_owns(const struct bounce *bounce, const void *pointer);

#endif
