/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.c - the rdma adapter's I/O thread: the loop, and a session's begin and end
 *
 * A turn takes submitted tasks, completions and connection events, then queues
 * what can be queued and rings each lane's doorbell at most once. Between turns
 * it polls for a moment, if there is a CPU to spare, and then sleeps.
 *
 * There is no cancel in verbs: a task that outlives its deadline ends the whole
 * session (its queue pairs are destroyed), and only then is told as failed.
 */
#include "io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	POLL_BATCH = 32,
	SPIN_NS = 20000,
	NS_PER_MS = 1000000,
	PATIENCE_MS = 250, /* for an attempt that is out of time to say so itself */
};

void io_ring(struct io *io)
{
	uint64_t one = 1;
	ssize_t written = write(io->doorbell, &one, sizeof(one));

	(void)written; /* a full counter is readable as well */
}

static void clear(int fd)
{
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)got;
}

static void set_error(struct io *io, const char *error)
{
	pthread_mutex_lock(&io->status_mutex);
	snprintf(io->error, sizeof(io->error), "%s", error);
	pthread_mutex_unlock(&io->status_mutex);
}

void io_fault(struct io *io, int err, const char *format, ...)
{
	char text[sizeof(io->error)];
	va_list args;

	if (io->fault)
		return;
	io->fault = err;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	set_error(io, text);
	core_log(io->core, REMORA_LOG_WARN, "session ends: %s", text);
}

void io_task_error(struct task *task, int err)
{
	if (!task->error)
		task->error = err;
}

static void tell(struct io *io, struct task *task)
{
	TAILQ_REMOVE(&io->tasks, task, link);
	core_complete(io->core, task);
}

/*
 * The later keys of a store that had to wait may have driven out the earlier
 * ones: it succeeds only if all of them are there now.
 */
static void verify(struct io *io, struct task *task)
{
	task->verifying = true;
	task->next_key = 0;
	task->asking = true;
	STAILQ_INSERT_TAIL(&io->asks, task, ask_link);
	io_ring(io);
}

void io_settle(struct io *io, struct task *task)
{
	if (task->batches || task->asking)
		return;
	if (task->parted && !task->verifying && !task->error)
		verify(io, task);
	else
		tell(io, task);
}

/* Start what was submitted; at first it waits for a session, but never for another one. */
static void take_submitted(struct io *io)
{
	struct task_list list = TAILQ_HEAD_INITIALIZER(list);
	struct task *task;

	core_take(io->core, &list);
	while ((task = TAILQ_FIRST(&list))) {
		TAILQ_REMOVE(&list, task, link);
		if (task->kind == TASK_UNLOCK) {
			intake_unlock(io, task);
			continue;
		}
		TAILQ_INSERT_TAIL(&io->tasks, task, link);
		if (io->peer) {
			intake_task(io, task);
		} else if (io->down) {
			io_task_error(task, -ENOTCONN);
			tell(io, task);
		}
	}
}

/* Of a lookup that was cut short some keys were locked, but the locks are gone. */
static void forget_hits(struct task *task)
{
	size_t i;

	for (i = 0; i < task->count; i++)
		remora_bitmap_clear(task->bits, i);
}

static void fail_all(struct io *io, int err)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&io->tasks))) {
		/* That a key is locked is no answer for those that were not asked for. */
		if (task->kind == TASK_DELETE)
			task->error = err;
		io_task_error(task, err);
		if (task->kind == TASK_LOOKUP)
			forget_hits(task);
		tell(io, task);
	}
}

/* After it nothing remembers the session, and no NIC touches memory for it. */
static void end_session(struct io *io, int err)
{
	struct batch *batch;

	peer_destroy(io->peer);
	io->peer = NULL;
	io->fault = 0;
	while ((batch = TAILQ_FIRST(&io->batches)))
		batch_drop(io, batch);
	STAILQ_INIT(&io->asks);
	held_clear(io->held);
	bounce_destroy(io->bounce);
	io->bounce = NULL;
	io->unlock_count = 0;
	if (err != -ECANCELED)
		io->counters.failures++;
	pthread_mutex_lock(&io->status_mutex);
	io->connected = false;
	io->down = true;
	pthread_mutex_unlock(&io->status_mutex);
	fail_all(io, err);
}

