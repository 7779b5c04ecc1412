/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the frames of the protocol, as bytes
 *
 * A frame is a header and `count` entries, little endian, encoded and decoded
 * field by field. docs/protocol.md is the byte-level description. This module
 * is pure: no verbs, no threads, no logging, no allocation. A decoder never
 * reads outside the bytes it was given and believes no length or count in
 * them; it returns -EPROTO for anything malformed.
 *
 * Writers: wire_begin(), any wire_put_*(), wire_end(). A put that does not fit
 * returns -EMSGSIZE and leaves the frame as it was, so a batch is cut where
 * the frame is full; -EINVAL: a value that the protocol does not carry.
 * Readers: wire_open(), wire_get_*() `count` times, wire_close() to be sure
 * that nothing is left over. A get that fails has changed nothing.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_VERSION = 3,
	WIRE_HEADER_LEN = 24,
	WIRE_KEY_MAX = 1024,
	WIRE_SALT_MAX = 128,
	WIRE_FRAME_MIN = 4096, /* holds every single entry, with a longest key */
	WIRE_FRAME_MAX = 65536,
	WIRE_TOKEN_LEN = 16,
	WIRE_ID_LEN = 16,
	WIRE_NONCE_LEN = 32,
	WIRE_PROOF_LEN = 32, /* HMAC-SHA256 */
	WIRE_TENANT_MAX = 64,
	WIRE_CONNECT_LEN = 44, /* private data of a connect request; RoCE carries 56 */
	WIRE_TEXT_MAX = 200,
};

/* Requests; a reply has the same number with WIRE_REPLY added. Append only. */
enum wire_type {
	WIRE_HELLO = 1,
	WIRE_RESERVE = 2,
	WIRE_COMMIT = 3,
	WIRE_ABORT = 4,
	WIRE_LOOKUP = 5,
	WIRE_UNLOCK = 6,
	WIRE_DELETE = 7,
	WIRE_USAGE = 8,
	WIRE_LIST = 9,
	WIRE_PING = 10,
	WIRE_SALTS = 11,
	WIRE_AUTH = 12,
	WIRE_REPLY = 0x80,
	WIRE_REFUSED = 0xff, /* reply to a request that was not understood; a wire_refusal */
};

enum wire_flag {
	WIRE_FLAG_LOCK = 1,         /* LOOKUP: lock what is found */
	WIRE_FLAG_STOP_AT_MISS = 2, /* LOOKUP: answer NOT_FOUND for all after the first miss */
	WIRE_FLAG_KNOWN = 3,        /* all of them */
};

/* Append only. */
enum wire_status {
	WIRE_OK = 0,
	WIRE_EXISTS = 1,
	WIRE_NOT_FOUND = 2,
	WIRE_NO_SPACE = 3,
	WIRE_LOCKED = 4,
	WIRE_STALE = 5,
	WIRE_DENIED = 6,
	WIRE_TOO_LARGE = 7,
	WIRE_BAD_REQUEST = 8,
	WIRE_BAD_VERSION = 9,
	WIRE_UNKNOWN_TYPE = 10,
	WIRE_DRAINING = 11,
	WIRE_LIMIT = 12,
};

struct wire_header {
	uint32_t length; /* of the frame, this header included */
	uint8_t type;
	uint8_t flags;
	uint16_t count; /* entries */
	uint64_t task;  /* chosen by the requester, returned in the reply */
	uint64_t boot;  /* server's boot id; 0 in a HELLO */
};

/* A key on its way in or out; data belongs to the caller or to the reader. */
struct wire_key {
	const uint8_t *data;
	uint16_t len; /* 1 to WIRE_KEY_MAX (0 only as the prefix of a LIST) */
};

/*
 * The label that a store gives an object, for the accounts: text of 0 to
 * WIRE_SALT_MAX bytes, none of them zero. Belongs to the caller, or lies in the
 * frame that is read.
 */
struct wire_salt {
	const uint8_t *data; /* may be NULL if len is 0 */
	uint8_t len;
};

/* Names one object version on the server; a stale one is recognised. */
struct wire_handle {
	uint32_t slot;
	uint32_t generation;
};

