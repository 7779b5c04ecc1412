/* SPDX-License-Identifier: Apache-2.0 */
/* items.c - keys and objects of a batch, with contents that follow from the key */
#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIPED = 0xee };

struct items *items_create(const char *prefix, size_t count, void *memory, size_t len)
{
	struct items *items = calloc(1, sizeof(*items));
	size_t i;

	if (!items)
		return NULL;
	items->count = count;
	items->keys = calloc(count, sizeof(*items->keys));
	items->objects = calloc(count, sizeof(*items->objects));
	items->names = calloc(count, sizeof(*items->names));
	if (!items->keys || !items->objects || !items->names) {
		items_destroy(items);
		return NULL;
	}
	for (i = 0; i < count; i++) {
		snprintf(items->names[i], sizeof(items->names[i]), "%s-%zu", prefix, i);
		items->keys[i] = (struct remora_key){
			.data = items->names[i],
			.len = strlen(items->names[i]),
		};
		items->objects[i] = (struct remora_object){
			.data = (uint8_t *)memory + i * len,
			.len = len,
		};
	}
	return items;
}

void items_destroy(struct items *items)
{
	if (!items)
		return;
	free(items->keys);
	free(items->objects);
	free(items->names);
	free(items);
}

/* The generator's state before the first word. */
static uint64_t seed(const struct remora_key *key, unsigned version)
{
	const uint8_t *data = key->data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325) + version;
	size_t i;

	for (i = 0; i < key->len; i++)
		hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static uint64_t next_word(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void item_fill(const struct remora_key *key, unsigned version, void *data, size_t len)
{
	uint64_t state = seed(key, version), word;
	uint8_t *at = data;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		word = next_word(&state);
		memcpy(at, &word, sizeof(word));
	}
	word = next_word(&state);
	memcpy(at, &word, len);
}

int item_is(const struct remora_key *key, unsigned version, const void *data, size_t len)
{
	uint64_t state = seed(key, version), word;
	const uint8_t *at = data;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		word = next_word(&state);
		if (memcmp(at, &word, sizeof(word)) != 0)
			return 0;
	}
	word = next_word(&state);
	return memcmp(at, &word, len) == 0;
}

void items_fill(struct items *items)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		item_fill(&items->keys[i], 0, items->objects[i].data, items->objects[i].len);
}

void items_wipe(struct items *items)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		memset(items->objects[i].data, WIPED, items->objects[i].len);
}

size_t items_wrong(const struct items *items)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		if (!item_is(&items->keys[i], 0, items->objects[i].data, items->objects[i].len))
			break;
	return i;
}

int bytes_are(const void *data, uint8_t value, size_t len)
{
	const uint8_t *at = data;

	return !len || (at[0] == value && memcmp(at, at + 1, len - 1) == 0);
}
