/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - counts of calls, the fault that is armed, and what is alive */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "site.h"

enum { FUNCTION_SHIFT = 48, BUCKETS = 1 << 14, LIVE_MAX = 1 << 17 };

#define FUNCTION_ENTRY(function, error) [SITE_##function] = {#function, error},

static const struct {
	const char *name;
	int error;
} functions[] = {SITE_FUNCTIONS(FUNCTION_ENTRY)};

static const char *const kinds[] = {
	[FAULTS_MEMORY] = "memory",
	[FAULTS_MAPPING] = "mapping",
	[FAULTS_FD] = "file descriptor",
	[FAULTS_THREAD] = "thread",
	[FAULTS_PD] = "protection domain",
	[FAULTS_MR] = "memory region",
	[FAULTS_CQ] = "completion queue",
	[FAULTS_COMPLETIONS] = "completion channel",
	[FAULTS_EVENTS] = "event channel",
	[FAULTS_EVENT] = "connection event",
	[FAULTS_ID] = "connection id",
	[FAULTS_QP] = "queue pair",
	[FAULTS_OTHER] = "list or file",
};

/* One that was made and not destroyed. */
struct live {
	struct live *next;
	const void *object;
	uint64_t site;
	enum faults_kind kind;
	unsigned phase;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct faults *mine;
static uintptr_t base; /* where the program or library with the sites lies */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct live *buckets[BUCKETS];
static struct live pool[LIVE_MAX];
static unsigned pool_used;
static struct live *pool_free;

/* The wrappers must not be used in here. */
int __real_open64(const char *path, int flags, ...);
int __real_close(int fd);
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset);

