/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - takes connection requests and hands them to workers
 *
 * For the main thread. Opening (which finds the device) and listening are two
 * steps, as the memory must be registered in between.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <infiniband/verbs.h>
#include <netinet/in.h>

#include "service.h"
#include "worker.h"

struct listener;

/*
 * Bind to an address of an RDMA device. Errors are logged, with the value and
 * the remedy; `name` is what the person called the address.
 */
int listener_open(const struct sockaddr_storage *addr, const char *name, struct listener **out);

/* Stop listening. Requests not yet handed over are dropped. NULL is allowed. */
void listener_close(struct listener *listener);

struct ibv_context *listener_device(const struct listener *listener);

/* The service and the workers live until listener_close(). Errors are logged. */
int listener_start(struct listener *listener, struct service *service, struct worker **workers,
	unsigned worker_count);

/* Readable when listener_turn() has something to do. */
int listener_fd(const struct listener *listener);

/* Hand over what has come in. -ENODEV: the device is gone. */
int listener_turn(struct listener *listener);

#endif
