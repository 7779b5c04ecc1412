/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eviction.c - a doubly linked list through the objects, newest to oldest
 */
#include "eviction.h"

#include <errno.h>

void eviction_init(struct eviction *order)
{
	order->newest = INDEX_NONE;
	order->oldest = INDEX_NONE;
	order->count = 0;
	atomic_init(&order->oldest_stamp, EVICTION_NEVER);
}

/* Relaxed: it orders nothing, whoever acts on it takes the shard's mutex. */
static void set_oldest(struct eviction *order, uint32_t slot, uint64_t stamp)
{
	order->oldest = slot;
	atomic_store_explicit(&order->oldest_stamp, stamp, memory_order_relaxed);
}

void eviction_add(struct eviction *order, struct index *index, uint32_t slot, uint64_t stamp)
{
	struct object *object = index_object(index, slot);

	object->stamp = stamp;
	object->newer = INDEX_NONE;
	object->older = order->newest;
	if (order->newest == INDEX_NONE)
		set_oldest(order, slot, stamp);
	else
		index_object(index, order->newest)->newer = slot;
	order->newest = slot;
	order->count++;
}

void eviction_remove(struct eviction *order, struct index *index, uint32_t slot)
{
	struct object *object = index_object(index, slot);
	struct object *newer = NULL;

	if (object->newer == INDEX_NONE) {
		order->newest = object->older;
	} else {
		newer = index_object(index, object->newer);
		newer->older = object->older;
	}
	if (object->older == INDEX_NONE)
		set_oldest(order, object->newer, newer ? newer->stamp : EVICTION_NEVER);
	else
		index_object(index, object->older)->newer = object->newer;
	order->count--;
}

uint32_t eviction_oldest(const struct eviction *order)
{
	return order->oldest;
}

uint64_t eviction_oldest_stamp(const struct eviction *order)
{
	return atomic_load_explicit(&order->oldest_stamp, memory_order_relaxed);
}

int eviction_check(const struct eviction *order, const struct index *index)
{
	uint32_t count = 0, newer = INDEX_NONE;
	uint64_t stamp = EVICTION_NEVER;

	for (uint32_t slot = order->newest; slot != INDEX_NONE;) {
		const struct object *object;

		if (slot >= index_slots(index) || ++count > order->count)
			return -EINVAL;
		object = index_object(index, slot);
		if (object->state != OBJECT_VISIBLE || object->locks || object->newer != newer ||
			object->stamp >= stamp)
			return -EINVAL;
		stamp = object->stamp;
		newer = slot;
		slot = object->older;
	}
	if (count != order->count || newer != order->oldest)
		return -EINVAL;
	return eviction_oldest_stamp(order) == stamp ? 0 : -EINVAL;
}
