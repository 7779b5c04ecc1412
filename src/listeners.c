/* SPDX-License-Identifier: Apache-2.0 */
/* listeners.c - who is told which keys were stored, accessed and deleted */
#include "listeners.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct event {
	STAILQ_ENTRY(event) link;
	enum task_kind kind; /* STORE, LOAD, DELETE */
	uint64_t number;     /* ascending */
	size_t count;
	struct remora_key *keys;
	uint64_t *sizes; /* of a STORE */
};

struct entry {
	TAILQ_ENTRY(entry) link;
	const struct remora_listener *listener;
	uint64_t since; /* the number of the first event that it is told */
	bool removing;
};

struct listeners {
	/* Without listeners a task costs no more than reading it. */
	_Atomic size_t count;

	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t changed;
	pthread_t thread;
	bool running, stopping;
	TAILQ_HEAD(, entry) entries;
	STAILQ_HEAD(, event) events;
	uint64_t next;              /* number of the next event */
	const struct entry *called; /* whose function is running */
};

struct listeners *listeners_create(void)
{
	struct listeners *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	TAILQ_INIT(&l->entries);
	STAILQ_INIT(&l->events);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->changed, NULL);
	return l;
}

void listeners_destroy(struct listeners *l)
{
	struct entry *entry;

	if (!l)
		return;
	while ((entry = TAILQ_FIRST(&l->entries))) {
		TAILQ_REMOVE(&l->entries, entry, link);
		free(entry);
	}
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

static void call(const struct remora_listener *listener, const struct event *event)
{
	if (event->kind == TASK_STORE && listener->stored)
		listener->stored(listener->arg, event->keys, event->sizes, event->count);
	if (event->kind == TASK_LOAD && listener->accessed)
		listener->accessed(listener->arg, event->keys, event->count);
	if (event->kind == TASK_DELETE && listener->deleted)
		listener->deleted(listener->arg, event->keys, event->count);
}

/* With the mutex, which it gives up during each call: entries come and go meanwhile. */
static void tell_all(struct listeners *l, const struct event *event)
{
	struct entry *entry, *next;

	for (entry = TAILQ_FIRST(&l->entries); entry; entry = next) {
		if (!entry->removing && entry->since <= event->number) {
			l->called = entry;
			pthread_mutex_unlock(&l->mutex);
			call(entry->listener, event);
			pthread_mutex_lock(&l->mutex);
			l->called = NULL;
			pthread_cond_broadcast(&l->changed);
		}
		next = TAILQ_NEXT(entry, link);
	}
}

static void *run(void *arg)
{
	struct listeners *l = arg;
	struct event *event;

	pthread_mutex_lock(&l->mutex);
	for (;;) {
		event = STAILQ_FIRST(&l->events);
		if (event) {
			STAILQ_REMOVE_HEAD(&l->events, link);
			tell_all(l, event);
			free(event);
		} else if (l->stopping) {
			break;
		} else {
			pthread_cond_wait(&l->changed, &l->mutex);
		}
	}
	pthread_mutex_unlock(&l->mutex);
	return NULL;
}

static struct entry *find(struct listeners *l, const struct remora_listener *listener)
{
	struct entry *entry;

	TAILQ_FOREACH(entry, &l->entries, link)
	if (entry->listener == listener && !entry->removing)
		return entry;
	return NULL;
}

/* With the mutex. */
static int start(struct listeners *l)
{
	int err;

	if (l->running)
		return 0;
	err = pthread_create(&l->thread, NULL, run, l);
	if (!err)
		l->running = true;
	return -err;
}

int listeners_add(struct listeners *l, const struct remora_listener *listener)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int err = 0;

	if (!entry)
		return -ENOMEM;
	pthread_mutex_lock(&l->mutex);
	if (l->stopping)
		err = -ECANCELED;
	else if (find(l, listener))
		err = -EEXIST;
	else
		err = start(l);
	if (!err) {
		entry->listener = listener;
		entry->since = l->next;
		TAILQ_INSERT_TAIL(&l->entries, entry, link);
		atomic_fetch_add(&l->count, 1);
	}
	pthread_mutex_unlock(&l->mutex);
	if (err)
		free(entry);
	return err;
}

int listeners_remove(struct listeners *l, const struct remora_listener *listener)
{
	struct entry *entry = NULL;
	int err = 0;

	pthread_mutex_lock(&l->mutex);
	if (l->called && pthread_equal(pthread_self(), l->thread))
		err = -EDEADLK;
	else
		entry = find(l, listener);
	if (!err && !entry)
		err = -ENOENT;
	if (!err) {
		entry->removing = true;
		while (l->called == entry)
			pthread_cond_wait(&l->changed, &l->mutex);
		TAILQ_REMOVE(&l->entries, entry, link);
		atomic_fetch_sub(&l->count, 1);
	}
	pthread_mutex_unlock(&l->mutex);
	if (!err)
		free(entry);
	return err;
}

static bool worth_telling(const struct task *task, size_t i)
{
	switch (task->kind) {
	case TASK_STORE: return task->settled[i] == TASK_SETTLED;
	case TASK_LOAD:
	case TASK_DELETE: return remora_bitmap_test(task->bits, i);
	case TASK_LOOKUP:
	case TASK_UNLOCK:
	case TASK_LENGTH:
	case TASK_LIST:
	case TASK_USAGE:
	case TASK_SALTS:
	case TASK_PING: break;
	}
	return false;
}

/* One allocation: the event, its keys, sizes, and the keys' bytes. */
static struct event *event_create(const struct task *task, size_t count, size_t bytes)
{
	size_t each = sizeof(struct remora_key) + sizeof(uint64_t), i;
	struct event *event = malloc(sizeof(*event) + count * each + bytes);
	uint8_t *at;

	if (!event)
		return NULL;
	*event = (struct event){.kind = task->kind};
	event->keys = (struct remora_key *)(event + 1);
	event->sizes = (uint64_t *)(event->keys + count);
	at = (uint8_t *)(event->sizes + count);
	for (i = 0; i < task->count; i++) {
		if (!worth_telling(task, i))
			continue;
		memcpy(at, task->keys[i].data, task->keys[i].len);
		event->keys[event->count] =
			(struct remora_key){.data = at, .len = task->keys[i].len};
		event->sizes[event->count++] = task->objects ? task->objects[i].len : 0;
		at += task->keys[i].len;
	}
	return event;
}

int listeners_tell(struct listeners *l, const struct task *task)
{
	size_t count = 0, bytes = 0, i;
	struct event *event;

	if (!atomic_load(&l->count))
		return 0;
	for (i = 0; i < task->count; i++) {
		if (!worth_telling(task, i))
			continue;
		count++;
		bytes += task->keys[i].len;
	}
	if (!count)
		return 0;
	event = event_create(task, count, bytes);
	if (!event)
		return -ENOMEM;
	pthread_mutex_lock(&l->mutex);
	event->number = l->next++;
	STAILQ_INSERT_TAIL(&l->events, event, link);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->mutex);
	return 0;
}

void listeners_stop(struct listeners *l)
{
	bool running;

	pthread_mutex_lock(&l->mutex);
	l->stopping = true;
	running = l->running;
	l->running = false;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->mutex);
	if (running)
		pthread_join(l->thread, NULL);
}
