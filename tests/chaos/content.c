/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - bytes that tell whose they are; any thread */
#include "content.h"

#include <string.h>

#include "../rdma/items.h"

enum { LEAST = 10000, STEP = 1733 };

size_t content_len(unsigned number)
{
	return LEAST + (size_t)number * STEP * 97 % (CONTENT_MAX - LEAST);
}

void content_fill(const struct remora_key *key, uint32_t version, void *data, size_t len)
{
	memcpy(data, &version, sizeof(version));
	item_fill(key, version, (uint8_t *)data + sizeof(version), len - sizeof(version));
}

bool content_is_right(const struct remora_key *key, const void *data, size_t len)
{
	uint32_t version;

	memcpy(&version, data, sizeof(version));
	return item_is(
		key, version, (const uint8_t *)data + sizeof(version), len - sizeof(version));
}
