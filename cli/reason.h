/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.h - what an error of the library means, and what to do about it
 *
 * Pure but for reason_remedy(), which looks whether there is an RDMA device.
 */
#ifndef CLI_REASON_H
#define CLI_REASON_H

/* A sentence for a negative errno that a task or a call ended with. */
const char *reason_text(int err);

/* What may help when a server cannot be reached; NULL: the text says it all. */
const char *reason_remedy(int err);

#endif
