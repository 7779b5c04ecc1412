/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - start, wait for a signal, drain, end */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "config.h"
#include "daemon.h"
#include "log.h"

enum { DRAIN_STEP_MS = 20, POLL_PAUSE_MS = 100 };

static void tell_systemd(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

/* Blocked before any thread starts, so that only this fd sees them. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* A log whose reader is gone must not end the server. */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static const char *take_signal(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return NULL;
	return info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
}

/* The kernel may lack memory for a moment: no reason to end all sessions. */
static void wait_again(int reason)
{
	struct timespec pause = {.tv_nsec = POLL_PAUSE_MS * 1000000L};

	log_line(LOG_WARN, "cannot wait for connections: %s; going on", strerror(reason));
	nanosleep(&pause, NULL);
}

/* Until a signal comes. A negative errno: it cannot go on. */
static int serve(struct daemon *daemon, int signals)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = daemon_fd(daemon), .events = POLLIN},
	};
	const char *signal_name;
	int err;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			wait_again(errno);
		err = daemon_turn(daemon);
		if (err)
			return err;
		signal_name = take_signal(signals);
		if (signal_name) {
			log_line(LOG_INFO, "%s: stopping; a second signal stops at once",
				signal_name);
			return 0;
		}
	}
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/*
 * Wait until clients have finished what they began. Twice in a row: a request
 * that was under way when draining began may still take a lock.
 */
static void drain(struct daemon *daemon, int signals, unsigned drain_ms)
{
	struct pollfd fd = {.fd = signals, .events = POLLIN};
	struct timespec start;
	unsigned drained = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	daemon_drain(daemon);
	while (drained < 2 && elapsed_ms(&start) < (long)drain_ms) {
		if (poll(&fd, 1, DRAIN_STEP_MS) > 0 && take_signal(signals)) {
			log_line(LOG_WARN, "second signal: stopped without draining");
			_exit(EXIT_FAILURE);
		}
		drained = daemon_is_drained(daemon) ? drained + 1 : 0;
	}
	if (!daemon_is_drained(daemon))
		log_line(
			LOG_WARN, "clients still held reservations or locks after %u ms", drain_ms);
}

/* A second signal must end even a process that is busy disconnecting. */
static void default_signals(int signals)
{
	sigset_t set;

	close(signals);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int run(const struct config *config)
{
	int signals = open_signals(), err;
	struct daemon *daemon;

	if (signals < 0) {
		log_line(LOG_ERROR, "cannot wait for signals: %s", strerror(-signals));
		return signals;
	}
	err = daemon_start(config, &daemon);
	if (err) {
		/* Not every part says why it failed. */
		log_line(LOG_ERROR, "the server does not start: %s", strerror(-err));
		close(signals);
		return err;
	}
	daemon_announce(daemon);
	tell_systemd("READY=1");

	err = serve(daemon, signals);
	tell_systemd("STOPPING=1");
	if (!err)
		drain(daemon, signals, config->drain_ms);
	default_signals(signals);
	daemon_end(daemon);
	log_line(LOG_INFO, "stopped");
	return err;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_LEN];
	struct config config;

	config_init(&config);
	if (config_parse(&config, argc, argv, error, sizeof(error))) {
		log_line(LOG_ERROR, "%s", error);
		return EXIT_FAILURE;
	}
	log_setup(config.log_level);
	return run(&config) ? EXIT_FAILURE : EXIT_SUCCESS;
}
