/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - a session, its links, and its end; its worker only */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

int client_create(uint64_t session_id, uint64_t now_ms, struct client **out)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return -ENOMEM;
	err = session_create(session_id, &client->session);
	if (err) {
		free(client);
		return err;
	}
	client->created_ms = now_ms;
	client->heard_ms = now_ms;
	*out = client;
	return 0;
}

void client_destroy(struct client *client)
{
	unsigned i;

	if (!client)
		return;
	/* The order is the promise: memory is reused when no NIC can touch it. */
	for (i = 0; i < client->link_count; i++)
		link_destroy(client->links[i]);
	session_destroy(client->session);
	free(client);
}

void client_add_link(struct client *client, struct link *link)
{
	link->client = client;
	client->links[client->link_count++] = link;
}

void client_drop_link(struct client *client, struct link *link)
{
	unsigned i;

	for (i = 0; client->links[i] != link; i++)
		;
	client->links[i] = client->links[--client->link_count];
	link_destroy(link);
}

void client_close(struct client *client, uint64_t now_ms, const char *why)
{
	static struct log_rate strangers;
	unsigned i;

	if (client->closing)
		return;
	client->closing = true;
	client->close_by_ms = now_ms + CLIENT_GOODBYE_MS;
	if (client->greeted)
		log_line(LOG_INFO,
			"session ends: session=%llx peer=%s reservations=%u locks=%llu why=\"%s\"",
			(unsigned long long)client->session->id, client->peer,
			client->session->reservations.count,
			(unsigned long long)client->session->lock_count, why);
	else
		log_rated(&strangers, LOG_WARN, "a client is turned away: peer=%s why=\"%s\"",
			client->peer, why);
	for (i = 0; i < client->link_count; i++)
		lane_disconnect(client->links[i]->lane);
}

void client_describe(const struct client *client, struct census_entry *entry)
{
	const struct session *session = client->session;

	*entry = (struct census_entry){
		.session = session->id,
		.tenant = session->tenant,
		.closing = client->closing,
		.lanes = client->link_count,
		.reservations = session->reservations.count,
		.reserved = session->reservations.bytes,
		.locks = session->lock_count,
	};
	memcpy(entry->peer, client->peer, sizeof(entry->peer));
	memcpy(entry->client_id, session->client_id, sizeof(entry->client_id));
}

bool client_is_over(const struct client *client, uint64_t now_ms)
{
	unsigned i;

	if (!client->closing)
		return false;
	for (i = 0; i < client->link_count; i++)
		if (!client->links[i]->gone)
			return now_ms >= client->close_by_ms;
	return true;
}

bool client_is_quiet(const struct client *client)
{
	unsigned i;

	for (i = 0; i < client->link_count; i++)
		if (client->links[i]->unsent || client->links[i]->waiting_count)
			return false;
	return true;
}

const char *client_overdue(const struct client *client, uint64_t now_ms, uint32_t lease_ms)
{
	if (client->closing)
		return NULL;
	if (!session_is_welcome(client->session) && now_ms - client->created_ms >= CLIENT_STRANGER_MS)
		return "not authenticated in time";
	if (now_ms - client->heard_ms >= lease_ms)
		return "silent for longer than the lease";
	return NULL;
}
