/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items.h - keys and objects of a batch, with contents that follow from the key
 *
 * So that whoever loads a key, in whatever process, can tell whether what came
 * is what was stored. For the thread that made them.
 */
#ifndef ITEMS_H
#define ITEMS_H

#include <stdint.h>

#include <remora/adapter.h>

enum { ITEMS_KEY_LEN = 32 };

struct items {
	size_t count;
	struct remora_key *keys;
	struct remora_object *objects;
	char (*names)[ITEMS_KEY_LEN];
};

/*
 * Keys "prefix-0", "prefix-1"...; object i is the len bytes at memory + i * len,
 * which stays the caller's. NULL only when there is no memory.
 */
struct items *items_create(const char *prefix, size_t count, void *memory, size_t len);
void items_destroy(struct items *items);

/* Write to each object what its key says. */
void items_fill(struct items *items);

/* Overwrite each object with something that no key says. */
void items_wipe(struct items *items);

/* The first object that is not what its key says, or count. */
size_t items_wrong(const struct items *items);

/* The same for one object. The version tells contents of the same key apart. */
void item_fill(const struct remora_key *key, unsigned version, void *data, size_t len);
int item_is(const struct remora_key *key, unsigned version, const void *data, size_t len);

/* Does every byte have this value? */
int bytes_are(const void *data, uint8_t value, size_t len);

#endif
