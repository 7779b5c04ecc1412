/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salts.h - the labels of objects, and how many bytes each has
 *
 * A salt has a number as long as something refers to it: each reservation and
 * each object holds one reference. Bytes are counted for visible objects only;
 * a salt without any is not told.
 *
 * All functions may be called from any thread, also with a shard's mutex held.
 */
#ifndef SALTS_H
#define SALTS_H

#include <stdint.h>

#include "wire.h"

/* At once: whoever labels every object anew does not grow the table forever. */
enum { SALTS_MAX = 65536 };

struct salts;

/* The seed makes it hard to guess which salts collide. -ENOMEM. */
int salts_create(uint64_t seed, struct salts **out);
void salts_destroy(struct salts *salts);

/* The number of a good salt, with one more reference. -ENOSPC: SALTS_MAX others are; -ENOMEM. */
int salts_get(struct salts *salts, struct wire_salt salt, uint16_t *id);

/* Give one reference back. The salt has no bytes any more if it was the last one. */
void salts_put(struct salts *salts, uint16_t id);

/* Add an object's bytes, or take them away. The caller holds a reference. */
void salts_charge(struct salts *salts, uint16_t id, uint64_t bytes);
void salts_refund(struct salts *salts, uint16_t id, uint64_t bytes);

/*
 * Call fn for salts with bytes, from *cursor on (0: the beginning), until it
 * returns non-zero (that salt is told again next time). *cursor is where to go
 * on; 0: all were told. Salts that have bytes all the time are told exactly once.
 * fn runs under the table's mutex: it only copies.
 */
typedef int (*salts_list_fn)(void *arg, struct wire_salt salt, uint64_t bytes);
void salts_list(struct salts *salts, uint64_t *cursor, salts_list_fn fn, void *arg);

/* For audits: numbers from this one on were never given to a salt. */
uint32_t salts_end(struct salts *salts);

/* For audits: the references of a number, 0 if it is free, and its bytes. */
uint32_t salts_audit(struct salts *salts, uint16_t id, uint64_t *bytes);

#endif
