/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - what a tenant's clients and the server both know, from a file
 *
 * A secret is kept as the key of HMAC-SHA256: one that is longer than the hash's
 * block is replaced by its hash, as the HMAC itself would do, so that every
 * secret takes the same work. Pure but for the file; any thread.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>
#include <stdint.h>

enum {
	SECRET_FILE_MIN = 16, /* bytes, without the newline at the end */
	SECRET_FILE_MAX = 1024,
	SECRET_KEY_MAX = 64,
};

struct secret {
	uint8_t key[SECRET_KEY_MAX];
	size_t len; /* 0: there is none, and everybody knows it */
};

/*
 * Read a secret from a regular file that belongs to this process's user or to
 * root and that nobody else may read or write. One newline at its end is not
 * part of the secret.
 *
 * On failure *secret is empty and error names the path and what to do. -EPERM:
 * its mode or owner; -EINVAL: no regular file, or too short or too long; else
 * the errno of the file.
 */
int secret_read(const char *path, struct secret *secret, char *error, size_t error_len);

/* A secret that nobody knows. -EIO: the system has no random bytes. */
int secret_random(struct secret *secret);

/* Overwrite it. */
void secret_wipe(struct secret *secret);

#endif
