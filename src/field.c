/* SPDX-License-Identifier: Apache-2.0 */
/* field.c - one value of a type's field: from text, and whether it is accepted */
#include "field.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

static int parse_number(const char *text, uint64_t *number)
{
	char *end;

	/* strtoull() would take a sign and leading blanks. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

static int parse_real(const char *text, double *real)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '.')
		return -EINVAL;
	*real = strtod(text, &end);
	return *end || end == text || !isfinite(*real) ? -EINVAL : 0;
}

static int parse_boolean(const char *text, bool *boolean)
{
	*boolean = !strcmp(text, "true");
	return *boolean || !strcmp(text, "false") ? 0 : -EINVAL;
}

bool field_accepts(const struct remora_field *field, const struct field_value *value)
{
	switch (field->kind) {
	case REMORA_FIELD_STRING: return *value->string;
	case REMORA_FIELD_UNSIGNED:
	case REMORA_FIELD_SIZE:
		return value->number >= field->min && (!field->max || value->number <= field->max);
	case REMORA_FIELD_REAL:
		return isfinite(value->real) && value->real >= field->real_min &&
		       (!field->above_min || value->real > field->real_min) &&
		       (field->real_max == 0.0 || value->real <= field->real_max);
	case REMORA_FIELD_BOOLEAN: return true;
	}
	return false;
}

int field_parse(const struct remora_field *field, const char *text, struct field_value *out)
{
	struct field_value value = {.set = true};
	int err = -EINVAL;

	switch (field->kind) {
	case REMORA_FIELD_STRING:
		value.string = strdup(text);
		err = value.string ? 0 : -ENOMEM;
		break;
	case REMORA_FIELD_UNSIGNED: err = parse_number(text, &value.number); break;
	case REMORA_FIELD_SIZE: err = size_parse(text, &value.number) ? -EINVAL : 0; break;
	case REMORA_FIELD_REAL: err = parse_real(text, &value.real); break;
	case REMORA_FIELD_BOOLEAN: err = parse_boolean(text, &value.boolean); break;
	}
	if (!err && !field_accepts(field, &value))
		err = -EINVAL;
	if (err)
		free(value.string);
	else
		*out = value;
	return err;
}

static void describe_range(const struct remora_field *field, const char *what, char *text)
{
	if (field->max)
		snprintf(text, FIELD_TEXT_LEN, "%s from %" PRIu64 " to %" PRIu64, what, field->min,
			field->max);
	else if (field->min)
		snprintf(text, FIELD_TEXT_LEN, "%s from %" PRIu64 " on", what, field->min);
	else
		snprintf(text, FIELD_TEXT_LEN, "%s", what);
}

static void describe_real(const struct remora_field *field, char *text)
{
	const char *from = field->above_min ? "above" : "from";

	if (field->real_max != 0.0)
		snprintf(text, FIELD_TEXT_LEN, "a number %s %.10g %s %.10g", from, field->real_min,
			field->above_min ? "up to" : "to", field->real_max);
	else
		snprintf(text, FIELD_TEXT_LEN, "a number %s %.10g%s", from, field->real_min,
			field->above_min ? "" : " on");
}

const char *field_describe(const struct remora_field *field, char text[FIELD_TEXT_LEN])
{
	switch (field->kind) {
	case REMORA_FIELD_STRING: snprintf(text, FIELD_TEXT_LEN, "a text that is not empty"); break;
	case REMORA_FIELD_UNSIGNED: describe_range(field, "a whole number", text); break;
	case REMORA_FIELD_SIZE:
		describe_range(field, "bytes, as a number or like \"64GiB\",", text);
		break;
	case REMORA_FIELD_REAL: describe_real(field, text); break;
	case REMORA_FIELD_BOOLEAN: snprintf(text, FIELD_TEXT_LEN, "true or false"); break;
	}
	return text;
}
