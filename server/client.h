/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - a session, the links it is reached by, and its end
 *
 * A client ends in two steps. client_close() says goodbye on every link, so
 * that the peer learns of it at once; from then on nothing that it sends is
 * taken. client_destroy() destroys all links and only then gives back what the
 * session held. For the worker that owns it.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "census.h"
#include "link.h"
#include "session.h"

enum {
	CLIENT_DATA_LANES = 8,       /* at most */
	CLIENT_GOODBYE_MS = 100,     /* for the peer to answer a disconnect */
	CLIENT_STRANGER_MS = 5000,   /* to become welcome */
	CLIENT_HALF_OPEN_MS = 10000, /* to complete the connect of a data lane */
};

/* "host:port" */
enum { CLIENT_PEER_LEN = INET6_ADDRSTRLEN + 8 };

struct client {
	struct session *session;
	struct link *links[1 + CLIENT_DATA_LANES]; /* the control lane is the first */
	unsigned link_count;
	uint64_t created_ms;
	uint64_t heard_ms; /* when the last frame came in */
	bool greeted;      /* its beginning was logged */
	uint64_t order;    /* in which sessions became welcome; 0: it is not */
	bool closing;
	uint64_t close_by_ms;
	char peer[CLIENT_PEER_LEN];
};

/* -ENOMEM, -EIO. */
int client_create(uint64_t session_id, uint64_t now_ms, struct client **out);

/* NULL is allowed. */
void client_destroy(struct client *client);

/* Room is for the caller to check. */
void client_add_link(struct client *client, struct link *link);

/* Destroy one link that was never established; the others live on. */
void client_drop_link(struct client *client, struct link *link);

/* Log why, and say goodbye. Does nothing when it is closing already. */
void client_close(struct client *client, uint64_t now_ms, const char *why);

/* What it holds. */
void client_describe(const struct client *client, struct census_entry *entry);

/* It is closing, and nothing more is to be waited for. */
bool client_is_over(const struct client *client, uint64_t now_ms);

/* Every reply has left. */
bool client_is_quiet(const struct client *client);

/* Why the client is to be ended now; NULL if there is no reason. */
const char *client_overdue(const struct client *client, uint64_t now_ms, uint32_t lease_ms);

#endif
