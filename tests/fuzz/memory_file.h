/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_file.h - bytes as a file, for parsers that open one
 */
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include <stddef.h>

/* The path of a file with these bytes, good until the next call. Single-threaded. */
const char *memory_file(const void *bytes, size_t len);

#endif
