/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_totals.c - count what a replay does
 *
 * Pure.
 */
#include "replay_totals.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void replay_operation_begin(struct replay_operation *operation, uint64_t now_ns)
{
	operation->tasks++;
	if (!operation->in_flight++)
		operation->busy_since_ns = now_ns;
}

void replay_operation_end(
	struct replay_operation *operation, uint64_t since_ns, uint64_t now_ns, int failed)
{
	if (!--operation->in_flight)
		operation->busy_ns += now_ns - operation->busy_since_ns;
	if (failed)
		operation->failed++;
	else
		histogram_record(&operation->ns, now_ns - since_ns);
}

void replay_totals_error(struct replay_totals *totals, const char *format, ...)
{
	va_list args;

	if (totals->first_error[0])
		return;
	va_start(args, format);
	vsnprintf(totals->first_error, sizeof(totals->first_error), format, args);
	va_end(args);
}

static void add_operation(struct replay_operation *sum, const struct replay_operation *client)
{
	sum->tasks += client->tasks;
	sum->failed += client->failed;
	sum->busy_ns += client->busy_ns;
	histogram_merge(&sum->ns, &client->ns);
}

void replay_totals_add(struct replay_totals *sum, const struct replay_totals *client)
{
	sum->requests += client->requests;
	sum->blocks += client->blocks;
	sum->hits += client->hits;
	sum->leading_hits += client->leading_hits;
	sum->objects_loaded += client->objects_loaded;
	sum->objects_stored += client->objects_stored;
	sum->objects_existed += client->objects_existed;
	sum->bytes_loaded += client->bytes_loaded;
	sum->bytes_stored += client->bytes_stored;
	sum->bytes_verified += client->bytes_verified;
	sum->mismatches += client->mismatches;
	sum->lost += client->lost;
	if (client->end_ns > sum->end_ns)
		sum->end_ns = client->end_ns;
	add_operation(&sum->lookup, &client->lookup);
	add_operation(&sum->load, &client->load);
	add_operation(&sum->store, &client->store);
	if (client->first_error[0])
		replay_totals_error(sum, "%s", client->first_error);
}

uint64_t replay_totals_failed(const struct replay_totals *totals)
{
	return totals->lookup.failed + totals->load.failed + totals->store.failed + totals->lost;
}

int replay_totals_good(const struct replay_totals *totals)
{
	return !replay_totals_failed(totals) && !totals->mismatches &&
	       totals->bytes_verified == totals->bytes_loaded;
}
