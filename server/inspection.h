/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspection.h - what the control socket is told: status, sessions, audit
 *
 * An audit stops all workers between two requests while it compares the store
 * with the sessions: no request is answered for as long as that takes. The
 * other two commands stop nobody.
 */
#ifndef INSPECTION_H
#define INSPECTION_H

#include <jansson.h>

#include "service.h"
#include "worker.h"

enum { INSPECTION_WAIT_MS = 10000 }; /* for the workers to come to a stop */

/* The daemon's parts that it looks at; none is its own. */
struct inspection {
	struct service *service;
	struct worker *const *workers;
	unsigned worker_count;
	const char *device;
};

/* A control_answer_fn; arg is the inspection. One thread at a time. */
json_t *inspection_answer(void *arg, const char *command);

#endif
