/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_connect.c - connections that cannot be: each ends in time, with a text that helps
 *
 * Attempts run in processes of their own, so that they can have less rights, or
 * another network, than the test.
 */
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "victim.h"

enum { MIB = 1 << 20, TEXT = 512, RPING_PORT = 9, TCP_PORT = 8, TRIES = 3 };

static struct spawn server;

static int set_up(void **state)
{
	static const char *const options[] = {"--memory", "16MiB", NULL};

	(void)state;
	return spawn_server(&server, client_port(0), options);
}

static int tear_down(void **state)
{
	(void)state;
	return spawn_end(&server, SIGTERM);
}

/* Try to connect; what is said. Returns the victim's exit status. */
static int attempt(const char *address, const char *arena, void (*before)(void), char said[TEXT])
{
	const char *const args[] = {"connect", address, arena, NULL};
	struct victim victim;

	assert_int_equal(victim_start(&victim, args, before), 0);
	victim_hear(&victim, said, TEXT);
	return victim_wait(&victim);
}

static void fails_with(const char *address, const char *const texts[])
{
	char said[TEXT];

	assert_int_equal(attempt(address, "0", NULL, said), EXIT_FAILURE);
	for (; *texts; texts++)
		if (!strstr(said, *texts))
			fail_msg("\"%s\" is not in \"%s\"", *texts, said);
}

/* The server's address with another port or another last byte. */
static const char *server_but(unsigned port, unsigned last_byte)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&server.addr;
	uint32_t host = ntohl(in->sin_addr.s_addr);
	static char text[32];

	if (last_byte)
		host = (host & ~0xffu) | last_byte;
	snprintf(text, sizeof(text), "%u.%u.%u.%u:%u", host >> 24, host >> 16 & 0xff,
		host >> 8 & 0xff, host & 0xff, port);
	return text;
}

static void a_server_that_is_there_is_reached(void **state)
{
	char said[TEXT] = "";
	int i;

	(void)state;
	/* Soft-iWARP's first attempts fail now and then. */
	for (i = 0; i < TRIES && strcmp(said, "connected") != 0; i++)
		attempt(client_server(&server), "1048576", NULL, said);
	assert_string_equal(said, "connected");
}

static void an_address_without_a_host_is_named(void **state)
{
	static const char *const texts[] = {".99:7471 cannot be reached", "is the host up", NULL};

	(void)state;
	fails_with(server_but(7471, 99), texts);
}

static void an_address_of_another_network_is_named(void **state)
{
	static const char *const texts[] = {"192.0.2.1:7471", "rdma link", NULL};

	(void)state;
	fails_with("192.0.2.1", texts);
}

static void a_port_where_nobody_listens_is_named(void **state)
{
	char port[16];
	const char *const texts[] = {port, "start remorad", NULL};

	(void)state;
	snprintf(port, sizeof(port), ":%u", client_port(1));
	fails_with(server_but(client_port(1), 0), texts);
}

/* Run a program on the server's host. */
static pid_t run_there(const char *const args[])
{
	const char *hosts = getenv("REMORA_LAB_HOSTS"), *argv[16] = {"ip", "netns", "exec"};
	unsigned count = 0;
	char name[32];
	pid_t pid;

	snprintf(name, sizeof(name), "REMORA_LAB_NETNS_%s", hosts ? hosts : "");
	if (getenv(name) && *getenv(name)) {
		argv[3] = getenv(name);
		count = 4;
	}
	while (*args)
		argv[count++] = *args++;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fclose(stdout);
		fclose(stderr);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	usleep(300000); /* neither of the programs tells when it listens */
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void something_else_that_speaks_rdma_is_recognised(void **state)
{
	char port[16], host[INET_ADDRSTRLEN];
	const char *const args[] = {"rping", "-s", "-a", host, "-p", port, NULL};
	const char *const texts[] = {port, NULL};
	pid_t pid;

	(void)state;
	snprintf(port, sizeof(port), "%u", client_port(RPING_PORT));
	assert_int_equal(spawn_address(host, sizeof(host)), 0);
	pid = run_there(args);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	fails_with(server_but(client_port(RPING_PORT), 0), texts);
	end(pid);
}

/* Soft-iWARP connects over TCP, so a TCP server answers at first. */
static void something_that_speaks_tcp_is_recognised(void **state)
{
	static const char listen_there[] =
		"import socket, sys, time\n"
		"s = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
		"while True: c, _ = s.accept(); c.sendall(b'SSH-2.0-nothing\\r\\n'); "
		"time.sleep(9)\n";
	char port[16], host[INET_ADDRSTRLEN];
	const char *const args[] = {"python3", "-c", listen_there, host, port, NULL};
	const char *const texts[] = {port, NULL};
	pid_t pid;

	(void)state;
	snprintf(port, sizeof(port), "%u", client_port(TCP_PORT));
	assert_int_equal(spawn_address(host, sizeof(host)), 0);
	pid = run_there(args);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	fails_with(server_but(client_port(TCP_PORT), 0), texts);
	end(pid);
}

static void lock_little_memory(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	struct rlimit limit = {.rlim_cur = 4 * MIB, .rlim_max = 4 * MIB};

	setrlimit(RLIMIT_MEMLOCK, &limit);
	syscall(SYS_capget, &header, data);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	data[0].inheritable &= ~(1u << CAP_IPC_LOCK);
	syscall(SYS_capset, &header, data);
	/* Root gets all of its capabilities back at an exec otherwise. */
	prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK);
}

static void a_memlock_limit_that_is_too_small_is_named(void **state)
{
	char said[TEXT];

	(void)state;
	assert_int_equal(attempt(client_server(&server), "67108864", lock_little_memory, said),
		EXIT_FAILURE);
	if (!strstr(said, "64.0 MiB") || !strstr(said, "4096 KiB") || !strstr(said, "ulimit -l"))
		fail_msg("\"%s\" does not name the size, the limit and the remedy", said);
}

static void leave_the_network(void)
{
	if (unshare(CLONE_NEWNET))
		_exit(126);
}

static void a_host_without_a_device_is_told_so(void **state)
{
	char said[TEXT];

	(void)state;
	assert_int_equal(
		attempt(client_server(&server), "0", leave_the_network, said), EXIT_FAILURE);
	if (!strstr(said, client_server(&server)) || !strstr(said, "rdma link"))
		fail_msg("\"%s\" does not name the server and the remedy", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_there_is_reached),
		cmocka_unit_test(an_address_without_a_host_is_named),
		cmocka_unit_test(an_address_of_another_network_is_named),
		cmocka_unit_test(a_port_where_nobody_listens_is_named),
		cmocka_unit_test(something_else_that_speaks_rdma_is_recognised),
		cmocka_unit_test(something_that_speaks_tcp_is_recognised),
		cmocka_unit_test(a_memlock_limit_that_is_too_small_is_named),
		cmocka_unit_test(a_host_without_a_device_is_told_so),
	};

	if (!client_has_lab(200))
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
