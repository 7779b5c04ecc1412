/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complain.c - tell a person what went wrong, on standard error
 *
 * Any thread.
 */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

void complain(const char *format, ...)
{
	char text[8192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "remora: %s\n", text);
}
