/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.c - a remorad of its own for a test; single-threaded */
#include "spawn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <rdma/rdma_cma.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_STEPS = 3000, STEP_US = 10000, ARGS_MAX = 32 };

static bool has_device(struct rdma_event_channel *channel, struct sockaddr *addr)
{
	struct rdma_cm_id *id;
	bool has;

	if (rdma_create_id(channel, &id, NULL, RDMA_PS_TCP))
		return false;
	has = !rdma_bind_addr(id, addr) && id->verbs;
	rdma_destroy_id(id);
	return has;
}

static int find_address(char *text, size_t text_len)
{
	struct rdma_event_channel *channel = rdma_create_event_channel();
	struct ifaddrs *all = NULL, *one;
	int err = -ENODEV;

	if (channel && !getifaddrs(&all)) {
		for (one = all; one && err; one = one->ifa_next) {
			struct sockaddr_in *in = (struct sockaddr_in *)one->ifa_addr;

			if (!in || in->sin_family != AF_INET || !has_device(channel, one->ifa_addr))
				continue;
			inet_ntop(AF_INET, &in->sin_addr, text, (socklen_t)text_len);
			err = 0;
		}
		freeifaddrs(all);
	}
	if (channel)
		rdma_destroy_event_channel(channel);
	return err;
}

/* The setting of the lab's last host. */
static const char *lab_setting(const char *name)
{
	const char *hosts = getenv("REMORA_LAB_HOSTS");
	char variable[64];

	if (!hosts)
		return NULL;
	snprintf(variable, sizeof(variable), "REMORA_LAB_%s_%s", name, hosts);
	return getenv(variable);
}

int spawn_address(char *text, size_t text_len)
{
	const char *lab = lab_setting("ADDR");

	if (!lab)
		return find_address(text, text_len);
	snprintf(text, text_len, "%s", lab);
	return 0;
}

void spawn_parse(struct sockaddr_storage *addr, const char *text, unsigned port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, text, &in->sin_addr);
}

/* Tests are of anything but authentication, unless they say how to do it. */
static bool says_who_may_enter(const char *const options[])
{
	static const char *const words[] = {"--secret-file", "--insecure", "--config"};

	for (; *options; options++)
		for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (!strncmp(*options, words[i], strlen(words[i])))
				return true;
	return false;
}

static void run_server(const char *listen, const char *const options[])
{
	const char *netns = lab_setting("NETNS"), *args[ARGS_MAX];
	unsigned count = 0;

	if (netns && *netns) {
		args[count++] = "ip";
		args[count++] = "netns";
		args[count++] = "exec";
		args[count++] = netns;
	}
	args[count++] = getenv("REMORAD");
	args[count++] = "--listen";
	args[count++] = listen;
	if (!says_who_may_enter(options))
		args[count++] = "--insecure";
	while (*options && count < ARGS_MAX - 1)
		args[count++] = *options++;
	args[count] = NULL;
	execvp(args[0], (char *const *)args);
	_exit(127);
}

static void show_log(const struct spawn *spawn)
{
	FILE *file = fopen(spawn->log, "re");
	char line[2048];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

static int wait_ready(struct spawn *spawn)
{
	unsigned i;

	for (i = 0; i < READY_STEPS; i++) {
		if (spawn_logged(spawn, "ready: address="))
			return 0;
		if (waitpid(spawn->pid, &spawn->ended, WNOHANG) == spawn->pid) {
			if (!getenv("SPAWN_HIDE_LOG"))
				show_log(spawn);
			return -ECHILD;
		}
		usleep(STEP_US);
	}
	show_log(spawn);
	return -ETIMEDOUT;
}

int spawn_server(struct spawn *spawn, unsigned port, const char *const options[])
{
	char host[INET_ADDRSTRLEN], listen[INET_ADDRSTRLEN + 8];
	int err, fd;

	memset(spawn, 0, sizeof(*spawn));
	err = spawn_address(host, sizeof(host));
	if (err)
		return err;
	spawn_parse(&spawn->addr, host, port);
	snprintf(listen, sizeof(listen), "%s:%u", host, port);

	strcpy(spawn->log, "/tmp/remorad-log-XXXXXX");
	fd = mkstemp(spawn->log);
	if (fd < 0)
		return -errno;
	spawn->pid = fork();
	if (!spawn->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		run_server(listen, options);
	}
	close(fd);
	return spawn->pid < 0 ? -errno : wait_ready(spawn);
}

int spawn_wait(struct spawn *spawn)
{
	int status, end;

	if (spawn->pid <= 0)
		return -ESRCH;
	if (waitpid(spawn->pid, &status, 0) != spawn->pid)
		return -errno;
	spawn->pid = 0;
	end = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (end || getenv("SPAWN_SHOW_LOG"))
		show_log(spawn);
	unlink(spawn->log);
	return end;
}

/* One that does not end is killed. */
static int wait_ended(const struct spawn *spawn)
{
	int status;
	unsigned i;

	for (i = 0; i < READY_STEPS; i++) {
		if (waitpid(spawn->pid, &status, WNOHANG) == spawn->pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		usleep(STEP_US);
	}
	kill(spawn->pid, SIGKILL);
	waitpid(spawn->pid, &status, 0);
	return -ETIMEDOUT;
}

int spawn_end(struct spawn *spawn, int signal)
{
	int status;

	if (spawn->pid <= 0)
		return -ESRCH;
	kill(spawn->pid, signal);
	status = wait_ended(spawn);
	if ((status && status != 128 + signal) || getenv("SPAWN_SHOW_LOG"))
		show_log(spawn);
	unlink(spawn->log);
	spawn->pid = 0;
	return status;
}

void spawn_freeze(const struct spawn *spawn)
{
	kill(spawn->pid, SIGSTOP);
	waitpid(spawn->pid, NULL, WUNTRACED);
}

void spawn_thaw(const struct spawn *spawn)
{
	kill(spawn->pid, SIGCONT);
}

unsigned spawn_logged(const struct spawn *spawn, const char *text)
{
	FILE *file = fopen(spawn->log, "re");
	char line[2048];
	unsigned count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += strstr(line, text) != NULL;
	if (file)
		fclose(file);
	return count;
}
