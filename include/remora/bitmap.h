/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bitmap.h - a fixed number of bits: which elements of a batch
 *
 * Bits are numbered from 0; "leading" means from bit 0 on. A bitmap may have
 * no bits at all. Setting or clearing a bit beyond the last one does nothing,
 * and testing it tells false.
 *
 * A bitmap belongs to whoever created it. Functions that take it as const may
 * be called by several threads at once, the others need it for themselves.
 * Functions that return a new bitmap return NULL if there is no memory for it.
 */
#ifndef REMORA_BITMAP_H
#define REMORA_BITMAP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct remora_bitmap;

/* A new bitmap of `size` bits, all clear. */
struct remora_bitmap *remora_bitmap_create(size_t size);

/* The same with the first `ones` bits set (all of them if it has fewer). */
struct remora_bitmap *remora_bitmap_create_prefix(size_t size, size_t ones);

struct remora_bitmap *remora_bitmap_copy(const struct remora_bitmap *bitmap);

/* NULL is allowed. */
void remora_bitmap_destroy(struct remora_bitmap *bitmap);

size_t remora_bitmap_size(const struct remora_bitmap *bitmap);

void remora_bitmap_set(struct remora_bitmap *bitmap, size_t bit);
void remora_bitmap_clear(struct remora_bitmap *bitmap, size_t bit);
bool remora_bitmap_test(const struct remora_bitmap *bitmap, size_t bit);

/* Set each of `count` bits, in any order, also repeated; NULL only with count 0. */
void remora_bitmap_set_batch(struct remora_bitmap *bitmap, const size_t *bits, size_t count);

/* Set the bits from start to end - 1; nothing if start is not below end. */
void remora_bitmap_set_range(struct remora_bitmap *bitmap, size_t start, size_t end);

/* How many bits are set. */
size_t remora_bitmap_popcount(const struct remora_bitmap *bitmap);

/* How many clear (set) bits come before the first set (clear) one. */
size_t remora_bitmap_count_leading_zeros(const struct remora_bitmap *bitmap);
size_t remora_bitmap_count_leading_ones(const struct remora_bitmap *bitmap);

/* -1 if no bit is set. */
ptrdiff_t remora_bitmap_highest_set_bit(const struct remora_bitmap *bitmap);

/*
 * New bitmaps. If a and b differ in size, the result has the size of the
 * smaller one and the surplus bits of the other do not count.
 */
struct remora_bitmap *remora_bitmap_and(
	const struct remora_bitmap *a, const struct remora_bitmap *b);
struct remora_bitmap *remora_bitmap_or(
	const struct remora_bitmap *a, const struct remora_bitmap *b);
struct remora_bitmap *remora_bitmap_not(const struct remora_bitmap *bitmap);

/*
 * Write the numbers of the set bits, ascending, and at most max of them, to
 * `bits` (NULL only with max 0). Returns how many bits are set.
 */
size_t remora_bitmap_indices(const struct remora_bitmap *bitmap, size_t *bits, size_t max);

/*
 * Copy the items whose bits are set, in order and without gaps. `items` is an
 * array of as many items, of item_len bytes each, as the bitmap has bits;
 * `selected` has room for as many as are set, and may be `items` itself.
 * Returns how many were copied.
 */
size_t remora_bitmap_gather(
	const struct remora_bitmap *bitmap, const void *items, size_t item_len, void *selected);

/*
 * Write a '0' or '1' for each bit, bit 0 leftmost, into text_len bytes: cut if
 * they are too few, and terminated unless text_len is 0. Returns the length of
 * the whole text, which is the bitmap's size.
 */
size_t remora_bitmap_to_string(const struct remora_bitmap *bitmap, char *text, size_t text_len);

#ifdef __cplusplus
}
#endif

#endif