static int watch(struct io *io, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

	return epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

enum { WATCH_DOORBELL, WATCH_COMPLETIONS, WATCH_EVENTS };

static int prepare_session(struct io *io)
{
	size_t slot =
		io->device->bounce_len < LANE_CHUNK_MAX ? io->device->bounce_len : LANE_CHUNK_MAX;
	int err;

	io->bounce = bounce_create(io->device->bounce_addr, io->device->bounce_len, slot);
	if (!io->bounce)
		return -ENOMEM;
	err = watch(io, cq_fd(io->peer->cq), WATCH_COMPLETIONS);
	if (!err)
		err = watch(io, io->peer->events->fd, WATCH_EVENTS);
	return err;
}

/* Everything about lanes starts from nothing; ids of calls go on. */
static void reset_lanes(struct io *io)
{
	unsigned i;

	memset(io->control_calls.calls, 0, sizeof(io->control_calls.calls));
	io->control_calls.busy = 0;
	for (i = 0; i < PEER_DATA_LANES_MAX; i++) {
		memset(io->data_calls[i].calls, 0, sizeof(io->data_calls[i].calls));
		io->data_calls[i].busy = 0;
		STAILQ_INIT(&io->fifos[i]);
		io->fifo_bytes[i] = 0;
	}
}

static void begin_session(struct io *io)
{
	struct task *task, *next;
	int err;

	reset_lanes(io);
	io->asked_ns = io->peer->greeted_ns;
	io->renewed_ns = io->peer->greeted_ns;
	err = prepare_session(io);
	if (err) {
		io_fault(io, err, "cannot begin a session: %s", strerror(-err));
		return;
	}
	io->counters.boot = io->peer->boot;
	io->counters.connects++;
	pthread_mutex_lock(&io->status_mutex);
	io->connected = true;
	io->down = false;
	io->connected_count++;
	io->failure = 0;
	snprintf(io->device_name, sizeof(io->device_name), "%s",
		ibv_get_device_name(io->device->verbs->device));
	pthread_cond_broadcast(&io->status_changed);
	pthread_mutex_unlock(&io->status_mutex);
	core_log(io->core, REMORA_LOG_INFO, "connected by device %s, boot id %016llx",
		io->device_name, (unsigned long long)io->peer->boot);
	/* It may finish a task, and so take it out of the list. */
	for (task = TAILQ_FIRST(&io->tasks); task; task = next) {
		next = TAILQ_NEXT(task, link);
		intake_task(io, task);
	}
}

static void set_failure(struct io *io, int err, const char *error)
{
	pthread_mutex_lock(&io->status_mutex);
	io->failure = err;
	snprintf(io->error, sizeof(io->error), "%s", error);
	pthread_cond_broadcast(&io->status_changed);
	pthread_mutex_unlock(&io->status_mutex);
}

static void take_connection(struct io *io)
{
	char error[sizeof(io->error)] = "";
	int news;

	if (io->peer)
		return;
	news = connector_take(io->connector, &io->peer, &io->device, error, sizeof(error));
	if (news > 0) {
		begin_session(io);
	} else if (news < 0) {
		if (!io->failure)
			core_log(io->core, REMORA_LOG_WARN, "no connection: %s", error);
		set_failure(io, news, error);
		io->counters.failures++;
		io->down = true;
		fail_all(io, news);
	}
}

/* Connecting can be stuck in the kernel for minutes: tasks do not wait for that. */
static void lose_patience(struct io *io)
{
	char error[sizeof(io->error)];

	if (io->peer || io->down || io->now < io->patience_ns)
		return;
	io->down = true;
	snprintf(error, sizeof(error),
		"%s does not answer: is remorad running there, and does the network carry RDMA "
		"traffic to it?",
		io->server);
	set_failure(io, -ETIMEDOUT, error);
	fail_all(io, -ETIMEDOUT);
}

/* What lane_complete() calls back with. */
struct lane_context {
	struct io *io;
	int lane;
};

static void context_done(void *arg, void *cookie)
{
	transfer_done(((struct lane_context *)arg)->io, cookie);
}

static void context_received(void *arg, const void *frame, size_t len)
{
	struct lane_context *context = arg;

	replies_received(context->io, context->lane, frame, len);
}

/* NULL: a lane of an attempt that failed; what it left in the queue means nothing. */
static struct lane *find_lane(struct peer *peer, uint32_t number, int *index)
{
	if (peer->control.number == number) {
		*index = -1;
		return peer->control.lane;
	}
	for (*index = 0; *index < (int)peer->data_lanes; ++*index)
		if (peer->data[*index].number == number)
			return peer->data[*index].lane;
	return NULL;
}

static void take_completion(struct io *io, const struct ibv_wc *wc)
{
	struct lane_context context = {.io = io};
	struct lane *lane = find_lane(io->peer, lane_number(wc), &context.lane);
	int err;

	if (!lane)
		return;
	err = lane_complete(lane, wc, context_done, context_received, &context);
	if (err)
		io_fault(io, err, "%s", lane_error(lane));
}

/* Returns whether there was anything. */
static bool take_completions(struct io *io)
{
	struct ibv_wc wcs[POLL_BATCH];
	bool any = false;
	int count, i;

	do {
		count = cq_poll(io->peer->cq, wcs, POLL_BATCH);
		if (count < 0)
			io_fault(io, count, "the completion queue failed: %s", strerror(-count));
		/* After the poll: what lease_holds() says then was so when they came. */
		if (count > 0)
			io->now = core_now();
		for (i = 0; i < count && !io->fault; i++)
			take_completion(io, &wcs[i]);
		any = any || count > 0;
	} while (count == POLL_BATCH && !io->fault);
	return any;
}

/* Tasks have the same timeout, so the oldest has the earliest deadline. */
static void expire(struct io *io)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&io->tasks)) && task->deadline_ns <= io->now) {
		if (io->peer && !io->fault && (task->batches || task->asking))
			io_fault(io, -ETIMEDOUT,
				"a task was not finished in time (%llu ms): the server or the "
				"network is stuck or too slow",
				(unsigned long long)(io->core->timeout_ns / NS_PER_MS));
		if (io->peer)
			return;
		io_task_error(task, -ETIMEDOUT);
		tell(io, task);
	}
}

