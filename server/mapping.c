/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.c - a long range of touched memory, on huge pages if there are any
 *
 * Touching before registering is what makes a start of hundreds of GiB
 * bearable: the kernel zeroes pages in as many threads as there are, while a
 * registration faults its pages in alone.
 */
#include "mapping.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef HAVE_NUMA
#include <numa.h>
#include <numaif.h>
#endif

#include "log.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones say EINVAL */
#endif

enum { TOUCH_STEP = 64 << 20, TOUCH_PAGE = 4096, TOUCH_THREADS_MAX = 16 };

/* A range being touched by several threads. */
struct touching {
	uint8_t *addr;
	size_t span;
	_Atomic size_t next;   /* first byte that nobody took */
	_Atomic int err;       /* of the first that failed; stops the others */
	pthread_mutex_t mutex; /* guards done and the progress calls */
	size_t done;
	mapping_progress_fn progress;
	void *arg;
};

static const char get_huge_pages[] =
	"reserve 2 MiB pages with `sysctl vm.nr_hugepages=N` (or hugepages=N on the kernel "
	"command line)";

static int touch_step(uint8_t *addr, size_t len)
{
	size_t i;

	if (!madvise(addr, len, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -errno;
	for (i = 0; i < len; i += TOUCH_PAGE)
		((volatile uint8_t *)addr)[i] = 0;
	return 0;
}

static void touching_advance(struct touching *t, size_t len)
{
	pthread_mutex_lock(&t->mutex);
	t->done += len;
	if (t->progress)
		t->progress(t->arg, t->done, t->span);
	pthread_mutex_unlock(&t->mutex);
}

static void *touching_run(void *arg)
{
	struct touching *t = arg;
	size_t at, len;
	int err;

	while (!atomic_load(&t->err)) {
		at = atomic_fetch_add(&t->next, TOUCH_STEP);
		if (at >= t->span)
			break;
		len = t->span - at < TOUCH_STEP ? t->span - at : TOUCH_STEP;
		err = touch_step(t->addr + at, len);
		if (err) {
			atomic_store(&t->err, err);
			break;
		}
		touching_advance(t, len);
	}
	return NULL;
}

/* The calling thread works too: threads that cannot be started only cost time. */
static int touch(const struct mapping *mapping, const struct mapping_params *params)
{
	struct touching t = {
		.addr = mapping->addr,
		.span = mapping->span,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.progress = params->progress,
		.arg = params->arg,
	};
	pthread_t others[TOUCH_THREADS_MAX];
	unsigned started = 0;

	while (started + 1 < params->threads && started < TOUCH_THREADS_MAX) {
		if (pthread_create(&others[started], NULL, touching_run, &t))
			break;
		started++;
	}
	touching_run(&t);
	while (started)
		pthread_join(others[--started], NULL);
	return atomic_load(&t.err);
}

/* Plain pages, aligned so that the kernel may make transparent huge ones of them. */
static int map_plain(struct mapping *mapping)
{
	size_t extra = MAPPING_HUGE_PAGE, head;
	uint8_t *addr;

	addr = mmap(NULL, mapping->span + extra, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED)
		return -errno;
	head = -(uintptr_t)addr & (extra - 1);
	if (head)
		munmap(addr, head);
	if (extra - head)
		munmap(addr + head + mapping->span, extra - head);
	mapping->addr = addr + head;
	mapping->huge = false;
	(void)madvise(mapping->addr, mapping->span, MADV_HUGEPAGE);
	return 0;
}

static int map_huge(struct mapping *mapping)
{
	void *addr = mmap(NULL, mapping->span, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, -1, 0);

	if (addr == MAP_FAILED)
		return -errno;
	mapping->addr = addr;
	mapping->huge = true;
	return 0;
}

static int bind_to_node(const struct mapping *mapping, int node)
{
#ifdef HAVE_NUMA
	struct bitmask *mask;
	long rc;
	int err;

	if (node < 0)
		return 0;
	if (numa_available() < 0 || !numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node)) {
		log_line(LOG_ERROR,
			"numa-node: this host has no node %d with memory; see "
			"`numactl --hardware`",
			node);
		return -EINVAL;
	}
	mask = numa_allocate_nodemask();
	numa_bitmask_setbit(mask, (unsigned)node);
	rc = mbind(mapping->addr, mapping->span, MPOL_BIND, mask->maskp, mask->size + 1, 0);
	err = rc ? -errno : 0;
	numa_free_nodemask(mask);
	if (err)
		log_line(LOG_ERROR, "numa-node: cannot take memory from node %d: %s", node,
			strerror(-err));
	return err;
#else
	(void)mapping;
	if (node < 0)
		return 0;
	log_line(LOG_ERROR,
		"numa-node: this remorad was built without libnuma; leave the "
		"setting out, or start it under `numactl --membind=%d`",
		node);
	return -EOPNOTSUPP;
#endif
}

/* Touching more than there is would wake the kernel's out-of-memory killer. */
static int check_available(size_t len)
{
	unsigned long long available = 0;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &available) == 1)
			break;
	fclose(file);
	if (!available || len >> 10 <= available)
		return 0;
	log_line(LOG_ERROR,
		"memory: %zu MiB wanted, but this host has only %llu MiB available: "
		"choose a smaller --memory",
		len >> 20, available >> 10);
	return -ENOMEM;
}

