/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter.h - keep objects in the memory of a remote server, over RDMA
 *
 * An adapter moves batches of immutable objects between the caller's buffers
 * and a memory server. The submit functions never block and may be called
 * from any thread at any time; work is done by threads of the library.
 *
 * A finished task makes one of three event fds readable. Its result is
 * recorded before the fd is signalled, and is told exactly once. Whatever
 * happens (bad arguments, a dead server, a timeout, close) a task that got an
 * id completes, within the timeout of the options.
 *
 * Keys are copied by submit. Buffers stay the caller's, must stay valid and
 * (for a store) unchanged until the task's result is told, and no NIC touches
 * them after that.
 *
 * Functions return 0 or a count on success and a negative errno on failure.
 * All of them may be called by several threads at once, except close, which
 * must be the last call on its adapter.
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
	REMORA_DEFAULT_PORT = 7471,
};

struct remora_adapter;

/* A key: 1 to REMORA_KEY_MAX bytes of any value. */
struct remora_key {
	const void *data;
	size_t len;
};

/* The caller's memory of one object: read by a store, filled by a load. */
struct remora_object {
	void *data;
	size_t len;
};

enum remora_log_level { REMORA_LOG_ERROR, REMORA_LOG_WARN, REMORA_LOG_INFO, REMORA_LOG_DEBUG };

/* Called from any thread of the library; the text has no newline. */
typedef void (*remora_log_fn)(void *arg, enum remora_log_level level, const char *text);

/* Unset (zero) fields take their default. */
struct remora_options {
	const char *server;          /* "address[:port]" or "[v6][:port]"; required */
	uint32_t timeout_ms;         /* of every task; default 30000 */
	uint32_t connect_timeout_ms; /* of one attempt to connect; default 5000 */
	uint16_t data_lanes;         /* queue pairs for bulk data, 1 to 8; default 2 */
	uint16_t queue_depth;        /* one-sided operations in flight a lane; default 256 */
	size_t bounce_len;           /* bytes for buffers outside the arena; default 16 MiB */

	/*
	 * The memory that most buffers lie in. It is registered once, when
	 * the device is known, and must stay mapped until close. Buffers
	 * inside it are moved without a copy, others through a bounce ring.
	 */
	void *arena;
	size_t arena_len;

	remora_log_fn log; /* default: nothing is logged */
	void *log_arg;
};

/*
 * Start an adapter. Returns at once: connecting goes on in the background,
 * and tasks submitted meanwhile wait for it. The options are copied.
 *
 * -EINVAL: an option is out of its range (the log says which); -ENOMEM,
 * -EMFILE: out of memory or of file descriptors.
 */
int remora_open(const struct remora_options *options, struct remora_adapter **adapter);

/*
 * Wait until the adapter is connected, or until an attempt to connect that
 * was under way has failed; remora_status() then tells why in words.
 *
 * -ETIMEDOUT: neither happened within timeout_ms; any other error is that of
 * the failed attempt.
 */
int remora_wait_connected(struct remora_adapter *adapter, uint32_t timeout_ms);

/*
 * Complete every unfinished task as failed, disconnect and free. After the
 * return no NIC, local or remote, touches a buffer of the caller. The event
 * fds are closed. Results that were not fetched are dropped. NULL is allowed.
 */
void remora_close(struct remora_adapter *adapter);

/*
 * The event fds: real, non-blocking eventfds, distinct, the same for the
 * adapter's whole life. One read clears the count of completions, which may
 * be any number: fetch results until there are none. They stay the
 * adapter's: never close them.
 */
int remora_store_fd(const struct remora_adapter *adapter);
int remora_lookup_fd(const struct remora_adapter *adapter);
int remora_load_fd(const struct remora_adapter *adapter);

