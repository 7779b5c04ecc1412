/* SPDX-License-Identifier: Apache-2.0 */
/*
 * argument.c - words of the command line as keys, sizes and numbers
 *
 * Main thread.
 */
#include "argument.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "keytext.h"
#include "size.h"

struct remora_key argument_key(struct argp_state *state, const char *text)
{
	unsigned char bytes[REMORA_KEY_MAX];
	struct remora_key key = {0};
	size_t len;
	int err;

	err = keytext_decode(text, bytes, &len);
	if (err == -EINVAL)
		argp_error(state,
			"key '%s': '%.4s' is no escape; write \\xNN for a byte and \\\\ for a "
			"backslash",
			text, text + len);
	if (err == -EMSGSIZE)
		argp_error(state, "the key '%.32s...' has %zu bytes; at most %d are allowed", text,
			len, REMORA_KEY_MAX);
	if (!len)
		argp_error(state, "the key is empty; give 1 to %d bytes", REMORA_KEY_MAX);
	key.data = malloc(len);
	if (!key.data)
		argp_failure(state, 1, ENOMEM, "key '%s'", text);
	memcpy((void *)key.data, bytes, len);
	key.len = len;
	return key;
}

void argument_free(struct remora_key *key)
{
	free((void *)key->data);
	*key = (struct remora_key){0};
}

uint64_t argument_size(struct argp_state *state, const char *option, const char *text)
{
	uint64_t bytes = 0;

	if (size_parse(text, &bytes) || !bytes)
		argp_error(state, "%s %s: give a size of at least 1 byte, as in 4096, 64K or 1.5M",
			option, text);
	return bytes;
}

uint64_t argument_number(
	struct argp_state *state, const char *option, const char *text, const uint64_t range[2])
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || value < range[0] || value > range[1])
		argp_error(state, "%s %s: give a whole number from %" PRIu64 " to %" PRIu64, option,
			text, range[0], range[1]);
	return value;
}

double argument_positive(struct argp_state *state, const char *option, const char *text)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end == text || *end || !(value > 0.0 && value <= 1e9))
		argp_error(state, "%s %s: give a number above 0", option, text);
	return value;
}
