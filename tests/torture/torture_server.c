/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torture_server.c - every call of the server fails, in the life of a server
 *
 *	torture_server [--all] [--only FUNCTION[@OFFSET]]
 *
 * A fault at the start: the server starts, or ends with an error in its log
 * that says why; a fault at the end: it ends all the same. Nothing is left over.
 * A fault while it serves hits a visitor: he comes in after another attempt at
 * the latest, and a bystander, who holds a lock all the time, does not notice.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "items.h"
#include "plan.h"

enum { START, SERVE, STOP, PHASES };

static const char *const phases[FAULTS_PHASES] = {"start", "service", "stop", "", "", "", "", ""};

enum {
	OBJECT = 64 << 10,
	OBJECTS = 3,
	TRIES = 200,
	PAUSE_US = 20000,
	CONNECT_MS = 20000,
	SETTLE_MS = 20000,
	TRIAL_SECONDS = 120,
	LOG_MAX = 1 << 16,
};

static const char secret_path[] = "/tmp/torture-secret";
static const char config_path[] = "/tmp/torture-config";
static const char control_path[] = "/tmp/torture-control";
static const char counts_path[] = "/tmp/torture-counts";

static const char *const server_options[] = {
	"--config", config_path, "--secret-file", secret_path, "--control", control_path, NULL};

static struct plan *plan;
static struct faults *faults; /* the server's */
static size_t step;           /* the trial's */
static bool without_fault;    /* a run that only counts calls */
static bool failed;           /* it found something */
static unsigned port;

static struct spawn server;
static struct client bystander;
static struct items *bystander_items;
static unsigned serial;
static unsigned stock[FAULTS_KINDS]; /* what the server has alive between two visits */

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	failed = true;
	if (!without_fault)
		return plan_complain(plan, step, "%s", text);
	printf("# without a fault: %s\n", text);
	return -1;
}

static bool fired(void)
{
	return atomic_load(&faults->fired);
}

static bool is_function(const char *name)
{
	return !without_fault && !strcmp(faults_function(faults, plan->steps[step].site), name);
}

static int write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs(text, file);
	fclose(file);
	return chmod(path, 0600) ? -errno : 0;
}

static void read_log(char text[LOG_MAX])
{
	FILE *file = fopen(server.log, "re");
	size_t len = file ? fread(text, 1, LOG_MAX - 1, file) : 0;

	text[len] = '\0';
	if (file)
		fclose(file);
}

/* What no log may hold. */
static void check_log(void)
{
	static const char *const words[] = {
		"faults: a ", "Sanitizer", "runtime error", "panic", "assert"};
	static char log[LOG_MAX];
	unsigned i;

	read_log(log);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(log, words[i]))
			complain("its log has \"%s\":\n%s", words[i], log);
}

static void arm(void)
{
	if (!without_fault)
		faults_arm(faults, plan->steps[step].site, plan->steps[step].phase,
			plan->steps[step].n);
}

static void note_and_disarm(void)
{
	if (!without_fault && fired())
		atomic_store(&plan->steps[step].fired, true);
	atomic_store(&faults->site, -1);
}

/* It did not start: it says why, and leaves nothing behind. */
static int judge_failed_start(int err)
{
	static char log[LOG_MAX];
	const char *reason;

	if (err == -ETIMEDOUT)
		return complain("it neither starts nor ends");
	read_log(log);
	if (without_fault || !fired())
		return complain("it does not start, without a fault:\n%s", log);
	if (!WIFEXITED(server.ended) || WEXITSTATUS(server.ended) != EXIT_FAILURE)
		complain("it dies with status 0x%x", server.ended);
	reason = strerror(faults_errno(faults, plan->steps[step].site));
	if (!strstr(log, "remorad: error: "))
		complain("it does not start, and no error says why:\n%s", log);
	else if (!strstr(log, reason))
		complain("it does not start, and no error says \"%s\":\n%s", reason, log);
	if (!access(control_path, F_OK))
		complain("the socket of one that did not start is left over");
	check_log();
	unlink(server.log);
	server.pid = 0;
	return -1;
}

