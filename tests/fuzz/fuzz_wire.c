/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire.c - any bytes, decoded as every message
 *
 * Random bytes rarely have a length that fits and name one type only, so each
 * input is tried as it is, then as the body of a frame of every type. Entries that
 * were understood must come back from a frame that we write ourselves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"
#include "wire_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_error(int err)
{
	check(err == 0 || err == -EPROTO || err == -EOPNOTSUPP);
}

/* An entry of a LOOKUP or a RESERVE; what it has not is 0. */
struct entry {
	struct wire_key key;
	uint64_t len;
	struct wire_salt salt;
};

static void take_entry(struct wire_reader *r, uint8_t type, struct entry *entry)
{
	*entry = (struct entry){.len = 0};
	if (type == WIRE_RESERVE)
		check(!wire_get_reserve(r, &entry->key, &entry->len, &entry->salt));
	else
		check(!wire_get_key(r, &entry->key));
}

static void put_entry(struct wire_writer *w, uint8_t type, const struct entry *entry)
{
	if (type == WIRE_RESERVE)
		check(!wire_put_reserve(w, entry->key, entry->len, entry->salt));
	else
		check(!wire_put_key(w, entry->key));
}

static void check_same(const struct entry *a, const struct entry *b)
{
	check(a->key.len == b->key.len && a->key.len >= 1 && a->key.len <= WIRE_KEY_MAX);
	check(!memcmp(a->key.data, b->key.data, a->key.len));
	check(a->len == b->len);
	check(a->salt.len == b->salt.len && a->salt.len <= WIRE_SALT_MAX);
	check(!a->salt.len || !memcmp(a->salt.data, b->salt.data, a->salt.len));
}

/* Writes the entries again, which takes no more room, and reads them back. */
static void rewrite_entries(const uint8_t *frame, size_t len)
{
	static uint8_t again[WIRE_FRAME_MAX];
	struct wire_header header;
	struct wire_reader r, back;
	struct wire_writer w;
	struct entry entry, got;

	check(!wire_open(&r, frame, len, &header));
	wire_begin(&w, again, sizeof(again), &header);
	for (unsigned i = 0; i < header.count; i++) {
		take_entry(&r, header.type, &entry);
		put_entry(&w, header.type, &entry);
	}
	check(wire_end(&w) <= len);
	check(!wire_open(&r, frame, len, &header));
	check(!wire_open(&back, again, w.len, &header));
	for (unsigned i = 0; i < header.count; i++) {
		take_entry(&r, header.type, &entry);
		take_entry(&back, header.type, &got);
		check_same(&entry, &got);
	}
	check(!wire_close(&back));
}

/* The body, behind a header that is right, in memory of exactly its length. */
static void try_body(uint8_t type, uint16_t count, const uint8_t *body, size_t size)
{
	size_t len = WIRE_HEADER_LEN + size;
	uint8_t *frame = calloc(1, len);
	int err;

	check(frame != NULL);
	for (unsigned i = 0; i < 4; i++)
		frame[i] = (uint8_t)(len >> (8 * i));
	frame[4] = type;
	frame[6] = (uint8_t)count;
	frame[7] = (uint8_t)(count >> 8);
	if (size)
		memcpy(frame + WIRE_HEADER_LEN, body, size);
	err = sample_decode(frame, len);
	check_error(err);
	if (!err && (type == WIRE_LOOKUP || type == WIRE_RESERVE))
		rewrite_entries(frame, len);
	free(frame);
}

static void try_private_data(const uint8_t *data, size_t size)
{
	struct wire_connect connect, got;
	uint8_t buf[WIRE_CONNECT_LEN];
	int err = wire_decode_connect(data, size, &connect);

	check(err == 0 || err == -EPROTO || err == -EPROTONOSUPPORT);
	if (err)
		return;
	wire_encode_connect(buf, &connect);
	check(!memcmp(buf, data, sizeof(buf)));
	check(!wire_decode_connect(buf, sizeof(buf), &got));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_error(sample_decode(data, size));
	try_private_data(data, size);
	if (size < 2)
		return 0;
	for (uint8_t type = WIRE_HELLO; type <= WIRE_AUTH; type++) {
		uint16_t count = (uint16_t)(data[0] | data[1] << 8);

		try_body(type, count, data + 2, size - 2);
		try_body(WIRE_REPLY | type, count, data + 2, size - 2);
	}
	try_body(WIRE_REFUSED, 1, data + 2, size - 2);
	return 0;
}
