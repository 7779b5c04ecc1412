/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_reply.c - the entries of replies
 *
 * Pure: any thread may use it, each with its own writers and readers.
 */
#include "wire_cursor.h"

#include <assert.h>
#include <errno.h>

enum {
	ANSWER_HEAD_LEN = 3, /* of a challenge and a welcome: the same in every version */
	CHALLENGE_LEN = ANSWER_HEAD_LEN + 1 + 8 + WIRE_NONCE_LEN,
	WELCOME_LEN = ANSWER_HEAD_LEN + WIRE_PROOF_LEN + WIRE_TOKEN_LEN + 4 + 8 + 8 + 4,
	EXTENT_LEN = 1 + 8 + 8 + 4 + 4 + 4,
	USAGE_LEN = 13 * 8,
	REFUSAL_HEAD_LEN = 2,
	LISTED_TAIL_LEN = 8 + 4,
	SALT_TAIL_LEN = 8,
	STATUS_LAST = WIRE_LIMIT,
};

int wire_put_challenge(struct wire_writer *w, const struct wire_challenge *challenge)
{
	int ok = challenge->status == WIRE_OK;
	uint8_t *p = entry_claim(w, ok ? CHALLENGE_LEN : ANSWER_HEAD_LEN);

	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 1, challenge->status);
	p = put_int(p, 2, challenge->version);
	if (!ok)
		return 0;
	p = put_int(p, 1, challenge->method);
	p = put_int(p, 8, challenge->session);
	put_bytes(p, challenge->nonce, WIRE_NONCE_LEN);
	return 0;
}

int wire_get_challenge(struct wire_reader *r, struct wire_challenge *challenge)
{
	size_t left = r->len - r->at;
	const uint8_t *p = r->buf + r->at;
	struct wire_challenge got = {0};

	if (left < ANSWER_HEAD_LEN)
		return -EPROTO;
	got.status = (uint8_t)get_int(&p, 1);
	got.version = (uint16_t)get_int(&p, 2);
	if (got.status == WIRE_OK) {
		if (got.version != WIRE_VERSION || !entry_take(r, CHALLENGE_LEN))
			return -EPROTO;
		got.method = (uint8_t)get_int(&p, 1);
		got.session = get_int(&p, 8);
		get_bytes(&p, got.nonce, WIRE_NONCE_LEN);
	} else {
		entry_take(r, ANSWER_HEAD_LEN);
	}
	*challenge = got;
	return 0;
}

int wire_put_welcome(struct wire_writer *w, const struct wire_welcome *welcome)
{
	int ok = welcome->status == WIRE_OK;
	uint8_t *p = entry_claim(w, ok ? WELCOME_LEN : ANSWER_HEAD_LEN);

	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 1, welcome->status);
	p = put_int(p, 2, welcome->version);
	if (!ok)
		return 0;
	p = put_bytes(p, welcome->proof, WIRE_PROOF_LEN);
	p = put_bytes(p, welcome->token, WIRE_TOKEN_LEN);
	p = put_int(p, 4, welcome->lease_ms);
	p = put_int(p, 8, welcome->max_object);
	p = put_int(p, 8, welcome->max_reserved);
	put_int(p, 4, welcome->max_reservations);
	return 0;
}

int wire_get_welcome(struct wire_reader *r, struct wire_welcome *welcome)
{
	size_t left = r->len - r->at;
	const uint8_t *p = r->buf + r->at;
	struct wire_welcome got = {0};

	if (left < ANSWER_HEAD_LEN)
		return -EPROTO;
	got.status = (uint8_t)get_int(&p, 1);
	got.version = (uint16_t)get_int(&p, 2);
	if (got.status == WIRE_OK) {
		if (got.version != WIRE_VERSION || !entry_take(r, WELCOME_LEN))
			return -EPROTO;
		get_bytes(&p, got.proof, WIRE_PROOF_LEN);
		get_bytes(&p, got.token, WIRE_TOKEN_LEN);
		got.lease_ms = (uint32_t)get_int(&p, 4);
		got.max_object = get_int(&p, 8);
		got.max_reserved = get_int(&p, 8);
		got.max_reservations = (uint32_t)get_int(&p, 4);
	} else {
		entry_take(r, ANSWER_HEAD_LEN);
	}
	*welcome = got;
	return 0;
}

int wire_put_status(struct wire_writer *w, enum wire_status status)
{
	uint8_t *p;

	if ((unsigned)status > STATUS_LAST)
		return -EINVAL;
	p = entry_claim(w, 1);
	if (!p)
		return -EMSGSIZE;
	put_int(p, 1, status);
	return 0;
}

int wire_get_status(struct wire_reader *r, enum wire_status *status)
{
	if (r->at == r->len || r->buf[r->at] > STATUS_LAST)
		return -EPROTO;
	*status = (enum wire_status)r->buf[r->at++];
	return 0;
}

