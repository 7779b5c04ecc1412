/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bitmap.c - a fixed number of bits, a word at a time
 *
 * Pure: a bitmap is used by one thread at a time, or only read. Bits of the
 * last word beyond the size are always clear, so that whole words can be
 * counted and compared; drop_stray() restores this where it may be broken.
 */
#include <remora/bitmap.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

struct remora_bitmap {
	size_t size;  /* bits */
	size_t count; /* words */
	uint64_t words[];
};

/* The word's bits below `bit`. */
static uint64_t bits_below(size_t bit)
{
	return (UINT64_C(1) << (bit % WORD_BITS)) - 1;
}

/* The word's bits up to `bit` and with it: for the last one the shift leaves 0. */
static uint64_t bits_through(size_t bit)
{
	return (UINT64_C(2) << (bit % WORD_BITS)) - 1;
}

static uint64_t bit_mask(size_t bit)
{
	return UINT64_C(1) << (bit % WORD_BITS);
}

static void drop_stray(struct remora_bitmap *bitmap)
{
	if (bitmap->size % WORD_BITS)
		bitmap->words[bitmap->count - 1] &= bits_below(bitmap->size);
}

/* One whose words are still to be written. */
static struct remora_bitmap *bitmap_alloc(size_t size)
{
	size_t count = size / WORD_BITS + (size % WORD_BITS != 0);
	struct remora_bitmap *bitmap = malloc(sizeof(*bitmap) + count * sizeof(uint64_t));

	if (!bitmap)
		return NULL;
	bitmap->size = size;
	bitmap->count = count;
	return bitmap;
}

struct remora_bitmap *remora_bitmap_create(size_t size)
{
	struct remora_bitmap *bitmap = bitmap_alloc(size);

	if (bitmap)
		memset(bitmap->words, 0, bitmap->count * sizeof(uint64_t));
	return bitmap;
}

struct remora_bitmap *remora_bitmap_create_prefix(size_t size, size_t ones)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(size);

	if (bitmap)
		remora_bitmap_set_range(bitmap, 0, ones);
	return bitmap;
}

struct remora_bitmap *remora_bitmap_copy(const struct remora_bitmap *bitmap)
{
	struct remora_bitmap *copy = bitmap_alloc(bitmap->size);

	if (copy)
		memcpy(copy->words, bitmap->words, copy->count * sizeof(uint64_t));
	return copy;
}

void remora_bitmap_destroy(struct remora_bitmap *bitmap)
{
	free(bitmap);
}

size_t remora_bitmap_size(const struct remora_bitmap *bitmap)
{
	return bitmap->size;
}

void remora_bitmap_set(struct remora_bitmap *bitmap, size_t bit)
{
	if (bit < bitmap->size)
		bitmap->words[bit / WORD_BITS] |= bit_mask(bit);
}

void remora_bitmap_clear(struct remora_bitmap *bitmap, size_t bit)
{
	if (bit < bitmap->size)
		bitmap->words[bit / WORD_BITS] &= ~bit_mask(bit);
}

bool remora_bitmap_test(const struct remora_bitmap *bitmap, size_t bit)
{
	return bit < bitmap->size && (bitmap->words[bit / WORD_BITS] & bit_mask(bit));
}

void remora_bitmap_set_batch(struct remora_bitmap *bitmap, const size_t *bits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		remora_bitmap_set(bitmap, bits[i]);
}

void remora_bitmap_set_range(struct remora_bitmap *bitmap, size_t start, size_t end)
{
	size_t first, last;

	if (end > bitmap->size)
		end = bitmap->size;
	if (start >= end)
		return;

	first = start / WORD_BITS;
	last = (end - 1) / WORD_BITS;
	if (first == last) {
		bitmap->words[first] |= bits_through(end - 1) & ~bits_below(start);
		return;
	}
	bitmap->words[first] |= ~bits_below(start);
	for (size_t i = first + 1; i < last; i++)
		bitmap->words[i] = UINT64_MAX;
	bitmap->words[last] |= bits_through(end - 1);
}

