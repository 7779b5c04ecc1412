/* SPDX-License-Identifier: Apache-2.0 */
/* inspection.c - what the control socket is told; the socket's thread */
#include "inspection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "census.h"

/* What an audit found, of one tenant or of all. */
struct findings {
	struct store_sums store;
	unsigned sessions;
	uint64_t reservations, reserved, locks; /* by the sessions */
	uint64_t leaked_extents, leaked_locks;
	char problem[256]; /* "": none */
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static json_t *refusal(const char *problem)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", problem);
}

/* Ask all workers. The caller releases and puts the census in any case. */
static int take_census(const struct inspection *inspection, bool hold, struct census **out)
{
	unsigned i;
	int err = census_create(inspection->worker_count, hold, out);

	if (err)
		return err;
	for (i = 0; i < inspection->worker_count; i++)
		worker_ask(inspection->workers[i], *out);
	return census_wait(*out, INSPECTION_WAIT_MS);
}

static void end_census(struct census *census)
{
	if (!census)
		return;
	census_release(census);
	census_put(census);
}

static const char *census_problem(int err)
{
	return err == -ETIMEDOUT ? "a worker did not answer in 10 s" : strerror(-err);
}

static json_t *describe_session(const struct census_entry *entry)
{
	char id[20], client[2 * WIRE_ID_LEN + 1];
	unsigned i;

	snprintf(id, sizeof(id), "%llx", (unsigned long long)entry->session);
	for (i = 0; i < WIRE_ID_LEN; i++)
		snprintf(client + 2 * i, 3, "%02x", entry->client_id[i]);
	return json_pack("{s:s, s:s, s:s, s:s?, s:b, s:i, s:I, s:I, s:I}", "id", id, "peer",
		entry->peer, "client", client, "tenant", entry->tenant ? entry->tenant->name : NULL, "closing", entry->closing,
		"lanes", (int)entry->lanes, "reservations", (json_int_t)entry->reservations,
		"reserved_bytes", (json_int_t)entry->reserved, "locks", (json_int_t)entry->locks);
}

static json_t *answer_sessions(const struct inspection *inspection)
{
	struct census *census = NULL;
	const struct census_entry *entries;
	json_t *answer, *list;
	unsigned count, i;
	int err;

	err = take_census(inspection, false, &census);
	if (err) {
		end_census(census);
		return refusal(census_problem(err));
	}
	list = json_array();
	entries = census_entries(census, &count);
	for (i = 0; i < count; i++)
		json_array_append_new(list, describe_session(&entries[i]));
	end_census(census);
	answer = json_pack("{s:b, s:o}", "ok", 1, "sessions", list);
	return answer;
}

static void add_stats(struct store_stats *sum, const struct store_stats *stats)
{
	sum->capacity += stats->capacity;
	sum->used += stats->used;
	sum->reserved += stats->reserved;
	sum->objects += stats->objects;
	sum->locked += stats->locked;
	sum->evictions += stats->evictions;
	sum->hits += stats->hits;
	sum->misses += stats->misses;
	sum->stored += stats->stored;
}

static json_t *answer_status(const struct inspection *inspection)
{
	struct service *service = inspection->service;
	struct store_stats sum = {0}, stats;
	char boot[20];
	unsigned i;

	for (i = 0; i < service->tenant_count; i++) {
		store_stats(service->tenants[i].store, &stats);
		add_stats(&sum, &stats);
	}
	snprintf(boot, sizeof(boot), "%016llx", (unsigned long long)service->boot);
	return json_pack("{s:b, s:I, s:s, s:s, s:i, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I, s:I}",
		"ok", 1, "uptime_ms", (json_int_t)(clock_ms() - service->started_ms), "boot", boot,
		"device", inspection->device, "workers", (int)inspection->worker_count, "draining",
		atomic_load(&service->draining), "tenants", (int)service->tenant_count, "sessions",
		(int)atomic_load(&service->sessions), "capacity", (json_int_t)sum.capacity, "used",
		(json_int_t)sum.used, "reserved", (json_int_t)sum.reserved, "objects",
		(json_int_t)sum.objects, "locked", (json_int_t)sum.locked, "stored",
		(json_int_t)sum.stored, "evictions", (json_int_t)sum.evictions, "hits",
		(json_int_t)sum.hits, "misses", (json_int_t)sum.misses);
}

