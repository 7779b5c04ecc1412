/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_system.c - file descriptors, threads and waits that fail on demand */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "site.h"

int __real_open64(const char *path, int flags, ...);
int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __real_listen(int fd, int backlog);
int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
unsigned char *__real_HMAC(const void *hash, const void *key, int key_len,
	const unsigned char *data, size_t len, unsigned char *md, unsigned *md_len);
FILE *__real_fopen64(const char *path, const char *mode);
int __real_fclose(FILE *file);
int __real_fcntl64(int fd, int command, ...);
int __real_eventfd(unsigned count, int flags);
int __real_signalfd(int fd, const sigset_t *set, int flags);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __real_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_close(int fd);
ssize_t __real_getrandom(void *data, size_t len, unsigned flags);
int __real_sched_getaffinity(pid_t pid, size_t len, cpu_set_t *set);
int __real_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __real_pthread_join(pthread_t thread, void **result);
int __real_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until);
int __real_pthread_detach(pthread_t thread);

int __wrap_open64(const char *path, int flags, ...);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_listen(int fd, int backlog);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
unsigned char *__wrap_HMAC(const void *hash, const void *key, int key_len,
	const unsigned char *data, size_t len, unsigned char *md, unsigned *md_len);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __wrap_fclose(FILE *file);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_signalfd(int fd, const sigset_t *set, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_close(int fd);
ssize_t __wrap_getrandom(void *data, size_t len, unsigned flags);
int __wrap_sched_getaffinity(pid_t pid, size_t len, cpu_set_t *set);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until);
int __wrap_pthread_detach(pthread_t thread);

/* A descriptor as an object; 0 would be nothing. */
static const void *fd_object(int fd)
{
	return fd < 0 ? NULL : (const void *)((intptr_t)fd + 1);
}

static int made_fd(int fd, enum site_function function, const void *here)
{
	site_made(FAULTS_FD, fd_object(fd), function, here);
	return fd;
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (site_fails(SITE_open64, SITE_HERE))
		return -1;
	return made_fd(__real_open64(path, flags, mode), SITE_open64, SITE_HERE);
}

int __wrap_socket(int domain, int type, int protocol)
{
	if (site_fails(SITE_socket, SITE_HERE))
		return -1;
	return made_fd(__real_socket(domain, type, protocol), SITE_socket, SITE_HERE);
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return site_fails(SITE_bind, SITE_HERE) ? -1 : __real_bind(fd, addr, len);
}

int __wrap_listen(int fd, int backlog)
{
	return site_fails(SITE_listen, SITE_HERE) ? -1 : __real_listen(fd, backlog);
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	if (site_fails(SITE_accept4, SITE_HERE))
		return -1;
	return made_fd(__real_accept4(fd, addr, len, flags), SITE_accept4, SITE_HERE);
}

unsigned char *__wrap_HMAC(const void *hash, const void *key, int key_len,
	const unsigned char *data, size_t len, unsigned char *md, unsigned *md_len)
{
	if (site_fails(SITE_HMAC, SITE_HERE))
		return NULL;
	return __real_HMAC(hash, key, key_len, data, len, md, md_len);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	FILE *file;

	if (site_fails(SITE_fopen64, SITE_HERE))
		return NULL;
	file = __real_fopen64(path, mode);
	site_made(FAULTS_OTHER, file, SITE_fopen64, SITE_HERE);
	return file;
}

int __wrap_fclose(FILE *file)
{
	site_ended(FAULTS_OTHER, file);
	return __real_fclose(file);
}

int __wrap_fcntl64(int fd, int command, ...)
{
	va_list args;
	long value;

	va_start(args, command);
	value = va_arg(args, long);
	va_end(args);
	return site_fails(SITE_fcntl64, SITE_HERE) ? -1 : __real_fcntl64(fd, command, value);
}

int __wrap_eventfd(unsigned count, int flags)
{
	if (site_fails(SITE_eventfd, SITE_HERE))
		return -1;
	return made_fd(__real_eventfd(count, flags), SITE_eventfd, SITE_HERE);
}

int __wrap_signalfd(int fd, const sigset_t *set, int flags)
{
	if (site_fails(SITE_signalfd, SITE_HERE))
		return -1;
	return made_fd(__real_signalfd(fd, set, flags), SITE_signalfd, SITE_HERE);
}

int __wrap_epoll_create1(int flags)
{
	if (site_fails(SITE_epoll_create1, SITE_HERE))
		return -1;
	return made_fd(__real_epoll_create1(flags), SITE_epoll_create1, SITE_HERE);
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (site_fails(SITE_epoll_ctl, SITE_HERE))
		return -1;
	return __real_epoll_ctl(epoll, op, fd, event);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	if (site_fails(SITE_epoll_wait, SITE_HERE))
		return -1;
	return __real_epoll_wait(epoll, events, max, timeout);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return site_fails(SITE_poll, SITE_HERE) ? -1 : __real_poll(fds, count, timeout);
}

int __wrap_close(int fd)
{
	site_ended(FAULTS_FD, fd_object(fd));
	return __real_close(fd);
}

ssize_t __wrap_getrandom(void *data, size_t len, unsigned flags)
{
	return site_fails(SITE_getrandom, SITE_HERE) ? -1 : __real_getrandom(data, len, flags);
}

int __wrap_sched_getaffinity(pid_t pid, size_t len, cpu_set_t *set)
{
	if (site_fails(SITE_sched_getaffinity, SITE_HERE))
		return -1;
	return __real_sched_getaffinity(pid, len, set);
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return site_fails(SITE_sigprocmask, SITE_HERE) ? -1 : __real_sigprocmask(how, set, old);
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	int err;

	if (site_fails(SITE_pthread_create, SITE_HERE))
		return site_errno(SITE_pthread_create);
	err = __real_pthread_create(thread, attr, start, arg);
	if (!err)
		site_made(FAULTS_THREAD, (const void *)*thread, SITE_pthread_create, SITE_HERE);
	return err;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	/* Before: another thread may get this name at once. */
	site_ended(FAULTS_THREAD, (const void *)thread);
	return __real_pthread_join(thread, result);
}

int __wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
	int err = __real_pthread_timedjoin_np(thread, result, until);

	if (!err)
		site_ended(FAULTS_THREAD, (const void *)thread);
	return err;
}

int __wrap_pthread_detach(pthread_t thread)
{
	site_ended(FAULTS_THREAD, (const void *)thread);
	return __real_pthread_detach(thread);
}
