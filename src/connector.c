/* SPDX-License-Identifier: Apache-2.0 */
/* connector.c - the thread that connects to the server, again and again */
#include "connector.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "backoff.h"

enum {
	SESSION_MIN_MS = 1000, /* one that was shorter counts as a failed attempt */
	JOIN_MS = 1000,        /* longer than an attempt takes to see that it is abandoned */
	ERROR_LEN = 256,
};

struct connector {
	struct peer_params params;
	int notify_fd;
	pthread_t thread;
	_Atomic bool abandoned;
	struct backoff backoff;  /* the thread's */
	uint64_t young_until_ms; /* the last session, 0: none; the thread's */
	struct device *device;   /* the thread's while it connects, else the taker's */

	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t changed;
	bool wanted;
	bool pausing;          /* until retry */
	struct timespec retry; /* CLOCK_MONOTONIC */
	bool ended;            /* the thread will not touch the connector any more */
	bool orphaned;         /* nobody waits for the thread: it frees the connector */
	bool failed;           /* news for connector_take() */
	int err;
	char error[ERROR_LEN];
	struct peer *ready;
};

static struct timespec after_ms(uint64_t ms)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += (time_t)(ms / 1000);
	when.tv_nsec += (long)(ms % 1000) * 1000000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_sec++;
		when.tv_nsec -= 1000000000;
	}
	return when;
}

static uint64_t now_ms(void)
{
	struct timespec now = after_ms(0);

	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* With the mutex. */
static void pause_before_retry(struct connector *c)
{
	c->retry = after_ms(backoff_next(&c->backoff));
	c->pausing = true;
	while (!atomic_load(&c->abandoned) &&
		pthread_cond_timedwait(&c->changed, &c->mutex, &c->retry) != ETIMEDOUT)
		;
	c->pausing = false;
}

/* The session before this attempt, if there was one, was no better than a failure. */
static bool ended_young(struct connector *c)
{
	bool young = now_ms() < c->young_until_ms;

	if (c->young_until_ms && !young)
		backoff_reset(&c->backoff);
	c->young_until_ms = 0;
	return young;
}

/* With the mutex, which it gives up meanwhile. */
static void report(struct connector *c, struct peer *peer, int err, const char *error)
{
	uint64_t one = 1;

	if (peer) {
		c->ready = peer;
		c->wanted = false;
	} else {
		c->failed = true;
		c->err = err;
		snprintf(c->error, sizeof(c->error), "%s", error);
	}
	pthread_cond_broadcast(&c->changed);
	/* An orphan's fd may be somebody else's by now. */
	if (!c->orphaned && write(c->notify_fd, &one, sizeof(one)) < 0)
		return;
}

static void connector_free(struct connector *c)
{
	peer_destroy(c->ready);
	device_close(c->device);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static void *connector_run(void *arg)
{
	struct connector *c = arg;
	char error[ERROR_LEN];
	struct peer *peer;
	bool orphaned;
	int err;

	pthread_mutex_lock(&c->mutex);
	while (!atomic_load(&c->abandoned)) {
		if (!c->wanted) {
			pthread_cond_wait(&c->changed, &c->mutex);
			continue;
		}
		if (ended_young(c)) {
			pause_before_retry(c);
			continue;
		}
		pthread_mutex_unlock(&c->mutex);
		peer = NULL;
		error[0] = '\0';
		err = peer_connect(
			&c->params, &c->device, &c->abandoned, error, sizeof(error), &peer);
		pthread_mutex_lock(&c->mutex);
		report(c, peer, err, error);
		if (peer)
			c->young_until_ms = now_ms() + SESSION_MIN_MS;
		else
			pause_before_retry(c);
	}
	orphaned = c->orphaned;
	c->ended = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	if (orphaned)
		connector_free(c);
	return NULL;
}

int connector_create(const struct peer_params *params, int notify_fd, struct connector **out)
{
	struct connector *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	uint32_t seed;
	int err;

	if (!c)
		return -ENOMEM;
	c->params = *params;
	c->notify_fd = notify_fd;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint32_t)getpid();
	backoff_init(&c->backoff, seed);
	pthread_mutex_init(&c->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);

	err = pthread_create(&c->thread, NULL, connector_run, c);
	if (err) {
		connector_free(c);
		return -err;
	}
	*out = c;
	return 0;
}

void connector_destroy(struct connector *c)
{
	struct timespec until = after_ms(JOIN_MS);
	bool ended;

	if (!c)
		return;
	pthread_mutex_lock(&c->mutex);
	atomic_store(&c->abandoned, true);
	pthread_cond_broadcast(&c->changed);
	while (!c->ended && pthread_cond_timedwait(&c->changed, &c->mutex, &until) != ETIMEDOUT)
		;
	ended = c->ended;
	c->orphaned = !ended;
	/* An orphan may free itself as soon as it has the mutex. */
	if (!ended)
		pthread_detach(c->thread);
	pthread_mutex_unlock(&c->mutex);
	if (!ended)
		return;
	pthread_join(c->thread, NULL);
	connector_free(c);
}

void connector_want(struct connector *c)
{
	pthread_mutex_lock(&c->mutex);
	c->wanted = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

int connector_take(struct connector *c, struct peer **peer, struct device **device, char *error,
	size_t error_len)
{
	int news = 0;

	pthread_mutex_lock(&c->mutex);
	if (c->ready) {
		*peer = c->ready;
		*device = c->device;
		c->ready = NULL;
		c->failed = false;
		news = 1;
	} else if (c->failed) {
		snprintf(error, error_len, "%s", c->error);
		c->failed = false;
		news = c->err;
	}
	pthread_mutex_unlock(&c->mutex);
	return news;
}

uint32_t connector_retry_ms(struct connector *c)
{
	struct timespec now = after_ms(0);
	int64_t ms = 0;

	pthread_mutex_lock(&c->mutex);
	if (c->pausing)
		ms = (int64_t)(c->retry.tv_sec - now.tv_sec) * 1000 +
		     (c->retry.tv_nsec - now.tv_nsec) / 1000000;
	pthread_mutex_unlock(&c->mutex);
	return ms > 0 ? (uint32_t)ms : 0;
}
