/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter.h - keep objects somewhere else than in the caller's memory
 *
 * An adapter moves batches of immutable objects between the caller's buffers
 * and a place that its type knows: `rdma`, the memory of a remote server, or
 * `mock`, this process's RAM. The submit functions never block and may be
 * called from any thread at any time; work is done by threads of the library.
 *
 * A finished task makes one of three event fds readable. Its result is
 * recorded before the fd is signalled, and is told exactly once. Whatever
 * happens (bad arguments, a dead server, a timeout, close) a task that got an
 * id completes, within the timeout of the adapter's configuration.
 *
 * Keys and salts are copied by submit. Buffers stay the caller's, must stay
 * valid and (for a store) unchanged until the task's result is told, and no
 * NIC and no thread touches them after that.
 *
 * Functions return 0 or a count on success and a negative errno on failure.
 * Out parameters are written only on success, unless said otherwise. All of
 * them may be called by several threads at once, except remora_destroy(),
 * which must be the last call on its adapter. An adapter that is NULL gives
 * -EINVAL, or nothing where nothing is returned.
 *
 * What a type cannot do gives -EOPNOTSUPP; all types can store, look up and
 * lock, unlock, load and close.
 */
#ifndef REMORA_ADAPTER_H
#define REMORA_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#include <remora/bitmap.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	REMORA_KEY_MAX = 1024, /* bytes in the longest key; the shortest has 1 */
	REMORA_SALT_MAX = 128, /* bytes in the longest salt, without its end */
	REMORA_DEFAULT_PORT = 7471,
};

struct remora_adapter;
struct remora_config;

/* A key: 1 to REMORA_KEY_MAX bytes of any value. */
struct remora_key {
	const void *data;
	size_t len;
};

/*
 * The caller's memory of one object: read by a store, filled by a load. The
 * salt is a label that a store gives the object, by which remora_usage_salts()
 * accounts it; it is no part of the key. NULL is "". Loads do not look at it.
 */
struct remora_object {
	void *data;
	size_t len;
	const char *salt;
};

enum remora_log_level { REMORA_LOG_ERROR, REMORA_LOG_WARN, REMORA_LOG_INFO, REMORA_LOG_DEBUG };

/* Called from any thread of the library; the text has no newline. */
typedef void (*remora_log_fn)(void *arg, enum remora_log_level level, const char *text);

/* What the caller's process lends an adapter. */
struct remora_host {
	/*
	 * The memory that most buffers lie in, or NULL and 0. It must stay
	 * mapped until close. A type may register it once, and then moves
	 * buffers inside it without a copy, others with one.
	 */
	void *arena;
	size_t arena_len;

	remora_log_fn log; /* NULL: nothing is logged */
	void *log_arg;
};

/*
 * Start an adapter of the configuration's type (see config.h); the
 * configuration is not needed any more after the return. Host NULL: no arena, no
 * log. Returns at once: connecting, where there is something to connect to,
 * goes on in the background, and tasks submitted meanwhile wait for it.
 *
 * -EINVAL: a field that the type requires is missing, or the host or a value
 * makes no sense (the log says which); -ENOMEM, -EMFILE, -EAGAIN: out of
 * memory, file descriptors, threads.
 */
int remora_open(const struct remora_config *config, const struct remora_host *host,
	struct remora_adapter **adapter);

/* The name of the adapter's type; NULL only for NULL. */
const char *remora_type_name(const struct remora_adapter *adapter);

/*
 * Wait until the adapter is connected, or until an attempt to connect that
 * was under way has failed; remora_status() then tells why in words. A type
 * with nothing to connect to returns 0 at once.
 *
 * -ETIMEDOUT: neither happened within timeout_ms; -ECANCELED: it is closed;
 * any other error is that of the failed attempt.
 */
int remora_wait_connected(struct remora_adapter *adapter, uint32_t timeout_ms);

/*
 * Complete every unfinished task as failed (lookups find nothing, a load may
 * have got some of its keys), disconnect, give locks back, and tell the listeners what is left
 * to tell. After the return no NIC, local or remote, and no thread touches a
 * buffer of the caller. The event fds stay open and signalled, and results
 * can still be fetched.
 *
 * Whatever is submitted afterwards completes at once, signals, and has failed:
 * a store with -ECANCELED, lookups and loads with no bit set. Everything that
 * asks returns -ECANCELED. Unlocks are ignored. May be called again, and by
 * several threads: each returns when the adapter is closed. Not to be called
 * by a listener. NULL is allowed.
 */
void remora_close(struct remora_adapter *adapter);

/*
 * Close, close the event fds and free. Results that were not fetched are
 * dropped. The last call on the adapter. NULL is allowed.
 */
void remora_destroy(struct remora_adapter *adapter);

/*
 * The event fds: real, non-blocking eventfds, distinct from each other and
 * from those of other adapters, the same until remora_destroy(). One read
 * clears the count of completions, which may be any number: fetch results
 * until there are none. They stay the adapter's: never close them.
 */
