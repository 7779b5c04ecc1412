/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.c - a server under attack, and an honest client that watches it; single-threaded */
#include "hostile.h"

#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	OPTIONS_MAX = 24,
	WAIT_STEPS = 3000,
	STEP_US = 10000,
	RSS_SLACK_KIB = 8192, /* what an allocator may keep: it is as much after 100 sessions as
				 after 1000 */
};

/* Sanitizers keep what was freed for a while: there they look for leaks themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RSS_COUNTS = 0 };
#else
enum { RSS_COUNTS = 1 };
#endif

struct spawn hostile_server;
struct raw hostile_honest;

static char control_path[64];

/* What the server had before the first attack. */
static struct {
	unsigned fds;
	unsigned long rss_kib;
} before;

static unsigned server_fds(void)
{
	struct dirent *entry;
	unsigned count = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)hostile_server.pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static unsigned long server_rss_kib(void)
{
	unsigned long kib = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)hostile_server.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %lu kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

int hostile_begin(unsigned port, const char *const options[])
{
	/* The honest client is silent while others attack: no lease is to end then. */
	const char *all[OPTIONS_MAX] = {"--memory", "64MiB", "--workers", "2", "--lease-ms",
		"3600000", "--control", control_path};
	unsigned count = 8;
	int err;

	snprintf(control_path, sizeof(control_path), "/tmp/remorad-hostile-%d", (int)getpid());
	while (options && *options && count < OPTIONS_MAX - 1)
		all[count++] = *options++;
	err = spawn_server(&hostile_server, port, all);
	if (!err)
		err = raw_hello(&hostile_honest, &hostile_server.addr);
	if (err)
		return err;
	/* Once, so that what is only allocated at the first time is there. */
	hostile_serves();
	before.fds = server_fds();
	hostile_keep_memory();
	return 0;
}

void hostile_keep_memory(void)
{
	before.rss_kib = server_rss_kib();
}

int hostile_end(void **state)
{
	(void)state;
	raw_close(&hostile_honest);
	return spawn_end(&hostile_server, SIGTERM);
}

void hostile_serves(void)
{
	static uint8_t fill;
	struct wire_extent extent;
	struct raw *raw = &hostile_honest;

	memset(raw->buffer, ++fill, HOSTILE_OBJECT);
	assert_int_equal(raw_reserve(raw, "honest", HOSTILE_OBJECT, &extent), WIRE_OK);
	assert_int_equal(raw_write(raw, &extent, HOSTILE_OBJECT), 0);
	assert_int_equal(raw_handle(raw, WIRE_COMMIT, extent.handle), WIRE_OK);
	memset(raw->buffer, 0, HOSTILE_OBJECT);
	assert_int_equal(raw_lookup(raw, "honest", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	assert_int_equal(raw_read(raw, &extent, HOSTILE_OBJECT), 0);
	for (unsigned i = 0; i < HOSTILE_OBJECT; i++)
		assert_int_equal(raw->buffer[i], fill);
	assert_int_equal(raw_handle(raw, WIRE_UNLOCK, extent.handle), WIRE_OK);
	assert_int_equal(raw_delete(raw, "honest"), WIRE_OK);
}

static json_t *ask(const char *command)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *stream = fdopen(fd, "r");
	json_t *answer;

	assert_non_null(stream);
	strcpy(addr.sun_path, control_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(dprintf(fd, "%s\n", command) > 0);
	answer = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(answer);
	fclose(stream);
	return answer;
}

unsigned hostile_connections(void)
{
	json_t *answer = ask("sessions");
	size_t count = json_array_size(json_object_get(answer, "sessions"));

	json_decref(answer);
	return (unsigned)count;
}

/* The server's own books agree: every extent and lock belongs to somebody. */
static void check_books(void)
{
	json_t *answer = ask("audit");

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%s", json_dumps(answer, JSON_COMPACT));
	json_decref(answer);
}

static struct wire_usage usage(void)
{
	struct wire_usage usage;

	assert_int_equal(raw_usage(&hostile_honest, &usage), 0);
	return usage;
}

void hostile_wait_sessions(uint64_t sessions)
{
	for (int i = 0; i < WAIT_STEPS && usage().sessions != sessions; i++)
		usleep(STEP_US);
	assert_int_equal(usage().sessions, sessions);
}

void hostile_wait_connections(unsigned most)
{
	for (int i = 0; i < WAIT_STEPS && hostile_connections() > most; i++)
		usleep(STEP_US);
	assert_in_range(hostile_connections(), 0, most);
}

/* Of the control connection just closed one may be left for a moment. */
static void wait_fds(void)
{
	for (int i = 0; i < WAIT_STEPS && server_fds() > before.fds; i++)
		usleep(STEP_US);
	assert_int_equal(server_fds(), before.fds);
}

void hostile_audit(void)
{
	struct wire_usage now;

	hostile_serves();
	hostile_wait_connections(1);
	check_books();
	now = usage();
	assert_int_equal(now.sessions, 1);
	assert_int_equal(now.reserved, 0);
	assert_int_equal(now.locked, 0);
	wait_fds();
	if (RSS_COUNTS)
		assert_in_range(server_rss_kib(), 1, before.rss_kib + RSS_SLACK_KIB);
	hostile_serves();
}

struct wire_connect attacker_connect(void)
{
	struct wire_connect want = raw_control();

	want.frame = WIRE_FRAME_MIN;
	want.credits = 2;
	return want;
}

void attacker_open_lane(struct attacker *attacker)
{
	struct wire_connect want = attacker_connect();

	assert_false(attacker->open);
	assert_int_equal(raw_open(&attacker->raw, &hostile_server.addr, &want), 0);
	attacker->open = true;
}

/*
 * A stored object is locked, and room for another one is reserved: under a key
 * of its own each time, as the one before may have been committed.
 */
static void hold(struct attacker *attacker)
{
	static unsigned count;
	struct raw *raw = &attacker->raw;
	struct wire_extent extent;
	char key[32];
	int status = raw_reserve(raw, "locked", HOSTILE_OBJECT, &extent);

	snprintf(key, sizeof(key), "reserved %u", count++);
	if (status == WIRE_OK)
		status = raw_handle(raw, WIRE_COMMIT, extent.handle);
	assert_true(status == WIRE_OK || status == WIRE_EXISTS);
	assert_int_equal(raw_lookup(raw, "locked", WIRE_FLAG_LOCK, &extent), WIRE_OK);
	attacker->locked = extent.handle;
	assert_int_equal(raw_reserve(raw, key, HOSTILE_OBJECT, &extent), WIRE_OK);
	attacker->reserved = extent.handle;
}

void attacker_open(struct attacker *attacker)
{
	const struct secret none = {.len = 0};

	if (attacker->open)
		return;
	attacker_open_lane(attacker);
	assert_int_equal(raw_greet(&attacker->raw, "", &none), 0);
	hold(attacker);
}

void attacker_close(struct attacker *attacker)
{
	if (attacker->open)
		raw_close(&attacker->raw);
	attacker->open = false;
}
