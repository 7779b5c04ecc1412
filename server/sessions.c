/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - all sessions of one worker; its thread only */
#include "sessions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "greeting.h"
#include "log.h"

enum {
	TICK_MS = 250,        /* for deadlines of seconds */
	TICK_CLOSING_MS = 10, /* for those of CLIENT_GOODBYE_MS */
};

int sessions_init(struct sessions *sessions)
{
	const struct service *service = sessions->service;
	size_t room = (size_t)service->max_sessions + service->max_strangers;

	sessions->clients = calloc(room, sizeof(*sessions->clients));
	return sessions->clients ? 0 : -ENOMEM;
}

void sessions_fini(struct sessions *sessions)
{
	free(sessions->clients);
}

void sessions_reject(struct rdma_cm_id *id, enum wire_status why)
{
	struct wire_connect answer = {.version = WIRE_VERSION, .status = (uint8_t)why};
	uint8_t private_data[WIRE_CONNECT_LEN];

	wire_encode_connect(private_data, &answer);
	if (rdma_reject(id, private_data, sizeof(private_data)))
		log_line(LOG_DEBUG, "cannot reject a connection: %s", strerror(errno));
	rdma_destroy_id(id);
}

static void peer_text(struct rdma_cm_id *id, char *text, size_t len)
{
	const struct sockaddr *addr = rdma_get_peer_addr(id);
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port = ntohs(rdma_get_dst_port(id));

	if (addr->sa_family == AF_INET)
		inet_ntop(
			AF_INET, &((const struct sockaddr_in *)addr)->sin_addr, host, sizeof(host));
	else if (addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)addr)->sin6_addr, host,
			sizeof(host));
	snprintf(text, len, "%s:%u", host, port);
}

void sessions_refuse(struct rdma_cm_id *id, enum wire_status why, const char *what)
{
	static struct log_rate rate;
	char peer[CLIENT_PEER_LEN];

	peer_text(id, peer, sizeof(peer));
	log_rated(&rate, LOG_WARN, "%s is refused: peer=%s: %s", what, peer, wire_status_text(why));
	sessions_reject(id, why);
}

static void session_left(struct sessions *sessions)
{
	atomic_fetch_sub_explicit(&sessions->load, 1, memory_order_relaxed);
}

/* A new session for a control lane. */
static enum wire_status begin(
	struct sessions *sessions, struct rdma_cm_id *id, uint64_t now_ms, struct client **out)
{
	struct client *client;
	uint64_t number;

	number = ++sessions->serial << SESSIONS_WORKER_BITS | sessions->worker;
	if (client_create(number, now_ms, &client))
		return WIRE_LIMIT;
	peer_text(id, client->peer, sizeof(client->peer));
	*out = client;
	return WIRE_OK;
}

/* The session that a data lane wants to join. */
static enum wire_status join(
	struct sessions *sessions, const struct wire_connect *connect, struct client **out)
{
	struct client *client;
	unsigned i;

	for (i = 0; i < sessions->count; i++) {
		client = sessions->clients[i];
		if (client->session->id != connect->session)
			continue;
		if (!session_is_welcome(client->session) || client->closing ||
			!session_token_matches(client->session, connect->token))
			break;
		if (client->link_count > CLIENT_DATA_LANES)
			return WIRE_LIMIT;
		*out = client;
		return WIRE_OK;
	}
	return WIRE_DENIED;
}

static enum wire_status add_link(struct sessions *sessions, struct client *client,
	const struct arrival *arrival, uint64_t now_ms)
{
	struct link_params params = {
		.id = arrival->id,
		.pd = arrival->connect.kind == WIRE_LANE_DATA ? client->session->tenant->pd
							      : sessions->anteroom,
		.cq = sessions->cq,
		.service = sessions->service,
		.session = client->session,
		.connect = &arrival->connect,
		.now_ms = now_ms,
	};
	static struct log_rate rate;
	struct link *link;
	int err;

	err = links_number(&sessions->links, &params.number);
	if (!err)
		err = link_create(&params, &link);
	if (err) {
		log_rated(&rate, LOG_WARN, "no lane for peer=%s: %s", client->peer, strerror(-err));
		return WIRE_LIMIT;
	}
	links_set(&sessions->links, link->number, link);
	client_add_link(client, link);
	return WIRE_OK;
}

static void forget(struct sessions *sessions, struct client *client)
{
	unsigned i;

	for (i = 0; i < client->link_count; i++)
		links_clear(&sessions->links, client->links[i]->number);
	greeting_undo(sessions->service, client->session);
	client_destroy(client);
	session_left(sessions);
}

/* Forget the one at this place, which the last one takes. */
static void forget_at(struct sessions *sessions, unsigned at)
{
	struct client *client = sessions->clients[at];

	sessions->clients[at] = sessions->clients[--sessions->count];
	forget(sessions, client);
}

/*
 * Make room for one more session that is not welcome yet: the one that is over
 * goes, or else the one that waits longest, so that connections that never
 * speak do not keep others out. It is not waited for, as an end usually is.
 */