static struct faults *map(int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *memory =
		__real_mmap64(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, flags, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct faults *faults_map(const char *path)
{
	int fd = __real_open64(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct faults *faults = NULL;
	bool fresh;

	if (fd < 0)
		return NULL;
	fresh = !lseek(fd, 0, SEEK_END);
	if (!ftruncate(fd, sizeof(*faults)))
		faults = map(fd);
	__real_close(fd);
	if (faults && fresh)
		faults_disarm(faults);
	return faults;
}

static void find_mine(void)
{
	const char *path = getenv("REMORA_FAULTS");
	Dl_info info;

	if (dladdr((const void *)(uintptr_t)faults_mine, &info))
		base = (uintptr_t)info.dli_fbase;
	mine = path ? faults_map(path) : map(-1);
	if (!mine) {
		fprintf(stderr, "faults: no memory for the counts\n");
		_exit(EXIT_FAILURE);
	}
	if (!path)
		faults_disarm(mine);
}

struct faults *faults_mine(void)
{
	pthread_once(&once, find_mine);
	return mine;
}

struct faults *faults_split(void)
{
	struct faults *own = map(-1);

	if (!own)
		return NULL;
	memcpy(own, faults_mine(), sizeof(*own));
	mine = own;
	faults_disarm(own);
	return own;
}

void faults_reset(struct faults *faults, unsigned phase)
{
	unsigned i;

	for (i = 0; i < FAULTS_SITES; i++)
		atomic_store(&faults->sites[i].calls[phase], 0);
}

void faults_arm(struct faults *faults, int site, unsigned phase, unsigned n)
{
	atomic_store(&faults->site, -1);
	atomic_store(&faults->fired, 0);
	atomic_store(&faults->left, (int)n);
	atomic_store(&faults->at_phase, phase);
	atomic_store(&faults->site, site);
}

void faults_disarm(struct faults *faults)
{
	atomic_store(&faults->site, -1);
	atomic_store(&faults->spoil, -1);
}

void faults_spoil(struct faults *faults, const char *function)
{
	int i;

	for (i = 1; i < SITE_COUNT; i++)
		if (!strcmp(functions[i].name, function))
			atomic_store(&faults->spoil, i);
}

static unsigned function_of(const struct faults *faults, int site)
{
	return (unsigned)(atomic_load(&faults->sites[site].key) >> FUNCTION_SHIFT);
}

const char *faults_function(const struct faults *faults, int site)
{
	return functions[function_of(faults, site)].name;
}

uint64_t faults_offset(const struct faults *faults, int site)
{
	return atomic_load(&faults->sites[site].key) & ((UINT64_C(1) << FUNCTION_SHIFT) - 1);
}

int faults_errno(const struct faults *faults, int site)
{
	return functions[function_of(faults, site)].error;
}

int faults_is_end(const struct faults *faults, int site)
{
	switch (function_of(faults, site)) {
	case SITE_ibv_dealloc_pd:
	case SITE_ibv_dereg_mr:
	case SITE_ibv_destroy_comp_channel:
	case SITE_ibv_destroy_cq:
	case SITE_rdma_destroy_id:
	case SITE_rdma_ack_cm_event: return 1;
	default: return 0;
	}
}

const char *faults_kind_name(enum faults_kind kind)
{
	return kinds[kind];
}

static uint64_t site_key(enum site_function function, const void *here)
{
	uint64_t offset = (uintptr_t)here - base;

	/* What calls from another library has no place of ours. */
	if (function == SITE_jansson)
		offset = 0;
	return (uint64_t)function << FUNCTION_SHIFT |
	       (offset & ((UINT64_C(1) << FUNCTION_SHIFT) - 1));
}

/* The site's number; there are many more places in the table than sites. */
static int site_number(struct faults *faults, uint64_t key)
{
	unsigned at = (unsigned)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % FAULTS_SITES, i;
	uint64_t found;

	for (i = 0; i < FAULTS_SITES; i++, at = (at + 1) % FAULTS_SITES) {
		found = 0;
		if (atomic_compare_exchange_strong(&faults->sites[at].key, &found, key))
			return (int)at;
		if (found == key)
			return (int)at;
	}
	fprintf(stderr, "faults: more than %d sites\n", FAULTS_SITES);
	_exit(EXIT_FAILURE);
}

int site_errno(enum site_function function)
{
	return functions[function].error;
}

bool site_fails(enum site_function function, const void *here)
{
	struct faults *faults = faults_mine();
	int site = site_number(faults, site_key(function, here)), spoiled = (int)function;
	unsigned phase = atomic_load(&faults->phase) % FAULTS_PHASES;
	bool fails = false;

	atomic_fetch_add(&faults->sites[site].calls[phase], 1);
	if (atomic_load(&faults->site) == site && atomic_load(&faults->at_phase) == phase &&
		atomic_fetch_sub(&faults->left, 1) == 1) {
		atomic_fetch_add(&faults->fired, 1);
		fails = true;
	}
	if (atomic_load(&faults->spoil) == spoiled &&
		atomic_compare_exchange_strong(&faults->spoil, &spoiled, -1))
		fails = true;
	if (fails)
		errno = functions[function].error;
	return fails;
}

static struct live **bucket_of(enum faults_kind kind, const void *object)
{
	uint64_t hash = ((uintptr_t)object + kind) * UINT64_C(0x9e3779b97f4a7c15);

	return &buckets[hash >> 50];
}

/* With the mutex. Where the pointer to it is, or to the end of the list. */
static struct live **find_live(enum faults_kind kind, const void *object)
{
	struct live **at = bucket_of(kind, object);

	while (*at && ((*at)->object != object || (*at)->kind != kind))
		at = &(*at)->next;
	return at;
}

static bool is_nothing(const void *object)
{
	return !object || object == (const void *)-1;
}

void site_made(
	enum faults_kind kind, const void *object, enum site_function function, const void *here)
{
	struct live **at, *live;
	int saved = errno;

	if (is_nothing(object))
		return;
	faults_mine();
	pthread_mutex_lock(&mutex);
	at = find_live(kind, object);
	live = *at;
	if (!live) {
		live = pool_free;
		if (live)
			pool_free = live->next;
		else if (pool_used < LIVE_MAX)
			live = &pool[pool_used++];
		else
			abort();
		live->next = NULL;
		*at = live;
		atomic_fetch_add(&mine->live[kind], 1);
	}
	live->object = object;
	live->kind = kind;
	live->site = site_key(function, here);
	live->phase = atomic_load(&mine->phase);
	pthread_mutex_unlock(&mutex);
	errno = saved;
}

void site_ended(enum faults_kind kind, const void *object)
{
	struct live **at, *live;

	if (is_nothing(object))
		return;
	faults_mine();
	pthread_mutex_lock(&mutex);
	at = find_live(kind, object);
	live = *at;
	if (live) {
		*at = live->next;
		live->next = pool_free;
		pool_free = live;
		atomic_fetch_sub(&mine->live[kind], 1);
	}
	pthread_mutex_unlock(&mutex);
}

/* A server tells at its end what it has left over. */
__attribute__((destructor)) static void tell_at_end(void)
{
	if (getenv("REMORA_FAULTS"))
		faults_tell_live();
}

void faults_forget(enum faults_kind kind, const void *object)
{
	site_ended(kind, object);
}

unsigned faults_tell_live(void)
{
	const struct live *live;
	unsigned i, count = 0;

	pthread_mutex_lock(&mutex);
	for (i = 0; i < BUCKETS; i++)
		for (live = buckets[i]; live; live = live->next, count++)
			fprintf(stderr, "faults: a %s was left over, of %s at 0x%llx in phase %u\n",
				kinds[live->kind], functions[live->site >> FUNCTION_SHIFT].name,
				(unsigned long long)(live->site &
						     ((UINT64_C(1) << FUNCTION_SHIFT) - 1)),
				live->phase);
	pthread_mutex_unlock(&mutex);
	return count;
}