/* One sentence if two counts of the same differ and nothing else was wrong before. */
static void compare(struct findings *findings, const char *what, uint64_t a, uint64_t b)
{
	if (a == b || findings->problem[0])
		return;
	snprintf(findings->problem, sizeof(findings->problem), "%s: %llu and %llu", what,
		(unsigned long long)a, (unsigned long long)b);
}

static uint64_t excess(uint64_t given, uint64_t held)
{
	return given > held ? given - held : 0;
}

/* Count what the sessions of a tenant hold. */
static void ask_sessions(
	const struct tenant *tenant, const struct census *census, struct findings *findings)
{
	const struct census_entry *entries;
	unsigned count, i;

	entries = census_entries(census, &count);
	for (i = 0; i < count; i++) {
		if (entries[i].tenant != tenant)
			continue;
		findings->sessions++;
		findings->reservations += entries[i].reservations;
		findings->reserved += entries[i].reserved;
		findings->locks += entries[i].locks;
	}
}

/* Compare what a tenant's store has given out with what its sessions say they hold. */
static void audit_tenant(
	struct tenant *tenant, const struct census *census, struct findings *findings)
{
	const struct store_sums *store = &findings->store;

	*findings = (struct findings){0};
	ask_sessions(tenant, census, findings);
	if (!store_audit(tenant->store, &findings->store, findings->problem,
		    sizeof(findings->problem)))
		findings->problem[0] = '\0';
	compare(findings, "bytes in extents and in objects", store->taken,
		store->used + store->reserved);
	compare(findings, "locks by the store and by its sessions", store->locks, findings->locks);
	compare(findings, "reservations by the store and by its sessions", store->reservations,
		findings->reservations);
	compare(findings, "reserved bytes by the store and by its sessions", store->reserved,
		findings->reserved);
	compare(findings, "locks by the tenant and by its sessions", atomic_load(&tenant->locks),
		findings->locks);
	compare(findings, "sessions by the tenant and by the workers",
		atomic_load(&tenant->sessions), findings->sessions);
	findings->leaked_extents = excess(store->reservations, findings->reservations);
	findings->leaked_locks = excess(store->locks, findings->locks);
}

static void add_findings(struct findings *all, const struct findings *one, const char *tenant)
{
	all->store.objects += one->store.objects;
	all->store.taken += one->store.taken;
	all->store.reserved += one->store.reserved;
	all->store.locks += one->store.locks;
	all->sessions += one->sessions;
	all->leaked_extents += one->leaked_extents;
	all->leaked_locks += one->leaked_locks;
	if (one->problem[0] && !all->problem[0])
		snprintf(all->problem, sizeof(all->problem), "%s%s%.180s", tenant,
			*tenant ? ": " : "", one->problem);
}

static json_t *describe_findings(const struct findings *findings, uint64_t took_ms)
{
	const struct store_sums *store = &findings->store;
	bool ok = !findings->problem[0];

	return json_pack("{s:b, s:s?, s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:I}", "ok", ok, "problem",
		ok ? NULL : findings->problem, "objects", (json_int_t)store->objects,
		"extents_bytes", (json_int_t)store->taken, "reserved_bytes",
		(json_int_t)store->reserved, "locks", (json_int_t)store->locks, "sessions",
		(int)findings->sessions, "leaked_extents", (json_int_t)findings->leaked_extents,
		"leaked_locks", (json_int_t)findings->leaked_locks, "took_ms", (json_int_t)took_ms);
}

static json_t *answer_audit(const struct inspection *inspection)
{
	struct service *service = inspection->service;
	struct findings all = {0}, one;
	struct census *census = NULL;
	uint64_t began_ms = clock_ms();
	unsigned i;
	int err;

	err = take_census(inspection, true, &census);
	for (i = 0; !err && i < service->tenant_count; i++) {
		audit_tenant(&service->tenants[i], census, &one);
		add_findings(&all, &one, service->tenants[i].name);
	}
	end_census(census);
	if (err)
		return refusal(census_problem(err));
	return describe_findings(&all, clock_ms() - began_ms);
}

json_t *inspection_answer(void *arg, const char *command)
{
	const struct inspection *inspection = arg;

	if (!strcmp(command, "audit"))
		return answer_audit(inspection);
	if (!strcmp(command, "sessions"))
		return answer_sessions(inspection);
	if (!strcmp(command, "status"))
		return answer_status(inspection);
	return refusal("there is no such command; there are: audit, sessions, status");
}
