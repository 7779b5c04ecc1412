/* SPDX-License-Identifier: Apache-2.0 */
/*
 * size.h - sizes in bytes as people write and read them
 *
 * Pure: any thread.
 */
#ifndef SIZE_H
#define SIZE_H

#include <stdint.h>

enum { SIZE_TEXT_LEN = 32 }; /* bytes that hold every text of size_print() */

/*
 * "4096", "64K", "1.5MiB", "2gb" to bytes; the units K, M, G and T are powers
 * of 1024, whatever follows them. -EINVAL: not a size; -ERANGE: more than 64 bits.
 */
int size_parse(const char *text, uint64_t *bytes);

/* "512 B", "64 KiB", "17.16 MiB" into text, which it returns. */
const char *size_print(uint64_t bytes, char text[SIZE_TEXT_LEN]);

#endif