/* Nobody can read or write an extent that is empty or wraps around. */
static int extent_is_bad(const struct wire_extent *extent)
{
	return !extent->len || extent->addr > UINT64_MAX - extent->len;
}

int wire_put_extent(struct wire_writer *w, const struct wire_extent *extent)
{
	uint8_t *p;

	if (extent_is_bad(extent))
		return -EINVAL;
	p = entry_claim(w, EXTENT_LEN);
	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 1, WIRE_OK);
	p = put_int(p, 8, extent->addr);
	p = put_int(p, 8, extent->len);
	p = put_int(p, 4, extent->rkey);
	p = put_int(p, 4, extent->handle.slot);
	put_int(p, 4, extent->handle.generation);
	return 0;
}

int wire_get_extent(struct wire_reader *r, enum wire_status *status, struct wire_extent *extent)
{
	const uint8_t *p = r->buf + r->at;
	struct wire_extent got;

	if (r->at == r->len || *p != WIRE_OK)
		return wire_get_status(r, status);
	if (r->len - r->at < EXTENT_LEN)
		return -EPROTO;
	p++;
	got.addr = get_int(&p, 8);
	got.len = get_int(&p, 8);
	got.rkey = (uint32_t)get_int(&p, 4);
	got.handle.slot = (uint32_t)get_int(&p, 4);
	got.handle.generation = (uint32_t)get_int(&p, 4);
	if (extent_is_bad(&got))
		return -EPROTO;

	r->at += EXTENT_LEN;
	*status = WIRE_OK;
	*extent = got;
	return 0;
}

int wire_put_usage(struct wire_writer *w, const struct wire_usage *usage)
{
	uint8_t *p = entry_claim(w, USAGE_LEN);

	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 8, usage->capacity);
	p = put_int(p, 8, usage->used);
	p = put_int(p, 8, usage->reserved);
	p = put_int(p, 8, usage->objects);
	p = put_int(p, 8, usage->locked);
	p = put_int(p, 8, usage->sessions);
	p = put_int(p, 8, usage->evictions);
	p = put_int(p, 8, usage->hits);
	p = put_int(p, 8, usage->misses);
	p = put_int(p, 8, usage->stored);
	p = put_int(p, 8, usage->uptime_ms);
	p = put_int(p, 8, usage->user_cpu_us);
	put_int(p, 8, usage->system_cpu_us);
	return 0;
}

int wire_get_usage(struct wire_reader *r, struct wire_usage *usage)
{
	const uint8_t *p = entry_take(r, USAGE_LEN);

	if (!p)
		return -EPROTO;
	usage->capacity = get_int(&p, 8);
	usage->used = get_int(&p, 8);
	usage->reserved = get_int(&p, 8);
	usage->objects = get_int(&p, 8);
	usage->locked = get_int(&p, 8);
	usage->sessions = get_int(&p, 8);
	usage->evictions = get_int(&p, 8);
	usage->hits = get_int(&p, 8);
	usage->misses = get_int(&p, 8);
	usage->stored = get_int(&p, 8);
	usage->uptime_ms = get_int(&p, 8);
	usage->user_cpu_us = get_int(&p, 8);
	usage->system_cpu_us = get_int(&p, 8);
	return 0;
}

int wire_put_refusal(struct wire_writer *w, enum wire_status status, const char *text)
{
	size_t len = text ? strnlen(text, WIRE_TEXT_MAX) : 0;
	uint8_t *p;

	if (status == WIRE_OK || (unsigned)status > STATUS_LAST)
		return -EINVAL;
	p = entry_claim(w, REFUSAL_HEAD_LEN + len);
	if (!p)
		return -EMSGSIZE;
	p = put_int(p, 1, status);
	p = put_int(p, 1, len);
	put_bytes(p, text, len);
	return 0;
}

int wire_get_refusal(struct wire_reader *r, struct wire_refusal *refusal)
{
	const uint8_t *p = r->buf + r->at;
	struct wire_refusal got = {0};

	if (r->len - r->at < REFUSAL_HEAD_LEN)
		return -EPROTO;
	got.status = (uint8_t)get_int(&p, 1);
	got.text_len = (uint8_t)get_int(&p, 1);
	if (got.status == WIRE_OK || got.text_len > WIRE_TEXT_MAX)
		return -EPROTO;
	if (!entry_take(r, REFUSAL_HEAD_LEN + (size_t)got.text_len))
		return -EPROTO;
	get_bytes(&p, got.text, got.text_len);
	*refusal = got;
	return 0;
}

void wire_refusal_text(const struct wire_refusal *refusal, char text[WIRE_TEXT_MAX + 1])
{
	unsigned i;

	for (i = 0; i < refusal->text_len; i++)
		text[i] =
			refusal->text[i] >= ' ' && refusal->text[i] <= '~' ? refusal->text[i] : '?';
	text[i] = '\0';
}

