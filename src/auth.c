/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - how client and server prove to each other that they know a secret */
#include "wire_cursor.h"

#include "auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	LABEL_LEN = 16,
	TEXT_MAX = LABEL_LEN + 2 + 8 + 8 + WIRE_ID_LEN + 2 * WIRE_NONCE_LEN + 1 + WIRE_TENANT_MAX,
};

static const char labels[][LABEL_LEN + 1] = {
	[AUTH_CLIENT] = "remora client v3",
	[AUTH_SERVER] = "remora server v3",
};

/* The last field alone has no fixed length, and tells it: no two talks have the same text. */
static size_t write_text(const struct auth_talk *talk, enum auth_side side, uint8_t text[TEXT_MAX])
{
	const struct wire_hello *hello = talk->hello;
	uint8_t *p = text;

	p = put_bytes(p, labels[side], LABEL_LEN);
	p = put_int(p, 2, WIRE_VERSION);
	p = put_int(p, 8, talk->boot);
	p = put_int(p, 8, talk->challenge->session);
	p = put_bytes(p, hello->client_id, WIRE_ID_LEN);
	p = put_bytes(p, hello->nonce, WIRE_NONCE_LEN);
	p = put_bytes(p, talk->challenge->nonce, WIRE_NONCE_LEN);
	p = put_int(p, 1, hello->tenant_len);
	p = put_bytes(p, hello->tenant, hello->tenant_len);
	return (size_t)(p - text);
}

int auth_prove(const struct secret *secret, const struct auth_talk *talk, enum auth_side side,
	uint8_t proof[WIRE_PROOF_LEN])
{
	uint8_t text[TEXT_MAX];
	size_t len = write_text(talk, side, text);

	return HMAC(EVP_sha256(), secret->key, (int)secret->len, text, len, proof, NULL) ? 0 : -EIO;
}

bool auth_accepts(const struct secret *secret, const struct auth_talk *talk, enum auth_side side,
	const uint8_t proof[WIRE_PROOF_LEN])
{
	uint8_t right[WIRE_PROOF_LEN];

	if (auth_prove(secret, talk, side, right))
		return false;
	return !CRYPTO_memcmp(right, proof, sizeof(right));
}
