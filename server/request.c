/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - answers one request frame
 *
 * Runs on the worker that owns the session; the store may be used by all
 * workers at once.
 */
#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "greeting.h"
#include "store.h"
#include "wire.h"

/* One request being answered. */
struct call {
	struct service *service;
	struct session *session;
	const struct request *request;
	struct wire_header header;
	struct wire_reader in;
	struct wire_writer out;
};

enum { ANY_COUNT = -1 };

/* What a request of one type may look like. */
struct rule {
	int (*run)(struct call *call);
	const char *name;
	int count; /* entries, or ANY_COUNT: as many as the reply has room for */
	bool on_data_lanes;
};

static int broken(struct call *call, const char *what)
{
	snprintf(call->session->problem, sizeof(call->session->problem), "%s", what);
	return -EPROTO;
}

static void reply_begin(struct call *call, uint8_t type)
{
	struct wire_header header = {
		.type = type,
		.task = call->header.task,
		.boot = call->service->boot,
	};

	wire_begin(&call->out, call->request->reply, call->request->cap, &header);
}

/* Answer with a refusal instead of what was asked for. */
__attribute__((format(printf, 3, 4))) static int refuse(
	struct call *call, enum wire_status status, const char *format, ...)
{
	char text[WIRE_TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	reply_begin(call, WIRE_REFUSED);
	if (wire_put_refusal(&call->out, status, text))
		return broken(call, "a refusal does not fit into the lane's frames");
	return (int)wire_end(&call->out);
}

static bool draining(const struct call *call)
{
	return atomic_load_explicit(&call->service->draining, memory_order_relaxed);
}

static int put_status(struct call *call, enum wire_status status)
{
	return wire_put_status(&call->out, status);
}

static int put_object(struct call *call, const struct store_object *object)
{
	const struct arena *arena = &call->session->tenant->arenas[object->arena];
	struct wire_extent extent = {
		.addr = arena->addr + object->offset,
		.len = object->len,
		.rkey = arena->rkey,
		.handle = object->handle,
	};

	return wire_put_extent(&call->out, &extent);
}

static int hello(struct call *call)
{
	struct wire_challenge challenge;
	struct wire_hello asked;
	int err;

	if (wire_get_hello(&call->in, &asked))
		return -EPROTO;
	err = greeting_hello(call->service, call->session, &asked, &challenge);
	return err ? err : wire_put_challenge(&call->out, &challenge);
}

static int authenticate(struct call *call)
{
	struct wire_welcome welcome;
	uint8_t proof[WIRE_PROOF_LEN];

	if (wire_get_auth(&call->in, proof))
		return -EPROTO;
	greeting_auth(call->service, call->session, proof, &welcome);
	return wire_put_welcome(&call->out, &welcome);
}

static struct store *store_of(const struct call *call)
{
	return call->session->tenant->store;
}

static enum wire_status reserve_one(
	struct call *call, const struct store_wish *wish, struct store_object *object)
{
	struct store *store = store_of(call);
	enum wire_status status;

	if (draining(call))
		return WIRE_DRAINING;
	if (wish->len > store_max_object(store))
		return WIRE_TOO_LARGE;
	if (!session_may_reserve(call->session, wish->len))
		return WIRE_LIMIT;
	status = store_reserve(store, wish, object);
	if (status != WIRE_OK || !session_reserved(call->session, object))
		return status;
	/* Nobody was told where it is: no NIC can write to it. */
	store_abort(store, object->handle);
	return WIRE_NO_SPACE;
}

static int reserve(struct call *call)
{
	struct store_object object;
	enum wire_status status;
	struct store_wish wish;
	int err = 0;
	unsigned i;

	for (i = 0; i < call->header.count && !err; i++) {
		if (wire_get_reserve(&call->in, &wish.key, &wish.len, &wish.salt))
			return -EPROTO;
		status = reserve_one(call, &wish, &object);
		err = status == WIRE_OK ? put_object(call, &object) : put_status(call, status);
	}
	return err;
}

/* Commit or abort a reservation, which is not the session's any more after it. */
static int end_reservations(
	struct call *call, enum wire_status (*end)(struct store *store, struct wire_handle handle))
{
	struct wire_handle handle;
	enum wire_status status;
	int err = 0;
	unsigned i;

