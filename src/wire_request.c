/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_request.c - the entries of requests
 *
 * Pure: any thread may use it, each with its own writers and readers.
 */
#include "wire_cursor.h"

#include <errno.h>

enum {
	HELLO_LEN = 2 + WIRE_ID_LEN + 1,
	HANDLE_LEN = 8,
};

int wire_put_hello(struct wire_writer *w, const struct wire_hello *hello)
{
	uint8_t *p;

	if (hello->tenant_len > WIRE_TENANT_MAX)
		return -EINVAL;
	p = entry_claim(w, HELLO_LEN + (size_t)hello->tenant_len);
	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 2, hello->version);
	p = put_bytes(p, hello->client_id, WIRE_ID_LEN);
	p = put_int(p, 1, hello->tenant_len);
	put_bytes(p, hello->tenant, hello->tenant_len);
	return 0;
}

int wire_get_hello(struct wire_reader *r, struct wire_hello *hello)
{
	size_t left = r->len - r->at;
	const uint8_t *p = r->buf + r->at;
	struct wire_hello h = {0};

	if (left < sizeof(h.version))
		return -EPROTO;
	h.version = (uint16_t)get_int(&p, 2);
	if (h.version != WIRE_VERSION) {
		/* What follows has a layout that we do not know. */
		r->at = r->len;
		*hello = h;
		return 0;
	}
	if (left < HELLO_LEN)
		return -EPROTO;
	get_bytes(&p, h.client_id, WIRE_ID_LEN);
	h.tenant_len = (uint8_t)get_int(&p, 1);
	if (h.tenant_len > WIRE_TENANT_MAX || !entry_take(r, HELLO_LEN + (size_t)h.tenant_len))
		return -EPROTO;
	get_bytes(&p, h.tenant, h.tenant_len);
	*hello = h;
	return 0;
}

int wire_put_reserve(struct wire_writer *w, struct wire_key key, uint64_t len)
{
	uint8_t *tail;

	if (key_is_bad(key))
		return -EINVAL;
	tail = keyed_claim(w, key, sizeof(len));
	if (!tail)
		return -EMSGSIZE;
	put_int(tail, 8, len);
	return 0;
}

int wire_get_reserve(struct wire_reader *r, struct wire_key *key, uint64_t *len)
{
	const uint8_t *tail = keyed_take(r, 1, sizeof(*len), key);

	if (!tail)
		return -EPROTO;
	*len = get_int(&tail, 8);
	return 0;
}

int wire_put_key(struct wire_writer *w, struct wire_key key)
{
	if (key_is_bad(key))
		return -EINVAL;
	return keyed_claim(w, key, 0) ? 0 : -EMSGSIZE;
}

int wire_get_key(struct wire_reader *r, struct wire_key *key)
{
	return keyed_take(r, 1, 0, key) ? 0 : -EPROTO;
}

int wire_put_handle(struct wire_writer *w, struct wire_handle handle)
{
	uint8_t *p = entry_claim(w, HANDLE_LEN);

	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 4, handle.slot);
	put_int(p, 4, handle.generation);
	return 0;
}

int wire_get_handle(struct wire_reader *r, struct wire_handle *handle)
{
	const uint8_t *p = entry_take(r, HANDLE_LEN);

	if (!p)
		return -EPROTO;
	handle->slot = (uint32_t)get_int(&p, 4);
	handle->generation = (uint32_t)get_int(&p, 4);
	return 0;
}

int wire_put_list(struct wire_writer *w, uint64_t cursor, struct wire_key prefix)
{
	uint8_t *tail;

	if (prefix.len && key_is_bad(prefix))
		return -EINVAL;
	tail = keyed_claim(w, prefix, CURSOR_LEN);
	if (!tail)
		return -EMSGSIZE;
	put_int(tail, CURSOR_LEN, cursor);
	return 0;
}

int wire_get_list(struct wire_reader *r, uint64_t *cursor, struct wire_key *prefix)
{
	const uint8_t *tail = keyed_take(r, 0, CURSOR_LEN, prefix);

	if (!tail)
		return -EPROTO;
	*cursor = get_int(&tail, CURSOR_LEN);
	return 0;
}
