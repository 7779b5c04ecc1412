/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_link.h - a frame that is written and then read
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { LINK_FRAME = 16384 };

/* One frame, both ways. */
struct link {
	uint8_t buf[LINK_FRAME];
	size_t cap;
	struct wire_writer w;
	struct wire_reader r;
};

/* Of a group of tests: *state is a struct link. */
int link_setup(void **state);
int link_teardown(void **state);

struct wire_writer *link_begin(struct link *link, enum wire_type type);

/* Ends the frame and opens it; it must have this many entries. */
struct wire_reader *link_deliver(struct link *link, unsigned count);

struct wire_key key_of(const void *data, size_t len);
void assert_key(struct wire_key key, const void *data, size_t len);
struct wire_salt salt_of(const char *text);
void assert_salt(struct wire_salt salt, const char *text);

#endif
