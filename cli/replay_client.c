/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_client.c - one client of a replay: an adapter, an arena, a thread
 *
 * All but create, start, join and destroy is the thread's.
 */
#include "replay_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "replay_request.h"
#include "replay_totals.h"

/* So often the thread looks for a stop and for lost tasks when nothing happens. */
enum { IDLE_MS = 250 };

struct replay_client {
	struct replay_context context;
	struct replay_totals totals;
	struct replay_request *requests;
	unsigned char *arena;
	size_t arena_len;
	pthread_t thread;

	/* The next request, taken from the trace and not due yet. */
	const struct trace_request *waiting;
};

int replay_client_create(const struct replay_plan *plan, struct replay_progress *progress,
	struct replay_client **out)
{
	struct replay_client *client;
	unsigned i;

	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->requests = calloc(plan->in_flight, sizeof(*client->requests));
	if (!client->requests)
		goto free_client;
	client->arena_len = plan->request_memory * plan->in_flight;
	client->arena = mmap(NULL, client->arena_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (client->arena == MAP_FAILED)
		goto free_requests;
	/* Fewer pages to register; without them it works as well. */
	madvise(client->arena, client->arena_len, MADV_HUGEPAGE);

	client->context = (struct replay_context){
		.plan = plan,
		.progress = progress,
		.totals = &client->totals,
	};
	for (i = 0; i < plan->in_flight; i++)
		replay_request_init(&client->requests[i], &client->context,
			client->arena + i * plan->request_memory);
	*out = client;
	return 0;

free_requests:
	free(client->requests);
free_client:
	free(client);
	return -ENOMEM;
}

void *replay_client_arena(const struct replay_client *client, size_t *len)
{
	*len = client->arena_len;
	return client->arena;
}

static int must_stop(const struct replay_client *client)
{
	struct replay_progress *progress = client->context.progress;

	return atomic_load(&progress->stop) ||
	       atomic_load(&progress->failures) >= client->context.plan->max_failures;
}

/* Take the next request of the trace, to be begun when it is due. */
static void take_request(struct replay_client *client)
{
	const struct trace *trace = client->context.plan->trace;
	size_t index;

	if (client->waiting || must_stop(client))
		return;
	index = atomic_fetch_add(&client->context.progress->next, 1);
	if (index < trace->request_count)
		client->waiting = &trace->requests[index];
}

/* In ns from now; 0 if it is due. */
static uint64_t due_in(const struct replay_client *client, uint64_t now_ns)
{
	const struct replay_context *context = &client->context;
	uint64_t due;

	if (context->plan->speed <= 0.0)
		return 0;
	due = context->progress->start_ns +
	      (uint64_t)((double)client->waiting->time_us * 1000.0 / context->plan->speed);
	return due > now_ns ? due - now_ns : 0;
}

/* Begin what is due and has a place. */
static void begin_requests(struct replay_client *client)
{
	unsigned i = 0;

	while (i < client->context.plan->in_flight) {
		if (client->requests[i].step != REPLAY_IDLE) {
			i++;
			continue;
		}
		take_request(client);
		if (must_stop(client))
			client->waiting = NULL;
		if (!client->waiting || due_in(client, clock_ns()))
			return;
		replay_request_begin(&client->requests[i], client->waiting);
		client->waiting = NULL;
	}
}

static struct replay_request *find_task(struct replay_client *client, int64_t task)
{
	unsigned i;

	for (i = 0; i < client->context.plan->in_flight; i++)
		if (client->requests[i].step == REPLAY_STORE && client->requests[i].task == task)
			return &client->requests[i];
	return NULL;
}

static void take_stores(struct replay_client *client)
{
	struct remora_store_result results[16];
	struct replay_request *request;
	size_t count, i;

	do {
		count = remora_pop_stores(client->context.adapter, results, 16);
		for (i = 0; i < count; i++) {
			request = find_task(client, results[i].task);
			if (request) {
				replay_request_stored(request, &results[i]);
				continue;
			}
			client->totals.lost++;
			replay_totals_error(&client->totals,
				"a result came for store %" PRId64 ", which is not under way",
				results[i].task);
		}
	} while (count);
}

/* A task that has no result long after its deadline. */
static int has_lost_task(struct replay_client *client)
{
	uint64_t limit = client->context.plan->task_ms * UINT64_C(1000000), now = clock_ns();
	unsigned i;

	for (i = 0; i < client->context.plan->in_flight; i++) {
		struct replay_request *request = &client->requests[i];

		if (request->step == REPLAY_IDLE || now - request->submitted_ns < limit)
			continue;
		client->totals.lost++;
		replay_totals_error(&client->totals,
			"task %" PRId64 " had no result after %" PRIu64 " ms", request->task,
			client->context.plan->task_ms);
		return 1;
	}
	return 0;
}

static int is_busy(const struct replay_client *client)
{
	unsigned i;

	for (i = 0; i < client->context.plan->in_flight; i++)
		if (client->requests[i].step != REPLAY_IDLE)
			return 1;
	return client->waiting != NULL;
}

static int poll_ms(const struct replay_client *client)
{
	uint64_t ms = IDLE_MS;

	if (client->waiting)
		ms = (due_in(client, clock_ns()) + 999999) / 1000000;
	return ms < IDLE_MS ? (int)ms : IDLE_MS;
}

/* Wait for results, or until a request is due, and go on with what has ended. */
static void turn(struct replay_client *client)
{
	struct remora_adapter *adapter = client->context.adapter;
	struct pollfd fds[] = {
		{.fd = remora_lookup_fd(adapter), .events = POLLIN},
		{.fd = remora_load_fd(adapter), .events = POLLIN},
		{.fd = remora_store_fd(adapter), .events = POLLIN},
	};
	uint64_t count;
	unsigned i;

	if (poll(fds, 3, poll_ms(client)) <= 0)
		return;
	for (i = 0; i < 3; i++)
		if (fds[i].revents && read(fds[i].fd, &count, sizeof(count)) < 0)
			fds[i].revents = 0;
	if (fds[0].revents || fds[1].revents)
		for (i = 0; i < client->context.plan->in_flight; i++)
			replay_request_query(&client->requests[i]);
	if (fds[2].revents)
		take_stores(client);
}

static void *run(void *arg)
{
	struct replay_client *client = arg;

	for (;;) {
		begin_requests(client);
		if (!is_busy(client))
			break;
		turn(client);
		if (has_lost_task(client))
			break;
	}
	client->totals.end_ns = clock_ns();
	atomic_fetch_sub(&client->context.progress->running, 1);
	return NULL;
}

int replay_client_start(struct replay_client *client, struct remora_adapter *adapter)
{
	int err;

	client->context.adapter = adapter;
	atomic_fetch_add(&client->context.progress->running, 1);
	err = pthread_create(&client->thread, NULL, run, client);
	if (err)
		atomic_fetch_sub(&client->context.progress->running, 1);
	return -err;
}

void replay_client_join(struct replay_client *client, struct replay_totals *totals)
{
	pthread_join(client->thread, NULL);
	replay_totals_add(totals, &client->totals);
}

void replay_client_destroy(struct replay_client *client)
{
	unsigned i;

	if (!client)
		return;
	for (i = 0; i < client->context.plan->in_flight; i++)
		replay_request_fini(&client->requests[i]);
	munmap(client->arena, client->arena_len);
	free(client->requests);
	free(client);
}
