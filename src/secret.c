/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - what a tenant's clients and the server both know, from a file */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the file holds: a newline, and a byte to see that it is too long. */
enum { READ_MAX = SECRET_FILE_MAX + 2 };

static int judge_file(int fd, const char *path, char *error, size_t error_len)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(error, error_len, "cannot look at the secret file %s: %s", path,
			strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, error_len, "the secret file %s is no regular file", path);
		return -EINVAL;
	}
	if (st.st_uid != geteuid() && st.st_uid) {
		snprintf(error, error_len,
			"the secret file %s belongs to user %u: `chown %u %s` makes it this "
			"process's",
			path, st.st_uid, geteuid(), path);
		return -EPERM;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		snprintf(error, error_len,
			"the secret file %s has mode %04o, so that others than its owner may use "
			"it: `chmod 600 %s`",
			path, st.st_mode & 07777, path);
		return -EPERM;
	}
	return 0;
}

/* The file's length, or a negative errno. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t max)
{
	size_t len = 0;
	ssize_t got;

	while (len < max) {
		got = read(fd, bytes + len, max - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static int take(const uint8_t *bytes, size_t len, const char *path, struct secret *secret,
	char *error, size_t error_len)
{
	if (len && bytes[len - 1] == '\n')
		len--;
	if (len < SECRET_FILE_MIN || len > SECRET_FILE_MAX) {
		snprintf(error, error_len,
			"the secret in %s has %s%zu bytes; wanted: %d to %d, as from "
			"`openssl rand -hex 32`",
			path, len > SECRET_FILE_MAX ? "more than " : "",
			len > SECRET_FILE_MAX ? (size_t)SECRET_FILE_MAX : len, SECRET_FILE_MIN,
			SECRET_FILE_MAX);
		return -EINVAL;
	}
	if (len > SECRET_KEY_MAX) {
		SHA256(bytes, len, secret->key);
		secret->len = SHA256_DIGEST_LENGTH;
		return 0;
	}
	memcpy(secret->key, bytes, len);
	secret->len = len;
	return 0;
}

static int read_open(int fd, const char *path, struct secret *secret, char *error, size_t error_len)
{
	uint8_t bytes[READ_MAX];
	ssize_t len;
	int err = judge_file(fd, path, error, error_len);

	if (err)
		return err;
	len = read_all(fd, bytes, sizeof(bytes));
	if (len < 0) {
		err = (int)len;
		snprintf(error, error_len, "cannot read the secret file %s: %s", path,
			strerror(-err));
	} else {
		err = take(bytes, (size_t)len, path, secret, error, error_len);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

int secret_read(const char *path, struct secret *secret, char *error, size_t error_len)
{
	int fd, err;

	*secret = (struct secret){0};
	/* Without waiting for the writer of a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err = -errno;
		snprintf(error, error_len, "cannot open the secret file %s: %s", path,
			strerror(-err));
		return err;
	}
	err = read_open(fd, path, secret, error, error_len);
	close(fd);
	return err;
}

int secret_random(struct secret *secret)
{
	secret->len = SHA256_DIGEST_LENGTH;
	if (getrandom(secret->key, secret->len, 0) == (ssize_t)secret->len)
		return 0;
	*secret = (struct secret){0};
	return -EIO;
}

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}
