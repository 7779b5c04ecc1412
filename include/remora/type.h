/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type.h - types of adapter: what they can be told, and what they do
 *
 * For whoever writes a type, or wants to know which there are. `rdma` and
 * `mock` are built in. Any thread may call these functions; types are never
 * unregistered, and what one points to lives as long as the process.
 *
 * A type in a shared object is found by a function `remora_types` in it, of
 * the type remora_types_fn.
 */
#ifndef REMORA_TYPE_H
#define REMORA_TYPE_H

#include <stdbool.h>
#include <stdio.h>

#include <remora/adapter.h>
#include <remora/config.h>

#ifdef __cplusplus
extern "C" {
#endif

enum remora_field_kind {
	REMORA_FIELD_STRING,
	REMORA_FIELD_UNSIGNED,
	REMORA_FIELD_SIZE, /* bytes, also "64GiB" */
	REMORA_FIELD_REAL,
	REMORA_FIELD_BOOLEAN,
};

/* One thing that a type can be told. Its range holds for the default too. */
struct remora_field {
	const char *name;
	enum remora_field_kind kind;
	bool required;             /* it has no default then */
	const char *fallback;      /* the default, as text; NULL: unset, 0, false */
	uint64_t min, max;         /* UNSIGNED, SIZE; max 0: no limit */
	double real_min, real_max; /* REAL; real_max 0: no limit */
	bool above_min;            /* REAL: real_min itself is not accepted */
	const char *help;          /* a few words, without a full stop */
};

/*
 * What a type does. `self` is what its open() gave. Each function keeps the
 * contract of the public function of its name in adapter.h, except that an
 * adapter, and an out parameter, is never NULL; so all may be called by several
 * threads at once, but destroy, which is called last and after close.
 *
 * A type may leave those under "optional" NULL.
 */
struct remora_type_ops {
	int (*store_fd)(const void *self);
	int (*lookup_fd)(const void *self);
	int (*load_fd)(const void *self);

	int64_t (*submit_store)(void *self, const struct remora_key *keys, size_t key_count,
		const struct remora_object *objects, size_t object_count);
	size_t (*pop_stores)(void *self, struct remora_store_result *results, size_t max);
	int64_t (*submit_lookup)(void *self, const struct remora_key *keys, size_t count);
	int (*query_lookup)(void *self, int64_t task, struct remora_bitmap **result);
	void (*submit_unlock)(void *self, const struct remora_key *keys, size_t count);
	int64_t (*submit_load)(void *self, const struct remora_key *keys, size_t key_count,
		const struct remora_object *objects, size_t object_count);
	int (*query_load)(void *self, int64_t task, struct remora_bitmap **result);

	void (*status)(void *self, struct remora_status *status); /* given all zero */
	void (*close)(void *self);
	void (*destroy)(void *self);

	/* Optional: without it, 0 at once. */
	int (*wait_connected)(void *self, uint32_t timeout_ms);

	/* Optional: without it, there is no peer. */
	int (*peer)(void *self, size_t index, struct remora_peer *peer);

	/* Optional: without them, -EOPNOTSUPP. `deleted` may be NULL. */
	int (*delete_keys)(void *self, const struct remora_key *keys, size_t count,
		struct remora_bitmap **deleted);
	int (*length)(void *self, const struct remora_key *key, uint64_t *len);
	int (*list_page)(void *self, const struct remora_key *prefix, uint64_t *cursor,
		remora_list_fn fn, void *arg);
	int (*usage)(void *self, struct remora_usage *usage);
	int (*usage_salts)(void *self, remora_salt_fn fn, void *arg);
	int (*ping)(void *self, uint64_t *rtt_ns);
	int (*add_listener)(void *self, const struct remora_listener *listener);
	int (*remove_listener)(void *self, const struct remora_listener *listener);
};

struct remora_type {
	const char *name;                  /* as in a configuration's "type" */
	const char *help;                  /* one line */
	const struct remora_field *fields; /* ends with a name that is NULL */

	/*
	 * Start one. The required fields are set and every value is in its
	 * range; the host is never NULL, and may be gone after the return. It
	 * logs what is wrong.
	 */
	int (*open)(
		const struct remora_config *config, const struct remora_host *host, void **self);
	const struct remora_type_ops *ops;
};

/* What a shared object with types tells: an array of them that ends with NULL. */
typedef const struct remora_type *const *(*remora_types_fn)(void);

/*
 * Make a type known. -EEXIST: there is one of this name; -EINVAL: it lacks a
 * name, a function, or has a field whose default its range does not accept; -ENOMEM.
 */
int remora_type_register(const struct remora_type *type);

/* NULL: there is no such type. */
const struct remora_type *remora_type_find(const char *name);

/* All of them, in the order of their registration, built in ones first; NULL beyond. */
const struct remora_type *remora_type_at(size_t index);

/*
 * Print a type's fields as a table: name, kind, range, default, help. -ENOENT:
 * no such type.
 */
int remora_type_help(const char *type, FILE *file);

#ifdef __cplusplus
}
#endif

#endif