static bool turn(struct io *io)
{
	bool any = false;

	io->now = core_now();
	take_submitted(io);
	take_connection(io);
	lose_patience(io);
	if (io->peer && !io->fault)
		any = take_completions(io);
	expire(io);
	if (atomic_exchange(&io->reset_wanted, false) && io->peer)
		io_fault(io, -ENOMEM, "an unlock is lost, so the session ends: %s",
			strerror(ENOMEM));
	if (io->peer && !io->fault)
		lease_keep(io);
	if (io->peer && !io->fault) {
		calls_progress(io);
		transfer_progress(io);
	}
	if (io->peer && io->fault) {
		end_session(io, io->fault);
		connector_want(io->connector);
	}
	return any;
}

/* Until the next deadline: of a task, of the heartbeat, of the lease. -1: none. */
static int sleep_ms(const struct io *io)
{
	const struct task *task = TAILQ_FIRST(&io->tasks);
	uint64_t until = task ? task->deadline_ns : UINT64_MAX;

	if (io->peer && lease_due(io) < until)
		until = lease_due(io);
	if (!io->peer && !io->down && io->patience_ns < until)
		until = io->patience_ns;
	if (until == UINT64_MAX)
		return -1;
	if (until <= io->now)
		return 0;
	return (int)((until - io->now) / NS_PER_MS) + 1;
}

static void take_event(struct io *io, uint32_t what)
{
	char error[sizeof(io->error)];
	int err;

	if (what == WATCH_DOORBELL)
		clear(io->doorbell);
	if (what == WATCH_COMPLETIONS && io->peer)
		cq_take_event(io->peer->cq);
	if (what == WATCH_EVENTS && io->peer) {
		err = peer_check_events(io->peer, error, sizeof(error));
		if (err)
			io_fault(io, err, "%s", error);
	}
}

