/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - one value of a type's field: from text, and whether it is accepted
 *
 * Pure: any thread.
 */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <remora/type.h>

enum { FIELD_TEXT_LEN = 160 }; /* bytes that hold every text of field_describe() */

/* All but the string is a copy; the string belongs to whoever made the value. */
struct field_value {
	bool set;
	char *string;
	uint64_t number; /* UNSIGNED, SIZE */
	double real;
	bool boolean;
};

/* -EINVAL: not a text of the field's kind, or beyond its range; -ENOMEM. */
int field_parse(const struct remora_field *field, const char *text, struct field_value *value);

/* Whether the value is in the field's range. */
bool field_accepts(const struct remora_field *field, const struct field_value *value);

/* "a whole number from 1 to 8" or the like: what the field accepts. */
const char *field_describe(const struct remora_field *field, char text[FIELD_TEXT_LEN]);

#endif