/* 0: it is there. */
static int start_server(void)
{
	int err;

	atomic_store(&faults->phase, START);
	setenv("REMORA_FAULTS", counts_path, 1);
	err = spawn_server(&server, port, server_options);
	unsetenv("REMORA_FAULTS");
	return err ? judge_failed_start(err) : 0;
}

static void stop_server(void)
{
	static char log[LOG_MAX];
	char path[sizeof(server.log)];
	int status;

	atomic_store(&faults->phase, STOP);
	/* The log is still needed when the server is gone. */
	snprintf(path, sizeof(path), "%s", server.log);
	if (link(path, "/tmp/torture-log"))
		complain("no link to the log: %s", strerror(errno));
	status = spawn_end(&server, SIGTERM);
	snprintf(server.log, sizeof(server.log), "/tmp/torture-log");
	if (status) {
		read_log(log);
		complain("it ends with status %d:\n%s", status, log);
	}
	check_log();
	unlink(server.log);
}

static int ask_control(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval wait = {.tv_sec = SETTLE_MS / 1000};
	char answer[1024] = "";
	ssize_t len = -1;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", control_path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
		send(fd, "audit\n", 6, MSG_NOSIGNAL) == 6)
		len = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	if (len < 0 && errno == EAGAIN)
		return complain("the control socket is silent");
	if (len <= 0)
		return -EAGAIN;
	if (strstr(answer, "\"ok\":true"))
		return 0;
	/* It had no memory to ask. */
	return strstr(answer, "no memory") || !strstr(answer, "problem")
		       ? -EAGAIN
		       : complain("an audit finds: %s", answer);
}

static int connect_up(struct client *client)
{
	int err = -EAGAIN, i;

	for (i = 0; err && i < TRIES; i++) {
		err = remora_wait_connected(client->adapter, CONNECT_MS);
		if (err)
			usleep(PAUSE_US);
	}
	return err ? complain("a client does not get in: %s; %s", strerror(-err), client->said) : 0;
}

static int start_client(struct client *client, size_t arena_len)
{
	static const struct client_options options = {
		.timeout_ms = 60000,
		.connect_timeout_ms = 10000,
		.data_lanes = 2,
		.queue_depth = 16,
		.bounce_size = 64 << 10,
		.secret_file = secret_path,
	};

	if (client_start(client, client_server(&server), arena_len, &options))
		return complain("no client");
	return connect_up(client);
}

/* Until it works; without a fault it works at once. */
static int again(struct client *client, int *tries, const char *what, int err)
{
	if (without_fault || !fired())
		complain("%s fails without a fault: %s", what, strerror(err < 0 ? -err : 0));
	if (++*tries >= TRIES)
		return complain("%s never works: %s", what, client->said);
	usleep(PAUSE_US);
	return connect_up(client);
}

static int store(struct client *client, struct items *items)
{
	int tries = 0, err;

	items_fill(items);
	while ((err = client_store(client, items->keys, items->objects, items->count, NULL)))
		if (again(client, &tries, "a store", err))
			return -1;
	return 0;
}

static int count_key(void *arg, const struct remora_key *key, uint64_t len, unsigned locked)
{
	(void)key;
	(void)len;
	(void)locked;
	++*(unsigned *)arg;
	return 0;
}

static int count_salt(void *arg, const char *salt, uint64_t bytes)
{
	(void)salt;
	(void)bytes;
	++*(unsigned *)arg;
	return 0;
}

/* Look up, load, unlock and ask. Negative: something did not work. */
static int use_once(struct client *client, struct items *items)
{
	struct remora_usage usage;
	unsigned count = 0;
	uint64_t len;
	int hits, i;

	hits = client_lookup(client, items->keys, items->count);
	/* With fewer hits it is not known which are locked: the end of the session tells. */
	if (hits != (int)items->count)
		return hits < 0 ? hits : -ENOENT;
	items_wipe(items);
	hits = client_load(client, items->keys, items->objects, items->count);
	remora_submit_unlock(client->adapter, items->keys, items->count);
	if (hits != (int)items->count)
		return hits < 0 ? hits : -ENOENT;
	if (items_wrong(items) != items->count)
		return complain("a load brought wrong bytes");
	i = remora_length(client->adapter, &items->keys[0], &len);
	if (!i)
		i = remora_usage(client->adapter, &usage);
	if (!i)
		i = remora_usage_salts(client->adapter, count_salt, &count);
	return i ? i : remora_list(client->adapter, NULL, count_key, &count);
}

