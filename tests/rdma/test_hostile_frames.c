/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile_frames.c - every request, cut short anywhere and with any bit flipped
 *
 * Each spoiled frame goes to a living server on a session of its own or, if the
 * session survived the one before, on the same. A frame that is well-formed
 * must be answered, one that is not a frame must end the session, and whatever
 * is in between may do either.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostile.h"
#include "wire_samples.h"

enum { PORT = 7581 };

/* Of the flipped bits; a session takes long with the thread sanitizer, which looks for races. */
#ifdef __SANITIZE_THREAD__
enum { STRIDE = 5 };
#else
enum { STRIDE = 1 };
#endif

/* What became of the frames of one type. */
struct tally {
	unsigned answered, refused, ended;
};

struct frame {
	uint8_t bytes[WIRE_FRAME_MIN];
	size_t len;
};

static struct attacker attacker;

static int start(void **state)
{
	(void)state;
	return hostile_begin(PORT, NULL);
}

static struct wire_key text_key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static void put_auth(struct wire_writer *w)
{
	const struct secret none = {.len = 0};
	uint8_t proof[WIRE_PROOF_LEN];

	assert_int_equal(raw_prove(&attacker.raw, &none, proof), 0);
	wire_put_auth(w, proof);
}

static void put_body(struct wire_writer *w, uint8_t type)
{
	struct wire_salt salt = {.data = (const uint8_t *)"s", .len = 1};

	switch (type) {
	case WIRE_HELLO: wire_put_hello(w, &attacker.raw.hello); break;
	case WIRE_AUTH: put_auth(w); break;
	case WIRE_RESERVE: wire_put_reserve(w, text_key("new"), HOSTILE_OBJECT, salt); break;
	case WIRE_COMMIT:
	case WIRE_ABORT: wire_put_handle(w, attacker.reserved); break;
	case WIRE_LOOKUP: wire_put_key(w, text_key("locked")); break;
	case WIRE_UNLOCK: wire_put_handle(w, attacker.locked); break;
	case WIRE_DELETE: wire_put_key(w, text_key("locked")); break;
	case WIRE_LIST: wire_put_list(w, 0, text_key("lo")); break;
	case WIRE_SALTS: wire_put_cursor(w, 0); break;
	default: break; /* has no entries */
	}
}

static bool is_greeting(uint8_t type)
{
	return type == WIRE_HELLO || type == WIRE_AUTH;
}

/* A lane on which the greeting has come as far as to this request. */
static void open_for_greeting(uint8_t type)
{
	if (attacker.open)
		return;
	attacker_open_lane(&attacker);
	assert_int_equal(raw_introduce(&attacker.raw, ""), 0);
	if (type == WIRE_AUTH)
		assert_int_equal(raw_say_hello(&attacker.raw), 0);
}

/* A request that is right on the attacker's session, which is opened if need be. */
static void build(struct frame *frame, uint8_t type)
{
	struct wire_header header = {.type = type, .task = 7};
	struct wire_writer w;

	if (is_greeting(type))
		open_for_greeting(type);
	else
		attacker_open(&attacker);
	header.boot = attacker.raw.boot;
	wire_begin(&w, frame->bytes, sizeof(frame->bytes), &header);
	put_body(&w, type);
	frame->len = wire_end(&w);
}

/* The answer to a frame is one of its type, or a refusal, and well-formed. */
static void check_answer(const struct frame *frame, struct tally *tally)
{
	const struct raw *raw = &attacker.raw;
	struct wire_header asked, got;
	struct wire_reader r;

	assert_int_equal(wire_open(&r, frame->bytes, frame->len, &asked), 0);
	assert_int_equal(wire_open(&r, raw->reply, raw->reply_len, &got), 0);
	assert_int_equal(sample_decode(raw->reply, raw->reply_len), 0);
	assert_int_equal(got.task, asked.task);
	assert_int_equal(got.boot, hostile_honest.boot);
	if (got.type == WIRE_REFUSED) {
		tally->refused++;
		return;
	}
	assert_int_equal(got.type, asked.type | WIRE_REPLY);
	tally->answered++;
	if (is_greeting(asked.type))
		attacker_close(&attacker); /* which has come further, or failed */
}

/* Judged without the decoder, which is the server's own. */
static bool says_its_length(const struct frame *frame)
{
	uint32_t said = 0;

	for (unsigned i = 0; i < sizeof(said); i++)
		said |= (uint32_t)frame->bytes[i] << (8 * i);
	return frame->len >= WIRE_HEADER_LEN && said == frame->len;
}

static void deliver(const struct frame *frame, struct tally *tally)
{
	int decoded = sample_decode(frame->bytes, frame->len), verdict;
	struct wire_header header;
	struct wire_reader r;

	assert_int_equal(raw_send_bytes(&attacker.raw, frame->bytes, frame->len), 0);
	verdict = raw_await(&attacker.raw);
	assert_true(verdict >= 0);
	if (!decoded && says_its_length(frame))
		assert_int_equal(verdict, 1);
	if (!says_its_length(frame) || wire_open(&r, frame->bytes, frame->len, &header))
		assert_int_equal(verdict, 0);
	if (verdict) {
		check_answer(frame, tally);
		return;
	}
	tally->ended++;
	attacker_close(&attacker);
}

static void truncate_all(uint8_t type, struct tally *tally)
{
	struct frame frame;
	size_t len;

	build(&frame, type);
	for (len = frame.len; len-- > 0;) {
		build(&frame, type);
		frame.len = len;
		deliver(&frame, tally);
		if (len < WIRE_HEADER_LEN)
			continue;
		/* Now with a length that agrees. */
		build(&frame, type);
		frame.len = len;
		frame.bytes[0] = (uint8_t)len;
		deliver(&frame, tally);
	}
	assert_int_equal(tally->answered + tally->refused, 0);
}

/*
 * Who fails to prove himself too often is turned away for a while, so few bits
 * of the proof must do.
 */
static size_t next_bit(uint8_t type, size_t bit)
{
	return type == WIRE_AUTH && bit >= 8 * WIRE_HEADER_LEN ? bit + 43 : bit + STRIDE;
}

static void flip_all(uint8_t type, struct tally *tally)
{
	struct frame frame;
	size_t bit = 0;

	do {
		build(&frame, type);
		frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		deliver(&frame, tally);
		bit = next_bit(type, bit);
	} while (bit < frame.len * 8);
}

static void attack(const char *name, void (*spoil)(uint8_t type, struct tally *tally))
{
	struct tally all = {0};

	for (uint8_t type = WIRE_HELLO; type <= WIRE_AUTH; type++)
		spoil(type, &all);
	attacker_close(&attacker);
	hostile_audit();
	print_message("%s: %u answered, %u refused, %u ended the session\n", name, all.answered,
		all.refused, all.ended);
}

static void every_truncation_of_every_request_ends_the_session(void **state)
{
	(void)state;
	attack("truncations", truncate_all);
}

static void every_flipped_bit_of_every_request_is_answered_or_ends_the_session(void **state)
{
	(void)state;
	attack("flipped bits", flip_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_of_every_request_ends_the_session),
		cmocka_unit_test(
			every_flipped_bit_of_every_request_is_answered_or_ends_the_session),
	};
	char address[64];

	if (spawn_address(address, sizeof(address)))
		return 77; /* no RDMA device */
	return cmocka_run_group_tests_name("hostile frames", tests, start, hostile_end);
}
