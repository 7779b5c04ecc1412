/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - a client of bare lanes, for tests; single-threaded */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "auth.h"

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct wire_connect raw_control(void)
{
	return (struct wire_connect){
		.version = WIRE_VERSION,
		.kind = WIRE_LANE_CONTROL,
		.frame = RAW_FRAME,
		.credits = RAW_CREDITS,
	};
}

struct wire_connect raw_data(const struct raw *control)
{
	struct wire_connect want = raw_control();

	want.kind = WIRE_LANE_DATA;
	want.frame = WIRE_FRAME_MIN;
	want.session = control->challenge.session;
	memcpy(want.token, control->welcome.token, WIRE_TOKEN_LEN);
	return want;
}

/* Wait for one event; what its private data says is kept. */
static int next_event(struct raw *raw, enum rdma_cm_event_type *type, struct wire_connect *answer)
{
	struct pollfd fd = {.fd = raw->events->fd, .events = POLLIN};
	struct rdma_cm_event *event;

	if (poll(&fd, 1, RAW_WAIT_MS) != 1)
		return -ETIMEDOUT;
	if (rdma_get_cm_event(raw->events, &event))
		return -errno;
	*type = event->event;
	if (answer && event->param.conn.private_data)
		wire_decode_connect(
			event->param.conn.private_data, event->param.conn.private_data_len, answer);
	rdma_ack_cm_event(event);
	return 0;
}

static int expect_event(struct raw *raw, enum rdma_cm_event_type wanted)
{
	enum rdma_cm_event_type type;
	int err = next_event(raw, &type, NULL);

	if (err)
		return err;
	return type == wanted ? 0 : -ECONNREFUSED;
}

static int resolve(struct raw *raw, struct rdma_cm_id *id, const struct sockaddr_storage *addr)
{
	struct sockaddr_storage copy = *addr;
	int err;

	if (rdma_resolve_addr(id, NULL, (struct sockaddr *)&copy, RAW_WAIT_MS))
		return -errno;
	err = expect_event(raw, RDMA_CM_EVENT_ADDR_RESOLVED);
	if (err)
		return err;
	if (rdma_resolve_route(id, RAW_WAIT_MS))
		return -errno;
	return expect_event(raw, RDMA_CM_EVENT_ROUTE_RESOLVED);
}

/* Small frames are registered faster, and tests open many lanes. */
static size_t own_frame(const struct wire_connect *want)
{
	if (want->frame < WIRE_FRAME_MIN)
		return WIRE_FRAME_MIN;
	return want->frame < RAW_FRAME ? want->frame : RAW_FRAME;
}

