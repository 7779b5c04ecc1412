/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torture_client.c - every call of the library fails, in the life of an adapter
 *
 *	torture_client [--all] [--only FUNCTION[@OFFSET]]
 *
 * A trial opens an adapter, connects, stores, loads, loses the session and gets
 * it back, and closes; one call fails. Nothing may crash, hang or be left over,
 * every task completes, a failure is told in words, and the next attempt works.
 * Trials run in a few processes side by side, since they mostly wait.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "items.h"
#include "plan.h"

enum {
	START,
	CONNECT,
	STORE,
	LOAD,
	RECONNECT,
	STOP,
	PHASES,
	AFTER = FAULTS_PHASES - 1, /* what is not a part of the trial */
};

static const char *const phases[FAULTS_PHASES] = {
	"start", "connect", "store", "load", "reconnect", "stop", "", "the end"};

enum {
	WORKERS = 4,
	TRIAL_SECONDS = 150,
	OBJECT = 96 << 10,
	INSIDE = 3, /* objects in the arena */
	OUTSIDE = 2,
	TRIES = 200,
	PAUSE_US = 20000,
	SETTLE_MS = 20000,
};

static const char secret_path[] = "/tmp/torture-secret";

static struct plan *plan;
static struct faults *faults;
static const char *server_text;

/* One trial: no step if it is -1, a run without a fault. */
struct trial {
	long step;
	unsigned serial;
	struct client client;
	uint8_t *outside;
	struct items *inside_items, *outside_items;
	struct remora_listener listener;
	_Atomic unsigned told; /* keys that it was told of */
	bool failed;
};

__attribute__((format(printf, 2, 3))) static int complain(
	struct trial *trial, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trial->failed = true;
	if (trial->step >= 0)
		return plan_complain(plan, (size_t)trial->step, "%s", text);
	printf("# without a fault, during %s: %s\n", phases[atomic_load(&faults->phase)], text);
	return -1;
}

static void enter(unsigned phase)
{
	atomic_store(&faults->phase, phase);
}

static bool fired(void)
{
	return atomic_load(&faults->fired);
}

/* The errno of the fault, negative. */
static int fault_err(const struct trial *trial)
{
	return trial->step < 0 ? 0 : -faults_errno(faults, plan->steps[trial->step].site);
}

/* libcrypto has no errno. */
static bool without_reason(const struct trial *trial)
{
	return trial->step >= 0 &&
	       !strcmp(faults_function(faults, plan->steps[trial->step].site), "HMAC");
}

/* An error may only come of the fault, and says what the fault was. */
static int check_words(struct trial *trial, const char *what, int err)
{
	const char *reason = strerror(-fault_err(trial)), *broken = "";
	struct remora_status status;

	remora_status(trial->client.adapter, &status);
	/* The session that was broken on purpose has that reason. */
	if (atomic_load(&faults->phase) == RECONNECT)
		broken = strerror(EIO);
	if (!fired() && !status.connection_failures)
		return complain(trial, "%s failed without a fault: %s", what, strerror(-err));
	if (!status.error[0])
		return complain(trial, "%s failed (%s) and nothing says why", what, strerror(-err));
	if (!fired() || without_reason(trial) || strstr(status.error, reason))
		return 0;
	/* Another failure may have come after it: the log has both. */
	if (!client_said(&trial->client, reason) && (!*broken || !strstr(status.error, broken)))
		return complain(trial, "%s failed (%s), but \"%s\" does not name \"%s\"", what,
			strerror(-err), status.error, reason);
	return 0;
}

static int start(struct trial *trial)
{
	static const struct client_options options = {
		.timeout_ms = 60000,
		.connect_timeout_ms = 30000,
		.data_lanes = 2,
		.queue_depth = 16,
		.bounce_size = 64 << 10,
		.secret_file = secret_path,
	};
	int err;

	enter(START);
	err = client_start(&trial->client, server_text, INSIDE * OBJECT, &options);
	if (!err)
		return 0;
	if (!fired())
		return complain(trial, "open failed: %s", strerror(-err));
	if (err != fault_err(trial))
		complain(trial, "open failed by \"%s\" and says \"%s\"",
			strerror(-fault_err(trial)), strerror(-err));
	client_close(&trial->client);
	err = client_start(&trial->client, server_text, INSIDE * OBJECT, &options);
	return err ? complain(trial, "a second open failed: %s", strerror(-err)) : 0;
}