int remora_store_fd(const struct remora_adapter *adapter);
int remora_lookup_fd(const struct remora_adapter *adapter);
int remora_load_fd(const struct remora_adapter *adapter);

/*
 * Store objects[i] under keys[i]. The task succeeds only if every key is on
 * the adapter afterwards, stored by this task or before it (a key that exists
 * keeps its content and its salt and costs no transfer). If it fails, some keys
 * may have been stored. A key that occurs twice is stored once, as its first
 * object. An empty batch succeeds.
 *
 * Returns the task's id, which is positive and unique in the adapter. A
 * mistake in the arguments (counts that differ, a NULL array, a bad key, an
 * empty or too large object, a salt that is too long) makes the task fail, and
 * store nothing, but not the call.
 *
 * -ENOMEM: there was no memory for the task; -EINVAL: adapter is NULL.
 */
int64_t remora_submit_store(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count);

struct remora_store_result {
	int64_t task;
	int error;      /* 0, or the negative errno of the first key that failed */
	uint64_t bytes; /* really transferred; 0 for keys that existed */
};

/* Fetch at most max finished stores, each exactly once. Returns their number. */
size_t remora_pop_stores(
	struct remora_adapter *adapter, struct remora_store_result *results, size_t max);

/*
 * Look keys up and lock those found: until the matching unlock, or the end of
 * this adapter's session, they are neither evicted nor deleted. Each hit
 * counts one lock, also for keys that occur twice. A bad key is not found;
 * keys NULL finds nothing. Returns an id or an error as remora_submit_store().
 */
int64_t remora_submit_lookup(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count);

/*
 * Tell a lookup's result, once: bit i says that keys[i] was found and locked.
 * The bitmap has exactly as many bits as the lookup had keys (none for an
 * empty batch) and is the caller's, to be destroyed.
 *
 * -EAGAIN: not finished yet; -ENOENT: no such lookup, or already told, or the
 * id of a task of another kind.
 */
int remora_query_lookup(
	struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result);

/*
 * Give back one lock a key. Unknown, bad and unlocked keys are ignored, also
 * NULL and an empty batch. Nothing to wait for: it is delivered, or the end of
 * the session has released the lock.
 */
void remora_submit_unlock(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count);

/*
 * Fill objects[i] with what is stored under keys[i]. Keys locked by an earlier
 * lookup cost no request to a server, only the transfer; others are locked
 * for the duration. objects[i].len must be the stored length: otherwise the
 * key misses. Buffers of keys that miss are not touched, unless the transfer
 * itself failed halfway. A key may occur twice, each time with a buffer of its
 * own. An object without memory misses. Arrays that differ in length or are NULL
 * make every key miss, in a bitmap of key_count bits.
 */
int64_t remora_submit_load(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count);

/* As remora_query_lookup(): bit i says that objects[i] holds the whole object. */
int remora_query_load(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result);

/*
 * Delete keys and wait for the answer. Bit i of *deleted (may be NULL) says
 * that keys[i] was there and is gone, once for a key that occurs twice; locked
 * objects stay. The usage is lower before the return. Keys that a store in
 * progress is about to publish are not there yet. *deleted is the caller's, and
 * written on 0 and on -EBUSY.
 *
 * -EBUSY: at least one key is locked, or a store in progress found it there and
 * relies on it; the others are deleted. -EINVAL: a bad key or no array, nothing
 * is deleted; -ECANCELED: closed; -ETIMEDOUT, -ENOTCONN, -ECONNRESET: the server
 * could not be asked, or not until the end, and some may be gone.
 */
int remora_delete(struct remora_adapter *adapter, const struct remora_key *keys, size_t count,
	struct remora_bitmap **deleted);

/*
 * Ask how many bytes are stored under a key; locks nothing. -ENOENT: the key is
 * not there; other errors as remora_delete().
 */
int remora_length(struct remora_adapter *adapter, const struct remora_key *key, uint64_t *len);

/* Called once an object; key->data lives until the return. Non-zero ends the listing. */
typedef int (*remora_list_fn)(
	void *arg, const struct remora_key *key, uint64_t len, unsigned locked);

/*
 * Call fn for every object whose key starts with prefix (NULL: all), in no
 * particular order. Objects that are there from the beginning to the end of
 * the call are named exactly once. Returns what fn returned if not 0. The
 * adapter may be used from fn.
 */
int remora_list(struct remora_adapter *adapter, const struct remora_key *prefix, remora_list_fn fn,
	void *arg);

/*
 * One page of remora_list(), of as many objects as the type finds fit, also
 * none. *cursor is 0 for the first page; it is set to what the next page
 * starts with, 0 after the last one, and means nothing to another adapter.
 * If fn ends the listing, or with an error, *cursor stays as it was.
 */
int remora_list_page(struct remora_adapter *adapter, const struct remora_key *prefix,
	uint64_t *cursor, remora_list_fn fn, void *arg);

