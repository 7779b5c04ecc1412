/* SPDX-License-Identifier: Apache-2.0 */
/* census.c - what all sessions hold, told by the workers that own them; any thread */
#include "census.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { FIRST_ENTRIES = 64 };

struct census {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned references;
	unsigned missing; /* workers that have not told yet */
	bool hold;
	int err; /* an entry found no memory */
	struct census_entry *entries;
	unsigned count, room;
};

static int init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int err = pthread_condattr_init(&attributes);

	if (err)
		return -err;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	err = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return -err;
}

int census_create(unsigned workers, bool hold, struct census **out)
{
	struct census *census = calloc(1, sizeof(*census));
	int err;

	if (!census)
		return -ENOMEM;
	err = init_condition(&census->changed);
	if (err) {
		free(census);
		return err;
	}
	pthread_mutex_init(&census->mutex, NULL);
	census->references = workers + 1;
	census->missing = workers;
	census->hold = hold;
	*out = census;
	return 0;
}

void census_put(struct census *census)
{
	bool last;

	if (!census)
		return;
	pthread_mutex_lock(&census->mutex);
	last = !--census->references;
	pthread_mutex_unlock(&census->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&census->changed);
	pthread_mutex_destroy(&census->mutex);
	free(census->entries);
	free(census);
}

/* With the mutex held. */
static int make_room(struct census *census)
{
	unsigned room = census->room ? 2 * census->room : FIRST_ENTRIES;
	struct census_entry *entries;

	if (census->count < census->room)
		return 0;
	entries = realloc(census->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	census->entries = entries;
	census->room = room;
	return 0;
}

void census_add(struct census *census, const struct census_entry *entry)
{
	pthread_mutex_lock(&census->mutex);
	if (make_room(census))
		census->err = -ENOMEM;
	else
		census->entries[census->count++] = *entry;
	pthread_mutex_unlock(&census->mutex);
}

void census_done(struct census *census)
{
	pthread_mutex_lock(&census->mutex);
	census->missing--;
	pthread_cond_broadcast(&census->changed);
	while (census->hold)
		pthread_cond_wait(&census->changed, &census->mutex);
	pthread_mutex_unlock(&census->mutex);
}

static struct timespec deadline(unsigned timeout_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

int census_wait(struct census *census, unsigned timeout_ms)
{
	struct timespec at = deadline(timeout_ms);
	int err = 0;

	pthread_mutex_lock(&census->mutex);
	while (census->missing && !err)
		err = -pthread_cond_timedwait(&census->changed, &census->mutex, &at);
	if (!census->missing)
		err = census->err;
	pthread_mutex_unlock(&census->mutex);
	return err;
}

void census_release(struct census *census)
{
	pthread_mutex_lock(&census->mutex);
	census->hold = false;
	pthread_cond_broadcast(&census->changed);
	pthread_mutex_unlock(&census->mutex);
}

const struct census_entry *census_entries(const struct census *census, unsigned *count)
{
	*count = census->count;
	return census->entries;
}
