/* SPDX-License-Identifier: Apache-2.0 */
/* bounce.c - registered slots through which other memory is copied */
#include "bounce.h"

#include <stdlib.h>

struct bounce {
	uint8_t *addr;
	size_t slot_len;
	size_t count;
	struct bounce_slot *free;
	struct bounce_slot slots[];
};

struct bounce *bounce_create(void *addr, size_t len, size_t slot_len)
{
	size_t count = len / slot_len;
	struct bounce *bounce;

	bounce = calloc(1, sizeof(*bounce) + count * sizeof(bounce->slots[0]));
	if (!bounce)
		return NULL;
	bounce->addr = addr;
	bounce->slot_len = slot_len;
	bounce->count = count;
	bounce_reset(bounce);
	return bounce;
}

void bounce_destroy(struct bounce *bounce)
{
	free(bounce);
}

size_t bounce_slot_len(const struct bounce *bounce)
{
	return bounce->slot_len;
}

struct bounce_slot *bounce_take(struct bounce *bounce)
{
	struct bounce_slot *slot = bounce->free;

	if (slot)
		bounce->free = slot->next_free;
	return slot;
}

void bounce_give(struct bounce *bounce, struct bounce_slot *slot)
{
	slot->next_free = bounce->free;
	bounce->free = slot;
}

void bounce_reset(struct bounce *bounce)
{
	size_t i;

	bounce->free = NULL;
	for (i = bounce->count; i-- > 0;) {
		bounce->slots[i].data = bounce->addr + i * bounce->slot_len;
		bounce_give(bounce, &bounce->slots[i]);
	}
}

bool bounce_owns(const struct bounce *bounce, const void *pointer)
{
	const struct bounce_slot *slot = pointer;

	return slot >= bounce->slots && slot < bounce->slots + bounce->count;
}