static void make_room(struct sessions *sessions, uint64_t now_ms)
{
	const struct client *client, *last = NULL;
	unsigned count = 0, at = 0, i;

	for (i = 0; i < sessions->count; i++) {
		client = sessions->clients[i];
		if (session_is_welcome(client->session))
			continue;
		count++;
		if (!last || client->closing > last->closing ||
			(client->closing == last->closing &&
				client->created_ms < last->created_ms)) {
			last = client;
			at = i;
		}
	}
	if (count < sessions->service->max_strangers)
		return;
	client_close(sessions->clients[at], now_ms, "others want to come in");
	forget_at(sessions, at);
}

static void drop_link(struct sessions *sessions, struct link *link, const char *why)
{
	static struct log_rate rate;

	log_rated(&rate, LOG_WARN, "a data lane failed to connect: peer=%s why=\"%s\"",
		link->client->peer, why);
	links_clear(&sessions->links, link->number);
	client_drop_link(link->client, link);
}

static void accept_link(struct sessions *sessions, struct link *link, const struct arrival *arrival,
	uint64_t now_ms)
{
	int err = link_accept(link, &arrival->offer);

	if (!err)
		return;
	if (link->kind == WIRE_LANE_DATA)
		drop_link(sessions, link, strerror(-err));
	else
		client_close(link->client, now_ms, strerror(-err));
}

static void admit_control(struct sessions *sessions, struct arrival *arrival, uint64_t now_ms)
{
	enum wire_status status;
	struct client *client;

	make_room(sessions, now_ms);
	status = begin(sessions, arrival->id, now_ms, &client);
	if (status != WIRE_OK)
		goto leave;
	status = add_link(sessions, client, arrival, now_ms);
	if (status != WIRE_OK)
		goto forget;
	sessions->clients[sessions->count++] = client;
	accept_link(sessions, client->links[0], arrival, now_ms);
	return;

forget:
	client_destroy(client);
leave:
	session_left(sessions);
	sessions_refuse(arrival->id, status, "a client");
}

static void admit_data(struct sessions *sessions, struct arrival *arrival, uint64_t now_ms)
{
	enum wire_status status;
	struct client *client;

	status = join(sessions, &arrival->connect, &client);
	if (status == WIRE_OK)
		status = add_link(sessions, client, arrival, now_ms);
	if (status != WIRE_OK) {
		sessions_refuse(arrival->id, status, "a data lane");
		return;
	}
	accept_link(sessions, client->links[client->link_count - 1], arrival, now_ms);
}

void sessions_admit(struct sessions *sessions, struct arrival *arrival, uint64_t now_ms)
{
	if (arrival->connect.kind == WIRE_LANE_CONTROL)
		admit_control(sessions, arrival, now_ms);
	else
		admit_data(sessions, arrival, now_ms);
	free(arrival);
}

static void failed_to_connect(
	struct sessions *sessions, struct link *link, const char *why, uint64_t now_ms)
{
	if (link->kind == WIRE_LANE_DATA && !link->established && !link->client->closing)
		drop_link(sessions, link, why);
	else
		client_close(link->client, now_ms, why);
}

void sessions_event(
	struct sessions *sessions, enum rdma_cm_event_type type, struct link *link, uint64_t now_ms)
{
	static struct log_rate rate;

	if (!link)
		return;
	if (type == RDMA_CM_EVENT_ESTABLISHED) {
		link->established = true;
		if (lane_established(link->lane))
			log_rated(&rate, LOG_WARN, "cannot set the queue pair of peer=%s",
				link->client->peer);
	} else if (type == RDMA_CM_EVENT_DISCONNECTED) {
		link->gone = true;
		client_close(link->client, now_ms, "the client disconnected");
	} else if (type == RDMA_CM_EVENT_CONNECT_ERROR || type == RDMA_CM_EVENT_REJECTED ||
		   type == RDMA_CM_EVENT_UNREACHABLE) {
		/* It also comes when a neighbour's address changes: not an end. */
		if (type == RDMA_CM_EVENT_UNREACHABLE && link->established)
			return;
		failed_to_connect(sessions, link, rdma_event_str(type), now_ms);
	} else if (type == RDMA_CM_EVENT_DEVICE_REMOVAL) {
		client_close(link->client, now_ms, "the device was removed");
	}
}

void sessions_notice(struct sessions *sessions, const struct notice *notice, uint64_t now_ms)
{
	struct client *client;
	unsigned i;

	for (i = 0; i < sessions->count; i++) {
		client = sessions->clients[i];
		if (!client->order || client->order >= notice->order || client->closing ||
			client->session->tenant != notice->tenant ||
			memcmp(client->session->client_id, notice->client_id, WIRE_ID_LEN))
			continue;
		client_close(client, now_ms, "its client has begun another session");
		/* Nobody is left there who would answer a goodbye. */
		client->close_by_ms = now_ms;
	}
}

/*
 * A client that is back has no use for the session it lost: that ends now and
 * not after its lease, on whichever worker it is. The order says which of two
 * that began at the same time is the older one. Only who has proved to be of a
 * tenant replaces, and only sessions of it.
 */
