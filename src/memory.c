/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - a range of memory registered with a device, in pieces */
#include "memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct memory {
	uint8_t *addr;
	size_t len;
	size_t piece;
	unsigned pieces;
	struct ibv_mr *mrs[]; /* one a piece, in order */
};

/* A registration under way, shared by its threads. */
struct registration {
	struct memory *memory;
	struct ibv_pd *pd;
	int access;
	_Atomic unsigned next; /* piece to take */
	_Atomic int err;       /* of the first that failed; stops the others */
	pthread_mutex_t mutex; /* guards done and the progress calls */
	size_t done;
	memory_progress_fn progress;
	void *arg;
};

static size_t piece_len(const struct memory *memory, unsigned piece)
{
	size_t left = memory->len - piece * memory->piece;

	return left < memory->piece ? left : memory->piece;
}

static void registration_advance(struct registration *r, size_t len)
{
	pthread_mutex_lock(&r->mutex);
	r->done += len;
	if (r->progress)
		r->progress(r->arg, r->done, r->memory->len);
	pthread_mutex_unlock(&r->mutex);
}

static void *registration_run(void *arg)
{
	struct registration *r = arg;
	struct memory *memory = r->memory;
	unsigned i;

	while (!atomic_load(&r->err)) {
		i = atomic_fetch_add(&r->next, 1);
		if (i >= memory->pieces)
			break;
		memory->mrs[i] = ibv_reg_mr(
			r->pd, memory->addr + i * memory->piece, piece_len(memory, i), r->access);
		if (!memory->mrs[i]) {
			atomic_store(&r->err, -errno);
			break;
		}
		registration_advance(r, piece_len(memory, i));
	}
	return NULL;
}

static int access_flags(const struct ibv_pd *pd, enum memory_use use)
{
	int flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING;

	if (use == MEMORY_REMOTE)
		flags |= IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ;
	/* iWARP answers a READ by writing to its sink, which must allow that. */
	if (pd->context->device->transport_type == IBV_TRANSPORT_IWARP)
		flags |= IBV_ACCESS_REMOTE_WRITE;
	return flags;
}

/* The calling thread works too: threads that cannot be started only cost time. */
static int registration_finish(struct registration *r, unsigned threads)
{
	pthread_t others[16];
	unsigned started = 0;

	if (threads > r->memory->pieces)
		threads = r->memory->pieces;
	while (started + 1 < threads && started < sizeof(others) / sizeof(others[0])) {
		if (pthread_create(&others[started], NULL, registration_run, r))
			break;
		started++;
	}
	registration_run(r);
	while (started)
		pthread_join(others[--started], NULL);
	return atomic_load(&r->err);
}

static size_t piece_limit(struct ibv_context *context, size_t piece)
{
	struct ibv_device_attr attr;

	if (!piece || piece > MEMORY_MR_MAX)
		piece = MEMORY_MR_MAX;
	/* Some devices truncate silently what exceeds their maximum. */
	if (!ibv_query_device(context, &attr) && attr.max_mr_size >= 4096 &&
		attr.max_mr_size < piece)
		piece = attr.max_mr_size & ~(size_t)4095;
	return piece;
}

int memory_register(struct ibv_pd *pd, void *addr, size_t len, enum memory_use use, size_t piece,
	unsigned threads, memory_progress_fn progress, void *arg, struct memory **out)
{
	struct registration r = {
		.pd = pd,
		.access = access_flags(pd, use),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.progress = progress,
		.arg = arg,
	};
	struct memory *memory;
	size_t pieces;
	int err;

	if (!addr || !len)
		return -EINVAL;
	piece = piece_limit(pd->context, piece);
	pieces = (len + piece - 1) / piece;

	memory = calloc(1, sizeof(*memory) + pieces * sizeof(memory->mrs[0]));
	if (!memory)
		return -ENOMEM;
	memory->addr = addr;
	memory->len = len;
	memory->piece = piece;
	memory->pieces = (unsigned)pieces;
	r.memory = memory;

	err = registration_finish(&r, threads);
	if (err) {
		memory_deregister(memory);
		return err;
	}
	*out = memory;
	return 0;
}

void memory_deregister(struct memory *memory)
{
	unsigned i;

	if (!memory)
		return;
	for (i = 0; i < memory->pieces; i++)
		if (memory->mrs[i])
			ibv_dereg_mr(memory->mrs[i]);
	free(memory);
}

bool memory_contains(const struct memory *memory, const void *addr, size_t len)
{
	uintptr_t from = (uintptr_t)addr, base = (uintptr_t)memory->addr;

	return from >= base && len <= memory->len && from - base <= memory->len - len;
}

uint32_t memory_lkey(const struct memory *memory, const void *addr, size_t *left)
{
	size_t offset = (size_t)((const uint8_t *)addr - memory->addr);
	unsigned piece = (unsigned)(offset / memory->piece);

	*left = piece_len(memory, piece) - offset % memory->piece;
	return memory->mrs[piece]->lkey;
}

unsigned memory_pieces(const struct memory *memory)
{
	return memory->pieces;
}

uint32_t memory_rkey(const struct memory *memory, unsigned piece)
{
	return memory->mrs[piece]->rkey;
}

void memory_explain(int err, size_t len, char *text, size_t text_len)
{
	struct rlimit limit = {0};
	double mib = (double)len / (1 << 20);

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if ((err == -ENOMEM || err == -EAGAIN || err == -EPERM) && limit.rlim_cur != RLIM_INFINITY)
		snprintf(text, text_len,
			"cannot register %.1f MiB of memory: %s; the limit for locked memory "
			"(RLIMIT_MEMLOCK) is %llu KiB: raise it with `ulimit -l unlimited`, "
			"LimitMEMLOCK=infinity in a systemd unit, or --ulimit memlock=-1 for a "
			"container",
			mib, strerror(-err), (unsigned long long)limit.rlim_cur >> 10);
	else
		snprintf(text, text_len, "cannot register %.1f MiB of memory with the device: %s",
			mib, strerror(-err));
}
