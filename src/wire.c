/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - the frame: its header, and the entries one after the other
 *
 * Pure: any thread may use it, each with its own writers and readers. What the
 * entries mean is in wire_request.c and wire_reply.c.
 */
#include "wire_cursor.h"

#include <assert.h>
#include <errno.h>

uint8_t *entry_claim(struct wire_writer *w, size_t len)
{
	uint8_t *p = w->buf + w->len;

	if (len > w->cap - w->len)
		return NULL;
	w->len += len;
	w->count++;
	return p;
}

const uint8_t *entry_take(struct wire_reader *r, size_t len)
{
	const uint8_t *p = r->buf + r->at;

	if (len > r->len - r->at)
		return NULL;
	r->at += len;
	return p;
}

static size_t shared_prefix(const uint8_t *a, const uint8_t *b, size_t max)
{
	size_t n = 0;

	/* Keys of one prompt differ in their last bytes: compare by words. */
	while (max - n >= sizeof(uint64_t) && !memcmp(a + n, b + n, sizeof(uint64_t)))
		n += sizeof(uint64_t);
	while (n < max && a[n] == b[n])
		n++;
	return n;
}

uint8_t *keyed_claim(struct wire_writer *w, struct wire_key key, size_t tail_len)
{
	size_t max = key.len < w->key_len ? key.len : w->key_len;
	size_t shared = max ? shared_prefix(w->key, key.data, max) : 0;
	size_t rest = key.len - shared;
	uint8_t *p = entry_claim(w, KEY_HEAD_LEN + rest + tail_len);

	if (!p)
		return NULL;
	p = put_int(p, 2, shared);
	p = put_int(p, 2, rest);
	if (rest) {
		memcpy(w->key + shared, key.data + shared, rest);
		p = put_bytes(p, key.data + shared, rest);
	}
	w->key_len = key.len;
	return p;
}

/*
 * Only key_len bytes of the reader's key were ever written, hence the check of
 * what the peer says is shared: it keeps stray memory out of the next key.
 */
const uint8_t *keyed_take(
	struct wire_reader *r, size_t min_len, size_t tail_len, struct wire_key *key)
{
	size_t left = r->len - r->at;
	const uint8_t *p = r->buf + r->at;
	size_t shared, rest;

	if (left < KEY_HEAD_LEN + tail_len)
		return NULL;
	shared = (size_t)get_int(&p, 2);
	rest = (size_t)get_int(&p, 2);
	if (rest > left - KEY_HEAD_LEN - tail_len || shared > r->key_len)
		return NULL;
	if (shared + rest < min_len || shared + rest > WIRE_KEY_MAX)
		return NULL;

	get_bytes(&p, r->key + shared, rest);
	r->key_len = (uint16_t)(shared + rest);
	r->at += KEY_HEAD_LEN + rest + tail_len;
	*key = (struct wire_key){.data = r->key, .len = r->key_len};
	return p;
}

void wire_begin(struct wire_writer *w, void *buf, size_t cap, const struct wire_header *header)
{
	uint8_t *p = buf;

	assert(cap >= WIRE_FRAME_MIN);
	w->buf = buf;
	w->cap = cap < WIRE_FRAME_MAX ? cap : WIRE_FRAME_MAX;
	w->len = WIRE_HEADER_LEN;
	w->count = 0;
	w->key_len = 0;
	w->salt = (struct wire_salt){0};

	p = put_int(p, 4, 0);
	p = put_int(p, 1, header->type);
	p = put_int(p, 1, header->flags);
	p = put_int(p, 2, 0);
	p = put_int(p, 8, header->task);
	put_int(p, 8, header->boot);
}

size_t wire_end(struct wire_writer *w)
{
	put_int(w->buf, 4, w->len);
	put_int(w->buf + 6, 2, w->count);
	return w->len;
}

int wire_open(struct wire_reader *r, const void *buf, size_t len, struct wire_header *header)
{
	const uint8_t *p = buf;
	struct wire_header h;

	if (len < WIRE_HEADER_LEN || len > WIRE_FRAME_MAX)
		return -EPROTO;
	h.length = (uint32_t)get_int(&p, 4);
	h.type = (uint8_t)get_int(&p, 1);
	h.flags = (uint8_t)get_int(&p, 1);
	h.count = (uint16_t)get_int(&p, 2);
	h.task = get_int(&p, 8);
	h.boot = get_int(&p, 8);
	/* No entry has less than one byte. */
	if (h.length != len || h.count > len - WIRE_HEADER_LEN)
		return -EPROTO;

	r->buf = buf;
	r->len = len;
	r->at = WIRE_HEADER_LEN;
	r->key_len = 0;
	r->salt = (struct wire_salt){0};
	*header = h;
	return 0;
}

int wire_close(const struct wire_reader *r)
{
	return r->at == r->len ? 0 : -EPROTO;
}