static int prepare(struct raw *raw, struct rdma_cm_id *id, const struct wire_connect *want)
{
	struct lane_params params = {
		.number = 1,
		.depth = 32,
		.credits = RAW_CREDITS,
		.frame = own_frame(want),
	};
	void *buffer;

	raw->pd = ibv_alloc_pd(id->verbs);
	if (!raw->pd)
		return -errno;
	/* No page of it is touched before it is used, as some allocators do. */
	buffer = mmap(NULL, RAW_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		return -ENOMEM;
	raw->buffer = buffer;
	if (cq_create(id->verbs, 1024, &raw->cq))
		return -ENOMEM;
	params.cq = raw->cq;
	return lane_create(id, raw->pd, &params, &raw->lane);
}

static int establish(struct raw *raw, struct rdma_cm_id *id, const void *said, size_t said_len)
{
	struct wire_connect answer = {0};
	struct rdma_conn_param param;
	enum rdma_cm_event_type type;
	int err;

	lane_conn_param(raw->lane, NULL, &param);
	param.private_data = said;
	param.private_data_len = (uint8_t)said_len;
	if (rdma_connect(id, &param))
		return -errno;
	err = next_event(raw, &type, &answer);
	if (err)
		return err;
	raw->rejected = answer.status;
	if (type != RDMA_CM_EVENT_ESTABLISHED)
		return -ECONNREFUSED;
	raw->frame = answer.frame;
	raw->credits = answer.credits;
	return lane_established(raw->lane);
}

static int open_once(struct raw *raw, const struct sockaddr_storage *addr,
	const struct wire_connect *want, const void *said, size_t said_len)
{
	struct rdma_cm_id *id;
	int err;

	memset(raw, 0, sizeof(*raw));
	raw->addr = *addr;
	raw->kind = (enum wire_lane_kind)want->kind;
	raw->events = rdma_create_event_channel();
	if (!raw->events)
		return -errno;
	if (rdma_create_id(raw->events, &id, NULL, RDMA_PS_TCP)) {
		raw_close(raw);
		return -ENODEV;
	}
	err = resolve(raw, id, addr);
	if (!err)
		err = prepare(raw, id, want);
	if (!raw->lane)
		rdma_destroy_id(id);
	if (!err)
		err = establish(raw, id, said, said_len);
	if (err)
		raw_close(raw);
	return err;
}

static bool is_bad_luck(const struct raw *raw, int err)
{
	return err == -EADDRINUSE || (err == -ECONNREFUSED && !raw->rejected);
}

int raw_open_saying(struct raw *raw, const struct sockaddr_storage *addr,
	const struct wire_connect *want, const void *said, size_t said_len)
{
	int err = open_once(raw, addr, want, said, said_len);

	/*
	 * A connection manager refuses for half a second what looks like a queue
	 * pair that has just died, and gives no reason of ours; and siw's TCP may
	 * still have the port that it chose.
	 */
	for (int i = 0; i < 50 && is_bad_luck(raw, err); i++) {
		usleep(20000);
		err = open_once(raw, addr, want, said, said_len);
	}
	return err;
}

int raw_open(struct raw *raw, const struct sockaddr_storage *addr, const struct wire_connect *want)
{
	uint8_t private_data[WIRE_CONNECT_LEN];

	wire_encode_connect(private_data, want);
	return raw_open_saying(raw, addr, want, private_data, sizeof(private_data));
}

void raw_close(struct raw *raw)
{
	if (raw->data)
		raw_close(raw->data);
	free(raw->data);
	raw->data = NULL;
	if (raw->lane) {
		lane_disconnect(raw->lane);
		lane_destroy(raw->lane);
	}
	cq_destroy(raw->cq);
	if (raw->mr)
		ibv_dereg_mr(raw->mr);
	if (raw->buffer)
		munmap(raw->buffer, RAW_BUFFER);
	if (raw->pd)
		ibv_dealloc_pd(raw->pd);
	if (raw->events)
		rdma_destroy_event_channel(raw->events);
	raw->lane = NULL;
	raw->cq = NULL;
	raw->mr = NULL;
	raw->buffer = NULL;
	raw->pd = NULL;
	raw->events = NULL;
}

static void done(void *arg, void *cookie)
{
	struct raw *raw = arg;

	(void)cookie;
	raw->done++;
}

static void received(void *arg, const void *frame, size_t len)
{
	struct raw *raw = arg;

	memcpy(raw->reply, frame, len);
	raw->reply_len = len;
	raw->replies++;
}

/* Sleep until there may be a completion or an event of the connection. */
static void doze(struct raw *raw, bool for_events)
{
	struct pollfd fds[2] = {
		{.fd = cq_fd(raw->cq), .events = POLLIN},
		{.fd = raw->events->fd, .events = POLLIN},
	};

	/* The caller polls once more between arming and sleeping. */
	if (!raw->cq->armed && !cq_arm(raw->cq))
		return;
	poll(fds, for_events ? 2 : 1, 1000);
	if (fds[0].revents)
		cq_take_event(raw->cq);
}

/* Take one completion, or wait a little if there is none. */
static int take_one(struct raw *raw)
{
	struct ibv_wc wc;

	if (cq_poll(raw->cq, &wc, 1) == 1)
		return lane_complete(raw->lane, &wc, done, received, raw);
	doze(raw, false);
	return 0;
}

static void take_event(struct raw *raw)
{
	struct pollfd fd = {.fd = raw->events->fd, .events = POLLIN};
	enum rdma_cm_event_type type;

	if (poll(&fd, 1, 0) == 1 && !next_event(raw, &type, NULL))
		raw->gone = raw->gone || type == RDMA_CM_EVENT_DISCONNECTED;
}

int raw_await(struct raw *raw)
{
	uint64_t end = clock_ms() + RAW_WAIT_MS;
	unsigned before = raw->replies;
	struct ibv_wc wc;

	while (clock_ms() < end) {
		if (cq_poll(raw->cq, &wc, 1) == 1) {
			if (lane_complete(raw->lane, &wc, done, received, raw))
				return 0;
			if (raw->replies != before)
				return 1;
		} else if (raw->gone) {
			return 0;
		} else {
			doze(raw, true);
			take_event(raw);
		}
	}
	return -ETIMEDOUT;
}

/* The send of an old frame may not be known to be over yet. */
static void *free_frame(struct raw *raw)
{
	uint64_t end = clock_ms() + RAW_WAIT_MS;
	void *frame = lane_frame(raw->lane);

	while (!frame && clock_ms() < end) {
		if (take_one(raw))
			return NULL;
		frame = lane_frame(raw->lane);
	}
	return frame;
}

void raw_begin(struct raw *raw, struct wire_writer *w, uint8_t type, uint8_t flags)
{
	struct wire_header header = {
		.type = type,
		.flags = flags,
		.task = ++raw->task,
		.boot = raw->boot,
	};
	void *frame = free_frame(raw);

	if (!frame)
		abort(); /* a test that expects a broken lane asks nothing more on it */
	wire_begin(w, frame, raw->frame, &header);
}

int raw_send(struct raw *raw, struct wire_writer *w)
{
	lane_send(raw->lane, wire_end(w));
	return lane_flush(raw->lane, true);
}

int raw_send_bytes(struct raw *raw, const void *bytes, size_t len)
{
	void *frame = free_frame(raw);

	if (!frame)
		return -EPIPE;
	memcpy(frame, bytes, len);
	lane_send(raw->lane, len);
	return lane_flush(raw->lane, true);
}

/* Take completions until there are that many replies and operations done. */
static int wait_for(struct raw *raw, unsigned replies, unsigned operations)
{
	uint64_t end = clock_ms() + RAW_WAIT_MS;
	int err = 0;

	while (!err && (raw->replies < replies || raw->done < operations))
		err = clock_ms() > end ? -ETIMEDOUT : take_one(raw);
	return err;
}

int raw_wait(struct raw *raw, unsigned replies)
{
	return wait_for(raw, replies, 0);
}

int raw_call(struct raw *raw, struct wire_writer *w, struct wire_reader *r)
{
	struct wire_header header;
	int err = raw_send(raw, w);

	if (!err)
		err = raw_wait(raw, raw->replies + 1);
	if (!err)
		err = wire_open(r, raw->reply, raw->reply_len, &header);
	if (err)
		return err;
	raw->boot = raw->boot ? raw->boot : header.boot;
	return header.task == raw->task ? header.type : -EBADMSG;
}

int raw_say_hello(struct raw *raw)
{
	struct wire_writer w;
	struct wire_reader r;

	raw_begin(raw, &w, WIRE_HELLO, 0);
	if (wire_put_hello(&w, &raw->hello) || raw_call(raw, &w, &r) != (WIRE_HELLO | WIRE_REPLY))
		return -EPROTO;
	return wire_get_challenge(&r, &raw->challenge);
}

int raw_prove(const struct raw *raw, const struct secret *secret, uint8_t proof[WIRE_PROOF_LEN])
{
	const struct auth_talk talk = {raw->boot, &raw->hello, &raw->challenge};

	return auth_prove(secret, &talk, AUTH_CLIENT, proof);
}

int raw_say_auth(struct raw *raw, const uint8_t proof[WIRE_PROOF_LEN])
{
	struct wire_writer w;
	struct wire_reader r;

	raw_begin(raw, &w, WIRE_AUTH, 0);
	wire_put_auth(&w, proof);
	if (raw_call(raw, &w, &r) != (WIRE_AUTH | WIRE_REPLY))
		return -EPROTO;
	return wire_get_welcome(&r, &raw->welcome);
}

int raw_introduce(struct raw *raw, const char *tenant)
{
	raw->hello.version = WIRE_VERSION;
	raw->hello.tenant_len = (uint8_t)strlen(tenant);
	memcpy(raw->hello.tenant, tenant, raw->hello.tenant_len);
	if (getrandom(raw->hello.nonce, WIRE_NONCE_LEN, 0) != WIRE_NONCE_LEN ||
		getrandom(raw->hello.client_id, WIRE_ID_LEN, 0) != WIRE_ID_LEN)
		return -EIO;
	return 0;
}

int raw_greet(struct raw *raw, const char *tenant, const struct secret *secret)
{
	uint8_t proof[WIRE_PROOF_LEN];
	int err = raw_introduce(raw, tenant);

	if (!err)
		err = raw_say_hello(raw);
	if (!err && raw->challenge.status != WIRE_OK)
		err = -EACCES;
	if (!err)
		err = raw_prove(raw, secret, proof);
	if (!err)
		err = raw_say_auth(raw, proof);
	if (!err && raw->welcome.status != WIRE_OK)
		err = -EACCES;
	return err;
}

int raw_enter(struct raw *raw, const struct sockaddr_storage *addr, const char *tenant,
	const struct secret *secret)
{
	struct wire_connect want = raw_control();
	int err = raw_open(raw, addr, &want);

	return err ? err : raw_greet(raw, tenant, secret);
}

int raw_hello(struct raw *raw, const struct sockaddr_storage *addr)
{
	const struct secret none = {0};

	return raw_enter(raw, addr, "", &none);
}

struct raw *raw_data_lane(struct raw *raw)
{
	struct wire_connect want = raw_data(raw);

	if (raw->kind == WIRE_LANE_DATA || raw->data)
		return raw->data ? raw->data : raw;
	raw->data = calloc(1, sizeof(*raw->data));
	if (raw->data && raw_open(raw->data, &raw->addr, &want)) {
		free(raw->data);
		raw->data = NULL;
	}
	if (raw->data)
		raw->data->boot = raw->boot;
	return raw->data;
}

int raw_register(struct raw *raw)
{
	if (!raw->mr)
		raw->mr = ibv_reg_mr(raw->pd, raw->buffer, RAW_BUFFER,
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	return raw->mr ? 0 : -errno;
}

int raw_write(struct raw *raw, const struct wire_extent *extent, size_t len)
{
	struct raw *data = raw_data_lane(raw);
	int err;

	if (!data)
		return -ECONNREFUSED;
	if (data != raw)
		memcpy(data->buffer, raw->buffer, len);
	err = raw_register(data);
	if (!err)
		err = lane_write(data->lane, data->buffer, data->mr->lkey, len, extent->addr,
			extent->rkey, data);
	data->asked += !err;
	return err ? err : lane_flush(data->lane, false);
}

int raw_read(struct raw *raw, const struct wire_extent *extent, size_t len)
{
	struct raw *data = raw_data_lane(raw);
	int err;

	if (!data)
		return -ECONNREFUSED;
	err = raw_register(data);
	if (!err)
		err = lane_read(data->lane, data->buffer, data->mr->lkey, len, extent->addr,
			extent->rkey, data);
	data->asked += !err;
	if (!err)
		err = lane_flush(data->lane, true);
	/* Writes before it may not have been told as done yet. */
	if (!err)
		err = wait_for(data, 0, data->asked);
	if (!err && data != raw)
		memcpy(raw->buffer, data->buffer, len);
	return err;
}

int raw_wait_disconnected(struct raw *raw)
{
	return raw->gone ? 0 : expect_event(raw, RDMA_CM_EVENT_DISCONNECTED);
}

static struct wire_key to_key(const char *text)
{
	return (struct wire_key){.data = (const uint8_t *)text, .len = (uint16_t)strlen(text)};
}

static int call_for_extent(
	struct raw *raw, struct wire_writer *w, int type, struct wire_extent *extent)
{
	enum wire_status status;
	struct wire_reader r;

	if (raw_call(raw, w, &r) != (type | WIRE_REPLY))
		return -EPROTO;
	if (wire_get_extent(&r, &status, extent) || wire_close(&r))
		return -EPROTO;
	return (int)status;
}

static int call_for_status(struct raw *raw, struct wire_writer *w, int type)
{
	enum wire_status status;
	struct wire_reader r;

	if (raw_call(raw, w, &r) != (type | WIRE_REPLY))
		return -EPROTO;
	if (wire_get_status(&r, &status) || wire_close(&r))
		return -EPROTO;
	return (int)status;
}

static struct wire_salt to_salt(const char *text)
{
	return (struct wire_salt){(const uint8_t *)text, text ? (uint8_t)strlen(text) : 0};
}

int raw_reserve(struct raw *raw, const char *key, uint64_t len, struct wire_extent *extent)
{
	struct wire_writer w;

	raw_begin(raw, &w, WIRE_RESERVE, 0);
	wire_put_reserve(&w, to_key(key), len, to_salt(raw->salt));
	return call_for_extent(raw, &w, WIRE_RESERVE, extent);
}

int raw_lookup(struct raw *raw, const char *key, uint8_t flags, struct wire_extent *extent)
{
	struct wire_writer w;

	raw_begin(raw, &w, WIRE_LOOKUP, flags);
	wire_put_key(&w, to_key(key));
	return call_for_extent(raw, &w, WIRE_LOOKUP, extent);
}

int raw_handle(struct raw *raw, uint8_t type, struct wire_handle handle)
{
	struct wire_writer w;

	/* Behind the WRITEs, if there were any. */
	if (raw->data && type != WIRE_UNLOCK)
		raw = raw->data;
	raw_begin(raw, &w, type, 0);
	wire_put_handle(&w, handle);
	return call_for_status(raw, &w, type);
}

int raw_delete(struct raw *raw, const char *key)
{
	struct wire_writer w;

	raw_begin(raw, &w, WIRE_DELETE, 0);
	wire_put_key(&w, to_key(key));
	return call_for_status(raw, &w, WIRE_DELETE);
}

int raw_usage(struct raw *raw, struct wire_usage *usage)
{
	struct wire_writer w;
	struct wire_reader r;

	raw_begin(raw, &w, WIRE_USAGE, 0);
	if (raw_call(raw, &w, &r) != (WIRE_USAGE | WIRE_REPLY))
		return -EPROTO;
	return wire_get_usage(&r, usage);
}