static void replace(struct sessions *sessions, struct client *client, uint64_t now_ms)
{
	struct service *service = sessions->service;
	struct notice notice = {0}, *copy;
	unsigned i;

	client->order = atomic_fetch_add(&service->welcomes, 1) + 1;
	notice.order = client->order;
	notice.tenant =
		client->session->tenant ? client->session->tenant : client->session->crowded;
	memcpy(notice.client_id, client->session->client_id, WIRE_ID_LEN);
	sessions_notice(sessions, &notice, now_ms);
	for (i = 0; i < service->worker_count; i++) {
		if (i == sessions->worker)
			continue;
		copy = malloc(sizeof(*copy));
		if (!copy)
			return; /* it ends by its lease */
		*copy = notice;
		mailbox_notify(service->mailboxes[i], copy);
	}
}

static void greet(struct sessions *sessions, struct client *client, uint64_t now_ms)
{
	client->greeted = true;
	log_line(LOG_INFO, "session begins: session=%llx peer=%s",
		(unsigned long long)client->session->id, client->peer);
	replace(sessions, client, now_ms);
}

/* A wrong proof: it counts whether or not the client waits for the answer. */
static void take_denial(struct sessions *sessions, struct client *client, uint64_t now_ms)
{
	struct session *session = client->session;
	static struct log_rate rate;
	char tenant[LOG_QUOTED_MAX];

	session->denied = false;
	strikes_add(sessions->service->strikes, rdma_get_peer_addr(lane_id(client->links[0]->lane)),
		now_ms);
	log_quote(session->hello.tenant, session->hello.tenant_len, tenant);
	log_rated(
		&rate, LOG_WARN, "authentication failed: peer=%s tenant=%s", client->peer, tenant);
}

/* It may be its own old session that takes the room: there will be some when it comes again. */
static void make_way(struct sessions *sessions, struct client *client, uint64_t now_ms)
{
	replace(sessions, client, now_ms);
	client->session->crowded = NULL;
}

static void complete_one(struct sessions *sessions, const struct ibv_wc *wc, uint64_t now_ms)
{
	struct link *link = links_find(&sessions->links, lane_number(wc));
	struct client *client;
	int err;

	if (!link || link->client->closing)
		return;
	client = link->client;
	if (wc->status == IBV_WC_SUCCESS && wc->opcode == IBV_WC_RECV)
		client->heard_ms = now_ms;
	err = link_complete(link, wc);
	if (client->session->denied)
		take_denial(sessions, client, now_ms);
	if (err)
		client_close(client, now_ms, link_problem(link));
	else if (!client->greeted && session_is_welcome(client->session))
		greet(sessions, client, now_ms);
	else if (client->session->crowded)
		make_way(sessions, client, now_ms);
	else if (client->session->stage == SESSION_DISMISSED && client_is_quiet(client))
		client_close(client, now_ms, client->session->problem);
}

void sessions_complete(
	struct sessions *sessions, const struct ibv_wc *wc, int count, uint64_t now_ms)
{
	struct link *link;
	int i;

	for (i = 0; i < count; i++)
		complete_one(sessions, &wc[i], now_ms);
	/* One doorbell a link for all of its replies: flushing again does nothing. */
	for (i = 0; i < count; i++) {
		link = links_find(&sessions->links, lane_number(&wc[i]));
		if (link && !link->client->closing && link_flush(link))
			client_close(link->client, now_ms, link_problem(link));
	}
}

static void drop_half_open(struct sessions *sessions, struct client *client, uint64_t now_ms)
{
	unsigned i = client->link_count;

	while (i-- > 1) {
		struct link *link = client->links[i];

		if (!link->established && now_ms - link->created_ms >= CLIENT_HALF_OPEN_MS)
			drop_link(sessions, link, "not established in time");
	}
}

void sessions_tick(struct sessions *sessions, uint64_t now_ms)
{
	unsigned i = sessions->count;

	while (i-- > 0) {
		struct client *client = sessions->clients[i];
		const char *why = client_overdue(client, now_ms, sessions->service->lease_ms);

		if (why)
			client_close(client, now_ms, why);
		if (!client->closing)
			drop_half_open(sessions, client, now_ms);
		if (!client_is_over(client, now_ms))
			continue;
		forget_at(sessions, i);
	}
}

void sessions_close(struct sessions *sessions, uint64_t now_ms, bool quiet_only)
{
	unsigned i;

	for (i = 0; i < sessions->count; i++)
		if (!quiet_only || client_is_quiet(sessions->clients[i]))
			client_close(sessions->clients[i], now_ms, "the server stops");
}

void sessions_tell(const struct sessions *sessions, struct census *census)
{
	struct census_entry entry;
	unsigned i;

	for (i = 0; i < sessions->count; i++) {
		client_describe(sessions->clients[i], &entry);
		census_add(census, &entry);
	}
	census_done(census);
}

int sessions_wait_ms(const struct sessions *sessions)
{
	unsigned i;

	if (!sessions->count)
		return -1;
	for (i = 0; i < sessions->count; i++)
		if (sessions->clients[i]->closing)
			return TICK_CLOSING_MS;
	return TICK_MS;
}