static int create_plain(const struct mapping_params *params, struct mapping *mapping)
{
	int err = check_available(mapping->span);

	if (err)
		return err;
	err = map_plain(mapping);
	if (err) {
		log_line(LOG_ERROR, "memory: cannot map %zu MiB: %s", mapping->span >> 20,
			strerror(-err));
		return err;
	}
	err = bind_to_node(mapping, params->numa_node);
	if (err)
		goto unmap;
	err = touch(mapping, params);
	if (err) {
		log_line(LOG_ERROR, "memory: cannot get %zu MiB%s: %s", mapping->span >> 20,
			params->numa_node >= 0 ? " from that NUMA node" : "", strerror(-err));
		goto unmap;
	}
	return 0;

unmap:
	munmap(mapping->addr, mapping->span);
	return err;
}

static int create_huge(const struct mapping_params *params, struct mapping *mapping)
{
	int err = map_huge(mapping);

	if (err)
		return err;
	err = bind_to_node(mapping, params->numa_node);
	if (!err)
		err = touch(mapping, params);
	if (err)
		munmap(mapping->addr, mapping->span);
	return err;
}

int mapping_create(const struct mapping_params *params, struct mapping *mapping)
{
	struct mapping made = {
		.len = params->len,
		.span = (params->len + MAPPING_HUGE_PAGE - 1) & ~(size_t)(MAPPING_HUGE_PAGE - 1),
	};
	int err = -EOPNOTSUPP;

	if (params->huge != CONFIG_HUGE_OFF) {
		err = create_huge(params, &made);
		if (err && params->huge == CONFIG_HUGE_REQUIRE) {
			log_line(LOG_ERROR, "huge: cannot get %zu huge pages of 2 MiB: %s; %s",
				made.span / MAPPING_HUGE_PAGE, strerror(-err), get_huge_pages);
			return err;
		}
		if (err)
			log_line(LOG_INFO,
				"plain pages: no %zu huge pages of 2 MiB are free; for "
				"shorter starts and fewer misses in the device, %s",
				made.span / MAPPING_HUGE_PAGE, get_huge_pages);
	}
	if (err)
		err = create_plain(params, &made);
	if (err)
		return err;
	*mapping = made;
	return 0;
}

void mapping_destroy(struct mapping *mapping)
{
	if (mapping->addr)
		munmap(mapping->addr, mapping->span);
	*mapping = (struct mapping){0};
}
