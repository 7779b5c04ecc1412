/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - one client: who it is and what it holds
 *
 * A session belongs to one worker thread, which also owns all of its lanes.
 * The order of its end matters: first every lane is destroyed, so that no NIC
 * writes for this client any more, then session_destroy() frees what it held.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "locks.h"
#include "reservations.h"
#include "service.h"
#include "wire.h"

/* How far the greeting has come. */
enum session_stage {
	SESSION_NEW,
	SESSION_CHALLENGED, /* HELLO was answered: AUTH is awaited */
	SESSION_WELCOME,    /* AUTH succeeded: addresses and keys may be told */
	SESSION_DISMISSED,  /* AUTH failed: over when the answer has left */
};

struct session {
	uint64_t id;
	uint8_t token[WIRE_TOKEN_LEN]; /* what a data lane shows to join */
	enum session_stage stage;
	struct wire_hello hello; /* both once challenged */
	struct wire_challenge challenge;
	bool denied;            /* dismissed for a wrong proof, which nobody has noted yet */
	struct tenant *tenant;  /* once welcome, else NULL */
	struct tenant *crowded; /* dismissed, with a right proof, as this tenant has no room */
	uint8_t client_id[WIRE_ID_LEN]; /* once there is one of both */
	struct locks locks;
	uint64_t lock_count; /* of all handles together */
	struct reservations reservations;
	char problem[128]; /* why request_handle() said -EPROTO, or AUTH failed; for the log */
};

static inline bool session_is_welcome(const struct session *session)
{
	return session->stage == SESSION_WELCOME;
}

/*
 * Create a session that nobody is welcome to yet. -ENOMEM; -EIO: the system
 * has no random bytes.
 */
int session_create(uint64_t id, struct session **out);

/*
 * Free the session's reservations, drop its locks, free it. Its lanes are
 * destroyed before. NULL is allowed.
 */
void session_destroy(struct session *session);

/* Compares in a time that does not depend on where the tokens differ. */
bool session_token_matches(const struct session *session, const uint8_t token[WIRE_TOKEN_LEN]);

/*
 * Whether the limits of a welcome session and of its tenant allow one more
 * reservation of len bytes, or one more lock.
 */
bool session_may_reserve(const struct session *session, uint64_t len);
bool session_may_lock(const struct session *session);

/* Remember what the store has given. -ENOMEM: the caller gives it back. */
int session_reserved(struct session *session, const struct store_object *object);
int session_locked(struct session *session, struct wire_handle handle);

/* Forget a reservation, or one lock. False: this session does not hold it. */
bool session_unreserve(struct session *session, struct wire_handle handle);
bool session_unlock(struct session *session, struct wire_handle handle);

#endif
