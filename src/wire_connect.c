/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_connect.c - the private data that opens a lane
 *
 * Pure: any thread may use it. The first bytes, up to and with the status, have
 * the same place in every version, so that a peer of any age can be told why it
 * is rejected.
 */
#include "wire_cursor.h"

#include <errno.h>

enum {
	MAGIC_LEN = 8,
	HEAD_LEN = MAGIC_LEN + 2 + 2 + 1 + 1,
};

static const char magic[MAGIC_LEN] = {'R', 'e', 'm', 'o', 'r', 'a', 'L', '2'};

void wire_encode_connect(uint8_t buf[WIRE_CONNECT_LEN], const struct wire_connect *connect)
{
	uint8_t *p = buf;

	p = put_bytes(p, magic, MAGIC_LEN);
	p = put_int(p, 2, WIRE_CONNECT_LEN);
	p = put_int(p, 2, connect->version);
	p = put_int(p, 1, connect->kind);
	p = put_int(p, 1, connect->status);
	p = put_int(p, 2, connect->credits);
	p = put_int(p, 4, connect->frame);
	p = put_int(p, 8, connect->session);
	put_bytes(p, connect->token, WIRE_TOKEN_LEN);
}

/* A reject says why and no more; in everything else each field counts. */
static int connect_is_bad(const struct wire_connect *connect)
{
	if (connect->status != WIRE_OK)
		return 0;
	if (connect->kind != WIRE_LANE_CONTROL && connect->kind != WIRE_LANE_DATA)
		return 1;
	if (connect->frame < WIRE_FRAME_MIN || connect->frame > WIRE_FRAME_MAX)
		return 1;
	return !connect->credits;
}

int wire_decode_connect(const void *buf, size_t len, struct wire_connect *connect)
{
	const uint8_t *p = buf;
	struct wire_connect got = {0};
	size_t said;

	if (!buf || len < HEAD_LEN || memcmp(p, magic, MAGIC_LEN) != 0)
		return -EPROTO;
	p += MAGIC_LEN;
	said = (size_t)get_int(&p, 2);
	got.version = (uint16_t)get_int(&p, 2);
	got.kind = (uint8_t)get_int(&p, 1);
	got.status = (uint8_t)get_int(&p, 1);
	if (said < HEAD_LEN || said > len)
		return -EPROTO;
	if (got.version != WIRE_VERSION) {
		*connect = got;
		return -EPROTONOSUPPORT;
	}

	if (said != WIRE_CONNECT_LEN)
		return -EPROTO;
	got.credits = (uint16_t)get_int(&p, 2);
	got.frame = (uint32_t)get_int(&p, 4);
	got.session = get_int(&p, 8);
	get_bytes(&p, got.token, WIRE_TOKEN_LEN);
	if (connect_is_bad(&got))
		return -EPROTO;
	*connect = got;
	return 0;
}
