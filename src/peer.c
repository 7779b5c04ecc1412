/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - a session with one server: its lanes, from connect to destroy */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <remora/adapter.h>

#include "auth.h"
#include "secret.h"

enum {
	SLICE_MS = 50,      /* how soon an abandoned attempt is noticed */
	CONNECT_TRIES = 25, /* with the pause: longer than a dead queue pair is remembered */
	RETRY_PAUSE_MS = 30,
	GOODBYE_MS = 100,
	PRIVATE_MAX = UINT8_MAX,
	REJECT_NO_LISTENER = 8, /* InfiniBand's "invalid service id" */
};

/* One attempt to connect, on the stack of its thread. */
struct attempt {
	const struct peer_params *params;
	struct device **device;
	const _Atomic bool *abandoned;
	uint64_t deadline_ms;
	char *error;
	size_t error_len;
	struct peer *peer;
};

/* What an event said, copied before it is acknowledged. */
struct answer {
	enum rdma_cm_event_type event;
	int status;
	uint8_t data[PRIVATE_MAX];
	size_t data_len;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((format(printf, 3, 4))) static int fail(
	const struct attempt *attempt, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(attempt->error, attempt->error_len, format, args);
	va_end(args);
	return err;
}

/* Here, and not at the server: trying again at once would not help. */
static int no_memory(const struct attempt *attempt)
{
	return fail(attempt, -ENOMEM, "cannot connect to %s: %s", attempt->params->server.text,
		strerror(ENOMEM));
}

/* Wait for the fd, in slices. 0: readable. */
static int wait_readable(const struct attempt *attempt, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint64_t now;

	for (;;) {
		now = now_ms();
		if (atomic_load(attempt->abandoned))
			return fail(attempt, -ECANCELED, "closed while connecting");
		if (now >= attempt->deadline_ms)
			return fail(attempt, -ETIMEDOUT,
				"%s does not answer within %u ms: is remorad running there, and "
				"does the network carry RDMA traffic to it?",
				attempt->params->server.text, attempt->params->timeout_ms);
		if (poll(&pfd, 1, SLICE_MS) > 0)
			return 0;
	}
}

static int next_event(const struct attempt *attempt, struct answer *answer)
{
	const struct rdma_conn_param *conn;
	struct rdma_cm_event *event;
	int err;

	while (rdma_get_cm_event(attempt->peer->events, &event)) {
		if (errno != EAGAIN && errno != EINTR)
			return fail(attempt, -errno, "no connection events: %s", strerror(errno));
		err = wait_readable(attempt, attempt->peer->events->fd);
		if (err)
			return err;
	}
	*answer = (struct answer){.event = event->event, .status = event->status};
	conn = &event->param.conn;
	if (event->event == RDMA_CM_EVENT_ESTABLISHED || event->event == RDMA_CM_EVENT_REJECTED) {
		if (conn->private_data) {
			answer->data_len = conn->private_data_len;
			memcpy(answer->data, conn->private_data, answer->data_len);
		}
	}
	rdma_ack_cm_event(event);
	return 0;
}

static int explain_reject(const struct attempt *attempt, const struct answer *answer)
{
	const char *server = attempt->params->server.text;
	struct wire_connect connect;
	int err = wire_decode_connect(answer->data, answer->data_len, &connect);

	if (err == -EPROTONOSUPPORT)
		return fail(attempt, -EPROTO,
			"%s speaks version %u of the protocol, this client version %d: upgrade "
			"the older side",
			server, connect.version, WIRE_VERSION);
	if (!err && connect.status != WIRE_OK)
		return fail(attempt, wire_status_to_errno(connect.status), "%s refused: %s", server,
			wire_status_text(connect.status));
	if (answer->status == REJECT_NO_LISTENER || answer->status == -ECONNREFUSED)
		return fail(attempt, -ECONNREFUSED,
			"nobody listens at %s: start remorad there, or name its port "
			"(ADDRESS:PORT; %d by default)",
			server, REMORA_DEFAULT_PORT);
	return fail(attempt, -ECONNRESET,
		"%s rejected the connection (status %d): is it a remorad that listens there?",
		server, answer->status);
}

static int explain_event(const struct attempt *attempt, const struct answer *answer)
{
	const char *server = attempt->params->server.text;

	if (answer->event == RDMA_CM_EVENT_ADDR_ERROR && answer->status != -ETIMEDOUT)
		return fail(attempt, -ENODEV,
			"no RDMA device of this host leads to %s (%s): check the address and "
			"`rdma link`; soft-RoCE is set up by scripts/rxe up",
			server, strerror(-answer->status));
	if (answer->event == RDMA_CM_EVENT_ADDR_ERROR ||
		answer->event == RDMA_CM_EVENT_ROUTE_ERROR ||
		answer->event == RDMA_CM_EVENT_UNREACHABLE)
		return fail(attempt, -EHOSTUNREACH,
			"%s cannot be reached (%s): is the host up, and the address right?", server,
			strerror(-answer->status));
	if (answer->event == RDMA_CM_EVENT_REJECTED)
		return explain_reject(attempt, answer);
	return fail(attempt, -ECONNABORTED, "connecting to %s failed: %s, status %d", server,
		rdma_event_str(answer->event), answer->status);
}

static int expect(
	const struct attempt *attempt, enum rdma_cm_event_type event, struct answer *answer)
{
	int err = next_event(attempt, answer);

	if (err)
		return err;
	return answer->event == event ? 0 : explain_event(attempt, answer);
}

/* An id that is bound to the device that leads to the server. */
static int resolve(const struct attempt *attempt, struct rdma_cm_id **out)
{
	const struct endpoint *server = &attempt->params->server;
	/* Shorter than the whole attempt: what it says is more to the point. */
	int timeout_ms = (int)(attempt->params->timeout_ms / 2);
	struct rdma_cm_id *id;
	struct answer answer;
	int err;

	if (rdma_create_id(attempt->peer->events, &id, NULL, RDMA_PS_TCP))
		return fail(attempt, -errno, "no RDMA connection: %s", strerror(errno));

	if (rdma_resolve_addr(
		    id, NULL, (struct sockaddr *)(uintptr_t)&server->address, timeout_ms)) {
		answer = (struct answer){.event = RDMA_CM_EVENT_ADDR_ERROR, .status = -errno};
		err = errno == ENOMEM ? no_memory(attempt) : explain_event(attempt, &answer);
		goto destroy_id;
	}
	err = expect(attempt, RDMA_CM_EVENT_ADDR_RESOLVED, &answer);
	if (err)
		goto destroy_id;
	if (rdma_resolve_route(id, timeout_ms)) {
		err = fail(attempt, -errno, "no route to %s: %s", server->text, strerror(errno));
		goto destroy_id;
	}
	err = expect(attempt, RDMA_CM_EVENT_ROUTE_RESOLVED, &answer);
	if (err)
		goto destroy_id;
	*out = id;
	return 0;

destroy_id:
	rdma_destroy_id(id);
	return err;
}

/* The first id shows the device; everything else is made on it. */
static int prepare_device(struct attempt *attempt, struct rdma_cm_id *id)
{
	const struct peer_params *params = attempt->params;
	unsigned lanes = 1 + params->data_lanes;
	unsigned entries = lanes * (params->queue_depth + 2 * PEER_CONTROL_CREDITS);
	int err;

	if (attempt->peer->cq)
		return 0;
	if (*attempt->device && (*attempt->device)->verbs != id->verbs) {
		device_close(*attempt->device);
		*attempt->device = NULL;
	}
	if (!*attempt->device) {
		err = device_open(id->verbs, &params->device, attempt->error, attempt->error_len,
			attempt->device);
		if (err)
			return err;
	}
	err = cq_create(id->verbs, entries, &attempt->peer->cq);
	return err ? fail(attempt, err, "no completion queue of %u entries: %s", entries,
			     strerror(-err))
		   : 0;
}

static int check_accept(const struct attempt *attempt, const struct answer *answer,
	const struct wire_connect *asked, struct peer_lane *lane)
{
	struct wire_connect agreed;
	int err = wire_decode_connect(answer->data, answer->data_len, &agreed);

	if (err || agreed.status != WIRE_OK || agreed.kind != asked->kind)
		return fail(attempt, -EPROTO,
			"something at %s accepts RDMA connections but is not a remorad of this "
			"version: check the port",
			attempt->params->server.text);
	lane->credits = agreed.credits < asked->credits ? agreed.credits : asked->credits;
	lane->frame = agreed.frame < asked->frame ? agreed.frame : asked->frame;
	return 0;
}

/* Connect one lane on an id that became the lane's. */
static int establish(
	const struct attempt *attempt, const struct wire_connect *asked, struct peer_lane *lane)
{
	struct rdma_cm_id *id = lane_id(lane->lane);
	uint8_t private[WIRE_CONNECT_LEN];
	struct rdma_conn_param param;
	struct answer answer;
	int err;

	wire_encode_connect(private, asked);
	lane_conn_param(lane->lane, NULL, &param);
	param.private_data = private;
	param.private_data_len = sizeof(private);
	if (rdma_connect(id, &param)) {
		answer = (struct answer){.event = RDMA_CM_EVENT_REJECTED, .status = -errno};
		return errno == ENOMEM ? no_memory(attempt) : explain_event(attempt, &answer);
	}
	err = expect(attempt, RDMA_CM_EVENT_ESTABLISHED, &answer);
	if (!err)
		err = check_accept(attempt, &answer, asked, lane);
	if (err)
		return err;
	err = lane_established(lane->lane);
	return err ? fail(attempt, err, "cannot set the retry timer of the connection to %s: %s",
			     attempt->params->server.text, strerror(-err))
		   : 0;
}

static int try_open_lane(
	struct attempt *attempt, const struct wire_connect *asked, struct peer_lane *lane)
{
	struct peer *peer = attempt->peer;
	struct lane_params params = {
		.number = peer->next_number++,
		.depth = asked->kind == WIRE_LANE_CONTROL ? 0 : attempt->params->queue_depth,
		.credits = asked->credits,
		.frame = asked->frame,
	};
	struct rdma_cm_id *id = NULL;
	int err;

