/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keytext.c - keys, which are any bytes, as text that people can type
 *
 * Pure: any thread.
 */
#include "keytext.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static unsigned hex_value(char digit)
{
	return isdigit((unsigned char)digit) ? (unsigned)(digit - '0')
					     : (unsigned)(tolower((unsigned char)digit) - 'a' + 10);
}

/* Read what stands for one byte. Returns its length, or 0 if it is no escape. */
static size_t decode_byte(const char *text, unsigned char *byte)
{
	*byte = (unsigned char)text[0];
	if (text[0] != '\\')
		return 1;
	if (text[1] == '\\')
		return 2;
	if (text[1] != 'x' || !isxdigit((unsigned char)text[2]) ||
		!isxdigit((unsigned char)text[3]))
		return 0;
	*byte = (unsigned char)(hex_value(text[2]) << 4 | hex_value(text[3]));
	return 4;
}

int keytext_decode(const char *text, unsigned char key[REMORA_KEY_MAX], size_t *len)
{
	const char *at = text;
	size_t count, used;
	unsigned char byte;

	for (count = 0; *at; count++, at += used) {
		used = decode_byte(at, &byte);
		if (!used) {
			*len = (size_t)(at - text);
			return -EINVAL;
		}
		if (count < REMORA_KEY_MAX)
			key[count] = byte;
	}
	*len = count;
	return count > REMORA_KEY_MAX ? -EMSGSIZE : 0;
}

const char *keytext_encode(const struct remora_key *key, char text[KEYTEXT_LEN])
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = key->data;
	char *out = text;
	size_t i;

	for (i = 0; i < key->len; i++) {
		if (bytes[i] == '\\') {
			*out++ = '\\';
			*out++ = '\\';
		} else if (bytes[i] >= ' ' && bytes[i] <= '~') {
			*out++ = (char)bytes[i];
		} else {
			*out++ = '\\';
			*out++ = 'x';
			*out++ = digits[bytes[i] >> 4];
			*out++ = digits[bytes[i] & 15];
		}
	}
	*out = '\0';
	return text;
}
