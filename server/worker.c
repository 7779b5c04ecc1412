/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - a thread that serves some of the sessions
 *
 * The thread sleeps in epoll on three things: its completion channel, its own
 * rdma_cm events, and its mailbox. worker_load(), worker_ask(),
 * worker_give() and worker_stop() are for other threads; all else is the worker's alone.
 */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sessions.h"

enum {
	POLL_BATCH = 32,
	POLLS_A_READING = 8,   /* of the clock */
	SPIN_US = 20,          /* polling on after work: waking up costs more than that */
	BUSY_US = 1000,        /* under load, look at file descriptors and deadlines so often */
	OVERLOAD_US = 1000000, /* deadlines are not put off for longer than that */
	WAITING_MAX = 256,     /* connection requests that it has not looked at */
	STOP_MS = 500,         /* for the last replies to leave */
};

struct worker {
	struct sessions sessions;
	struct cq *cq;
	struct rdma_event_channel *events;
	struct mailbox mailbox;
	_Atomic(struct census *) census; /* to be told; NULL: nobody asks */
	int epoll;
	bool spin;
	pthread_t thread;
	uint64_t now_us;
	unsigned unread;    /* polls since the clock was read */
	uint64_t busy_us;   /* when there last was work */
	uint64_t looked_us; /* at file descriptors and deadlines */
	uint64_t ticked_us;
	uint64_t stop_by_us; /* 0: not stopping */
	_Atomic bool stop;
	_Atomic unsigned waiting; /* requests in the mailbox */
};

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* On a single CPU spinning would only keep a software device from working. */
static bool spinning_helps(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

/* Returns how many completions there were; fewer than POLL_BATCH: that was all. */
static int poll_once(struct worker *worker)
{
	struct ibv_wc wc[POLL_BATCH];
	int count;

	/* Without spinning the time since the last look is short. */
	if (worker->spin || ++worker->unread >= POLLS_A_READING) {
		worker->now_us = clock_us();
		worker->unread = 0;
	}
	count = cq_poll(worker->cq, wc, POLL_BATCH);
	if (count < 0) {
		log_line(LOG_ERROR, "the completion queue of a worker is broken: all of its "
				    "sessions end");
		sessions_close(&worker->sessions, worker->now_us / 1000, false);
		return 0;
	}
	if (count) {
		worker->busy_us = worker->now_us;
		sessions_complete(&worker->sessions, wc, count, worker->now_us / 1000);
	}
	return count;
}

/*
 * After an exhaustive poll every frame that came before now_us has been taken,
 * so that a lease cannot end because we were slow (or stopped for a while).
 */
static void tick(struct worker *worker, bool exhaustive)
{
	uint64_t since_us = worker->now_us - worker->ticked_us;

	if (since_us < BUSY_US || (!exhaustive && since_us < OVERLOAD_US))
		return;
	worker->ticked_us = worker->now_us;
	sessions_tick(&worker->sessions, worker->now_us / 1000);
}

static void take_events(struct worker *worker)
{
	struct rdma_cm_event *event;
	enum rdma_cm_event_type type;
	struct link *link;

	while (!rdma_get_cm_event(worker->events, &event)) {
		type = event->event;
		link = event->id->context;
		/* First: destroying an id waits for the acknowledgement. */
		rdma_ack_cm_event(event);
		sessions_event(&worker->sessions, type, link, worker->now_us / 1000);
	}
}

static void take_mail(struct worker *worker)
{
	struct arrival *arrival = mailbox_take(&worker->mailbox), *next;
	struct notice *notice, *rest;

	for (; arrival; arrival = next) {
		next = arrival->next;
		atomic_fetch_sub_explicit(&worker->waiting, 1, memory_order_relaxed);
		sessions_admit(&worker->sessions, arrival, worker->now_us / 1000);
	}
	for (notice = mailbox_take_notices(&worker->mailbox); notice; notice = rest) {
		rest = notice->next;
		sessions_notice(&worker->sessions, notice, worker->now_us / 1000);
		free(notice);
	}
}

/* Between two requests what a session and the store say of each other agrees. */
static void answer_census(struct worker *worker)
{
	struct census *census = atomic_exchange(&worker->census, NULL);

	if (!census)
		return;
	sessions_tell(&worker->sessions, census);
	census_put(census);
}

/* Look at the file descriptors and the deadlines; wait for at most wait_ms. */
static void look(struct worker *worker, int wait_ms)
{
	struct epoll_event events[3];
	int count = epoll_wait(worker->epoll, events, 3, wait_ms), i;

	worker->now_us = clock_us();
	worker->looked_us = worker->now_us;
	worker->unread = 0;
	for (i = 0; i < count; i++) {
		if (events[i].data.fd == cq_fd(worker->cq))
			cq_take_event(worker->cq);
		else if (events[i].data.fd == worker->events->fd)
			take_events(worker);
		else
			take_mail(worker);
	}
	if (count > 0)
		answer_census(worker);
}

/* True: nothing is left to do for the thread. */
static bool stopping(struct worker *worker)
{
	if (!atomic_load_explicit(&worker->stop, memory_order_acquire))
		return false;
	if (!worker->stop_by_us)
		worker->stop_by_us = worker->now_us + STOP_MS * 1000;
	sessions_close(
		&worker->sessions, worker->now_us / 1000, worker->now_us < worker->stop_by_us);
	return !worker->sessions.count;
}

static int sleep_ms(const struct worker *worker)
{
	return worker->stop_by_us ? 10 : sessions_wait_ms(&worker->sessions);
}

/* Poll, spin for a while, arm, poll once more, and only then sleep. */
static void turn(struct worker *worker)
{
	int count = poll_once(worker);

	tick(worker, count < POLL_BATCH);
	if (count) {
		if (worker->now_us - worker->looked_us >= BUSY_US)
			look(worker, 0);
		return;
	}
	if (worker->spin && worker->now_us - worker->busy_us < SPIN_US)
		return;
	if (cq_arm(worker->cq)) {
		look(worker, 1); /* no event will come: poll every millisecond */
		return;
	}
	if (poll_once(worker))
		cq_take_event(worker->cq);
	else
		look(worker, sleep_ms(worker));
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	worker->now_us = clock_us();
	while (!stopping(worker))
		turn(worker);
	return NULL;
}

static int watch(const struct worker *worker, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int watch_all(struct worker *worker)
{
	int flags = fcntl(worker->events->fd, F_GETFL), err;

	if (flags < 0 || fcntl(worker->events->fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	err = watch(worker, worker->events->fd);
	if (!err)
		err = watch(worker, worker->mailbox.fd);
	if (!err)
		err = watch(worker, cq_fd(worker->cq));
	return err;
}

static int create_cq(struct worker *worker, struct ibv_context *context)
{
	struct ibv_device_attr attr;
	unsigned capacity = CQ_MAX_ENTRIES;

	if (!ibv_query_device(context, &attr) && attr.max_cqe > 0 &&
		(unsigned)attr.max_cqe < capacity)
		capacity = (unsigned)attr.max_cqe;
	return cq_create(context, capacity, &worker->cq);
}

/* Everything but the thread. */
static int worker_equip(struct worker *worker)
{
	int err = create_cq(worker, worker->sessions.anteroom->context);

	if (err)
		return err;
	worker->sessions.cq = worker->cq;
	worker->events = rdma_create_event_channel();
	if (!worker->events) {
		err = -errno;
		goto destroy_cq;
	}
	err = mailbox_init(&worker->mailbox);
	if (err)
		goto destroy_events;
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0) {
		err = -errno;
		goto fini_mailbox;
	}
	err = watch_all(worker);
	if (!err)
		return 0;

	close(worker->epoll);
fini_mailbox:
	mailbox_fini(&worker->mailbox);
destroy_events:
	rdma_destroy_event_channel(worker->events);
destroy_cq:
	cq_destroy(worker->cq);
	return err;
}

static void worker_strip(struct worker *worker)
{
	close(worker->epoll);
	mailbox_fini(&worker->mailbox);
	rdma_destroy_event_channel(worker->events);
	cq_destroy(worker->cq);
}

int worker_create(
	struct service *service, struct ibv_pd *anteroom, unsigned index, struct worker **out)
{
	struct worker *worker;
	int err;

	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->sessions.service = service;
	worker->sessions.anteroom = anteroom;
	worker->sessions.worker = index;
	worker->spin = spinning_helps();
	err = worker_equip(worker);
	if (err)
		goto free_worker;
	err = sessions_init(&worker->sessions);
	if (err)
		goto strip;
	err = -pthread_create(&worker->thread, NULL, run, worker);
	if (err)
		goto fini_sessions;
	service->mailboxes[service->worker_count++] = &worker->mailbox;
	*out = worker;
	return 0;

fini_sessions:
	sessions_fini(&worker->sessions);
strip:
	worker_strip(worker);
free_worker:
	free(worker);
	return err;
}

void worker_stop(struct worker *worker)
{
	atomic_store_explicit(&worker->stop, true, memory_order_release);
	mailbox_ring(&worker->mailbox);
}

static void refuse_mail(struct worker *worker)
{
	struct arrival *arrival = mailbox_take(&worker->mailbox), *next;
	struct notice *notice, *rest;

	for (; arrival; arrival = next) {
		next = arrival->next;
		sessions_reject(arrival->id, WIRE_DRAINING);
		free(arrival);
	}
	for (notice = mailbox_take_notices(&worker->mailbox); notice; notice = rest) {
		rest = notice->next;
		free(notice);
	}
}

void worker_wait(struct worker *worker)
{
	worker_stop(worker);
	pthread_join(worker->thread, NULL);
}

void worker_destroy(struct worker *worker)
{
	refuse_mail(worker);
	census_put(atomic_exchange(&worker->census, NULL));
	sessions_fini(&worker->sessions);
	worker_strip(worker);
	free(worker);
}

unsigned worker_of_session(uint64_t session)
{
	return session & ((1u << SESSIONS_WORKER_BITS) - 1);
}

unsigned worker_load(const struct worker *worker)
{
	return atomic_load_explicit(&worker->sessions.load, memory_order_relaxed);
}

void worker_ask(struct worker *worker, struct census *census)
{
	/* One that it did not come to is out of time. */
	census_put(atomic_exchange(&worker->census, census));
	mailbox_ring(&worker->mailbox);
}

bool worker_is_swamped(const struct worker *worker)
{
	return atomic_load_explicit(&worker->waiting, memory_order_relaxed) >= WAITING_MAX;
}

struct rdma_event_channel *worker_events(const struct worker *worker)
{
	return worker->events;
}

void worker_give(struct worker *worker, struct arrival *arrival)
{
	if (arrival->connect.kind == WIRE_LANE_CONTROL)
		atomic_fetch_add_explicit(&worker->sessions.load, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&worker->waiting, 1, memory_order_relaxed);
	mailbox_post(&worker->mailbox, arrival);
}
