/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_verbs.c - verbs that are counted and fail on demand
 *
 * Those that are inline go through the ops of the device's context, which are
 * replaced when the first completion queue is made. What destroys does so in
 * any case and then says that it could not.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stddef.h>

#include "site.h"

/* It is a macro too. */
#undef ibv_reg_mr

struct ibv_device **__real_ibv_get_device_list(int *count);
void __real_ibv_free_device_list(struct ibv_device **list);
int __real_ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr);
struct ibv_pd *__real_ibv_alloc_pd(struct ibv_context *context);
int __real_ibv_dealloc_pd(struct ibv_pd *pd);
struct ibv_mr *__real_ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len, int access);
struct ibv_mr *__real_ibv_reg_mr_iova2(
	struct ibv_pd *pd, void *addr, size_t len, uint64_t iova, unsigned access);
int __real_ibv_dereg_mr(struct ibv_mr *mr);
struct ibv_comp_channel *__real_ibv_create_comp_channel(struct ibv_context *context);
int __real_ibv_destroy_comp_channel(struct ibv_comp_channel *channel);
struct ibv_cq *__real_ibv_create_cq(struct ibv_context *context, int entries, void *arg,
	struct ibv_comp_channel *channel, int vector);
int __real_ibv_destroy_cq(struct ibv_cq *cq);
int __real_ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **arg);
int __real_ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);

struct ibv_device **__wrap_ibv_get_device_list(int *count);
void __wrap_ibv_free_device_list(struct ibv_device **list);
int __wrap_ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr);
struct ibv_pd *__wrap_ibv_alloc_pd(struct ibv_context *context);
int __wrap_ibv_dealloc_pd(struct ibv_pd *pd);
struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len, int access);
struct ibv_mr *__wrap_ibv_reg_mr_iova2(
	struct ibv_pd *pd, void *addr, size_t len, uint64_t iova, unsigned access);
int __wrap_ibv_dereg_mr(struct ibv_mr *mr);
struct ibv_comp_channel *__wrap_ibv_create_comp_channel(struct ibv_context *context);
int __wrap_ibv_destroy_comp_channel(struct ibv_comp_channel *channel);
struct ibv_cq *__wrap_ibv_create_cq(struct ibv_context *context, int entries, void *arg,
	struct ibv_comp_channel *channel, int vector);
int __wrap_ibv_destroy_cq(struct ibv_cq *cq);
int __wrap_ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **arg);
int __wrap_ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);

/* Of all devices: they have one driver here. */
static struct ibv_context_ops real;

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	if (!site_fails(SITE_post_send, SITE_HERE))
		return real.post_send(qp, wr, bad);
	*bad = wr;
	/* So does soft-iWARP: it stops in the middle of a list and reports success. */
	if (qp->context->device->transport_type == IBV_TRANSPORT_IWARP)
		return 0;
	return site_errno(SITE_post_send);
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	if (!site_fails(SITE_post_recv, SITE_HERE))
		return real.post_recv(qp, wr, bad);
	*bad = wr;
	/* Drivers disagree on the sign. */
	if (qp->context->device->transport_type == IBV_TRANSPORT_IWARP)
		return -site_errno(SITE_post_recv);
	return site_errno(SITE_post_recv);
}

static int poll_cq(struct ibv_cq *cq, int max, struct ibv_wc *wc)
{
	return site_fails(SITE_poll_cq, SITE_HERE) ? -1 : real.poll_cq(cq, max, wc);
}

static int req_notify_cq(struct ibv_cq *cq, int solicited)
{
	if (site_fails(SITE_req_notify_cq, SITE_HERE))
		return site_errno(SITE_req_notify_cq);
	return real.req_notify_cq(cq, solicited);
}

void site_hook(struct ibv_context *context)
{
	if (context->ops.post_send == post_send)
		return;
	real = context->ops;
	context->ops.post_send = post_send;
	context->ops.post_recv = post_recv;
	context->ops.poll_cq = poll_cq;
	context->ops.req_notify_cq = req_notify_cq;
}

/* What a destroyer returns that has destroyed. */
static int ended(int rc, enum site_function function, const void *here)
{
	return site_fails(function, here) ? site_errno(function) : rc;
}

struct ibv_device **__wrap_ibv_get_device_list(int *count)
{
	struct ibv_device **list;