struct remora_usage {
	uint64_t capacity;  /* bytes that there is room for; 0: not known */
	uint64_t used;      /* bytes taken by objects and reservations, in rdma whole pages */
	uint64_t reserved;  /* of these, promised to stores in progress */
	uint64_t objects;   /* visible to a lookup */
	uint64_t locked;    /* objects with at least one lock */
	uint64_t sessions;  /* clients connected; 1 where there is no server */
	uint64_t evictions; /* objects evicted since the start */
	uint64_t hits;      /* keys found by lookups since the start */
	uint64_t misses;    /* and not found */
	uint64_t stored;    /* objects committed since the start */
	uint64_t uptime_ms;
	uint64_t user_cpu_us; /* of the server process; 0 where there is none */
	uint64_t system_cpu_us;
};

/* Ask the server, and wait for the answer. Errors as remora_delete(). */
int remora_usage(struct remora_adapter *adapter, struct remora_usage *usage);

/* Called once a salt; the text lives until the return. Non-zero ends the telling. */
typedef int (*remora_salt_fn)(void *arg, const char *salt, uint64_t bytes);

/*
 * How many bytes are stored under each salt, logical bytes of visible objects,
 * whoever stored them. Salts without objects are not named. Returns what fn
 * returned if not 0. Errors as remora_delete().
 */
int remora_usage_salts(struct remora_adapter *adapter, remora_salt_fn fn, void *arg);

/* One round trip of an empty request. Errors as remora_delete(). */
int remora_ping(struct remora_adapter *adapter, uint64_t *rtt_ns);

struct remora_status {
	int connected;
	int healthy;              /* tasks submitted now can be expected to succeed */
	uint64_t boot_id;         /* of the server; 0 before the first connection */
	uint64_t tasks_in_flight; /* submitted and not complete */
	uint64_t bytes_written;   /* stored, since open */
	uint64_t bytes_read;
	uint64_t bytes_bounced;       /* of these, copied because they lay outside the arena */
	uint64_t work_requests;       /* one-sided operations posted */
	uint64_t doorbells;           /* posts of a list of them */
	uint64_t connects;            /* sessions established since open */
	uint64_t connection_failures; /* attempts that failed and sessions that broke */
	int breaker_open;             /* the server is down: tasks fail at once */
	uint32_t breaker_retry_ms;    /* until the next attempt to connect; 0: none planned */
	char device[64];              /* RDMA device in use; "" before the first connection */
	char error[256];              /* why the last attempt or session failed; "" if none did */
};

/* What the client knows; asks nobody. All zero for NULL. */
void remora_status(struct remora_adapter *adapter, struct remora_status *status);

/* A server that the adapter works with. */
struct remora_peer {
	char address[64];
	int connected;
	uint64_t boot_id; /* 0 before the first connection */
	char device[64];
	char error[256];
};

/* -ENOENT: it has no more than index peers; `mock` has none. Asks nobody. */
int remora_peer(struct remora_adapter *adapter, size_t index, struct remora_peer *peer);

/*
 * The same as a JSON object, which the caller frees; NULL: out of memory. Its
 * members: `is_healthy`, `type`, `peers` (an array of objects with `address`,
 * `connected`, `boot_id` (16 hexadecimal digits), `device`, `error`), `tasks_in_flight`,
 * `bytes_written`, `bytes_read`, `bytes_bounced`, `breaker` ("closed" or
 * "open"), `breaker_retry_in_seconds`, `connection_failures`. More may come.
 */
char *remora_report_status(struct remora_adapter *adapter);

/*
 * What wants to know of keys; members may be NULL. The functions are called by
 * one thread of the adapter, one at a time, in the order in which the tasks
 * completed, and hold up no task. They may use the adapter, but not add or
 * remove listeners nor close it. Keys live until the return.
 */
struct remora_listener {
	void *arg;

	/* Keys stored by a task, also of one that failed later; not those that existed. */
	void (*stored)(
		void *arg, const struct remora_key *keys, const uint64_t *sizes, size_t count);

	/* Keys that a load has read; those that missed are left out. */
	void (*accessed)(void *arg, const struct remora_key *keys, size_t count);

	/* Keys that remora_delete() has removed. Evictions are not told. */
	void (*deleted)(void *arg, const struct remora_key *keys, size_t count);
};

/*
 * Tell the listener of every task that completes from now on; those that
 * complete before remora_close() returns are told before it returns. The
 * structure stays the caller's and must live until it is removed, or the
 * adapter is closed.
 *
 * -EEXIST: it was added before; -ECANCELED: the adapter is closed; -ENOMEM,
 * -EAGAIN: no memory or no thread.
 */
int remora_add_listener(struct remora_adapter *adapter, const struct remora_listener *listener);

/*
 * After the return it is not called any more; waits for a call under way.
 * What was not told yet is not told. -ENOENT: it is none; -EDEADLK: called by
 * a listener.
 */
int remora_remove_listener(struct remora_adapter *adapter, const struct remora_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