/* Where an object's bytes are: len > 0 of them, that do not wrap around. */
struct wire_extent {
	uint64_t addr;
	uint64_t len;
	uint32_t rkey;
	struct wire_handle handle;
};

struct wire_hello {
	uint16_t version;
	uint8_t client_id[WIRE_ID_LEN];
	uint8_t nonce[WIRE_NONCE_LEN]; /* the client's; never used twice */
	uint8_t tenant_len;
	char tenant[WIRE_TENANT_MAX]; /* not terminated */
};

/* Whether the client must know a secret. A server of a later version may want more. */
enum wire_method { WIRE_METHOD_NONE = 0, WIRE_METHOD_HMAC_SHA256 = 1 };

/* The answer to HELLO. */
struct wire_challenge {
	uint8_t status; /* as in a welcome */
	uint16_t version;
	uint8_t method; /* enum wire_method; what a reader does not know is not malformed */
	uint64_t session;
	uint8_t nonce[WIRE_NONCE_LEN]; /* the server's; never used twice */
};

/* The answer to AUTH. */
struct wire_welcome {
	uint8_t status; /* enum wire_status or a newer one; only with WIRE_OK the rest follows */
	uint16_t version;
	uint8_t proof[WIRE_PROOF_LEN]; /* that the server knows the secret too */
	uint8_t token[WIRE_TOKEN_LEN]; /* a data lane shows it to join the session */
	uint32_t lease_ms;
	uint64_t max_object;   /* bytes */
	uint64_t max_reserved; /* bytes, whole pages, in reservations of one session */
	uint32_t max_reservations;
};

struct wire_usage {
	uint64_t capacity, used, reserved, objects, locked, sessions;
	uint64_t evictions, hits, misses, stored, uptime_ms, user_cpu_us, system_cpu_us;
};

struct wire_refusal {
	uint8_t status; /* enum wire_status or a newer one; never WIRE_OK */
	uint8_t text_len;
	char text[WIRE_TEXT_MAX]; /* for people; not terminated, may hold any bytes */
};

/* The private data of a connect request (and its echo in an accept). */
struct wire_connect {
	uint16_t version;
	uint8_t kind;     /* enum wire_lane_kind */
	uint8_t status;   /* WIRE_OK in a request; why in a reject: enum wire_status or newer */
	uint32_t frame;   /* bytes in the longest frame, either way */
	uint16_t credits; /* requests that may be unanswered at once */
	uint64_t session; /* WIRE_LANE_DATA: the session to join */
	uint8_t token[WIRE_TOKEN_LEN];
};

enum wire_lane_kind { WIRE_LANE_CONTROL = 1, WIRE_LANE_DATA = 2 };

/* A frame being written. `buf` belongs to the caller. */
struct wire_writer {
	uint8_t *buf;
	size_t cap;
	size_t len;
	uint16_t count;
	uint16_t key_len; /* last key, for front coding */
	uint8_t key[WIRE_KEY_MAX];
	struct wire_salt salt; /* the last one, in buf */
};

/* A frame being read. `buf` belongs to the caller. */
struct wire_reader {
	const uint8_t *buf;
	size_t len;
	size_t at;
	uint16_t key_len;
	uint8_t key[WIRE_KEY_MAX];
	struct wire_salt salt;
};

/* cap is at least WIRE_FRAME_MIN. */
void wire_begin(struct wire_writer *w, void *buf, size_t cap, const struct wire_header *header);

/* Completes the header (length, count) and returns the frame's length. */
size_t wire_end(struct wire_writer *w);

/* -EPROTO: not a frame of exactly len bytes. Does not judge type or boot id. */
int wire_open(struct wire_reader *r, const void *buf, size_t len, struct wire_header *header);

/* -EPROTO: bytes are left over. */
int wire_close(const struct wire_reader *r);

/*
 * Requests. Each put adds one entry and counts it; each get takes one. A key
 * that a get tells lies in the reader and is valid until the next get. Of a
 * HELLO of another version only the version is told; the frame counts as read.
 */
