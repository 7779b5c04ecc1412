/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question.h - what a caller asks a server and waits for: list, usage, salts
 *
 * Ops of a type whose self is a core, and whose engine talks to a server. Each
 * question is a task like any other, and so ends within the core's timeout.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include "core.h"

int question_length(void *self, const struct remora_key *key, uint64_t *len);
int question_list_page(void *self, const struct remora_key *prefix, uint64_t *cursor,
	remora_list_fn fn, void *arg);
int question_usage(void *self, struct remora_usage *usage);
int question_usage_salts(void *self, remora_salt_fn fn, void *arg);

#endif
