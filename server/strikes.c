/* SPDX-License-Identifier: Apache-2.0 */
/* strikes.c - which addresses have failed to authenticate too often; any thread */
#include "strikes.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_LEN = 8 };

/* What is left of an address: enough to tell hosts apart. */
struct host {
	sa_family_t family; /* 0: the entry is free */
	uint8_t bytes[PREFIX_LEN];
};

struct offender {
	struct host host;
	uint64_t clear_ms; /* when all is forgiven */
};

struct strikes {
	pthread_mutex_t mutex;
	struct offender offenders[STRIKES_ADDRESSES];
};

int strikes_create(struct strikes **out)
{
	struct strikes *strikes = calloc(1, sizeof(*strikes));

	if (!strikes)
		return -ENOMEM;
	pthread_mutex_init(&strikes->mutex, NULL);
	*out = strikes;
	return 0;
}

void strikes_destroy(struct strikes *strikes)
{
	if (!strikes)
		return;
	pthread_mutex_destroy(&strikes->mutex);
	free(strikes);
}

static struct host host_of(const struct sockaddr *addr)
{
	struct host host;

	memset(&host, 0, sizeof(host));
	host.family = addr->sa_family;
	if (addr->sa_family == AF_INET)
		memcpy(host.bytes, &((const struct sockaddr_in *)addr)->sin_addr, 4);
	else if (addr->sa_family == AF_INET6)
		memcpy(host.bytes, &((const struct sockaddr_in6 *)addr)->sin6_addr, PREFIX_LEN);
	return host;
}

static bool is_same(const struct host *a, const struct host *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, PREFIX_LEN);
}

/* With the mutex. NULL: nothing is held against it. */
static struct offender *find(struct strikes *strikes, const struct host *host)
{
	unsigned i;

	for (i = 0; i < STRIKES_ADDRESSES; i++)
		if (is_same(&strikes->offenders[i].host, host))
			return &strikes->offenders[i];
	return NULL;
}

/* With the mutex: the place of whoever is forgiven first. */
static struct offender *replace(struct strikes *strikes, const struct host *host)
{
	struct offender *first = &strikes->offenders[0];
	unsigned i;

	for (i = 1; i < STRIKES_ADDRESSES; i++)
		if (strikes->offenders[i].clear_ms < first->clear_ms)
			first = &strikes->offenders[i];
	*first = (struct offender){.host = *host};
	return first;
}

void strikes_add(struct strikes *strikes, const struct sockaddr *addr, uint64_t now_ms)
{
	const struct host host = host_of(addr);
	struct offender *offender;

	pthread_mutex_lock(&strikes->mutex);
	offender = find(strikes, &host);
	if (!offender)
		offender = replace(strikes, &host);
	if (offender->clear_ms < now_ms)
		offender->clear_ms = now_ms;
	/* Attempts that were under way when it was out do not make it longer. */
	if (offender->clear_ms - now_ms <= (STRIKES_MAX - 1) * STRIKES_FORGIVE_MS)
		offender->clear_ms += STRIKES_FORGIVE_MS;
	pthread_mutex_unlock(&strikes->mutex);
}

bool strikes_out(struct strikes *strikes, const struct sockaddr *addr, uint64_t now_ms)
{
	const struct host host = host_of(addr);
	const struct offender *offender;
	bool out;

	pthread_mutex_lock(&strikes->mutex);
	offender = find(strikes, &host);
	out = offender &&
	      offender->clear_ms > now_ms + (uint64_t)(STRIKES_MAX - 1) * STRIKES_FORGIVE_MS;
	pthread_mutex_unlock(&strikes->mutex);
	return out;
}
