/* SPDX-License-Identifier: Apache-2.0 */
/*
 * greeting.h - how a session becomes welcome: HELLO, then AUTH
 *
 * Until AUTH has succeeded a session has no tenant, and so there is nothing
 * that it could be told. Whoever names a tenant that does not exist is asked
 * for a proof like everybody, and denied like everybody who has not the secret.
 * For the worker that owns the session.
 */
#ifndef GREETING_H
#define GREETING_H

#include "service.h"
#include "session.h"

/*
 * Once a session. *challenge is what to answer; only with WIRE_OK may AUTH
 * follow. -EIO: the system has no random bytes.
 */
int greeting_hello(struct service *service, struct session *session, const struct wire_hello *hello,
	struct wire_challenge *challenge);

/*
 * Once a session, after greeting_hello(). *welcome is what to answer. With
 * WIRE_OK the session is counted by its tenant, until session_destroy(), and by
 * the service, until greeting_undo(). Otherwise it is dismissed: it ends when it
 * has been told.
 */
void greeting_auth(struct service *service, struct session *session,
	const uint8_t proof[WIRE_PROOF_LEN], struct wire_welcome *welcome);

/* The session has ended: the service does not count it any more, if it did. */
void greeting_undo(struct service *service, const struct session *session);

#endif
