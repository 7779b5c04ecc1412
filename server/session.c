/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - one client: who it is and what it holds; its worker only */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int session_create(uint64_t id, struct session **out)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->id = id;
	if (getrandom(session->token, sizeof(session->token), 0) != sizeof(session->token)) {
		free(session);
		return -EIO;
	}
	locks_init(&session->locks);
	*out = session;
	return 0;
}

static void give_back_locks(void *arg, struct wire_handle handle, uint32_t count)
{
	while (count--)
		store_unlock(arg, handle);
}

static void leave_tenant(struct session *session)
{
	struct tenant *tenant = session->tenant;
	struct wire_handle handle;
	uint32_t at = 0;

	while (!reservations_next(&session->reservations, &at, &handle))
		store_abort(tenant->store, handle);
	atomic_fetch_sub_explicit(&tenant->locks, session->lock_count, memory_order_relaxed);
	locks_clear(&session->locks, give_back_locks, tenant->store);
	atomic_fetch_sub_explicit(&tenant->sessions, 1, memory_order_relaxed);
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	if (session->tenant)
		leave_tenant(session);
	reservations_fini(&session->reservations);
	locks_fini(&session->locks);
	free(session);
}

bool session_token_matches(const struct session *session, const uint8_t token[WIRE_TOKEN_LEN])
{
	uint8_t differs = 0;
	unsigned i;

	for (i = 0; i < WIRE_TOKEN_LEN; i++)
		differs |= session->token[i] ^ token[i];
	return !differs;
}

static uint64_t pages(uint64_t len)
{
	return len / STORE_PAGE * STORE_PAGE + (len % STORE_PAGE ? STORE_PAGE : 0);
}

bool session_may_reserve(const struct session *session, uint64_t len)
{
	const struct session_limits *limits = &session->tenant->limits;

	if (session->reservations.count >= limits->reservations)
		return false;
	/* A length that no store can have is the store's to refuse. */
	if (len > UINT64_MAX - STORE_PAGE)
		return true;
	/* Whatever the store can hold must be storable, if only one at a time. */
	if (!session->reservations.count)
		return true;
	return session->reservations.bytes <= limits->reserved &&
	       pages(len) <= limits->reserved - session->reservations.bytes;
}

/* Sessions that ask at the same moment may get a few more than the tenant's limit. */
bool session_may_lock(const struct session *session)
{
	const struct tenant *tenant = session->tenant;

	return session->lock_count < tenant->limits.locks &&
	       atomic_load_explicit(&tenant->locks, memory_order_relaxed) < tenant->max_locks;
}

int session_reserved(struct session *session, const struct store_object *object)
{
	return reservations_add(&session->reservations, object->handle, pages(object->len));
}

int session_locked(struct session *session, struct wire_handle handle)
{
	int err = locks_add(&session->locks, handle);

	if (err)
		return err;
	session->lock_count++;
	atomic_fetch_add_explicit(&session->tenant->locks, 1, memory_order_relaxed);
	return 0;
}

bool session_unreserve(struct session *session, struct wire_handle handle)
{
	return !reservations_take(&session->reservations, handle);
}

bool session_unlock(struct session *session, struct wire_handle handle)
{
	if (locks_drop(&session->locks, handle))
		return false;
	session->lock_count--;
	atomic_fetch_sub_explicit(&session->tenant->locks, 1, memory_order_relaxed);
	return true;
}
