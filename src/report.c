/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - an adapter's status as JSON
 *
 * Made of what the public functions tell, so that every type has it.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include <remora/adapter.h>

/* JSON is UTF-8; an error may quote bytes that are not. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json ? json : json_string("(not UTF-8)");
}

static json_t *peer_json(const struct remora_peer *peer)
{
	char boot[17];

	snprintf(boot, sizeof(boot), "%016" PRIx64, peer->boot_id);
	return json_pack("{s:o, s:b, s:s, s:o, s:o}", "address", text_json(peer->address),
		"connected", peer->connected, "boot_id", boot, "device", text_json(peer->device),
		"error", text_json(peer->error));
}

static json_t *peers_json(struct remora_adapter *adapter)
{
	json_t *peers = json_array();
	struct remora_peer peer;
	size_t i;

	for (i = 0; peers && !remora_peer(adapter, i, &peer); i++) {
		if (json_array_append_new(peers, peer_json(&peer))) {
			json_decref(peers);
			return NULL;
		}
	}
	return peers;
}

char *remora_report_status(struct remora_adapter *adapter)
{
	struct remora_status status;
	json_t *peers, *report;
	char *text;

	if (!adapter)
		return NULL;
	remora_status(adapter, &status);
	peers = peers_json(adapter);
	if (!peers)
		return NULL;
	report = json_pack("{s:b, s:s, s:o, s:I, s:I, s:I, s:I, s:s, s:f, s:I}", "is_healthy",
		status.healthy, "type", remora_type_name(adapter), "peers", peers,
		"tasks_in_flight", (json_int_t)status.tasks_in_flight, "bytes_written",
		(json_int_t)status.bytes_written, "bytes_read", (json_int_t)status.bytes_read,
		"bytes_bounced", (json_int_t)status.bytes_bounced, "breaker",
		status.breaker_open ? "open" : "closed", "breaker_retry_in_seconds",
		status.breaker_retry_ms / 1000.0, "connection_failures",
		(json_int_t)status.connection_failures);
	if (!report)
		return NULL;
	text = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	return text;
}
