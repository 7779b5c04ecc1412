/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_text.c - any text as a key and as a size, as people type them
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keytext.h"
#include "size.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

/* A key that was understood is understood again from how it is shown. */
static void try_key(const char *text)
{
	unsigned char key[REMORA_KEY_MAX], again[REMORA_KEY_MAX];
	char shown[KEYTEXT_LEN];
	size_t len, again_len;
	int err = keytext_decode(text, key, &len);

	check(err == 0 || err == -EINVAL || err == -EMSGSIZE);
	if (err)
		return;
	check(len <= REMORA_KEY_MAX);
	keytext_encode(&(struct remora_key){.data = key, .len = len}, shown);
	check(!keytext_decode(shown, again, &again_len));
	check(again_len == len && !memcmp(again, key, len));
}

/* Any number of bytes is shown, and what is shown is a size. */
static void try_size(const char *text)
{
	char shown[SIZE_TEXT_LEN];
	uint64_t bytes, again;
	int err = size_parse(text, &bytes);

	check(err == 0 || err == -EINVAL || err == -ERANGE);
	if (!err)
		check(strlen(size_print(bytes, shown)) < SIZE_TEXT_LEN && shown[0]);
	if (!err && bytes < 1024) /* shown exactly */
		check(!size_parse(shown, &again) ? again == bytes : 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	try_key(text);
	try_size(text);
	free(text);
	return 0;
}