	err = resolve(attempt, &id);
	if (err)
		return err;
	err = prepare_device(attempt, id);
	if (err)
		goto destroy_id;
	params.cq = peer->cq;
	lane->number = params.number;
	err = lane_create(id, (*attempt->device)->pd, &params, &lane->lane);
	if (err) {
		fail(attempt, err, "no queue pair for %u operations on device %s: %s", params.depth,
			ibv_get_device_name(id->verbs->device), strerror(-err));
		goto destroy_id;
	}
	err = establish(attempt, asked, lane);
	if (err) {
		lane_destroy(lane->lane);
		lane->lane = NULL;
	}
	return err;

destroy_id:
	rdma_destroy_id(id);
	return err;
}

/*
 * Soft-iWARP fails a connect now and then for no reason, so what is not a
 * clear answer is tried again until the deadline.
 */
static int open_lane(
	struct attempt *attempt, const struct wire_connect *asked, struct peer_lane *lane)
{
	struct timespec pause = {.tv_nsec = RETRY_PAUSE_MS * 1000000L};
	int err, tries = CONNECT_TRIES;

	for (;;) {
		err = try_open_lane(attempt, asked, lane);
		if (err != -ECONNABORTED && err != -ECONNRESET)
			return err;
		if (!--tries || now_ms() + RETRY_PAUSE_MS >= attempt->deadline_ms)
			return err;
		nanosleep(&pause, NULL);
	}
}

/* What the server says while it is greeted, as it comes in. */
struct greeting {
	struct wire_header header;
	struct wire_challenge challenge;
	struct wire_welcome welcome;
	struct wire_refusal refusal;
	bool arrived;
	int err;
};

static void greeting_received(void *arg, const void *frame, size_t len)
{
	struct greeting *greeting = arg;
	struct wire_reader reader;
	int err;

	err = wire_open(&reader, frame, len, &greeting->header);
	if (!err && greeting->header.type == WIRE_REFUSED)
		err = wire_get_refusal(&reader, &greeting->refusal);
	else if (!err && greeting->header.type == (WIRE_HELLO | WIRE_REPLY))
		err = wire_get_challenge(&reader, &greeting->challenge);
	else if (!err && greeting->header.type == (WIRE_AUTH | WIRE_REPLY))
		err = wire_get_welcome(&reader, &greeting->welcome);
	else
		err = -EPROTO;
	greeting->err = err;
	greeting->arrived = true;
}

static void greeting_done(void *arg, void *cookie)
{
	(void)arg;
	(void)cookie;
}

/* Take what is in the completion queue, until the greeting is there. */
static int poll_greeting(const struct attempt *attempt, struct greeting *greeting)
{
	const char *server = attempt->params->server.text;
	struct peer *peer = attempt->peer;
	struct ibv_wc wc;
	int count;

	while (!greeting->arrived && (count = cq_poll(peer->cq, &wc, 1))) {
		if (count < 0)
			return fail(attempt, count, "cannot wait for the greeting of %s: %s",
				server, strerror(-count));
		if (lane_number(&wc) == peer->control.number &&
			lane_complete(peer->control.lane, &wc, greeting_done, greeting_received,
				greeting))
			return fail(attempt, -ECONNABORTED, "%s hung up during the greeting: %s",
				server, lane_error(peer->control.lane));
	}
	return 0;
}

static int await_greeting(const struct attempt *attempt, struct greeting *greeting)
{
	struct peer *peer = attempt->peer;
	int err;

	for (;;) {
		err = cq_arm(peer->cq);
		if (err)
			return fail(attempt, err, "cannot wait for the greeting of %s: %s",
				attempt->params->server.text, strerror(-err));
		err = poll_greeting(attempt, greeting);
		if (err || greeting->arrived)
			return err;
		err = wait_readable(attempt, cq_fd(peer->cq));
		if (err)
			return err;
		cq_take_event(peer->cq);
	}
}

static int refused(const struct attempt *attempt, const struct wire_refusal *refusal)
{
	char text[WIRE_TEXT_MAX + 1];

	wire_refusal_text(refusal, text);
	return fail(attempt, wire_status_to_errno(refusal->status), "%s refused: %s",
		attempt->params->server.text, text);
}

/* Send the frame last taken, which is a request of this type, and wait for its answer. */
static int say(const struct attempt *attempt, struct wire_writer *writer, uint8_t type,
	struct greeting *greeting)
{
	const char *server = attempt->params->server.text;
	int err;

