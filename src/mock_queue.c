/* SPDX-License-Identifier: Apache-2.0 */
/* mock_queue.c - things by a number: a binary heap that knows where each is */
#include "mock_queue.h"

#include <errno.h>
#include <stdlib.h>

void mock_queue_fini(struct mock_queue *queue)
{
	free(queue->places);
}

int mock_queue_reserve(struct mock_queue *queue, size_t count)
{
	size_t room = queue->room ? queue->room : 64;
	struct mock_place **places;

	if (count <= queue->room)
		return 0;
	while (room < count)
		room *= 2;
	places = realloc(queue->places, room * sizeof(struct mock_place *));
	if (!places)
		return -ENOMEM;
	queue->places = places;
	queue->room = room;
	return 0;
}

static struct mock_place *get(const struct mock_queue *queue, size_t at)
{
	return queue->places[at - 1];
}

static void put(struct mock_queue *queue, size_t at, struct mock_place *place)
{
	queue->places[at - 1] = place;
	place->at = at;
}

static void rise(struct mock_queue *queue, struct mock_place *place)
{
	size_t at = place->at;

	for (; at > 1 && get(queue, at / 2)->number > place->number; at /= 2)
		put(queue, at, get(queue, at / 2));
	put(queue, at, place);
}

static void sink(struct mock_queue *queue, struct mock_place *place)
{
	size_t at = place->at, child;

	while ((child = 2 * at) <= queue->count) {
		if (child < queue->count &&
			get(queue, child + 1)->number < get(queue, child)->number)
			child++;
		if (get(queue, child)->number >= place->number)
			break;
		put(queue, at, get(queue, child));
		at = child;
	}
	put(queue, at, place);
}

void mock_queue_add(struct mock_queue *queue, struct mock_place *place)
{
	put(queue, ++queue->count, place);
	rise(queue, place);
}

void mock_queue_remove(struct mock_queue *queue, struct mock_place *place)
{
	struct mock_place *last;
	size_t at = place->at;

	if (!at)
		return;
	last = get(queue, queue->count--);
	place->at = 0;
	if (last == place)
		return;
	put(queue, at, last);
	rise(queue, last);
	sink(queue, last);
}

struct mock_place *mock_queue_first(const struct mock_queue *queue)
{
	return queue->count ? queue->places[0] : NULL;
}
