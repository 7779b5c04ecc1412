/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.h - object contents that are a function of the key, and their check
 *
 * The content is a stream of 64-bit words, each a bijection of the key's seed
 * plus the word's position: within an object no two words are equal, and two
 * objects of different seeds differ in every word. So a byte that was changed,
 * shifted, left out or taken from another object is seen. Pure: any thread.
 */
#ifndef CLI_PAYLOAD_H
#define CLI_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* Returned by payload_check() when every byte is right. */
#define PAYLOAD_GOOD SIZE_MAX

uint64_t payload_seed(const void *key, size_t key_len);

/* Fill data with the content. It is aligned to 8 bytes, like in all of these. */
void payload_fill(void *data, size_t len, uint64_t seed);

/* Fill data with bytes of which each differs from the content's. */
void payload_poison(void *data, size_t len, uint64_t seed);

/* Compare every byte. Returns the offset of the first wrong one, or PAYLOAD_GOOD. */
size_t payload_check(const void *data, size_t len, uint64_t seed);

/* The byte that belongs at an offset, to tell what was expected. */
uint8_t payload_byte(size_t offset, uint64_t seed);

#endif
