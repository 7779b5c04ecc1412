/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complain.h - tell a person what went wrong, on standard error
 *
 * Any thread; a message is written in one piece.
 */
#ifndef CLI_COMPLAIN_H
#define CLI_COMPLAIN_H

/* Print "remora: TEXT". */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
