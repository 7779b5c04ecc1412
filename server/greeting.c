/* SPDX-License-Identifier: Apache-2.0 */
/* greeting.c - how a session becomes welcome; its worker only */
#include "greeting.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "auth.h"

/* NULL: there is none of this name. */
static struct tenant *find_tenant(const struct service *service, const struct wire_hello *hello)
{
	struct tenant *found = NULL;
	unsigned i;

	for (i = 0; i < service->tenant_count; i++) {
		const char *name = service->tenants[i].name;

		if (strlen(name) == hello->tenant_len &&
			!memcmp(name, hello->tenant, hello->tenant_len))
			found = &service->tenants[i];
	}
	return found;
}

/* A server without secrets has one tenant, that everybody may name. */
static bool is_open(const struct service *service)
{
	return service->tenant_count == 1 && !service->tenants[0].secret.len;
}

int greeting_hello(struct service *service, struct session *session, const struct wire_hello *hello,
	struct wire_challenge *challenge)
{
	*challenge = (struct wire_challenge){
		.status = WIRE_BAD_VERSION,
		.version = WIRE_VERSION,
		.method = is_open(service) ? WIRE_METHOD_NONE : WIRE_METHOD_HMAC_SHA256,
		.session = session->id,
	};
	if (hello->version != WIRE_VERSION)
		return 0;
	if (getrandom(challenge->nonce, WIRE_NONCE_LEN, 0) != WIRE_NONCE_LEN)
		return -EIO;
	challenge->status = WIRE_OK;
	session->hello = *hello;
	session->challenge = *challenge;
	session->stage = SESSION_CHALLENGED;
	return 0;
}

/* False: there are as many as there may be. */
static bool count_up(_Atomic unsigned *count, unsigned max)
{
	if (atomic_fetch_add_explicit(count, 1, memory_order_relaxed) < max)
		return true;
	atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
	return false;
}

static bool enter(struct service *service, struct tenant *tenant)
{
	if (!count_up(&service->sessions, service->max_sessions))
		return false;
	if (count_up(&tenant->sessions, tenant->max_sessions))
		return true;
	atomic_fetch_sub_explicit(&service->sessions, 1, memory_order_relaxed);
	return false;
}

static enum wire_status judge(struct service *service, struct session *session,
	const struct auth_talk *talk, const uint8_t proof[WIRE_PROOF_LEN])
{
	struct tenant *tenant = find_tenant(service, talk->hello);
	const struct secret *secret = tenant ? &tenant->secret : &service->decoy;

	/* The proof is looked at for every name alike; the decoy's is nobody's. */
	if (!auth_accepts(secret, talk, AUTH_CLIENT, proof) || !tenant)
		return WIRE_DENIED;
	if (atomic_load_explicit(&service->draining, memory_order_relaxed))
		return WIRE_DRAINING;
	memcpy(session->client_id, talk->hello->client_id, WIRE_ID_LEN);
	if (enter(service, tenant)) {
		session->tenant = tenant;
		return WIRE_OK;
	}
	session->crowded = tenant;
	return WIRE_LIMIT;
}

static void fill_welcome(struct service *service, const struct session *session,
	const struct auth_talk *talk, struct wire_welcome *welcome)
{
	const struct tenant *tenant = session->tenant;

	welcome->lease_ms = service->lease_ms;
	welcome->max_object = store_max_object(tenant->store);
	welcome->max_reserved = tenant->limits.reserved;
	welcome->max_reservations = tenant->limits.reservations;
	memcpy(welcome->token, session->token, WIRE_TOKEN_LEN);
	/* If it fails the client gets a proof of zeroes, and leaves. */
	auth_prove(&tenant->secret, talk, AUTH_SERVER, welcome->proof);
}

void greeting_auth(struct service *service, struct session *session,
	const uint8_t proof[WIRE_PROOF_LEN], struct wire_welcome *welcome)
{
	const struct auth_talk talk = {
		.boot = service->boot,
		.hello = &session->hello,
		.challenge = &session->challenge,
	};

	*welcome = (struct wire_welcome){.version = WIRE_VERSION};
	welcome->status = (uint8_t)judge(service, session, &talk, proof);
	if (welcome->status != WIRE_OK) {
		session->stage = SESSION_DISMISSED;
		/* Without secrets nothing can be guessed. */
		session->denied = welcome->status == WIRE_DENIED && !is_open(service);
		snprintf(session->problem, sizeof(session->problem), "%s",
			welcome->status == WIRE_DENIED
				? "it does not know the secret"
				: wire_status_text((enum wire_status)welcome->status));
		return;
	}
	session->stage = SESSION_WELCOME;
	fill_welcome(service, session, &talk, welcome);
}

void greeting_undo(struct service *service, const struct session *session)
{
	if (session->tenant)
		atomic_fetch_sub_explicit(&service->sessions, 1, memory_order_relaxed);
}