	for (i = 0; i < call->header.count && !err; i++) {
		if (wire_get_handle(&call->in, &handle))
			return -EPROTO;
		status = WIRE_STALE;
		if (session_unreserve(call->session, handle))
			status = end(store_of(call), handle);
		err = put_status(call, status);
	}
	return err;
}

/*
 * The frame came on the queue pair of the WRITEs before it, so that its
 * receive completion is the proof that they are in place.
 */
static int commit(struct call *call)
{
	return end_reservations(call, store_commit);
}

static int abort_reservations(struct call *call)
{
	return end_reservations(call, store_abort);
}

static enum wire_status lookup_one(
	struct call *call, struct wire_key key, struct store_object *object)
{
	bool lock = call->header.flags & WIRE_FLAG_LOCK;
	struct store *store = store_of(call);
	enum wire_status status;

	if (draining(call))
		return WIRE_DRAINING;
	if (lock && !session_may_lock(call->session))
		return WIRE_LIMIT;
	status = store_lookup(store, key, lock, object);
	if (status != WIRE_OK || !lock || !session_locked(call->session, object->handle))
		return status;
	store_unlock(store, object->handle);
	return WIRE_LIMIT;
}

static int lookup(struct call *call)
{
	bool stop = call->header.flags & WIRE_FLAG_STOP_AT_MISS, missed = false;
	struct store_object object;
	enum wire_status status;
	struct wire_key key;
	int err = 0;
	unsigned i;

	for (i = 0; i < call->header.count && !err; i++) {
		if (wire_get_key(&call->in, &key))
			return -EPROTO;
		status = WIRE_NOT_FOUND;
		if (!(stop && missed))
			status = lookup_one(call, key, &object);
		missed = missed || status != WIRE_OK;
		err = status == WIRE_OK ? put_object(call, &object) : put_status(call, status);
	}
	return err;
}

static int unlock(struct call *call)
{
	struct wire_handle handle;
	enum wire_status status;
	int err = 0;
	unsigned i;

	for (i = 0; i < call->header.count && !err; i++) {
		if (wire_get_handle(&call->in, &handle))
			return -EPROTO;
		status = WIRE_STALE;
		if (session_unlock(call->session, handle))
			status = store_unlock(store_of(call), handle);
		err = put_status(call, status);
	}
	return err;
}

static int delete_keys(struct call *call)
{
	struct wire_key key;
	int err = 0;
	unsigned i;

	for (i = 0; i < call->header.count && !err; i++) {
		if (wire_get_key(&call->in, &key))
			return -EPROTO;
		err = put_status(call, store_delete(store_of(call), key));
	}
	return err;
}

static uint64_t time_us(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

static int usage(struct call *call)
{
	struct tenant *tenant = call->session->tenant;
	struct wire_usage usage;
	struct store_stats stats;
	struct rusage self;
	struct timespec now;

	store_stats(tenant->store, &stats);
	getrusage(RUSAGE_SELF, &self);
	clock_gettime(CLOCK_MONOTONIC, &now);
	usage = (struct wire_usage){
		.capacity = stats.capacity,
		.used = stats.used,
		.reserved = stats.reserved,
		.objects = stats.objects,
		.locked = stats.locked,
		.sessions = atomic_load_explicit(&tenant->sessions, memory_order_relaxed),
		.evictions = stats.evictions,
		.hits = stats.hits,
		.misses = stats.misses,
		.stored = stats.stored,
		.uptime_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 -
			     call->service->started_ms,
		.user_cpu_us = time_us(self.ru_utime),
		.system_cpu_us = time_us(self.ru_stime),
	};
	return wire_put_usage(&call->out, &usage);
}

static int put_listed(void *arg, struct wire_key key, uint64_t len, uint32_t locks)
{
	return wire_put_listed(arg, key, len, locks);
}

static int list(struct call *call)
{
	struct wire_key prefix;
	uint64_t cursor;
	int err;

	if (wire_get_list(&call->in, &cursor, &prefix))
		return -EPROTO;
	err = wire_put_cursor(&call->out, 0);
	if (err)
		return err;
	store_list(store_of(call), prefix, &cursor, put_listed, &call->out);
	wire_set_cursor(&call->out, cursor);
	return 0;
}

static int put_salt(void *arg, struct wire_salt salt, uint64_t bytes)
{
	return wire_put_salt(arg, salt, bytes);
}

static int salts(struct call *call)
{
	uint64_t cursor;
	int err;

	if (wire_get_cursor(&call->in, &cursor))
		return -EPROTO;
	err = wire_put_cursor(&call->out, 0);
	if (err)
		return err;
	store_salts(store_of(call), &cursor, put_salt, &call->out);
	wire_set_cursor(&call->out, cursor);
	return 0;
}

static int ping(struct call *call)
{
	(void)call;
	return 0;
}

static const struct rule rules[] = {
	[WIRE_HELLO] = {hello, "HELLO", 1, false},
	[WIRE_RESERVE] = {reserve, "RESERVE", ANY_COUNT, false},
	[WIRE_COMMIT] = {commit, "COMMIT", ANY_COUNT, true},
	[WIRE_ABORT] = {abort_reservations, "ABORT", ANY_COUNT, true},
	[WIRE_LOOKUP] = {lookup, "LOOKUP", ANY_COUNT, false},
	[WIRE_UNLOCK] = {unlock, "UNLOCK", ANY_COUNT, false},
	[WIRE_DELETE] = {delete_keys, "DELETE", ANY_COUNT, false},
	[WIRE_USAGE] = {usage, "USAGE", 0, false},
	[WIRE_LIST] = {list, "LIST", 1, false},
	[WIRE_PING] = {ping, "PING", 0, true},
	[WIRE_SALTS] = {salts, "SALTS", 1, false},
	[WIRE_AUTH] = {authenticate, "AUTH", 1, false},
};

static const struct rule *rule_find(uint8_t type)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) || !rules[type].run)
		return NULL;
	return &rules[type];
}

