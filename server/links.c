/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - finds a worker's link by its number; its worker only */
#include "links.h"

#include <errno.h>
#include <stddef.h>

int links_number(struct links *links, uint32_t *number)
{
	unsigned i, slot;

	for (i = 0; i < LINKS_SLOTS; i++) {
		slot = (links->next + i) % LINKS_SLOTS;
		if (links->links[slot])
			continue;
		links->next = slot + 1;
		*number = links->generations[slot] * (uint32_t)LINKS_SLOTS + slot;
		return 0;
	}
	return -ENOSPC;
}

void links_set(struct links *links, uint32_t number, struct link *link)
{
	links->links[number % LINKS_SLOTS] = link;
}

void links_clear(struct links *links, uint32_t number)
{
	unsigned slot = number % LINKS_SLOTS;

	links->links[slot] = NULL;
	links->generations[slot] = (uint16_t)((links->generations[slot] + 1) % LINKS_GENERATIONS);
}

struct link *links_find(const struct links *links, uint32_t number)
{
	unsigned slot = number % LINKS_SLOTS;

	if (links->generations[slot] != number / LINKS_SLOTS)
		return NULL;
	return links->links[slot];
}