static int use(struct client *client, struct items *items)
{
	int tries = 0, err;

	while ((err = use_once(client, items)))
		if (again(client, &tries, "a load", err))
			return -1;
	return 0;
}

static int delete_all(struct client *client, struct items *items)
{
	int tries = 0, err;

	while ((err = remora_delete(client->adapter, items->keys, items->count, NULL))) {
		/* Of a lookup that failed: they are given back when the session ends. */
		if (err == -EBUSY)
			return 0;
		if (again(client, &tries, "a delete", err))
			return -1;
	}
	return 0;
}

static int audit(void)
{
	int tries = 0, err;

	while ((err = ask_control()) == -EAGAIN) {
		if (!fired() || ++tries > TRIES)
			return complain("the control socket does not answer");
		usleep(PAUSE_US);
	}
	return err;
}

static void visit(void)
{
	struct client visitor;
	struct items *items;
	char name[ITEMS_KEY_LEN / 2];

	if (start_client(&visitor, OBJECTS * OBJECT)) {
		client_close(&visitor);
		return;
	}
	snprintf(name, sizeof(name), "v%u", serial++);
	items = items_create(name, OBJECTS, visitor.arena, OBJECT);
	if (!store(&visitor, items) && !use(&visitor, items))
		delete_all(&visitor, items);
	items_destroy(items);
	client_close(&visitor);
	audit();
}

static int bring_bystander(void)
{
	if (start_client(&bystander, OBJECT))
		return -1;
	bystander_items = items_create("bystander", 1, bystander.arena, OBJECT);
	if (store(&bystander, bystander_items))
		return -1;
	return client_lookup(&bystander, bystander_items->keys, 1) == 1
		       ? 0
		       : complain("a lookup fails without a fault");
}

static void send_bystander_away(void)
{
	items_destroy(bystander_items);
	bystander_items = NULL;
	client_close(&bystander);
}

static uint64_t bystander_connects(void)
{
	struct remora_status status;

	remora_status(bystander.adapter, &status);
	return status.connects;
}

/* He was there all the time and has his lock, or a fault of all sessions hit him too. */
static void ask_bystander(uint64_t connects)
{
	uint64_t rtt_ns;

	/* An answer comes by a session that was not ended, or the loss of it is known after this.
	 */
	remora_ping(bystander.adapter, &rtt_ns);
	if (connect_up(&bystander))
		return;
	if (bystander_connects() != connects) {
		if (!is_function("poll_cq"))
			complain("somebody else lost his session: %s", bystander.said);
		if (client_lookup(&bystander, bystander_items->keys, 1) != 1)
			complain("somebody else does not find his object");
	}
	items_wipe(bystander_items);
	if (client_load(&bystander, bystander_items->keys, bystander_items->objects, 1) != 1 ||
		items_wrong(bystander_items) != 1)
		complain("somebody else cannot load: %s", bystander.said);
	if (!client_usage_becomes(&bystander, CLIENT_SESSIONS, 1))
		complain("the session of a client that left does not end");
	if (!client_usage_becomes(&bystander, CLIENT_RESERVED, 0))
		complain("a reservation is left over");
	if (!client_usage_becomes(&bystander, CLIENT_LOCKED, 1))
		complain("a lock is left over, or one is lost");
}

/*
 * All but memory, which the store keeps for later: its end tells. What a visitor
 * leaves behind is gone a moment after him, so the least that was seen counts.
 */