size_t remora_bitmap_popcount(const struct remora_bitmap *bitmap)
{
	size_t ones = 0;

	for (size_t i = 0; i < bitmap->count; i++)
		ones += (size_t)__builtin_popcountll(bitmap->words[i]);
	return ones;
}

/*
 * The first bit that differs from those of `plain`, 0 or all ones. Bits behind
 * the last one are clear: for a row of ones the first of them is the size.
 */
static size_t first_unlike(const struct remora_bitmap *bitmap, uint64_t plain)
{
	for (size_t i = 0; i < bitmap->count; i++) {
		uint64_t differs = bitmap->words[i] ^ plain;

		if (differs)
			return i * WORD_BITS + (size_t)__builtin_ctzll(differs);
	}
	return bitmap->size;
}

size_t remora_bitmap_count_leading_zeros(const struct remora_bitmap *bitmap)
{
	return first_unlike(bitmap, 0);
}

size_t remora_bitmap_count_leading_ones(const struct remora_bitmap *bitmap)
{
	return first_unlike(bitmap, UINT64_MAX);
}

ptrdiff_t remora_bitmap_highest_set_bit(const struct remora_bitmap *bitmap)
{
	for (size_t i = bitmap->count; i-- > 0;) {
		size_t zeros;

		if (!bitmap->words[i])
			continue;
		zeros = (size_t)__builtin_clzll(bitmap->words[i]);
		return (ptrdiff_t)(i * WORD_BITS + WORD_BITS - 1 - zeros);
	}
	return -1;
}

struct remora_bitmap *remora_bitmap_and(
	const struct remora_bitmap *a, const struct remora_bitmap *b)
{
	struct remora_bitmap *both = bitmap_alloc(a->size < b->size ? a->size : b->size);

	if (!both)
		return NULL;
	for (size_t i = 0; i < both->count; i++)
		both->words[i] = a->words[i] & b->words[i];
	return both;
}

struct remora_bitmap *remora_bitmap_or(const struct remora_bitmap *a, const struct remora_bitmap *b)
{
	struct remora_bitmap *either = bitmap_alloc(a->size < b->size ? a->size : b->size);

	if (!either)
		return NULL;
	for (size_t i = 0; i < either->count; i++)
		either->words[i] = a->words[i] | b->words[i];
	drop_stray(either);
	return either;
}

struct remora_bitmap *remora_bitmap_not(const struct remora_bitmap *bitmap)
{
	struct remora_bitmap *other = bitmap_alloc(bitmap->size);

	if (!other)
		return NULL;
	for (size_t i = 0; i < other->count; i++)
		other->words[i] = ~bitmap->words[i];
	drop_stray(other);
	return other;
}

size_t remora_bitmap_indices(const struct remora_bitmap *bitmap, size_t *bits, size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < bitmap->count; i++) {
		for (uint64_t word = bitmap->words[i]; word; word &= word - 1) {
			if (found < max)
				bits[found] = i * WORD_BITS + (size_t)__builtin_ctzll(word);
			found++;
		}
	}
	return found;
}

size_t remora_bitmap_gather(
	const struct remora_bitmap *bitmap, const void *items, size_t item_len, void *selected)
{
	const char *from = items;
	char *to = selected;
	size_t found = 0;

	for (size_t i = 0; i < bitmap->count; i++) {
		for (uint64_t word = bitmap->words[i]; word; word &= word - 1) {
			size_t bit = i * WORD_BITS + (size_t)__builtin_ctzll(word);

			memmove(to + found * item_len, from + bit * item_len, item_len);
			found++;
		}
	}
	return found;
}

size_t remora_bitmap_to_string(const struct remora_bitmap *bitmap, char *text, size_t text_len)
{
	size_t len;

	if (!text_len)
		return bitmap->size;
	len = bitmap->size < text_len ? bitmap->size : text_len - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = remora_bitmap_test(bitmap, i) ? '1' : '0';
	text[len] = '\0';
	return bitmap->size;
}
