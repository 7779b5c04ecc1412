/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keytext.c - keys as text, and back
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "keytext.h"

static char text[KEYTEXT_LEN];
static unsigned char bytes[REMORA_KEY_MAX];

static void every_key_comes_back_from_its_text(void **state)
{
	unsigned char key[256];
	size_t len, i;

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	keytext_encode(&(struct remora_key){.data = key, .len = sizeof(key)}, text);
	assert_int_equal(keytext_decode(text, bytes, &len), 0);
	assert_int_equal(len, sizeof(key));
	assert_memory_equal(bytes, key, sizeof(key));
}

static void printable_keys_stand_for_themselves(void **state)
{
	size_t len;

	(void)state;
	keytext_encode(&(struct remora_key){.data = "a b/c~", .len = 6}, text);
	assert_string_equal(text, "a b/c~");
	assert_int_equal(keytext_decode("k\xc3\xa9y", bytes, &len), 0);
	assert_int_equal(len, 4);
}

static void other_bytes_are_escaped(void **state)
{
	(void)state;
	keytext_encode(&(struct remora_key){.data = "\\\n\0\xff", .len = 4}, text);
	assert_string_equal(text, "\\\\\\x0a\\x00\\xff");
}

static void what_is_no_escape_is_told_with_its_place(void **state)
{
	static const char *const wrong[] = {
		"ab\\", "ab\\n", "ab\\x", "ab\\x1", "ab\\xg0", "ab\\x0g"};
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(keytext_decode(wrong[i], bytes, &len), -EINVAL);
		assert_int_equal(len, 2);
	}
}

static void a_key_that_is_too_long_is_told_with_its_length(void **state)
{
	char key[REMORA_KEY_MAX + 2];
	size_t len;

	(void)state;
	memset(key, 'k', sizeof(key));
	key[REMORA_KEY_MAX + 1] = '\0';
	assert_int_equal(keytext_decode(key, bytes, &len), -EMSGSIZE);
	assert_int_equal(len, REMORA_KEY_MAX + 1);
	key[REMORA_KEY_MAX] = '\0';
	assert_int_equal(keytext_decode(key, bytes, &len), 0);
	assert_int_equal(len, REMORA_KEY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_comes_back_from_its_text),
		cmocka_unit_test(printable_keys_stand_for_themselves),
		cmocka_unit_test(other_bytes_are_escaped),
		cmocka_unit_test(what_is_no_escape_is_told_with_its_place),
		cmocka_unit_test(a_key_that_is_too_long_is_told_with_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