int wire_put_hello(struct wire_writer *w, const struct wire_hello *hello);
int wire_get_hello(struct wire_reader *r, struct wire_hello *hello);
int wire_put_auth(struct wire_writer *w, const uint8_t proof[WIRE_PROOF_LEN]);
int wire_get_auth(struct wire_reader *r, uint8_t proof[WIRE_PROOF_LEN]);
int wire_put_reserve(
	struct wire_writer *w, struct wire_key key, uint64_t len, struct wire_salt salt);
int wire_get_reserve(
	struct wire_reader *r, struct wire_key *key, uint64_t *len, struct wire_salt *salt);
int wire_put_key(struct wire_writer *w, struct wire_key key); /* LOOKUP, DELETE */
int wire_get_key(struct wire_reader *r, struct wire_key *key);
int wire_put_handle(struct wire_writer *w, struct wire_handle handle); /* COMMIT, ABORT, UNLOCK */
int wire_get_handle(struct wire_reader *r, struct wire_handle *handle);
int wire_put_list(struct wire_writer *w, uint64_t cursor, struct wire_key prefix);
int wire_get_list(struct wire_reader *r, uint64_t *cursor, struct wire_key *prefix);

/* Replies. An extent follows a status only if that is WIRE_OK. */
int wire_put_challenge(struct wire_writer *w, const struct wire_challenge *challenge);
int wire_get_challenge(struct wire_reader *r, struct wire_challenge *challenge);
int wire_put_welcome(struct wire_writer *w, const struct wire_welcome *welcome);
int wire_get_welcome(struct wire_reader *r, struct wire_welcome *welcome);
int wire_put_status(struct wire_writer *w, enum wire_status status);
int wire_get_status(struct wire_reader *r, enum wire_status *status);
int wire_put_extent(struct wire_writer *w, const struct wire_extent *extent); /* with WIRE_OK */
int wire_get_extent(struct wire_reader *r, enum wire_status *status, struct wire_extent *extent);
int wire_put_usage(struct wire_writer *w, const struct wire_usage *usage);
int wire_get_usage(struct wire_reader *r, struct wire_usage *usage);
/* The text is cut at WIRE_TEXT_MAX bytes and may be NULL. */
int wire_put_refusal(struct wire_writer *w, enum wire_status status, const char *text);
int wire_get_refusal(struct wire_reader *r, struct wire_refusal *refusal);

/* The refusal's text, terminated, with ? for what does not print. */
void wire_refusal_text(const struct wire_refusal *refusal, char text[WIRE_TEXT_MAX + 1]);

/*
 * LIST and SALTS replies: the first entry is the cursor of the next page (0: no
 * more), the others are objects, or salts with their bytes. The one entry of a
 * SALTS request is a cursor too.
 */
int wire_put_cursor(struct wire_writer *w, uint64_t cursor);
int wire_get_cursor(struct wire_reader *r, uint64_t *cursor);
void wire_set_cursor(struct wire_writer *w, uint64_t cursor); /* of the first entry, already put */
int wire_put_listed(struct wire_writer *w, struct wire_key key, uint64_t len, uint32_t locks);
int wire_get_listed(struct wire_reader *r, struct wire_key *key, uint64_t *len, uint32_t *locks);
int wire_put_salt(struct wire_writer *w, struct wire_salt salt, uint64_t bytes);
int wire_get_salt(struct wire_reader *r, struct wire_salt *salt, uint64_t *bytes);

/*
 * Entries that a request frame may have at most so that the reply fits into a
 * frame of `frame` bytes; 0 for an unknown type and for USAGE and PING, which
 * have none.
 */
unsigned wire_batch_max(enum wire_type type, size_t frame);

/*
 * Private data. len may exceed WIRE_CONNECT_LEN: RoCE pads with zeroes.
 *
 * -EPROTO: not ours, or malformed; -EPROTONOSUPPORT: of another version, and
 * then connect's version, kind and status are told, the other fields zero.
 */
void wire_encode_connect(uint8_t buf[WIRE_CONNECT_LEN], const struct wire_connect *connect);
int wire_decode_connect(const void *buf, size_t len, struct wire_connect *connect);

/* 0 for OK; a negative errno for the rest; -EPROTO for what we do not know. */
int wire_status_to_errno(enum wire_status status);
const char *wire_status_text(enum wire_status status);

#endif
