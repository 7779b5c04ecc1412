/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_report.c - tell what a replay did, to people and as JSON
 *
 * Main thread.
 */
#include "replay_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "replay_totals.h"
#include "size.h"

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0.0;
}

/* While at least one task of the kind was in flight; bytes a ns are GB/s. */
static double rate(uint64_t bytes, const struct replay_operation *operation)
{
	return ratio(bytes, operation->busy_ns) * 1000.0;
}

static double percentile_us(const struct replay_operation *operation, double percent)
{
	return (double)histogram_percentile(&operation->ns, percent) / 1e3;
}

static void print_operation(const char *name, const struct replay_operation *operation)
{
	printf("  %-7s %8" PRIu64 " tasks, p50 %10.1f us, p99 %10.1f us, max %10.1f us\n", name,
		operation->tasks, percentile_us(operation, 50.0), percentile_us(operation, 99.0),
		operation->ns.count ? (double)operation->ns.max / 1e3 : 0.0);
}

/* CPU seconds of the server for a GiB that clients loaded. */
static double cpu_a_gib(const struct replay_report *report, uint64_t before_us, uint64_t after_us)
{
	double gib = (double)report->totals->bytes_loaded / (1024.0 * 1024.0 * 1024.0);

	return gib > 0.0 ? (double)(after_us - before_us) / 1e6 / gib : 0.0;
}

static void print_server(const struct replay_report *report)
{
	const struct remora_usage *before = &report->before, *after = &report->after;

	if (!report->has_after) {
		printf("server    could not be asked at the end\n");
		return;
	}
	printf("server    %" PRIu64 " evictions, cpu %.3f s user and %.3f s system",
		after->evictions - before->evictions,
		(double)(after->user_cpu_us - before->user_cpu_us) / 1e6,
		(double)(after->system_cpu_us - before->system_cpu_us) / 1e6);
	if (report->totals->bytes_loaded)
		printf(" (%.3f s user a GiB loaded)",
			cpu_a_gib(report, before->user_cpu_us, after->user_cpu_us));
	putchar('\n');
}

static void print_verdict(const struct replay_report *report)
{
	const struct replay_totals *totals = report->totals;
	char verified[SIZE_TEXT_LEN];

	printf("verified  %s, %" PRIu64 " objects with a wrong byte\n",
		size_print(totals->bytes_verified, verified), totals->mismatches);
	printf("failed    %" PRIu64 " tasks: %" PRIu64 " lookups, %" PRIu64 " loads, %" PRIu64
	       " stores, %" PRIu64 " lost\n",
		replay_totals_failed(totals), totals->lookup.failed, totals->load.failed,
		totals->store.failed, totals->lost);
	if (totals->first_error[0])
		printf("first     %s\n", totals->first_error);
}

void replay_report_print(const struct replay_report *report)
{
	char loaded[SIZE_TEXT_LEN], stored[SIZE_TEXT_LEN];
	const struct replay_totals *totals = report->totals;

	printf("%s: %" PRIu64 " of %zu requests in %.2f s through %s\n", report->ended,
		totals->requests, report->plan->trace->request_count, report->seconds,
		report->status.device);
	printf("hits      %" PRIu64 " of %" PRIu64 " blocks (%.1f %%), %" PRIu64
	       " in leading runs (%.1f %%)\n",
		totals->hits, totals->blocks, 100.0 * ratio(totals->hits, totals->blocks),
		totals->leading_hits, 100.0 * ratio(totals->leading_hits, totals->blocks));
	printf("loaded    %" PRIu64 " objects, %s, %.0f MB/s while loading\n",
		totals->objects_loaded, size_print(totals->bytes_loaded, loaded),
		rate(totals->bytes_loaded, &totals->load));
	printf("stored    %" PRIu64 " objects, %s, %.0f MB/s while storing; %" PRIu64
	       " were there already\n",
		totals->objects_stored, size_print(totals->bytes_stored, stored),
		rate(totals->bytes_stored, &totals->store), totals->objects_existed);
	printf("moved     %.0f MB/s in all\n",
		(double)(totals->bytes_loaded + totals->bytes_stored) / 1e6 / report->seconds);
	print_operation("lookup", &totals->lookup);
	print_operation("load", &totals->load);
	print_operation("store", &totals->store);
	print_server(report);
	print_verdict(report);
}

/* Members that fail to be added leave out is NULL, which the end notices. */
static void add_number(json_t *all, const char *name, uint64_t value)
{
	json_object_set_new(all, name, json_integer((json_int_t)value));
}