static void sleep_until_woken(struct io *io)
{
	struct epoll_event events[4];
	int count, i, err;

	if (io->peer) {
		err = cq_arm(io->peer->cq);
		if (err)
			io_fault(io, err, "the completion queue cannot be armed: %s",
				strerror(-err));
		/* What came before the arming makes no event. */
		if (err || turn(io)) {
			if (io->peer)
				cq_take_event(io->peer->cq);
			return;
		}
	}
	count = epoll_wait(io->epoll, events, 4, sleep_ms(io));
	for (i = 0; i < count; i++)
		take_event(io, events[i].data.u32);
}

static void *io_run(void *arg)
{
	struct io *io = arg;
	uint64_t busy = core_now();

	connector_want(io->connector);
	while (!atomic_load(&io->stopping)) {
		if (turn(io))
			busy = io->now;
		if (io->peer && !TAILQ_EMPTY(&io->tasks) && io->now - busy < io->spin_ns)
			continue;
		sleep_until_woken(io);
		busy = io->now;
	}
	take_submitted(io);
	if (io->peer && !io->fault)
		peer_disconnect(io->peer);
	end_session(io, -ECANCELED);
	return NULL;
}

void io_free(struct io *io)
{
	if (!io)
		return;
	connector_destroy(io->connector);
	held_destroy(io->held);
	free(io->unlocks);
	if (io->epoll >= 0)
		close(io->epoll);
	if (io->doorbell >= 0)
		close(io->doorbell);
	pthread_cond_destroy(&io->status_changed);
	pthread_mutex_destroy(&io->status_mutex);
	free(io);
}

static void init_status(struct io *io)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&io->status_mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&io->status_changed, &attr);
	pthread_condattr_destroy(&attr);
}

int io_create(struct core *core, const struct peer_params *params, struct io **out)
{
	struct io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return -ENOMEM;
	io->core = core;
	snprintf(io->server, sizeof(io->server), "%s", params->server.text);
	io->spin_ns = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPIN_NS : 0;
	io->patience_ns = core_now() + (uint64_t)(params->timeout_ms + PATIENCE_MS) * NS_PER_MS;
	init_status(io);
	TAILQ_INIT(&io->tasks);
	TAILQ_INIT(&io->batches);
	STAILQ_INIT(&io->asks);
	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	io->doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	io->held = held_create();
	if (io->epoll < 0 || io->doorbell < 0) {
		err = -errno;
		goto free_io;
	}
	err = io->held ? watch(io, io->doorbell, WATCH_DOORBELL) : -ENOMEM;
	if (!err)
		err = connector_create(params, io->doorbell, &io->connector);
	if (err)
		goto free_io;
	err = -pthread_create(&io->thread, NULL, io_run, io);
	if (err)
		goto free_io;
	*out = io;
	return 0;

free_io:
	io_free(io);
	return err;
}

void io_stop(struct io *io)
{
	struct connector *connector;

	atomic_store(&io->stopping, true);
	io_ring(io);
	pthread_join(io->thread, NULL);
	pthread_mutex_lock(&io->status_mutex);
	connector = io->connector;
	io->connector = NULL;
	io->stopped = true;
	pthread_cond_broadcast(&io->status_changed);
	pthread_mutex_unlock(&io->status_mutex);
	connector_destroy(connector);
}

int io_wait_connected(struct io *io, uint32_t timeout_ms)
{
	uint64_t end_ns = core_now() + (uint64_t)timeout_ms * NS_PER_MS, count;
	struct timespec end = {
		.tv_sec = (time_t)(end_ns / 1000000000),
		.tv_nsec = (long)(end_ns % 1000000000),
	};
	int err = 0;

	pthread_mutex_lock(&io->status_mutex);
	count = io->connected_count;
	while (!err && !io->stopped && !io->connected && io->connected_count == count) {
		/* Between two attempts the last verdict stands. */
		err = io->failure;
		if (!err)
			err = -pthread_cond_timedwait(&io->status_changed, &io->status_mutex, &end);
	}
	if (err == -ETIMEDOUT && io->failure)
		err = io->failure;
	if (io->stopped)
		err = -ECANCELED;
	pthread_mutex_unlock(&io->status_mutex);
	return err;
}
