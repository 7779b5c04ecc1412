/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_queue.h - things by a number: the one with the least comes out first
 *
 * Of evictable objects by age, and of tasks by when they are due. Any of them
 * can be taken out in between. Each step costs O(log n). Pure; for one thread.
 */
#ifndef MOCK_QUEUE_H
#define MOCK_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* A member of what is queued. */
struct mock_place {
	uint64_t number;
	size_t at; /* from 1 on; 0: not in a queue */
};

struct mock_queue {
	struct mock_place **places;
	size_t count, room;
};

void mock_queue_fini(struct mock_queue *queue);

/* After it, `count` places fit, and so adding cannot fail. -ENOMEM. */
int mock_queue_reserve(struct mock_queue *queue, size_t count);

/* The place is in no queue and there is room for it. */
void mock_queue_add(struct mock_queue *queue, struct mock_place *place);

/* Does nothing if it is in no queue. */
void mock_queue_remove(struct mock_queue *queue, struct mock_place *place);

/* The one with the least number; NULL: the queue is empty. */
struct mock_place *mock_queue_first(const struct mock_queue *queue);

#endif
