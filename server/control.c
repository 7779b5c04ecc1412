/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the UNIX socket on which an operator asks the server; a thread of its own */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 100 };

/* Somebody who asks. While an answer is on its way no further command is read. */
struct asker {
	int fd;
	uint64_t heard; /* a count, not a time: who has been quiet for longest */
	size_t len;
	char line[CONTROL_LINE_MAX];
	char *answer; /* NULL: it is his turn */
	size_t answer_len, sent;
	bool last; /* close it after the answer */
};

struct control {
	control_answer_fn answer;
	void *arg;
	struct sockaddr_un addr;
	dev_t device; /* of the socket's file, so that another one is not removed */
	ino_t inode;
	int listener;
	int stop; /* an eventfd */
	pthread_t thread;
	uint64_t count;
	struct asker askers[CONTROL_CLIENTS];
	unsigned asker_count;
};

static void drop(struct control *control, unsigned i)
{
	close(control->askers[i].fd);
	free(control->askers[i].answer);
	control->askers[i] = control->askers[--control->asker_count];
}

static void drop_quietest(struct control *control)
{
	unsigned quietest = 0, i;

	for (i = 1; i < control->asker_count; i++)
		if (control->askers[i].heard < control->askers[quietest].heard)
			quietest = i;
	drop(control, quietest);
}

/* What lacks memory or descriptors may have them soon; until then do not spin. */
static void breathe(void)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	nanosleep(&pause, NULL);
}

static void admit(struct control *control)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			breathe();
		return;
	}
	if (control->asker_count == CONTROL_CLIENTS)
		drop_quietest(control);
	control->askers[control->asker_count++] =
		(struct asker){.fd = fd, .heard = ++control->count};
}

static json_t *too_long(void)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", "the line is too long");
}

/* The answer becomes the asker's. False: no memory. */
static bool say(struct asker *asker, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	if (!text)
		return false;
	asker->answer_len = strlen(text);
	/* The terminating zero's place is that of the line's end. */
	text[asker->answer_len++] = '\n';
	asker->answer = text;
	asker->sent = 0;
	return true;
}

/* False: the asker is to be dropped. */
static bool send_answer(struct asker *asker)
{
	ssize_t len = send(asker->fd, asker->answer + asker->sent, asker->answer_len - asker->sent,
		MSG_NOSIGNAL);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	asker->sent += (size_t)len;
	if (asker->sent < asker->answer_len)
		return true;
	free(asker->answer);
	asker->answer = NULL;
	return !asker->last;
}

/* Answer the first line of what has been read, if there is a whole one. */
static bool take_line(struct control *control, struct asker *asker)
{
	char *end = memchr(asker->line, '\n', asker->len);
	size_t taken;

	if (!end && asker->len < sizeof(asker->line))
		return true;
	if (!end) {
		asker->last = true;
		return say(asker, too_long()) && send_answer(asker);
	}
	*end = '\0';
	taken = (size_t)(end - asker->line) + 1;
	if (!say(asker, control->answer(control->arg, asker->line)))
		return false;
	memmove(asker->line, asker->line + taken, asker->len - taken);
	asker->len -= taken;
	return send_answer(asker);
}

/* Lines that came together are answered one after the other. */
static bool take_lines(struct control *control, struct asker *asker)
{
	while (!asker->answer && memchr(asker->line, '\n', asker->len))
		if (!take_line(control, asker))
			return false;
	return asker->answer || take_line(control, asker);
}

static bool hear(struct control *control, struct asker *asker)
{
	ssize_t len;

	if (asker->answer)
		return send_answer(asker) && take_lines(control, asker);
	len = recv(asker->fd, asker->line + asker->len, sizeof(asker->line) - asker->len, 0);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!len)
		return false;
	asker->heard = ++control->count;
	asker->len += (size_t)len;
	return take_lines(control, asker);
}

