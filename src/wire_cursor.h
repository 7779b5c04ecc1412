/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_cursor.h - how the codec of the frames moves within one
 *
 * Private to wire*.c. The four functions that take or claim an entry are the
 * only ones that compare lengths with what is left of a frame. Each does all of
 * its checks before it moves, so a put or a get that fails has changed nothing.
 */
#ifndef WIRE_CURSOR_H
#define WIRE_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire.h"

enum {
	KEY_HEAD_LEN = 4, /* how much is shared with the key before, length of the rest */
	CURSOR_LEN = 8,   /* of a listing */
	SALT_HEAD_LEN = 1,
};

/* These check nothing: the caller has claimed or taken the bytes. */
static inline uint8_t *put_int(uint8_t *p, unsigned len, uint64_t value)
{
	for (unsigned i = 0; i < len; i++)
		p[i] = (uint8_t)(value >> (8 * i));
	return p + len;
}

static inline uint8_t *put_bytes(uint8_t *p, const void *data, size_t len)
{
	if (len)
		memcpy(p, data, len);
	return p + len;
}

static inline uint64_t get_int(const uint8_t **p, unsigned len)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < len; i++)
		value |= (uint64_t)(*p)[i] << (8 * i);
	*p += len;
	return value;
}

static inline void get_bytes(const uint8_t **p, void *data, size_t len)
{
	if (len)
		memcpy(data, *p, len);
	*p += len;
}

static inline int key_is_bad(struct wire_key key)
{
	return !key.data || key.len < 1 || key.len > WIRE_KEY_MAX;
}

static inline int salt_is_bad(struct wire_salt salt)
{
	return salt.len > WIRE_SALT_MAX ||
	       (salt.len && (!salt.data || memchr(salt.data, 0, salt.len)));
}

/* Room for one more entry of len bytes, counted; NULL if the frame is full. */
uint8_t *entry_claim(struct wire_writer *w, size_t len);

/* The next len bytes; NULL if fewer are left. */
const uint8_t *entry_take(struct wire_reader *r, size_t len);

/*
 * The same for an entry that is a key and tail_len bytes: where the tail is.
 * The key put is at most WIRE_KEY_MAX bytes; the key taken has min_len at least.
 */
uint8_t *keyed_claim(struct wire_writer *w, struct wire_key key, size_t tail_len);
const uint8_t *keyed_take(
	struct wire_reader *r, size_t min_len, size_t tail_len, struct wire_key *key);

#endif
