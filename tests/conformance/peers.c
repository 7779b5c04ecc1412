/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c - group N: who is on the other side, and what is left when it is not */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

static void go_dead(struct trial *trial)
{
	if (!trial->dead)
		trial_skip("needs --dead-adapter");
	remora_destroy(trial->adapter);
	trial->adapter = trial_open(trial, trial->dead);
}

static void a_deadline_ends_a_lookup(struct trial *trial)
{
	struct items *items = trial_items(trial, 9, PAGE);

	go_dead(trial);
	check_bits(trial_lookup(trial, items), "000000000");
}

static void a_deadline_ends_a_load(struct trial *trial)
{
	struct items *items = trial_items(trial, 9, PAGE);

	go_dead(trial);
	items_wipe(items);
	check_bits(trial_load(trial, items), "000000000");
	/* The buffers are the caller's again. */
	items_fill(items);
	trial_sleep_ms(50);
	check_equal(items_wrong(items), 9);
}

static int count(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	(void)key;
	(void)len;
	(void)locked;
	++*(unsigned *)arg;
	return 0;
}

static void a_closed_adapter_is_inert(struct trial *trial)
{
	struct items *items = trial_items(trial, 1, PAGE);
	struct remora_status status;
	unsigned listed = 0;

	trial_have(trial, items);
	remora_close(trial->adapter);
	check(remora_list(trial->adapter, NULL, count, &listed) < 0);
	check_equal(listed, 0);
	remora_status(trial->adapter, &status);
	check(!status.healthy);
	check_equal(status.tasks_in_flight, 0);
}

static void a_status_counts_bytes(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, 5000);
	struct remora_status before, after;

	remora_status(trial->adapter, &before);
	trial_have(trial, items);
	check_bits(trial_load(trial, items), "111");
	remora_status(trial->adapter, &after);
	check(after.healthy);
	check_equal(after.tasks_in_flight, 0);
	check_equal(after.bytes_written - before.bytes_written, 15000);
	check_equal(after.bytes_read - before.bytes_read, 15000);
}

static json_t *report(struct trial *trial)
{
	char *text = remora_report_status(trial->adapter);
	json_t *object;

	check(text);
	object = json_loads(text, 0, NULL);
	free(text);
	check(json_is_object(object));
	return object;
}

static void a_report_says_what_it_must(struct trial *trial)
{
	static const char *const numbers[] = {"tasks_in_flight", "bytes_written", "bytes_read",
		"bytes_bounced", "breaker_retry_in_seconds", "connection_failures"};
	json_t *object;
	size_t i;

	trial_have(trial, trial_items(trial, 1, PAGE));
	object = report(trial);
	check(json_is_true(json_object_get(object, "is_healthy")));
	check(!strcmp(json_string_value(json_object_get(object, "type")),
		remora_type_name(trial->adapter)));
	check(!strcmp(json_string_value(json_object_get(object, "breaker")), "closed"));
	check(json_is_array(json_object_get(object, "peers")));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check(json_is_number(json_object_get(object, numbers[i])));
	check_equal(json_integer_value(json_object_get(object, "bytes_written")), PAGE);
	json_decref(object);
}

static void peers_are_counted_from_nought(struct trial *trial)
{
	json_t *object = report(trial);
	size_t told = json_array_size(json_object_get(object, "peers")), i;
	struct remora_peer peer;

	json_decref(object);
	for (i = 0; i < told; i++) {
		check_equal(remora_peer(trial->adapter, i, &peer), 0);
		check(peer.connected);
		check(peer.address[0]);
	}
	check_equal(remora_peer(trial->adapter, told, &peer), -ENOENT);
}

static const struct trial_case cases[] = {
	{"a dead server's lookup ends with no bit set", a_deadline_ends_a_lookup},
	{"a dead server's load ends with no bit set", a_deadline_ends_a_load},
	{"a closed adapter is inert", a_closed_adapter_is_inert},
	{"the status counts bytes each way", a_status_counts_bytes},
	{"the report says what it must", a_report_says_what_it_must},
	{"every peer is told", peers_are_counted_from_nought},
};

TRIAL_GROUP(peers, cases);
