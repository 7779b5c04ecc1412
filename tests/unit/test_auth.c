/* SPDX-License-Identifier: Apache-2.0 */
/* test_auth.c - proofs of knowing a secret */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth.h"

static const struct secret secret = {.key = "0123456789abcdef", .len = 16};

static struct wire_hello hello;
static struct wire_challenge challenge;
static struct auth_talk talk;

static int setup(void **state)
{
	(void)state;
	hello = (struct wire_hello){.version = WIRE_VERSION, .tenant_len = 5, .tenant = "teamA"};
	challenge = (struct wire_challenge){.version = WIRE_VERSION, .session = 0x0102};
	talk = (struct auth_talk){UINT64_C(0x1122334455667788), &hello, &challenge};
	for (uint8_t i = 0; i < WIRE_NONCE_LEN; i++) {
		hello.nonce[i] = i;
		challenge.nonce[i] = (uint8_t)(0xff - i);
	}
	for (uint8_t i = 0; i < WIRE_ID_LEN; i++)
		hello.client_id[i] = (uint8_t)(0xa0 + i);
	return 0;
}

/*
 * As computed by another program from what docs/protocol.md says, so that a
 * change of the text that is proved is found here.
 */
static void a_proof_has_the_documented_bytes(void **state)
{
	static const uint8_t wanted[2][WIRE_PROOF_LEN] = {
		{0xd9, 0xa3, 0xd0, 0xba, 0x27, 0x72, 0x3c, 0x71, 0x97, 0x92, 0x1d, 0xea, 0x22, 0xfe,
			0x66, 0x70, 0x0f, 0xed, 0x7f, 0x76, 0x83, 0x2f, 0xf0, 0x50, 0x41, 0x60,
			0x03, 0xa7, 0xb1, 0x47, 0xf0, 0xc0},
		{0xc4, 0xd1, 0x44, 0x80, 0xfb, 0xa5, 0x78, 0x78, 0x47, 0xec, 0xf3, 0xa9, 0xdd, 0x24,
			0x5c, 0x88, 0xb6, 0xf3, 0x34, 0x6e, 0x31, 0x01, 0x59, 0x74, 0xb1, 0x3b,
			0xef, 0xc6, 0x1a, 0x40, 0xc4, 0x02},
	};
	uint8_t proof[WIRE_PROOF_LEN];

	(void)state;
	assert_int_equal(auth_prove(&secret, &talk, AUTH_CLIENT, proof), 0);
	assert_memory_equal(proof, wanted[0], WIRE_PROOF_LEN);
	assert_int_equal(auth_prove(&secret, &talk, AUTH_SERVER, proof), 0);
	assert_memory_equal(proof, wanted[1], WIRE_PROOF_LEN);
}

static void a_proof_is_accepted_by_who_knows_the_secret(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];

	(void)state;
	auth_prove(&secret, &talk, AUTH_CLIENT, proof);
	assert_true(auth_accepts(&secret, &talk, AUTH_CLIENT, proof));
	assert_false(auth_accepts(&secret, &talk, AUTH_SERVER, proof));
}

static void a_proof_with_any_bit_wrong_is_not_accepted(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];

	(void)state;
	auth_prove(&secret, &talk, AUTH_CLIENT, proof);
	for (unsigned bit = 0; bit < WIRE_PROOF_LEN * 8; bit++) {
		proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(auth_accepts(&secret, &talk, AUTH_CLIENT, proof));
		proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void expect_other_proof(const uint8_t proof[WIRE_PROOF_LEN])
{
	assert_false(auth_accepts(&secret, &talk, AUTH_CLIENT, proof));
	setup(NULL);
	assert_true(auth_accepts(&secret, &talk, AUTH_CLIENT, proof));
}

static void a_proof_is_about_all_that_was_said(void **state)
{
	uint8_t proof[WIRE_PROOF_LEN];

	(void)state;
	auth_prove(&secret, &talk, AUTH_CLIENT, proof);
	talk.boot++;
	expect_other_proof(proof);
	challenge.session++;
	expect_other_proof(proof);
	challenge.nonce[WIRE_NONCE_LEN - 1]++;
	expect_other_proof(proof);
	hello.nonce[0]++;
	expect_other_proof(proof);
	hello.client_id[WIRE_ID_LEN - 1]++;
	expect_other_proof(proof);
	hello.tenant[4]++;
	expect_other_proof(proof);
	hello.tenant_len--;
	expect_other_proof(proof);
}

static void another_secret_makes_another_proof(void **state)
{
	struct secret other = secret;
	uint8_t proof[WIRE_PROOF_LEN];

	(void)state;
	auth_prove(&secret, &talk, AUTH_CLIENT, proof);
	other.key[15]++;
	assert_false(auth_accepts(&other, &talk, AUTH_CLIENT, proof));
	other = secret;
	other.len--;
	assert_false(auth_accepts(&other, &talk, AUTH_CLIENT, proof));
	other.len = 0;
	assert_false(auth_accepts(&other, &talk, AUTH_CLIENT, proof));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_proof_has_the_documented_bytes),
		TEST(a_proof_is_accepted_by_who_knows_the_secret),
		TEST(a_proof_with_any_bit_wrong_is_not_accepted),
		TEST(a_proof_is_about_all_that_was_said),
		TEST(another_secret_makes_another_proof),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
