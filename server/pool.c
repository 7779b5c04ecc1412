/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - the memory that objects lie in; made by the main thread */
#include "pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mapping.h"
#include "memory.h"

struct pool {
	struct mapping mapping;
	struct memory *memory;
	struct arena *arenas;
	unsigned arena_count;
};

/* What is going on, for a terminal. */
struct progress {
	const char *what;
	bool shown;
};

static void progress_show(void *arg, size_t done, size_t total)
{
	struct progress *progress = arg;

	fprintf(stderr, "\r%s %.1f of %.1f GiB\033[K", progress->what, (double)done / (1 << 30),
		(double)total / (1 << 30));
	progress->shown = true;
}

static void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static int pool_map(struct pool *pool, const struct pool_params *params)
{
	struct progress progress = {.what = "getting memory:"};
	struct mapping_params mapping = {
		.len = params->len & ~(size_t)(STORE_PAGE - 1),
		.huge = params->huge,
		.numa_node = params->numa_node,
		.threads = params->threads,
		.progress = isatty(STDERR_FILENO) ? progress_show : NULL,
		.arg = &progress,
	};
	int err = mapping_create(&mapping, &pool->mapping);

	progress_end(&progress);
	return err;
}

/*
 * Several keys even for a small pool would cost nothing, but a longer arena
 * fragments less: as few as the devices allow. A device that can register
 * less than a huge page at once does not exist.
 */
static size_t arena_len(struct ibv_pd *pd)
{
	struct ibv_device_attr attr;
	size_t len = MEMORY_MR_MAX;

	if (!ibv_query_device(pd->context, &attr) && attr.max_mr_size < len)
		len = attr.max_mr_size;
	return len < MAPPING_HUGE_PAGE ? MAPPING_HUGE_PAGE : len & ~(size_t)(MAPPING_HUGE_PAGE - 1);
}

static int pool_register(struct pool *pool, struct ibv_pd *pd, unsigned threads, size_t piece)
{
	struct progress progress = {.what = "registering memory:"};
	char text[400];
	int err;

	err = memory_register(pd, pool->mapping.addr, pool->mapping.len, MEMORY_REMOTE, piece,
		threads, isatty(STDERR_FILENO) ? progress_show : NULL, &progress, &pool->memory);
	progress_end(&progress);
	if (!err)
		return 0;
	memory_explain(err, pool->mapping.len, text, sizeof(text));
	log_line(LOG_ERROR, "memory: %s", text);
	return err;
}

static int pool_list_arenas(struct pool *pool, size_t piece)
{
	unsigned count = memory_pieces(pool->memory), i;
	size_t at;

	pool->arenas = calloc(count, sizeof(*pool->arenas));
	if (!pool->arenas)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		at = i * piece;
		pool->arenas[i] = (struct arena){
			.addr = (uintptr_t)pool->mapping.addr + at,
			.len = pool->mapping.len - at < piece ? pool->mapping.len - at : piece,
			.rkey = memory_rkey(pool->memory, i),
		};
	}
	pool->arena_count = count;
	return 0;
}

int pool_create(struct ibv_pd *pd, const struct pool_params *params, struct pool **out)
{
	size_t piece = arena_len(pd);
	struct timespec start;
	struct pool *pool;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &start);
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	err = pool_map(pool, params);
	if (err)
		goto free_pool;
	err = pool_register(pool, pd, params->threads, piece);
	if (err)
		goto unmap;
	err = pool_list_arenas(pool, piece);
	if (err)
		goto deregister;

	log_line(LOG_INFO, "memory is ready: bytes=%zu pages=%s arenas=%u seconds=%.1f",
		pool->mapping.len, pool->mapping.huge ? "2MiB" : "plain", pool->arena_count,
		seconds_since(&start));
	*out = pool;
	return 0;

deregister:
	memory_deregister(pool->memory);
unmap:
	mapping_destroy(&pool->mapping);
free_pool:
	free(pool);
	return err;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	memory_deregister(pool->memory);
	mapping_destroy(&pool->mapping);
	free(pool->arenas);
	free(pool);
}

const struct arena *pool_arenas(const struct pool *pool, unsigned *count)
{
	*count = pool->arena_count;
	return pool->arenas;
}