	if (site_fails(SITE_ibv_get_device_list, SITE_HERE))
		return NULL;
	list = __real_ibv_get_device_list(count);
	site_made(FAULTS_OTHER, list, SITE_ibv_get_device_list, SITE_HERE);
	return list;
}

void __wrap_ibv_free_device_list(struct ibv_device **list)
{
	site_ended(FAULTS_OTHER, list);
	__real_ibv_free_device_list(list);
}

int __wrap_ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	if (site_fails(SITE_ibv_query_device, SITE_HERE))
		return site_errno(SITE_ibv_query_device);
	return __real_ibv_query_device(context, attr);
}

struct ibv_pd *__wrap_ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd;

	if (site_fails(SITE_ibv_alloc_pd, SITE_HERE))
		return NULL;
	pd = __real_ibv_alloc_pd(context);
	site_made(FAULTS_PD, pd, SITE_ibv_alloc_pd, SITE_HERE);
	return pd;
}

int __wrap_ibv_dealloc_pd(struct ibv_pd *pd)
{
	site_ended(FAULTS_PD, pd);
	return ended(__real_ibv_dealloc_pd(pd), SITE_ibv_dealloc_pd, SITE_HERE);
}

struct ibv_mr *__wrap_ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len, int access)
{
	struct ibv_mr *mr;

	if (site_fails(SITE_ibv_reg_mr, SITE_HERE))
		return NULL;
	mr = __real_ibv_reg_mr(pd, addr, len, access);
	site_made(FAULTS_MR, mr, SITE_ibv_reg_mr, SITE_HERE);
	return mr;
}

struct ibv_mr *__wrap_ibv_reg_mr_iova2(
	struct ibv_pd *pd, void *addr, size_t len, uint64_t iova, unsigned access)
{
	struct ibv_mr *mr;

	if (site_fails(SITE_ibv_reg_mr_iova2, SITE_HERE))
		return NULL;
	mr = __real_ibv_reg_mr_iova2(pd, addr, len, iova, access);
	site_made(FAULTS_MR, mr, SITE_ibv_reg_mr_iova2, SITE_HERE);
	return mr;
}

int __wrap_ibv_dereg_mr(struct ibv_mr *mr)
{
	site_ended(FAULTS_MR, mr);
	return ended(__real_ibv_dereg_mr(mr), SITE_ibv_dereg_mr, SITE_HERE);
}

struct ibv_comp_channel *__wrap_ibv_create_comp_channel(struct ibv_context *context)
{
	struct ibv_comp_channel *channel;

	if (site_fails(SITE_ibv_create_comp_channel, SITE_HERE))
		return NULL;
	channel = __real_ibv_create_comp_channel(context);
	site_made(FAULTS_COMPLETIONS, channel, SITE_ibv_create_comp_channel, SITE_HERE);
	return channel;
}

int __wrap_ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	site_ended(FAULTS_COMPLETIONS, channel);
	return ended(
		__real_ibv_destroy_comp_channel(channel), SITE_ibv_destroy_comp_channel, SITE_HERE);
}

struct ibv_cq *__wrap_ibv_create_cq(struct ibv_context *context, int entries, void *arg,
	struct ibv_comp_channel *channel, int vector)
{
	struct ibv_cq *cq;

	if (site_fails(SITE_ibv_create_cq, SITE_HERE))
		return NULL;
	site_hook(context);
	cq = __real_ibv_create_cq(context, entries, arg, channel, vector);
	site_made(FAULTS_CQ, cq, SITE_ibv_create_cq, SITE_HERE);
	return cq;
}

int __wrap_ibv_destroy_cq(struct ibv_cq *cq)
{
	site_ended(FAULTS_CQ, cq);
	return ended(__real_ibv_destroy_cq(cq), SITE_ibv_destroy_cq, SITE_HERE);
}

int __wrap_ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **arg)
{
	if (site_fails(SITE_ibv_get_cq_event, SITE_HERE))
		return -1;
	return __real_ibv_get_cq_event(channel, cq, arg);
}

int __wrap_ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	if (site_fails(SITE_ibv_modify_qp, SITE_HERE))
		return site_errno(SITE_ibv_modify_qp);
	return __real_ibv_modify_qp(qp, attr, mask);
}