	greeting->arrived = false;
	lane_send(attempt->peer->control.lane, wire_end(writer));
	err = lane_flush(attempt->peer->control.lane, true);
	if (err)
		return fail(attempt, err, "cannot greet %s: %s", server,
			lane_error(attempt->peer->control.lane));
	err = await_greeting(attempt, greeting);
	if (err)
		return err;
	if (!greeting->err && greeting->header.type == WIRE_REFUSED)
		return refused(attempt, &greeting->refusal);
	if (greeting->err || greeting->header.type != (type | WIRE_REPLY))
		return fail(attempt, -EPROTO, "%s answered the greeting with nonsense", server);
	return 0;
}

static int say_hello(
	const struct attempt *attempt, const struct wire_hello *hello, struct greeting *greeting)
{
	struct peer_lane *control = &attempt->peer->control;
	struct wire_header header = {.type = WIRE_HELLO};
	struct wire_writer writer;
	int err;

	wire_begin(&writer, lane_frame(control->lane), control->frame, &header);
	wire_put_hello(&writer, hello);
	err = say(attempt, &writer, WIRE_HELLO, greeting);
	if (err)
		return err;
	if (greeting->challenge.status != WIRE_OK)
		return fail(attempt, wire_status_to_errno(greeting->challenge.status),
			"%s refused: %s", attempt->params->server.text,
			wire_status_text(greeting->challenge.status));
	if (!greeting->header.boot)
		return fail(attempt, -EPROTO, "%s has no boot id", attempt->params->server.text);
	attempt->peer->boot = greeting->header.boot;
	return 0;
}

/* Whether both sides want the same; what differs is no use to try. */
static int check_method(const struct attempt *attempt, const struct wire_challenge *challenge)
{
	const char *server = attempt->params->server.text;
	bool secret = attempt->params->secret_file[0];

	if (challenge->method == WIRE_METHOD_NONE && secret)
		return fail(attempt, -EACCES,
			"%s runs with --insecure and cannot prove who it is: leave the secret file "
			"out to trust it all the same",
			server);
	if (challenge->method == WIRE_METHOD_HMAC_SHA256 && !secret)
		return fail(attempt, -EACCES,
			"%s asks for a secret: name a file with it (secret_file, or --secret-file "
			"of remora), and the tenant if it has several",
			server);
	if (challenge->method > WIRE_METHOD_HMAC_SHA256)
		return fail(attempt, -EPROTO, "%s asks for authentication of the unknown kind %u",
			server, challenge->method);
	return 0;
}

static int denied(const struct attempt *attempt, uint8_t status)
{
	const struct peer_params *params = attempt->params;

	if (status == WIRE_DENIED)
		return fail(attempt, -EACCES,
			"%s does not know the tenant \"%s\", or it has another secret than %s",
			params->server.text, params->tenant,
			params->secret_file[0] ? params->secret_file : "none");
	return fail(attempt, wire_status_to_errno(status), "%s refused: %s", params->server.text,
		wire_status_text(status));
}

static int say_auth(const struct attempt *attempt, const struct secret *secret,
	const struct auth_talk *talk, struct greeting *greeting)
{
	struct peer_lane *control = &attempt->peer->control;
	struct wire_header header = {.type = WIRE_AUTH, .boot = talk->boot};
	uint8_t proof[WIRE_PROOF_LEN];
	struct wire_writer writer;
	int err;

	err = auth_prove(secret, talk, AUTH_CLIENT, proof);
	if (err)
		return fail(attempt, err, "cannot compute an HMAC-SHA256: libcrypto fails");
	wire_begin(&writer, lane_frame(control->lane), control->frame, &header);
	wire_put_auth(&writer, proof);
	err = say(attempt, &writer, WIRE_AUTH, greeting);
	if (err)
		return err;
	if (greeting->welcome.status != WIRE_OK)
		return denied(attempt, greeting->welcome.status);
	if (greeting->header.boot != talk->boot ||
		!auth_accepts(secret, talk, AUTH_SERVER, greeting->welcome.proof))
		return fail(attempt, -EACCES,
			"%s cannot prove that it knows the secret: is it the right server?",
			attempt->params->server.text);
	return 0;
}

static int authenticate(
	const struct attempt *attempt, const struct wire_hello *hello, struct greeting *greeting)
{
	const struct auth_talk talk = {
		.boot = attempt->peer->boot,
		.hello = hello,
		.challenge = &greeting->challenge,
	};
	struct secret secret = {0};
	int err;

	err = check_method(attempt, &greeting->challenge);
	if (!err && attempt->params->secret_file[0])
		err = secret_read(
			attempt->params->secret_file, &secret, attempt->error, attempt->error_len);
	if (!err)
		err = say_auth(attempt, &secret, &talk, greeting);
	secret_wipe(&secret);
	return err;
}

static int greet(struct attempt *attempt)
{
	const struct peer_params *params = attempt->params;
	struct wire_hello hello = {.version = WIRE_VERSION};
	struct greeting greeting = {0};
	int err;

	memcpy(hello.client_id, params->client_id, WIRE_ID_LEN);
	hello.tenant_len = (uint8_t)strlen(params->tenant);
	memcpy(hello.tenant, params->tenant, hello.tenant_len);
	if (getrandom(hello.nonce, WIRE_NONCE_LEN, 0) != WIRE_NONCE_LEN)
		return fail(attempt, -EIO, "the system has no random bytes: %s", strerror(errno));

	err = say_hello(attempt, &hello, &greeting);
	if (err)
		return err;
	attempt->peer->greeted_ns = now_ms() * 1000000;
	err = authenticate(attempt, &hello, &greeting);
	if (err)
		return err;
	attempt->peer->session = greeting.challenge.session;
	attempt->peer->welcome = greeting.welcome;
	return 0;
}

static int open_lanes(struct attempt *attempt)
{
	struct wire_connect asked = {
		.version = WIRE_VERSION,
		.kind = WIRE_LANE_CONTROL,
		.frame = PEER_CONTROL_FRAME,
		.credits = PEER_CONTROL_CREDITS,
	};
	struct peer *peer = attempt->peer;
	int err;

	err = open_lane(attempt, &asked, &peer->control);
	if (!err)
		err = greet(attempt);
	if (err)
		return err;

	asked.kind = WIRE_LANE_DATA;
	asked.frame = PEER_DATA_FRAME;
	asked.credits = PEER_DATA_CREDITS;
	asked.session = peer->session;
	memcpy(asked.token, peer->welcome.token, WIRE_TOKEN_LEN);
	while (!err && peer->data_lanes < attempt->params->data_lanes) {
		err = open_lane(attempt, &asked, &peer->data[peer->data_lanes]);
		if (!err)
			peer->data_lanes++;
	}
	return err;
}

static int create_events(struct attempt *attempt)
{
	struct rdma_event_channel *events = rdma_create_event_channel();
	int flags;

	if (!events)
		return fail(attempt, -ENODEV,
			"this host has no RDMA (%s): load rdma_ucm and a driver, or set up "
			"soft-RoCE with scripts/rxe up, or use scripts/lab",
			strerror(errno));
	attempt->peer->events = events;
	flags = fcntl(events->fd, F_GETFL);
	if (flags < 0 || fcntl(events->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return fail(attempt, -errno, "connection events: %s", strerror(errno));
	return 0;
}

int peer_connect(const struct peer_params *params, struct device **device,
	const _Atomic bool *abandoned, char *error, size_t error_len, struct peer **out)
{
	struct attempt attempt = {
		.params = params,
		.device = device,
		.abandoned = abandoned,
		.deadline_ms = now_ms() + params->timeout_ms,
		.error = error,
		.error_len = error_len,
	};
	int err;

	attempt.peer = calloc(1, sizeof(*attempt.peer));
	if (!attempt.peer)
		return no_memory(&attempt);
	err = create_events(&attempt);
	if (!err)
		err = open_lanes(&attempt);
	if (err) {
		peer_destroy(attempt.peer);
		return err;
	}
	*out = attempt.peer;
	return 0;
}

void peer_disconnect(struct peer *peer)
{
	struct pollfd pfd = {.fd = peer->events->fd, .events = POLLIN};
	uint64_t end = now_ms() + GOODBYE_MS;
	unsigned i, left = 1 + peer->data_lanes;
	struct rdma_cm_event *event;

	for (i = 0; i < peer->data_lanes; i++)
		lane_disconnect(peer->data[i].lane);
	lane_disconnect(peer->control.lane);
	/* Destroying an id takes its goodbye back: wait until it was heard. */
	while (left && now_ms() < end) {
		if (rdma_get_cm_event(peer->events, &event)) {
			poll(&pfd, 1, 10);
			continue;
		}
		if (event->event == RDMA_CM_EVENT_DISCONNECTED)
			left--;
		rdma_ack_cm_event(event);
	}
}

void peer_destroy(struct peer *peer)
{
	unsigned i;

	if (!peer)
		return;
	for (i = 0; i < peer->data_lanes; i++)
		lane_destroy(peer->data[i].lane);
	lane_destroy(peer->control.lane);
	cq_destroy(peer->cq);
	if (peer->events)
		rdma_destroy_event_channel(peer->events);
	free(peer);
}

int peer_check_events(struct peer *peer, char *error, size_t error_len)
{
	struct rdma_cm_event *event;
	int err = 0;

	while (!rdma_get_cm_event(peer->events, &event)) {
		if (event->event == RDMA_CM_EVENT_DISCONNECTED ||
			event->event == RDMA_CM_EVENT_DEVICE_REMOVAL) {
			snprintf(error, error_len, "the server ended the session (%s)",
				rdma_event_str(event->event));
			err = -ECONNRESET;
		}
		rdma_ack_cm_event(event);
	}
	return err;
}
