/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_rdmacm.c - the connection manager's calls, counted and failing on demand */
#include <errno.h>
#include <rdma/rdma_cma.h>

#include "site.h"

struct rdma_event_channel *__real_rdma_create_event_channel(void);
void __real_rdma_destroy_event_channel(struct rdma_event_channel *channel);
int __real_rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
	enum rdma_port_space space);
int __real_rdma_destroy_id(struct rdma_cm_id *id);
int __real_rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *addr);
int __real_rdma_listen(struct rdma_cm_id *id, int backlog);
int __real_rdma_resolve_addr(
	struct rdma_cm_id *id, struct sockaddr *from, struct sockaddr *to, int timeout_ms);
int __real_rdma_resolve_route(struct rdma_cm_id *id, int timeout_ms);
int __real_rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
void __real_rdma_destroy_qp(struct rdma_cm_id *id);
int __real_rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param);
int __real_rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param);
int __real_rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t len);
int __real_rdma_migrate_id(struct rdma_cm_id *id, struct rdma_event_channel *channel);
int __real_rdma_disconnect(struct rdma_cm_id *id);
int __real_rdma_set_option(struct rdma_cm_id *id, int level, int name, void *value, size_t len);
int __real_rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event);
int __real_rdma_ack_cm_event(struct rdma_cm_event *event);

struct rdma_event_channel *__wrap_rdma_create_event_channel(void);
void __wrap_rdma_destroy_event_channel(struct rdma_event_channel *channel);
int __wrap_rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
	enum rdma_port_space space);
int __wrap_rdma_destroy_id(struct rdma_cm_id *id);
int __wrap_rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *addr);
int __wrap_rdma_listen(struct rdma_cm_id *id, int backlog);
int __wrap_rdma_resolve_addr(
	struct rdma_cm_id *id, struct sockaddr *from, struct sockaddr *to, int timeout_ms);
int __wrap_rdma_resolve_route(struct rdma_cm_id *id, int timeout_ms);
int __wrap_rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
void __wrap_rdma_destroy_qp(struct rdma_cm_id *id);
int __wrap_rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param);
int __wrap_rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param);
int __wrap_rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t len);
int __wrap_rdma_migrate_id(struct rdma_cm_id *id, struct rdma_event_channel *channel);
int __wrap_rdma_disconnect(struct rdma_cm_id *id);
int __wrap_rdma_set_option(struct rdma_cm_id *id, int level, int name, void *value, size_t len);
int __wrap_rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event);
int __wrap_rdma_ack_cm_event(struct rdma_cm_event *event);

struct rdma_event_channel *__wrap_rdma_create_event_channel(void)
{
	struct rdma_event_channel *channel;

	if (site_fails(SITE_rdma_create_event_channel, SITE_HERE))
		return NULL;
	channel = __real_rdma_create_event_channel();
	site_made(FAULTS_EVENTS, channel, SITE_rdma_create_event_channel, SITE_HERE);
	return channel;
}

void __wrap_rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
	site_ended(FAULTS_EVENTS, channel);
	__real_rdma_destroy_event_channel(channel);
}

int __wrap_rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
	enum rdma_port_space space)
{
	int rc;

	if (site_fails(SITE_rdma_create_id, SITE_HERE))
		return -1;
	rc = __real_rdma_create_id(channel, id, context, space);
	if (!rc)
		site_made(FAULTS_ID, *id, SITE_rdma_create_id, SITE_HERE);
	return rc;
}

int __wrap_rdma_destroy_id(struct rdma_cm_id *id)
{
	int rc;

	site_ended(FAULTS_ID, id);
	rc = __real_rdma_destroy_id(id);
	return site_fails(SITE_rdma_destroy_id, SITE_HERE) ? -1 : rc;
}

int __wrap_rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *addr)
{
	return site_fails(SITE_rdma_bind_addr, SITE_HERE) ? -1 : __real_rdma_bind_addr(id, addr);
}

int __wrap_rdma_listen(struct rdma_cm_id *id, int backlog)
{
	return site_fails(SITE_rdma_listen, SITE_HERE) ? -1 : __real_rdma_listen(id, backlog);
}

int __wrap_rdma_resolve_addr(
	struct rdma_cm_id *id, struct sockaddr *from, struct sockaddr *to, int timeout_ms)
{
	if (site_fails(SITE_rdma_resolve_addr, SITE_HERE))
		return -1;
	return __real_rdma_resolve_addr(id, from, to, timeout_ms);
}

int __wrap_rdma_resolve_route(struct rdma_cm_id *id, int timeout_ms)
{
	if (site_fails(SITE_rdma_resolve_route, SITE_HERE))
		return -1;
	return __real_rdma_resolve_route(id, timeout_ms);
}

int __wrap_rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	int rc;

	if (site_fails(SITE_rdma_create_qp, SITE_HERE))
		return -1;
	rc = __real_rdma_create_qp(id, pd, attr);
	if (!rc)
		site_made(FAULTS_QP, id, SITE_rdma_create_qp, SITE_HERE);
	return rc;
}

void __wrap_rdma_destroy_qp(struct rdma_cm_id *id)
{
	site_ended(FAULTS_QP, id);
	__real_rdma_destroy_qp(id);
}

int __wrap_rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	return site_fails(SITE_rdma_connect, SITE_HERE) ? -1 : __real_rdma_connect(id, param);
}

int __wrap_rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	return site_fails(SITE_rdma_accept, SITE_HERE) ? -1 : __real_rdma_accept(id, param);
}

int __wrap_rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t len)
{
	return site_fails(SITE_rdma_reject, SITE_HERE) ? -1 : __real_rdma_reject(id, data, len);
}

int __wrap_rdma_migrate_id(struct rdma_cm_id *id, struct rdma_event_channel *channel)
{
	if (site_fails(SITE_rdma_migrate_id, SITE_HERE))
		return -1;
	return __real_rdma_migrate_id(id, channel);
}

int __wrap_rdma_disconnect(struct rdma_cm_id *id)
{
	return site_fails(SITE_rdma_disconnect, SITE_HERE) ? -1 : __real_rdma_disconnect(id);
}

int __wrap_rdma_set_option(struct rdma_cm_id *id, int level, int name, void *value, size_t len)
{
	if (site_fails(SITE_rdma_set_option, SITE_HERE))
		return -1;
	return __real_rdma_set_option(id, level, name, value, len);
}

int __wrap_rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
	int rc;

	if (site_fails(SITE_rdma_get_cm_event, SITE_HERE))
		return -1;
	rc = __real_rdma_get_cm_event(channel, event);
	if (rc)
		return rc;
	site_made(FAULTS_EVENT, *event, SITE_rdma_get_cm_event, SITE_HERE);
	/* A request brings an id of its own. */
	if ((*event)->event == RDMA_CM_EVENT_CONNECT_REQUEST)
		site_made(FAULTS_ID, (*event)->id, SITE_rdma_get_cm_event, SITE_HERE);
	return rc;
}

int __wrap_rdma_ack_cm_event(struct rdma_cm_event *event)
{
	int rc;

	site_ended(FAULTS_EVENT, event);
	rc = __real_rdma_ack_cm_event(event);
	return site_fails(SITE_rdma_ack_cm_event, SITE_HERE) ? -1 : rc;
}