/* What may be asked at this stage of the greeting. Returns as check_standing(). */
static int check_stage(struct call *call, const struct rule *rule)
{
	enum session_stage stage = call->session->stage;

	if (call->header.type == WIRE_HELLO) {
		if (stage != SESSION_NEW)
			return refuse(call, WIRE_BAD_REQUEST, "HELLO was said already");
	} else if (call->header.type == WIRE_AUTH) {
		if (stage == SESSION_NEW)
			return refuse(call, WIRE_DENIED, "AUTH before HELLO: say HELLO first");
		if (stage != SESSION_CHALLENGED)
			return refuse(call, WIRE_BAD_REQUEST, "AUTH was said already");
	} else if (stage != SESSION_WELCOME) {
		return refuse(
			call, WIRE_DENIED, "%s before AUTH: say HELLO and AUTH first", rule->name);
	}
	return 0;
}

/* Who may ask, and where. Returns 0, or the length of a refusal, or -EPROTO. */
static int check_standing(struct call *call, const struct rule *rule)
{
	const struct wire_header *header = &call->header;
	int len = check_stage(call, rule);

	if (len)
		return len;
	if (call->request->lane == WIRE_LANE_DATA && !rule->on_data_lanes)
		return refuse(call, WIRE_BAD_REQUEST,
			"%s is not for data lanes: ask on the control lane", rule->name);
	if (header->type != WIRE_HELLO && header->boot != call->service->boot)
		return refuse(call, WIRE_STALE,
			"boot id %016llx is not this server's: it was restarted, connect anew",
			(unsigned long long)header->boot);
	return 0;
}

/* Returns as check_standing(). */
static int check_form(struct call *call, const struct rule *rule)
{
	const struct wire_header *header = &call->header;
	uint8_t flags = header->type == WIRE_LOOKUP ? WIRE_FLAG_KNOWN : 0;
	unsigned max = rule->count == ANY_COUNT
			       ? wire_batch_max((enum wire_type)header->type, call->request->cap)
			       : (unsigned)rule->count;

	if (header->flags & ~flags)
		return refuse(call, WIRE_BAD_REQUEST, "%s does not know flags 0x%x", rule->name,
			header->flags & ~flags);
	if (header->count > max)
		return refuse(call, WIRE_BAD_REQUEST,
			"%s with %u entries: this lane allows at most %u", rule->name,
			header->count, max);
	if (rule->count != ANY_COUNT && header->count != max)
		return refuse(call, WIRE_BAD_REQUEST, "%s with %u entries instead of %u",
			rule->name, header->count, max);
	return 0;
}

static int answer(struct call *call, const struct rule *rule)
{
	int err;

	reply_begin(call, (uint8_t)(call->header.type | WIRE_REPLY));
	err = rule->run(call);
	if (err == -EPROTO || (!err && wire_close(&call->in)))
		return broken(call, "a request is malformed");
	if (err == -EIO)
		return broken(call, "the system has no random bytes");
	if (err)
		return broken(call, "a reply does not fit into the lane's frames");
	return (int)wire_end(&call->out);
}

int request_handle(struct service *service, struct session *session, const struct request *request)
{
	struct call call = {.service = service, .session = session, .request = request};
	const struct rule *rule;
	int len;

	if (wire_open(&call.in, request->frame, request->len, &call.header))
		return broken(&call, "a frame is malformed");
	rule = rule_find(call.header.type);
	if (!rule)
		return refuse(&call, WIRE_UNKNOWN_TYPE,
			"requests of type %u are unknown to this server (protocol version %u)",
			call.header.type, WIRE_VERSION);
	len = check_standing(&call, rule);
	if (!len)
		len = check_form(&call, rule);
	return len ? len : answer(&call, rule);
}
