/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_link.c - a frame that is written and then read
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire_link.h"

int link_setup(void **state)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return -1;
	link->cap = LINK_FRAME;
	*state = link;
	return 0;
}

int link_teardown(void **state)
{
	free(*state);
	return 0;
}

struct wire_writer *link_begin(struct link *link, enum wire_type type)
{
	struct wire_header header = {.type = (uint8_t)type, .task = 7, .boot = 9};

	wire_begin(&link->w, link->buf, link->cap, &header);
	return &link->w;
}

struct wire_reader *link_deliver(struct link *link, unsigned count)
{
	struct wire_header header;

	assert_int_equal(wire_open(&link->r, link->buf, wire_end(&link->w), &header), 0);
	assert_int_equal(header.count, count);
	return &link->r;
}

struct wire_key key_of(const void *data, size_t len)
{
	return (struct wire_key){.data = data, .len = (uint16_t)len};
}

void assert_key(struct wire_key key, const void *data, size_t len)
{
	assert_int_equal(key.len, len);
	if (len)
		assert_memory_equal(key.data, data, len);
}

struct wire_salt salt_of(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, (uint8_t)strlen(text)};
}

void assert_salt(struct wire_salt salt, const char *text)
{
	assert_int_equal(salt.len, strlen(text));
	assert_memory_equal(salt.data, text, salt.len);
}