static void add_real(json_t *all, const char *name, double value)
{
	json_object_set_new(all, name, json_real(value));
}

static void add_text(json_t *all, const char *name, const char *value)
{
	json_object_set_new(all, name, json_string(value));
}

static void add_operation(json_t *all, const char *name, const struct replay_operation *operation)
{
	char member[64];

	snprintf(member, sizeof(member), "%s_tasks", name);
	add_number(all, member, operation->tasks);
	snprintf(member, sizeof(member), "%s_failed", name);
	add_number(all, member, operation->failed);
	snprintf(member, sizeof(member), "%s_p50_us", name);
	add_real(all, member, percentile_us(operation, 50.0));
	snprintf(member, sizeof(member), "%s_p99_us", name);
	add_real(all, member, percentile_us(operation, 99.0));
}

static void add_input(json_t *all, const struct replay_report *report)
{
	const char *backend = getenv("REMORA_LAB_BACKEND");
	const char *device = getenv("REMORA_LAB_DEVICE_TYPE");

	add_text(all, "input", report->input);
	if (backend)
		add_text(all, "backend", backend);
	add_text(all, "device", device ? device : report->status.device);
	add_text(all, "rdma_device", report->status.device);
	add_text(all, "key_prefix", report->plan->prefix);
	add_number(all, "object_len", report->plan->object_len);
	add_number(all, "ranks", report->plan->ranks);
	add_number(all, "clients", report->clients);
	add_number(all, "in_flight", report->plan->in_flight);
	add_number(all, "trace_requests", report->plan->trace->request_count);
	add_number(all, "trace_blocks", report->survey->blocks);
	add_number(all, "trace_distinct_blocks", report->survey->distinct);
	add_real(all, "ideal_hit_rate", ratio(report->survey->leading, report->survey->blocks));
	add_number(all, "server_capacity", report->before.capacity);
}

static void add_totals(json_t *all, const struct replay_report *report)
{
	const struct replay_totals *totals = report->totals;

	add_text(all, "ended", report->ended);
	add_real(all, "seconds", report->seconds);
	add_number(all, "requests", totals->requests);
	add_number(all, "blocks", totals->blocks);
	add_number(all, "hits", totals->hits);
	add_real(all, "hit_rate", ratio(totals->hits, totals->blocks));
	add_number(all, "leading_hits", totals->leading_hits);
	add_real(all, "leading_hit_rate", ratio(totals->leading_hits, totals->blocks));
	add_number(all, "objects_loaded", totals->objects_loaded);
	add_number(all, "objects_stored", totals->objects_stored);
	add_number(all, "objects_existed", totals->objects_existed);
	add_real(all, "blocks_loaded", ratio(totals->objects_loaded, report->plan->ranks));
	add_real(all, "blocks_stored", ratio(totals->objects_stored, report->plan->ranks));
	add_number(all, "bytes_loaded", totals->bytes_loaded);
	add_number(all, "bytes_stored", totals->bytes_stored);
	add_number(all, "bytes_verified", totals->bytes_verified);
	add_number(all, "mismatches", totals->mismatches);
	add_number(all, "failed_tasks", replay_totals_failed(totals));
	add_number(all, "lost_tasks", totals->lost);
	add_real(all, "load_mb_s", rate(totals->bytes_loaded, &totals->load));
	add_real(all, "store_mb_s", rate(totals->bytes_stored, &totals->store));
	add_operation(all, "lookup", &totals->lookup);
	add_operation(all, "load", &totals->load);
	add_operation(all, "store", &totals->store);
	if (totals->first_error[0])
		add_text(all, "first_error", totals->first_error);
}

static void add_server(json_t *all, const struct replay_report *report)
{
	const struct remora_usage *before = &report->before, *after = &report->after;

	if (!report->has_after) {
		json_object_set_new(all, "evictions", json_null());
		return;
	}
	add_number(all, "evictions", after->evictions - before->evictions);
	add_real(all, "server_user_cpu_s_per_gib_loaded",
		cpu_a_gib(report, before->user_cpu_us, after->user_cpu_us));
	add_real(all, "server_system_cpu_s_per_gib_loaded",
		cpu_a_gib(report, before->system_cpu_us, after->system_cpu_us));
}

int replay_report_write(const struct replay_report *report, const char *path)
{
	json_t *all = json_object();
	int err = 0;

	add_input(all, report);
	add_totals(all, report);
	add_server(all, report);
	errno = 0;
	if (!all || json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(9))) {
		err = errno ? -errno : -ENOMEM;
		complain("cannot write the figures to '%s': %s", path, strerror(-err));
	}
	json_decref(all);
	return err;
}