int wire_put_cursor(struct wire_writer *w, uint64_t cursor)
{
	uint8_t *p = entry_claim(w, CURSOR_LEN);

	if (!p)
		return -EMSGSIZE;
	put_int(p, CURSOR_LEN, cursor);
	return 0;
}

int wire_get_cursor(struct wire_reader *r, uint64_t *cursor)
{
	const uint8_t *p = entry_take(r, CURSOR_LEN);

	if (!p)
		return -EPROTO;
	*cursor = get_int(&p, CURSOR_LEN);
	return 0;
}

void wire_set_cursor(struct wire_writer *w, uint64_t cursor)
{
	assert(w->count && w->len >= WIRE_HEADER_LEN + CURSOR_LEN);
	put_int(w->buf + WIRE_HEADER_LEN, CURSOR_LEN, cursor);
}

int wire_put_listed(struct wire_writer *w, struct wire_key key, uint64_t len, uint32_t locks)
{
	uint8_t *tail;

	if (key_is_bad(key))
		return -EINVAL;
	tail = keyed_claim(w, key, LISTED_TAIL_LEN);
	if (!tail)
		return -EMSGSIZE;
	tail = put_int(tail, 8, len);
	put_int(tail, 4, locks);
	return 0;
}

int wire_get_listed(struct wire_reader *r, struct wire_key *key, uint64_t *len, uint32_t *locks)
{
	const uint8_t *tail = keyed_take(r, 1, LISTED_TAIL_LEN, key);

	if (!tail)
		return -EPROTO;
	*len = get_int(&tail, 8);
	*locks = (uint32_t)get_int(&tail, 4);
	return 0;
}

int wire_put_salt(struct wire_writer *w, struct wire_salt salt, uint64_t bytes)
{
	uint8_t *p;

	if (salt_is_bad(salt))
		return -EINVAL;
	p = entry_claim(w, SALT_HEAD_LEN + (size_t)salt.len + SALT_TAIL_LEN);
	if (!p)
		return -EMSGSIZE;
	p = put_int(p, SALT_HEAD_LEN, salt.len);
	p = put_bytes(p, salt.data, salt.len);
	put_int(p, SALT_TAIL_LEN, bytes);
	return 0;
}

int wire_get_salt(struct wire_reader *r, struct wire_salt *salt, uint64_t *bytes)
{
	const uint8_t *p = r->buf + r->at;
	size_t left = r->len - r->at;
	struct wire_salt got;

	if (left < SALT_HEAD_LEN + SALT_TAIL_LEN || *p > left - SALT_HEAD_LEN - SALT_TAIL_LEN)
		return -EPROTO;
	got = (struct wire_salt){p + SALT_HEAD_LEN, *p};
	if (salt_is_bad(got))
		return -EPROTO;
	p = got.data + got.len;
	*bytes = get_int(&p, SALT_TAIL_LEN);
	*salt = got;
	r->at += SALT_HEAD_LEN + (size_t)got.len + SALT_TAIL_LEN;
	return 0;
}

/*
 * Of the largest reply entry to one request entry. HELLO, AUTH, LIST and SALTS have
 * one entry; the answer to the last two is cut by the server, but must get on.
 */
static size_t reply_entry_len(enum wire_type type)
{
	switch (type) {
	case WIRE_HELLO: return CHALLENGE_LEN;
	case WIRE_AUTH: return WELCOME_LEN;
	case WIRE_RESERVE:
	case WIRE_LOOKUP: return EXTENT_LEN;
	case WIRE_COMMIT:
	case WIRE_ABORT:
	case WIRE_UNLOCK:
	case WIRE_DELETE: return 1;
	case WIRE_LIST: return CURSOR_LEN + KEY_HEAD_LEN + WIRE_KEY_MAX + LISTED_TAIL_LEN;
	case WIRE_SALTS: return CURSOR_LEN + SALT_HEAD_LEN + WIRE_SALT_MAX + SALT_TAIL_LEN;
	case WIRE_USAGE:
	case WIRE_PING:
	case WIRE_REPLY:
	case WIRE_REFUSED: break;
	}
	return 0;
}

unsigned wire_batch_max(enum wire_type type, size_t frame)
{
	size_t entry = reply_entry_len(type);
	size_t room;

	if (!entry || frame < WIRE_HEADER_LEN)
		return 0;
	if (frame > WIRE_FRAME_MAX)
		frame = WIRE_FRAME_MAX;
	room = (frame - WIRE_HEADER_LEN) / entry;
	if (type == WIRE_HELLO || type == WIRE_AUTH || type == WIRE_LIST || type == WIRE_SALTS)
		return room ? 1 : 0;
	return (unsigned)room;
}
