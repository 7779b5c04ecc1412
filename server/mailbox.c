/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c - what other threads tell a worker; any thread */
#include "mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_init(struct mailbox *mailbox)
{
	*mailbox = (struct mailbox){.mutex = PTHREAD_MUTEX_INITIALIZER};
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return mailbox->fd < 0 ? -errno : 0;
}

void mailbox_fini(struct mailbox *mailbox)
{
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_ring(struct mailbox *mailbox)
{
	uint64_t one = 1;

	/* It can only fail when the counter is full: then it is readable. */
	if (write(mailbox->fd, &one, sizeof(one)) < 0)
		return;
}

void mailbox_post(struct mailbox *mailbox, struct arrival *arrival)
{
	arrival->next = NULL;
	pthread_mutex_lock(&mailbox->mutex);
	if (mailbox->last)
		mailbox->last->next = arrival;
	else
		mailbox->first = arrival;
	mailbox->last = arrival;
	pthread_mutex_unlock(&mailbox->mutex);
	mailbox_ring(mailbox);
}

void mailbox_notify(struct mailbox *mailbox, struct notice *notice)
{
	pthread_mutex_lock(&mailbox->mutex);
	notice->next = mailbox->notices;
	mailbox->notices = notice;
	pthread_mutex_unlock(&mailbox->mutex);
	mailbox_ring(mailbox);
}

struct arrival *mailbox_take(struct mailbox *mailbox)
{
	struct arrival *all;
	uint64_t rings;

	/* Clear first: a post after it rings again. */
	if (read(mailbox->fd, &rings, sizeof(rings)) < 0)
		rings = 0;
	pthread_mutex_lock(&mailbox->mutex);
	all = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = NULL;
	pthread_mutex_unlock(&mailbox->mutex);
	return all;
}

struct notice *mailbox_take_notices(struct mailbox *mailbox)
{
	struct notice *all;

	pthread_mutex_lock(&mailbox->mutex);
	all = mailbox->notices;
	mailbox->notices = NULL;
	pthread_mutex_unlock(&mailbox->mutex);
	return all;
}
