/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_memory.c - allocations that are counted and fail on demand */
#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "site.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
char *__real_strdup(const char *text);
void __real_free(void *memory);
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset);
int __real_munmap(void *addr, size_t len);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **list);
void __real_freeaddrinfo(struct addrinfo *list);
int __real_getifaddrs(struct ifaddrs **list);
void __real_freeifaddrs(struct ifaddrs *list);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset);
int __wrap_munmap(void *addr, size_t len);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **list);
void __wrap_freeaddrinfo(struct addrinfo *list);
int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);

void *__wrap_malloc(size_t len)
{
	void *memory;

	if (site_fails(SITE_malloc, SITE_HERE))
		return NULL;
	memory = __real_malloc(len);
	site_made(FAULTS_MEMORY, memory, SITE_malloc, SITE_HERE);
	return memory;
}

void *__wrap_calloc(size_t count, size_t len)
{
	void *memory;

	if (site_fails(SITE_calloc, SITE_HERE))
		return NULL;
	memory = __real_calloc(count, len);
	site_made(FAULTS_MEMORY, memory, SITE_calloc, SITE_HERE);
	return memory;
}

void *__wrap_realloc(void *old, size_t len)
{
	void *memory;

	if (site_fails(SITE_realloc, SITE_HERE))
		return NULL;
	/* Before: another thread may get this address at once. */
	site_ended(FAULTS_MEMORY, old);
	memory = __real_realloc(old, len);
	site_made(FAULTS_MEMORY, memory ? memory : old, SITE_realloc, SITE_HERE);
	return memory;
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
	void *memory;

	if (site_fails(SITE_aligned_alloc, SITE_HERE))
		return NULL;
	memory = __real_aligned_alloc(alignment, len);
	site_made(FAULTS_MEMORY, memory, SITE_aligned_alloc, SITE_HERE);
	return memory;
}

char *__wrap_strdup(const char *text)
{
	char *copy;

	if (site_fails(SITE_strdup, SITE_HERE))
		return NULL;
	copy = __real_strdup(text);
	site_made(FAULTS_MEMORY, copy, SITE_strdup, SITE_HERE);
	return copy;
}

void __wrap_free(void *memory)
{
	site_ended(FAULTS_MEMORY, memory);
	__real_free(memory);
}

void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	void *memory;

	if (site_fails(SITE_mmap64, SITE_HERE))
		return MAP_FAILED;
	memory = __real_mmap64(addr, len, prot, flags, fd, offset);
	site_made(FAULTS_MAPPING, memory, SITE_mmap64, SITE_HERE);
	return memory;
}

int __wrap_munmap(void *addr, size_t len)
{
	site_ended(FAULTS_MAPPING, addr);
	return __real_munmap(addr, len);
}

int __wrap_getaddrinfo(
	const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	int err;

	if (site_fails(SITE_getaddrinfo, SITE_HERE))
		return EAI_MEMORY;
	err = __real_getaddrinfo(node, service, hints, list);
	if (!err)
		site_made(FAULTS_OTHER, *list, SITE_getaddrinfo, SITE_HERE);
	return err;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
	site_ended(FAULTS_OTHER, list);
	__real_freeaddrinfo(list);
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
	int err;

	if (site_fails(SITE_getifaddrs, SITE_HERE))
		return -1;
	err = __real_getifaddrs(list);
	if (!err)
		site_made(FAULTS_OTHER, *list, SITE_getifaddrs, SITE_HERE);
	return err;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	site_ended(FAULTS_OTHER, list);
	__real_freeifaddrs(list);
}

/* What libjansson allocates for us, which it does not do by symbols of ours. */
static void *jansson_malloc(size_t len)
{
	void *memory;

	if (site_fails(SITE_jansson, SITE_HERE))
		return NULL;
	memory = __real_malloc(len);
	site_made(FAULTS_MEMORY, memory, SITE_jansson, SITE_HERE);
	return memory;
}

__attribute__((constructor)) static void hook_jansson(void)
{
	json_set_alloc_funcs(jansson_malloc, __wrap_free);
}
