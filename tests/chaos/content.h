/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content.h - keys of the chaos test, and bytes that tell whose they are
 *
 * An object begins with its version; all else follows from key and version.
 * Writers of one key use different versions, so that a mixture is noticed.
 */
#ifndef CHAOS_CONTENT_H
#define CHAOS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <remora/adapter.h>

enum { CONTENT_MAX = 320 << 10, CONTENT_NAME = 48 };

/* The bytes of the object with this key number: always the same. */
size_t content_len(unsigned number);

void content_fill(const struct remora_key *key, uint32_t version, void *data, size_t len);

/* Whether the bytes are those of the key, of any version. */
bool content_is_right(const struct remora_key *key, const void *data, size_t len);

#endif