static void compare_stock(void)
{
	uint64_t end = client_now_ms() + SETTLE_MS;
	unsigned now, kind;

	for (kind = FAULTS_MEMORY + 1; kind < FAULTS_KINDS; kind++) {
		while ((now = atomic_load(&faults->live[kind])) > stock[kind] &&
			client_now_ms() < end)
			usleep(PAUSE_US);
		if (now > stock[kind])
			complain("there were %u of %s and are %u", stock[kind],
				faults_kind_name((enum faults_kind)kind), now);
		stock[kind] = now;
	}
}

static void take_stock(void)
{
	unsigned kind;

	for (kind = 0; kind < FAULTS_KINDS; kind++)
		stock[kind] = atomic_load(&faults->live[kind]);
}

static bool server_is_dead(void)
{
	return kill(server.pid, 0) || waitpid(server.pid, NULL, WNOHANG);
}

static void serve_trial(void)
{
	uint64_t connects = bystander_connects();

	arm();
	visit();
	note_and_disarm();
	if (server_is_dead()) {
		complain("the server dies");
		return;
	}
	ask_bystander(connects);
	compare_stock();
}

static bool next_step(unsigned phase)
{
	if (plan->steps[step].phase != phase)
		return false;
	alarm(TRIAL_SECONDS);
	return true;
}

static void run_starts(void)
{
	for (step = 0; step < plan->count; step++) {
		if (!next_step(START))
			continue;
		arm();
		if (!start_server()) {
			note_and_disarm();
			stop_server();
		} else {
			note_and_disarm();
		}
	}
}

static int begin_service(void)
{
	if (start_server())
		return -1;
	atomic_store(&faults->phase, SERVE);
	if (bring_bystander())
		return -1;
	visit();
	take_stock();
	return 0;
}

static void end_service(void)
{
	send_bystander_away();
	stop_server();
}

static void run_services(void)
{
	bool serving = false;

	for (step = 0; step < plan->count; step++) {
		if (!next_step(SERVE))
			continue;
		atomic_store(&faults->site, -1);
		if (serving && server_is_dead()) {
			send_bystander_away();
			serving = false;
		}
		if (!serving && begin_service())
			return;
		serving = true;
		serve_trial();
	}
	step = plan->count - 1;
	if (serving)
		end_service();
}

static void run_stops(void)
{
	for (step = 0; step < plan->count; step++) {
		if (!next_step(STOP) || begin_service())
			continue;
		arm();
		stop_server();
		note_and_disarm();
		send_bystander_away();
	}
}

/* Only the second visit counts: what the first one makes may be there for good. */
static int count_calls(void)
{
	without_fault = true;
	if (begin_service())
		return -1;
	faults_reset(faults, SERVE);
	visit();
	stop_server();
	send_bystander_away();
	without_fault = false;
	return failed ? -1 : 0;
}

static int prepare(void)
{
	unlink(counts_path);
	faults = faults_map(counts_path);
	port = client_port(0);
	if (!faults || write_file(secret_path, "a secret that only a test would use\n"))
		return -1;
	return write_file(
		config_path, "memory = 16MiB\nworkers = 1\nlease-ms = 60000\ndrain-ms = 50\n");
}

static bool torture(bool all, const char *only)
{
	bool bad = false;

	if (prepare() || count_calls())
		return printf("1..1\nnot ok 1 - server: a run without faults\n"), true;
	plan = plan_create(faults, "server", getenv("REMORAD"), phases, START, PHASES, all);
	if (!plan)
		return true;
	if (only)
		plan_narrow(plan, only);
	printf("1..%u\n", plan_functions(plan));
	run_starts();
	run_services();
	run_stops();
	plan_tell(plan, 1, &bad);
	return bad;
}

/* The trial does not end: nothing that follows could be believed. */
static void hang(int signal)
{
	(void)signal;
	complain("it hangs");
	kill(server.pid, SIGKILL);
	_exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	bool all = false;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("SPAWN_HIDE_LOG", "1", 1);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			all = true;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
	}
	signal(SIGALRM, hang);
	faults_mine(); /* before the environment names those of the server */
	if (!client_has_lab(0))
		return EXIT_SUCCESS;
	return torture(all, only) ? EXIT_FAILURE : EXIT_SUCCESS;
}
