/* SPDX-License-Identifier: Apache-2.0 */
/*
 * size.c - sizes in bytes as people write and read them
 *
 * Pure: any thread.
 */
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What may follow a number: "", "b", "k", "kb", "kib" and so on. */
static int shift_of(const char *unit, unsigned *shift)
{
	static const char units[] = "kmgt";
	const char *found;

	*shift = 0;
	if (!*unit || !strcasecmp(unit, "b"))
		return 0;
	found = strchr(units, tolower((unsigned char)*unit));
	if (!found)
		return -EINVAL;
	*shift = 10 * (unsigned)(found - units + 1);
	unit++;
	if (!*unit || !strcasecmp(unit, "b") || !strcasecmp(unit, "ib"))
		return 0;
	return -EINVAL;
}

/* The digits after the point, as a fraction of 2^shift bytes. */
static uint64_t fraction_of(const char *digits, const char *end, unsigned shift)
{
	double scale = (double)(UINT64_C(1) << shift), value = 0.0;

	for (; digits < end; digits++) {
		scale /= 10.0;
		value += (*digits - '0') * scale;
	}
	return (uint64_t)(value + 0.5);
}

int size_parse(const char *text, uint64_t *bytes)
{
	const char *digits, *after, *unit;
	uint64_t whole, fraction;
	unsigned shift;
	char *end;

	/* strtoull() would take a sign and leading blanks. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;

	digits = *end == '.' ? end + 1 : end;
	after = digits + strspn(digits, "0123456789");
	unit = after + strspn(after, " ");
	if (shift_of(unit, &shift))
		return -EINVAL;
	/* There is no half a byte, and "1.K" is a slip of the finger. */
	if (*end == '.' && (!shift || after == digits))
		return -EINVAL;
	if (whole > UINT64_MAX >> shift)
		return -ERANGE;

	whole <<= shift;
	fraction = fraction_of(digits, after, shift);
	if (fraction > UINT64_MAX - whole)
		return -ERANGE;
	*bytes = whole + fraction;
	return 0;
}

const char *size_print(uint64_t bytes, char text[SIZE_TEXT_LEN])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned unit = 0;

	/* 1023.995 and more would be rounded to "1024.00". */
	while (value >= 1023.995 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1024.0;
		unit++;
	}
	if (!unit)
		snprintf(text, SIZE_TEXT_LEN, "%" PRIu64 " B", bytes);
	else if ((bytes >> (10 * unit)) << (10 * unit) == bytes)
		snprintf(text, SIZE_TEXT_LEN, "%.0f %s", value, units[unit]);
	else
		snprintf(text, SIZE_TEXT_LEN, "%.2f %s", value, units[unit]);
	return text;
}