/* False: stop. */
static bool turn(struct control *control)
{
	struct pollfd fds[CONTROL_CLIENTS + 2];
	unsigned count = control->asker_count, i;

	fds[0] = (struct pollfd){.fd = control->stop, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = control->listener, .events = POLLIN};
	for (i = 0; i < count; i++)
		fds[2 + i] = (struct pollfd){
			.fd = control->askers[i].fd,
			.events = control->askers[i].answer ? POLLOUT : POLLIN,
		};
	if (poll(fds, 2 + count, -1) < 0) {
		if (errno != EINTR)
			breathe();
		return true;
	}
	if (fds[0].revents)
		return false;
	/* From the end, as the last one takes the place of one that goes. */
	for (i = count; i-- > 0;)
		if (fds[2 + i].revents && !hear(control, &control->askers[i]))
			drop(control, i);
	if (fds[1].revents)
		admit(control);
	return true;
}

static void *run(void *arg)
{
	struct control *control = arg;

	while (turn(control))
		;
	return NULL;
}

/* Whether a server answers on that socket. */
static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = !connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
		errno != ECONNREFUSED;
	close(fd);
	return alive;
}

/* Make the path free, or say why it is not. */
static int clear_path(const struct sockaddr_un *addr, char *error, size_t error_len)
{
	struct stat status;

	if (lstat(addr->sun_path, &status)) {
		if (errno == ENOENT)
			return 0;
		snprintf(error, error_len, "cannot look at the control socket %s: %s",
			addr->sun_path, strerror(errno));
		return -errno;
	}
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(error, error_len,
			"%s is there and is no socket: remove it or name another control socket",
			addr->sun_path);
		return -EEXIST;
	}
	if (is_alive(addr)) {
		snprintf(error, error_len,
			"another server has the control socket %s: name another one",
			addr->sun_path);
		return -EADDRINUSE;
	}
	return unlink(addr->sun_path) && errno != ENOENT ? -errno : 0;
}

static int listen_on(struct control *control)
{
	struct stat status;

	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listener < 0)
		return -errno;
	/* Before bind(), so that there is no moment at which others may connect. */
	if (fchmod(control->listener, 0600) ||
		bind(control->listener, (struct sockaddr *)&control->addr, sizeof(control->addr)))
		return -errno;
	/* From here on the file is ours to remove. */
	if (lstat(control->addr.sun_path, &status))
		return -errno;
	control->device = status.st_dev;
	control->inode = status.st_ino;
	return listen(control->listener, CONTROL_CLIENTS) ? -errno : 0;
}

static int start(struct control *control)
{
	int err = listen_on(control);

	if (err)
		return err;
	control->stop = eventfd(0, EFD_CLOEXEC);
	if (control->stop < 0)
		return -errno;
	return -pthread_create(&control->thread, NULL, run, control);
}

/* All but the thread and the askers. */
static void discard(struct control *control)
{
	struct stat status;

	if (control->inode && !lstat(control->addr.sun_path, &status) &&
		status.st_ino == control->inode && status.st_dev == control->device)
		unlink(control->addr.sun_path);
	if (control->listener >= 0)
		close(control->listener);
	if (control->stop >= 0)
		close(control->stop);
	free(control);
}

int control_open(const char *path, control_answer_fn answer, void *arg, struct control **out,
	char *error, size_t error_len)
{
	struct control *control;
	int err;

	control = calloc(1, sizeof(*control));
	if (!control) {
		snprintf(error, error_len, "the control socket %s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	control->answer = answer;
	control->arg = arg;
	control->listener = -1;
	control->stop = -1;
	control->addr.sun_family = AF_UNIX;
	if (!*path || strlen(path) >= sizeof(control->addr.sun_path)) {
		snprintf(error, error_len, "\"%s\" is no path of 1 to %zu bytes", path,
			sizeof(control->addr.sun_path) - 1);
		err = -ENAMETOOLONG;
		goto discard;
	}
	strcpy(control->addr.sun_path, path);
	err = clear_path(&control->addr, error, error_len);
	if (err)
		goto discard;
	err = start(control);
	if (!err) {
		*out = control;
		return 0;
	}
	snprintf(error, error_len, "cannot listen on the control socket %s: %s", path,
		strerror(-err));

discard:
	discard(control);
	return err;
}

void control_close(struct control *control)
{
	uint64_t one = 1;

	if (!control)
		return;
	/* It can only fail when the counter is full: then the thread sees it too. */
	if (write(control->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(control->thread, NULL);
	while (control->asker_count)
		drop(control, control->asker_count - 1);
	discard(control);
}
