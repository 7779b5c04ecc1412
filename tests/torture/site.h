/* SPDX-License-Identifier: Apache-2.0 */
/* site.h - for the wrappers: does this call fail, and what has it made? */
#ifndef SITE_H
#define SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "faults.h"

/* Every function that is wrapped, and the errno that it fails with. */
#define SITE_FUNCTIONS(X)                                                                          \
	X(malloc, ENOMEM)                                                                          \
	X(calloc, ENOMEM)                                                                          \
	X(realloc, ENOMEM)                                                                         \
	X(aligned_alloc, ENOMEM)                                                                   \
	X(strdup, ENOMEM)                                                                          \
	X(jansson, ENOMEM)                                                                         \
	X(mmap64, ENOMEM)                                                                          \
	X(getaddrinfo, ENOMEM)                                                                     \
	X(getifaddrs, ENOMEM)                                                                      \
	X(getrandom, ENOSYS)                                                                       \
	X(fopen64, EMFILE)                                                                         \
	X(open64, EMFILE)                                                                          \
	X(socket, EMFILE)                                                                          \
	X(bind, ENOMEM)                                                                            \
	X(listen, ENOMEM)                                                                          \
	X(accept4, EMFILE)                                                                         \
	X(HMAC, ENOMEM)                                                                            \
	X(fcntl64, EBADF)                                                                          \
	X(eventfd, EMFILE)                                                                         \
	X(signalfd, EMFILE)                                                                        \
	X(epoll_create1, EMFILE)                                                                   \
	X(epoll_ctl, ENOMEM)                                                                       \
	X(epoll_wait, EINTR)                                                                       \
	X(poll, ENOMEM)                                                                            \
	X(sched_getaffinity, EINVAL)                                                               \
	X(sigprocmask, EINVAL)                                                                     \
	X(pthread_create, EAGAIN)                                                                  \
	X(ibv_get_device_list, ENOMEM)                                                             \
	X(ibv_query_device, ENOMEM)                                                                \
	X(ibv_alloc_pd, ENOMEM)                                                                    \
	X(ibv_dealloc_pd, EBUSY)                                                                   \
	X(ibv_reg_mr, ENOMEM)                                                                      \
	X(ibv_reg_mr_iova2, ENOMEM)                                                                \
	X(ibv_dereg_mr, EINVAL)                                                                    \
	X(ibv_create_comp_channel, EMFILE)                                                         \
	X(ibv_destroy_comp_channel, EBUSY)                                                         \
	X(ibv_create_cq, ENOMEM)                                                                   \
	X(ibv_destroy_cq, EBUSY)                                                                   \
	X(ibv_get_cq_event, ENOMEM)                                                                \
	X(ibv_modify_qp, ENOMEM)                                                                   \
	X(post_send, EIO)                                                                          \
	X(post_recv, ENOMEM)                                                                       \
	X(poll_cq, EIO)                                                                            \
	X(req_notify_cq, ENOMEM)                                                                   \
	X(rdma_create_event_channel, EMFILE)                                                       \
	X(rdma_create_id, ENOMEM)                                                                  \
	X(rdma_destroy_id, EINVAL)                                                                 \
	X(rdma_bind_addr, ENOMEM)                                                                  \
	X(rdma_listen, ENOMEM)                                                                     \
	X(rdma_resolve_addr, ENOMEM)                                                               \
	X(rdma_resolve_route, ENOMEM)                                                              \
	X(rdma_create_qp, ENOMEM)                                                                  \
	X(rdma_connect, ENOMEM)                                                                    \
	X(rdma_accept, ENOMEM)                                                                     \
	X(rdma_reject, ENOMEM)                                                                     \
	X(rdma_migrate_id, ENOMEM)                                                                 \
	X(rdma_disconnect, EINVAL)                                                                 \
	X(rdma_set_option, ENOSYS)                                                                 \
	X(rdma_get_cm_event, ENOMEM)                                                               \
	X(rdma_ack_cm_event, EINVAL)

#define SITE_ENUM(function, error) SITE_##function,
enum site_function { SITE_NONE, SITE_FUNCTIONS(SITE_ENUM) SITE_COUNT };
#undef SITE_ENUM

/* The caller of a wrapper. */
#define SITE_HERE __builtin_return_address(0)

/* Count a call; true: it must fail, and errno is set. */
bool site_fails(enum site_function function, const void *here);
int site_errno(enum site_function function);

/* An object was made at a site, or destroyed. NULL and -1 cast to a pointer are allowed. */
void site_made(
	enum faults_kind kind, const void *object, enum site_function function, const void *here);
void site_ended(enum faults_kind kind, const void *object);

/* The verbs that are called through the context: replace them once they are known. */
struct ibv_context;
void site_hook(struct ibv_context *context);

#endif