/*
 * Store objects[i] under keys[i]. The task succeeds only if every key is on
 * the server afterwards, stored by this task or before it (a key that exists
 * keeps its content and costs no transfer).
 *
 * Returns the task's id, which is positive and unique in the adapter. A
 * mistake in the arguments (counts that differ, a NULL array, a bad key, an
 * empty or too large object) makes the task fail, not the call.
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
 * counts one lock, also for keys that occur twice.
 */
int64_t remora_submit_lookup(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count);

/*
 * Tell a lookup's result, once: bit i says that keys[i] was found and locked.
 * The bitmap has exactly as many bits as the lookup had keys and is the
 * caller's, to be destroyed.
 *
 * -EAGAIN: not finished yet; -ENOENT: no such lookup, or already told.
 */
int remora_query_lookup(
	struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result);

/*
 * Give back one lock a key. Unknown and unlocked keys are ignored. Nothing to
 * wait for: it is delivered, or the end of the session has released the lock.
 */
void remora_submit_unlock(
	struct remora_adapter *adapter, const struct remora_key *keys, size_t count);

/*
 * Fill objects[i] with what is stored under keys[i]. Keys locked by an earlier
 * lookup cost no request to the server, only the transfer; others are locked
 * for the duration. objects[i].len must be the stored length. Buffers of keys
 * that miss are not touched.
 */
int64_t remora_submit_load(struct remora_adapter *adapter, const struct remora_key *keys,
	size_t key_count, const struct remora_object *objects, size_t object_count);

/* As remora_query_lookup(): bit i says that objects[i] holds the whole object. */
int remora_query_load(struct remora_adapter *adapter, int64_t task, struct remora_bitmap **result);

/*
 * Delete keys and wait for the answer. Bit i of *deleted (may be NULL) says
 * that keys[i] was there and is gone; locked objects stay.
 *
 * -EBUSY: at least one key is locked, the others are deleted; -EINVAL: a bad
 * key; -ETIMEDOUT, -ENOTCONN, -ECONNRESET: the server could not be asked.
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
 * the call are named exactly once. Returns what fn returned if not 0.
 */
int remora_list(struct remora_adapter *adapter, const struct remora_key *prefix, remora_list_fn fn,
	void *arg);

struct remora_usage {
	uint64_t capacity;  /* bytes in the pool */
	uint64_t used;      /* bytes taken by objects and reservations, whole pages */
	uint64_t reserved;  /* of these, promised to stores in progress */
	uint64_t objects;   /* visible to a lookup */
	uint64_t locked;    /* objects with at least one lock */
	uint64_t sessions;  /* clients connected */
	uint64_t evictions; /* objects evicted since the server started */
	uint64_t hits;      /* keys found by lookups since the server started */
	uint64_t misses;    /* and not found */
	uint64_t stored;    /* objects committed since the server started */
	uint64_t uptime_ms;
	uint64_t user_cpu_us; /* of the server process */
	uint64_t system_cpu_us;
};

/* Ask the server, and wait for the answer. Errors as remora_delete(). */
int remora_usage(struct remora_adapter *adapter, struct remora_usage *usage);

/* One round trip of an empty request. Errors as remora_delete(). */
int remora_ping(struct remora_adapter *adapter, uint64_t *rtt_ns);

struct remora_status {
	int connected;
	uint64_t boot_id;         /* of the server; 0 before the first connection */
	uint64_t tasks_in_flight; /* submitted and not complete */
	uint64_t bytes_written;   /* to the server, since open */
	uint64_t bytes_read;
	uint64_t bytes_bounced; /* of these, copied because they lay outside the arena */
	uint64_t work_requests; /* one-sided operations posted */
	uint64_t doorbells;     /* posts of a list of them */
	uint64_t connects;      /* sessions established since open */
	char device[64];        /* RDMA device in use; "" before the first connection */
	char error[256];        /* why the last attempt or session failed; "" if none did */
};

/* What the client knows; asks nobody. */
void remora_status(struct remora_adapter *adapter, struct remora_status *status);

#ifdef __cplusplus
}
#endif

#endif
