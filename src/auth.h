/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - how client and server prove to each other that they know a secret
 *
 * Each proof is HMAC-SHA256, under the tenant's secret, of a label that tells
 * the two sides apart and of everything that names this one handshake. Neither
 * secret nor proof can be used for another one. Pure; any thread.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"
#include "wire.h"

enum auth_side { AUTH_CLIENT, AUTH_SERVER };

/* What a proof is about: what both sides have said so far. */
struct auth_talk {
	uint64_t boot;
	const struct wire_hello *hello;
	const struct wire_challenge *challenge;
};

/* The proof of one side. -EIO: the crypto library failed. */
int auth_prove(const struct secret *secret, const struct auth_talk *talk, enum auth_side side,
	uint8_t proof[WIRE_PROOF_LEN]);

/* Whether it is that side's proof; takes the same time wherever it differs. */
bool auth_accepts(const struct secret *secret, const struct auth_talk *talk, enum auth_side side,
	const uint8_t proof[WIRE_PROOF_LEN]);

#endif
