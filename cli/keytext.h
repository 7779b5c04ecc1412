/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keytext.h - keys, which are any bytes, as text that people can type
 *
 * Printable ASCII stands for itself, a backslash is written \\ and any other
 * byte \xNN. Pure: any thread.
 */
#ifndef CLI_KEYTEXT_H
#define CLI_KEYTEXT_H

#include <stddef.h>

#include <remora/adapter.h>

/* Bytes that hold the text of every key. */
enum { KEYTEXT_LEN = 4 * REMORA_KEY_MAX + 1 };

/*
 * The bytes that text stands for. Bytes that need no escape may still have
 * one, and bytes above 0x7f may stand for themselves.
 *
 * -EINVAL: a backslash that begins no escape, its offset is in *len;
 * -EMSGSIZE: more than REMORA_KEY_MAX bytes, their number is in *len.
 */
int keytext_decode(const char *text, unsigned char key[REMORA_KEY_MAX], size_t *len);

/* The text of a key of at most REMORA_KEY_MAX bytes, into text, which it returns. */
const char *keytext_encode(const struct remora_key *key, char text[KEYTEXT_LEN]);

#endif
