/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.c - object contents that are a function of the key, and their check
 *
 * Pure: any thread. The loops work on rows of eight words so that compilers
 * turn them into vector code without being asked for -O3.
 */
#include "payload.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

enum { ROW = 8 };

/* Odd, so that the sum with any position is distinct; else without meaning. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)

/* A bijection, of shifts alone: vector units have no 64-bit multiplication. */
static inline uint64_t word_mix(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static inline uint64_t word_at(size_t index, uint64_t seed)
{
	return htole64(word_mix(seed + index * STEP));
}

uint64_t payload_seed(const void *key, size_t key_len)
{
	return XXH3_64bits(key, key_len);
}

/* Write the content, each word xored with a mask. */
static void write_words(void *data, size_t len, uint64_t seed, uint64_t mask)
{
	size_t words = len / 8, i = 0, k;
	uint64_t *out = data;
	uint64_t last, row;

	for (; i + ROW <= words; i += ROW)
		for (k = 0, row = seed + i * STEP; k < ROW; k++)
			out[i + k] = htole64(word_mix(row + k * STEP)) ^ mask;
	for (; i < words; i++)
		out[i] = word_at(i, seed) ^ mask;
	if (len % 8) {
		last = word_at(words, seed) ^ mask;
		memcpy(out + words, &last, len % 8);
	}
}

void payload_fill(void *data, size_t len, uint64_t seed)
{
	write_words(data, len, seed, 0);
}

void payload_poison(void *data, size_t len, uint64_t seed)
{
	write_words(data, len, seed, ~UINT64_C(0));
}

static size_t first_wrong(const uint8_t *data, size_t from, size_t len, uint64_t seed)
{
	size_t i;

	for (i = from; i < len; i++)
		if (data[i] != payload_byte(i, seed))
			return i;
	return PAYLOAD_GOOD;
}

size_t payload_check(const void *data, size_t len, uint64_t seed)
{
	const uint64_t *in = data;
	size_t words = len / 8, i, k;
	uint64_t wrong, row;

	for (i = 0; i + ROW <= words; i += ROW) {
		wrong = 0;
		for (k = 0, row = seed + i * STEP; k < ROW; k++)
			wrong |= in[i + k] ^ htole64(word_mix(row + k * STEP));
		if (wrong)
			break;
	}
	/* The row that is wrong, or the less than a row that is left. */
	return first_wrong(data, i * 8, len, seed);
}

uint8_t payload_byte(size_t offset, uint64_t seed)
{
	uint64_t word = word_at(offset / 8, seed);

	return ((const uint8_t *)&word)[offset % 8];
}
