/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.h - what an error of the library means
 *
 * Pure: any thread.
 */
#ifndef CLI_REASON_H
#define CLI_REASON_H

/* A sentence for a negative errno that a task or a call ended with. */
const char *reason_text(int err);

#endif
