/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_request.c - the entries of requests
 *
 * Pure: any thread may use it, each with its own writers and readers.
 */
#include "wire_cursor.h"

#include <errno.h>

enum {
	HELLO_LEN = 2 + WIRE_ID_LEN + WIRE_NONCE_LEN + 1,
	HANDLE_LEN = 8,
	SALT_AGAIN = 0xff, /* instead of a length: the salt of the entry before */
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
	p = put_bytes(p, hello->nonce, WIRE_NONCE_LEN);
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
	get_bytes(&p, h.nonce, WIRE_NONCE_LEN);
	h.tenant_len = (uint8_t)get_int(&p, 1);
	if (h.tenant_len > WIRE_TENANT_MAX || !entry_take(r, HELLO_LEN + (size_t)h.tenant_len))
		return -EPROTO;
	get_bytes(&p, h.tenant, h.tenant_len);
	*hello = h;
	return 0;
}

int wire_put_auth(struct wire_writer *w, const uint8_t proof[WIRE_PROOF_LEN])
{
	uint8_t *p = entry_claim(w, WIRE_PROOF_LEN);

	if (!p)
		return -EMSGSIZE;
	put_bytes(p, proof, WIRE_PROOF_LEN);
	return 0;
}

int wire_get_auth(struct wire_reader *r, uint8_t proof[WIRE_PROOF_LEN])
{
	const uint8_t *p = entry_take(r, WIRE_PROOF_LEN);

	if (!p)
		return -EPROTO;
	get_bytes(&p, proof, WIRE_PROOF_LEN);
	return 0;
}

static int is_same_salt(struct wire_salt a, struct wire_salt b)
{
	return a.len && a.len == b.len && !memcmp(a.data, b.data, a.len);
}

/* The salt is written last: what comes behind it may not fit. */
int wire_put_reserve(
	struct wire_writer *w, struct wire_key key, uint64_t len, struct wire_salt salt)
{
	int again = is_same_salt(salt, w->salt);
	size_t salt_len = SALT_HEAD_LEN + (again ? 0 : (size_t)salt.len);
	uint8_t *p = w->buf + w->len, *tail;

	if (key_is_bad(key) || salt_is_bad(salt))
		return -EINVAL;
	if (salt_len > w->cap - w->len)
		return -EMSGSIZE;
	w->len += salt_len;
	tail = keyed_claim(w, key, sizeof(len));
	if (!tail) {
		w->len -= salt_len;
		return -EMSGSIZE;
	}
	put_int(tail, 8, len);
	p = put_int(p, SALT_HEAD_LEN, again ? SALT_AGAIN : salt.len);
	if (!again) {
		w->salt = (struct wire_salt){p, salt.len};
		put_bytes(p, salt.data, salt.len);
	}
	return 0;
}

int wire_get_reserve(
	struct wire_reader *r, struct wire_key *key, uint64_t *len, struct wire_salt *salt)
{
	const uint8_t *p = r->buf + r->at, *tail;
	struct wire_salt got = r->salt;
	size_t start = r->at;

	if (r->at == r->len)
		return -EPROTO;
	if (*p != SALT_AGAIN)
		got = (struct wire_salt){p + SALT_HEAD_LEN, *p};
	if (!entry_take(r, SALT_HEAD_LEN + (*p == SALT_AGAIN ? 0 : (size_t)got.len)))
		return -EPROTO;
	tail = salt_is_bad(got) ? NULL : keyed_take(r, 1, sizeof(*len), key);
	if (!tail) {
		r->at = start;
		return -EPROTO;
	}
	r->salt = got;
	*salt = got;
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