/* It may fail once for the fault; soft-iWARP fails now and then by itself. */
static int connect_up(struct trial *trial)
{
	int err = -EAGAIN, i;
	bool checked = false;

	for (i = 0; err && i < TRIES; i++) {
		err = remora_wait_connected(trial->client.adapter, SETTLE_MS);
		if (err && fired() && !checked) {
			check_words(trial, "connecting", err);
			checked = true;
		}
		if (err)
			usleep(PAUSE_US);
	}
	return err ? complain(trial, "does not connect: %s", strerror(-err)) : 0;
}

/* After something failed: until the session is there again. */
static int recover(struct trial *trial, int tries)
{
	if (tries >= TRIES)
		return complain(trial, "does not recover");
	usleep(PAUSE_US);
	return connect_up(trial);
}

static void stored(void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count)
{
	struct trial *trial = arg;

	(void)keys;
	(void)sizes;
	atomic_fetch_add(&trial->told, (unsigned)count);
}

static void read_back(void *arg, const struct remora_key *keys, size_t count)
{
	stored(arg, keys, NULL, count);
}

static int listen_to(struct trial *trial)
{
	int err;

	trial->listener = (struct remora_listener){
		.arg = trial, .stored = stored, .accessed = read_back, .deleted = read_back};
	err = remora_add_listener(trial->client.adapter, &trial->listener);
	if (err && fired())
		err = remora_add_listener(trial->client.adapter, &trial->listener);
	return err ? complain(trial, "no listener: %s", strerror(-err)) : 0;
}

/* Again until it works. */
static int store(struct trial *trial, struct items *items)
{
	int tries = 0, err;

	items_fill(items);
	for (;;) {
		err = client_store(&trial->client, items->keys, items->objects, items->count, NULL);
		if (!err)
			return 0;
		if (err == -ETIMEDOUT)
			return complain(trial, "a store does not complete");
		if (!tries && err != -ENOMEM)
			check_words(trial, "a store", err);
		if (recover(trial, tries++))
			return -1;
	}
}

static int check_bytes(struct trial *trial, const struct items *items, struct remora_bitmap *bits)
{
	size_t i;

	for (i = 0; i < items->count; i++)
		if (remora_bitmap_test(bits, i) &&
			!item_is(&items->keys[i], 0, items->objects[i].data, items->objects[i].len))
			return complain(trial, "a load brought wrong bytes");
	return 0;
}

/* How many keys hit; negative: the task could not be submitted, or never ends. */
static int load_once(struct trial *trial, struct items *items)
{
	struct remora_bitmap *bits;
	int64_t task;
	int hits;

	items_wipe(items);
	task = remora_submit_load(
		trial->client.adapter, items->keys, items->count, items->objects, items->count);
	if (task < 0)
		return (int)task;
	bits = client_await_load(&trial->client, task);
	if (!bits)
		return complain(trial, "a load does not complete"), -ETIMEDOUT;
	hits = check_bytes(trial, items, bits) ? -EBADMSG : (int)remora_bitmap_popcount(bits);
	remora_bitmap_destroy(bits);
	return hits;
}

static int lookup_once(struct trial *trial, struct items *items)
{
	struct remora_bitmap *bits;
	int64_t task = remora_submit_lookup(trial->client.adapter, items->keys, items->count);
	int hits;
	size_t i;

	if (task < 0)
		return (int)task;
	bits = client_await_lookup(&trial->client, task);
	if (!bits)
		return complain(trial, "a lookup does not complete"), -ETIMEDOUT;
	hits = (int)remora_bitmap_popcount(bits);
	/* All of them are locked now, or none shall be. */
	for (i = 0; i < items->count && hits < (int)items->count; i++)
		if (remora_bitmap_test(bits, i))
			remora_submit_unlock(trial->client.adapter, &items->keys[i], 1);
	remora_bitmap_destroy(bits);
	return hits;
}

