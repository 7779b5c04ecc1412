/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_fixture.h - a server without a network, and two sessions that ask it
 *
 * For the tests of requests. Functions that return a status or a reply check
 * all else that must be right about the answer.
 */
#ifndef REQUEST_FIXTURE_H
#define REQUEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth.h"
#include "request.h"

enum { FRAME = 16384, ARENA = 16 << 20, OBJECT = 100000, BOOT = 4711 };

extern const struct arena arenas[2];

/* A server with one store and two sessions, a and b. */
struct fixture {
	struct service service;
	struct tenant tenant;
	struct session *a, *b;
	enum wire_lane_kind lane;
	const char *salt; /* of what is reserved; NULL: empty */
	uint64_t boot;
	uint8_t frame[FRAME], reply[FRAME];
	int reply_len; /* or -EPROTO */
	struct wire_header header;
	struct wire_reader in;
	struct wire_writer out;
};

/* Begin a request; the caller puts the entries. */
void begin(struct fixture *f, uint8_t type, uint8_t flags);

/* Hand len bytes of the frame over, and open the reply if there is one. */
void hand_over(struct fixture *f, struct session *session, size_t len);

/* Finish the frame and hand it over. Returns the reply's type, or -EPROTO. */
int ask(struct fixture *f, struct session *session);
void expect_refusal(struct fixture *f, struct session *session, enum wire_status status);
struct wire_key key(const char *text);
struct wire_salt salt(const char *text);
enum wire_status get_extent(struct fixture *f, struct wire_extent *extent);

/* Requests of one entry, and what is answered. */
enum wire_status reserve(struct fixture *f, struct session *s, const char *k, uint64_t len,
	struct wire_extent *extent);
enum wire_status lookup(struct fixture *f, struct session *s, const char *k, uint8_t flags,
	struct wire_extent *extent);
enum wire_status with_handle(
	struct fixture *f, struct session *s, uint8_t type, struct wire_handle handle);
enum wire_status delete_key(struct fixture *f, struct session *s, const char *k);
struct wire_usage usage_of(struct fixture *f);

/* Reserve and commit an object of OBJECT bytes. */
void store(struct fixture *f, struct session *s, const char *k);

/* The tenant "t", which the server has, or another name. */
void put_hello(struct fixture *f, uint16_t version, const char *tenant);
struct wire_challenge say_hello(struct fixture *f, struct session *session, const char *tenant);

/* After say_hello(): with the proof of whoever has this secret. */
struct wire_welcome say_auth(
	struct fixture *f, struct session *session, const struct secret *secret);

/* Both, as a client does. The status of the welcome. */
enum wire_status greet(struct fixture *f, struct session *session);

/* Nobody has said HELLO yet; with setup_welcome() both sessions are welcome. */
int setup(void **state);
int setup_welcome(void **state);

/* Fails if the end of the sessions leaves anything behind. */
int teardown(void **state);

#endif
