/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outage.c - measures what each fault costs in time; no test
 *
 *	scripts/lab run --hosts 2 --device siw -- \
 *		env REMORAD=build/server/remorad build/tests/rdma/outage
 *
 * For each fault and round: after how many ms tasks failed at once, and how many
 * ms after the fault's end a store succeeded again.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cable.h"
#include "client.h"

enum { ROUNDS = 3, FAULT_S = 12, PORT = 7630, STEP_US = 2000 };

static const char *const options[] = {"--memory", "16MiB", NULL};
static struct spawn server;
static struct client client;
static uint64_t noticed_ms;

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "outage: %s failed: %d\n", what, err);
	exit(EXIT_FAILURE);
}

static int breaker_open(void)
{
	struct remora_status status;

	remora_status(client.adapter, &status);
	return status.breaker_open;
}

static void wait_noticed(uint64_t since)
{
	while (!breaker_open())
		usleep(STEP_US);
	noticed_ms = client_now_ms() - since;
}

static void sleep_until(uint64_t ms)
{
	while (client_now_ms() < ms)
		usleep(STEP_US);
}

/* Each of them returns when the fault is over. */
static void kill_server(void)
{
	uint64_t start = client_now_ms();

	kill(server.pid, SIGKILL);
	wait_noticed(start);
	spawn_wait(&server);
	must(spawn_server(&server, PORT, options), "a new server");
}

static void cut_cable(void)
{
	uint64_t start = client_now_ms();

	must(cable_lose(100), "tc");
	wait_noticed(start);
	sleep_until(start + FAULT_S * 1000);
	must(cable_mend(), "tc");
}

static void stop_client(void)
{
	char command[64];
	uint64_t start;

	snprintf(command, sizeof(command), "(sleep %d; kill -CONT %d) &", FAULT_S, (int)getpid());
	must(system(command), "sh");
	raise(SIGSTOP);
	start = client_now_ms();
	wait_noticed(start);
}

static void stop_server(void)
{
	uint64_t start = client_now_ms();

	spawn_freeze(&server);
	wait_noticed(start);
	sleep_until(start + FAULT_S * 1000);
	spawn_thaw(&server);
}

static void measure(const char *name, void (*fault)(void))
{
	static unsigned serial;
	uint8_t data[4096] = {0};
	struct remora_object object = {.data = data, .len = sizeof(data)};
	struct remora_key key = {.data = &serial, .len = sizeof(serial)};
	uint64_t end;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		while (client_store(&client, &key, &object, 1, NULL))
			usleep(STEP_US);
		fault();
		end = client_now_ms();
		serial++;
		while (client_store(&client, &key, &object, 1, NULL))
			usleep(STEP_US);
		printf("%-12s noticed %6llu ms, back %6llu ms\n", name,
			(unsigned long long)noticed_ms,
			(unsigned long long)(client_now_ms() - end));
		sleep(2); /* so that the session does not count as one that died young */
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	must(spawn_server(&server, PORT, options), "the server");
	must(client_open(&client, &server, 0, 0), "connecting");
	measure("server-kill", kill_server);
	measure("client-stop", stop_client);
	measure("server-stop", stop_server);
	measure("cable-cut", cut_cable);
	client_close(&client);
	return spawn_end(&server, SIGKILL) == 128 + SIGKILL ? EXIT_SUCCESS : EXIT_FAILURE;
}