static int until_all_hit(struct trial *trial, struct items *items,
	int (*once)(struct trial *trial, struct items *items), const char *what)
{
	int tries = 0, hits;

	while ((hits = once(trial, items)) != (int)items->count) {
		if (hits == -ETIMEDOUT || hits == -EBADMSG)
			return -1;
		if (!fired())
			return complain(trial, "%s found %d of %zu keys without a fault", what,
				hits, items->count);
		if (recover(trial, tries++))
			return -1;
	}
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

static int ask_usage(struct trial *trial)
{
	struct remora_usage usage;

	return remora_usage(trial->client.adapter, &usage);
}

static int ask_length(struct trial *trial)
{
	uint64_t len = 0;
	int err = remora_length(trial->client.adapter, &trial->inside_items->keys[0], &len);

	return !err && len != OBJECT ? -EBADMSG : err;
}

static int ask_list(struct trial *trial)
{
	struct remora_key prefix = trial->inside_items->keys[0];
	unsigned count = 0;
	int err;

	prefix.len -= 1; /* the number */
	err = remora_list(trial->client.adapter, &prefix, count_key, &count);
	return !err && count != INSIDE ? -EBADMSG : err;
}

static int ask_salts(struct trial *trial)
{
	unsigned count = 0;

	return remora_usage_salts(trial->client.adapter, count_salt, &count);
}

static int ask_ping(struct trial *trial)
{
	uint64_t rtt_ns;

	return remora_ping(trial->client.adapter, &rtt_ns);
}

static int ask_report(struct trial *trial)
{
	char *text = remora_report_status(trial->client.adapter);

	if (!text)
		return -ENOMEM;
	faults_forget(FAULTS_MEMORY, text);
	free(text);
	return 0;
}

static int ask_delete(struct trial *trial)
{
	struct remora_bitmap *deleted = NULL;
	int err =
		remora_delete(trial->client.adapter, trial->outside_items->keys, OUTSIDE, &deleted);

	remora_bitmap_destroy(deleted);
	return err;
}

static int ask(struct trial *trial, const char *what, int (*question)(struct trial *trial))
{
	int tries = 0, err;

	while ((err = question(trial))) {
		if (err == -EBADMSG)
			return complain(trial, "%s has a wrong answer", what);
		if (!tries && err != -ENOMEM)
			check_words(trial, what, err);
		if (recover(trial, tries++))
			return -1;
	}
	return 0;
}

static int ask_all(struct trial *trial)
{
	if (ask(trial, "usage", ask_usage) || ask(trial, "length", ask_length) ||
		ask(trial, "list", ask_list) || ask(trial, "salts", ask_salts) ||
		ask(trial, "ping", ask_ping) || ask(trial, "report", ask_report))
		return -1;
	return ask(trial, "delete", ask_delete);
}

static int load_all(struct trial *trial)
{
	struct items *in = trial->inside_items, *out = trial->outside_items;

	if (until_all_hit(trial, in, lookup_once, "a lookup") ||
		until_all_hit(trial, in, load_once, "a load") ||
		until_all_hit(trial, out, load_once, "a load without a lookup"))
		return -1;
	remora_submit_unlock(trial->client.adapter, in->keys, in->count);
	return 0;
}

/* A session breaks, and comes back. */
static int reconnect(struct trial *trial)
{
	struct remora_status before, now;
	uint64_t rtt_ns, end = client_now_ms() + SETTLE_MS;

	remora_status(trial->client.adapter, &before);
	faults_spoil(faults, "post_send");
	remora_ping(trial->client.adapter, &rtt_ns);
	do {
		if (connect_up(trial))
			return -1;
		remora_status(trial->client.adapter, &now);
	} while (now.connects == before.connects && client_now_ms() < end && !usleep(PAUSE_US));
	if (now.connects == before.connects)
		return complain(trial, "a session does not break, or not come back");
	return until_all_hit(trial, trial->inside_items, load_once, "a load");
}

/* A store that nobody waits for is told all the same. */
static void stop(struct trial *trial)
{
	struct remora_store_result result;
	int64_t task;
	size_t told;

	task = remora_submit_store(trial->client.adapter, trial->inside_items->keys, INSIDE,
		trial->inside_items->objects, INSIDE);
	if (task < 0 && (task != -ENOMEM || !fired()))
		complain(trial, "a store at the end: %s", strerror((int)-task));
	remora_close(trial->client.adapter);
	told = remora_pop_stores(trial->client.adapter, &result, 1);
	if (told != (task > 0))
		complain(trial, "a store at the end was told %zu times", told);
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* An attempt to connect that was abandoned ends a moment later. */
static void check_left_over(struct trial *trial, unsigned files)
{
	uint64_t end = client_now_ms() + SETTLE_MS;
	unsigned kind, left;

	for (;;) {
		for (left = 0, kind = 0; kind < FAULTS_KINDS; kind++)
			left += atomic_load(&faults->live[kind]);
		if ((!left && open_files() == files) || client_now_ms() >= end)
			break;
		usleep(PAUSE_US);
	}
	for (kind = 0; kind < FAULTS_KINDS; kind++)
		if (atomic_load(&faults->live[kind]))
			complain(trial, "leaves a %s", faults_kind_name(kind));
	if (left)
		faults_tell_live();
	if (open_files() != files)
		complain(trial, "%u files were open and %u are", files, open_files());
}

static int make_items(struct trial *trial)
{
	char name[ITEMS_KEY_LEN / 2 + 1];

	snprintf(name, sizeof(name), "i%u.%u", (unsigned)getpid(), trial->serial);
	trial->inside_items = items_create(name, INSIDE, trial->client.arena, OBJECT);
	name[0] = 'o';
	trial->outside_items = items_create(name, OUTSIDE, trial->outside, OBJECT);
	return trial->inside_items && trial->outside_items ? 0 : -1;
}

static void live(struct trial *trial)
{
	enter(CONNECT);
	if (connect_up(trial))
		return;
	enter(STORE);
	if (listen_to(trial) || store(trial, trial->inside_items) ||
		store(trial, trial->outside_items))
		return;
	enter(LOAD);
	if (load_all(trial) || ask_all(trial))
		return;
	enter(RECONNECT);
	if (reconnect(trial))
		return;
	enter(STOP);
	stop(trial);
	if (!atomic_load(&trial->told) && !fired())
		complain(trial, "the listener was told nothing");
}

static void run_trial(long step, unsigned serial, unsigned files)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	alarm(TRIAL_SECONDS);
	trial->step = step;
	trial->serial = serial;
	trial->outside = malloc(OUTSIDE * (size_t)OBJECT);
	if (step >= 0)
		faults_arm(faults, plan->steps[step].site, plan->steps[step].phase,
			plan->steps[step].n);
	if (!start(trial) && !make_items(trial))
		live(trial);
	client_close(&trial->client);
	enter(AFTER);
	if (files)
		check_left_over(trial, files);
	if (step >= 0 && fired())
		atomic_store(&plan->steps[step].fired, true);
	faults_disarm(faults);
	items_destroy(trial->inside_items);
	items_destroy(trial->outside_items);
	free(trial->outside);
	/* A leak of memory is told of already; here it would hide the next one. */
	if (trial->failed && step < 0)
		exit(EXIT_FAILURE);
	free(trial);
}

/* Twice, so that what is made once for ever is not in the counts. */
static void count_calls(void)
{
	unsigned phase;

	faults = faults_mine();
	run_trial(-1, 0, 0);
	run_trial(-1, 1, open_files());
	for (phase = START; phase < PHASES; phase++)
		faults_reset(faults, phase);
	run_trial(-1, 2, open_files());
	exit(EXIT_SUCCESS);
}

static void work(_Atomic long *at)
{
	unsigned serial = 1, files;
	size_t step;

	faults = faults_split();
	run_trial(-1, 0, 0);
	files = open_files();
	while ((step = atomic_fetch_add(&plan->next, 1)) < plan->count) {
		atomic_store(at, (long)step);
		run_trial((long)step, serial++, files);
		atomic_store(at, -1);
	}
	exit(EXIT_SUCCESS);
}

static pid_t spawn_worker(_Atomic long *at)
{
	pid_t pid;

	atomic_store(at, -1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		work(at);
	return pid;
}

/* The worker is over; tell of a trial that it did not survive. True: start another. */
static bool bury(int status, _Atomic long *at)
{
	long step = atomic_load(at);

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return false;
	if (step < 0) {
		printf("# a process failed without a fault (status 0x%x)\n", status);
		atomic_fetch_add(&plan->steps[0].complaints, 1);
		return false;
	}
	if (WIFSIGNALED(status))
		plan_complain(plan, (size_t)step, "the process dies: %s",
			WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
	else
		plan_complain(plan, (size_t)step, "the process ends with %d", WEXITSTATUS(status));
	return true;
}

static void run_plan(void)
{
	_Atomic long *at = mmap(NULL, WORKERS * sizeof(*at), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t workers[WORKERS], pid;
	unsigned i, running = WORKERS;
	int status;

	for (i = 0; i < WORKERS; i++)
		workers[i] = spawn_worker(&at[i]);
	while (running && (pid = wait(&status)) > 0) {
		for (i = 0; i < WORKERS && workers[i] != pid; i++)
			;
		if (i == WORKERS)
			continue;
		running--;
		if (bury(status, &at[i])) {
			workers[i] = spawn_worker(&at[i]);
			running++;
		}
	}
}

static int count_in_child(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		count_calls();
	return waitpid(pid, &status, 0) == pid && !status ? 0 : -1;
}

/* Whatever happened to them, no client has left anything on the server. */
static bool server_is_clean(const struct spawn *server)
{
	static const struct client_options options = {
		.bounce_size = 64 << 10, .secret_file = secret_path};
	struct client client;
	bool clean;

	clean = !client_open_with(&client, client_server(server), 0, &options) &&
		client_usage_becomes(&client, CLIENT_SESSIONS, 1) &&
		client_usage_becomes(&client, CLIENT_LOCKED, 0) &&
		client_usage_becomes(&client, CLIENT_RESERVED, 0);
	client_close(&client);
	return clean;
}

static bool torture(const struct spawn *server, bool all, const char *only)
{
	unsigned number;
	bool bad = false;

	if (count_in_child())
		return printf("1..1\nnot ok 1 - client: a run without faults\n"), true;
	plan = plan_create(
		faults_mine(), "client", getenv("TORTURE_LIBRARY"), phases, START, PHASES, all);
	if (!plan)
		return true;
	if (only)
		plan_narrow(plan, only);
	printf("1..%u\n", plan_functions(plan) + 2);
	run_plan();
	number = plan_tell(plan, 1, &bad);
	faults_disarm(faults_mine());
	if (!server_is_clean(server)) {
		bad = true;
		printf("not ");
	}
	printf("ok %u - client: nothing is left on the server\n", number);
	return bad;
}

static int write_secret(void)
{
	FILE *file = fopen(secret_path, "we");

	if (!file)
		return -errno;
	fputs("a secret that only a test would use\n", file);
	fclose(file);
	return chmod(secret_path, 0600) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {
		"--memory", "256MiB", "--secret-file", secret_path, NULL};
	const char *only = NULL;
	struct spawn server;
	bool all = false, bad;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			all = true;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
	}
	faults_mine();
	if (!client_has_lab(0))
		return EXIT_SUCCESS;
	if (write_secret() || spawn_server(&server, client_port(0), options))
		return EXIT_FAILURE;
	server_text = strdup(client_server(&server));
	bad = torture(&server, all, only);
	i = spawn_end(&server, SIGTERM);
	printf("%sok %u - client: the server ends well\n", i ? "not " : "",
		plan ? plan_functions(plan) + 2 : 2);
	return bad || i ? EXIT_FAILURE : EXIT_SUCCESS;
}
