/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.h - finds a worker's link by the number in a completion
 *
 * Completions of a queue pair may still come after it was destroyed. So a
 * number is a slot and a generation: it comes back only after thousands of
 * other uses of the slot, when none of them can be left.
 */
#ifndef LINKS_H
#define LINKS_H

#include <stdint.h>

enum { LINKS_SLOTS = 4096, LINKS_GENERATIONS = 2048 }; /* product 2^23: lane numbers */

struct link;

struct links {
	struct link *links[LINKS_SLOTS];
	uint16_t generations[LINKS_SLOTS];
	unsigned next; /* where to look for a free slot */
};

/* A number for a link to come. -ENOSPC: all are taken. */
int links_number(struct links *links, uint32_t *number);

void links_set(struct links *links, uint32_t number, struct link *link);
void links_clear(struct links *links, uint32_t number);

/* NULL: the link is gone. */
struct link *links_find(const struct links *links, uint32_t number);

#endif
