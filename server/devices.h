/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h - which RDMA devices this host has, in words
 *
 * For error messages. Asks the system; any thread.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <stddef.h>

/*
 * A sentence that names the addresses to listen on, each with its device, or
 * says how to get one.
 */
void devices_describe(char *text, size_t text_len);

#endif
