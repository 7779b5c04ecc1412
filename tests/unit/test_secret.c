/* SPDX-License-Identifier: Apache-2.0 */
/* test_secret.c - secrets from files, and files that are none */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "secret.h"

struct fixture {
	char path[64];
	char error[512];
	struct secret secret;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/remora-secret-XXXXXX");
	fd = mkstemp(f->path);
	*state = f;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const void *data, size_t len)
{
	int fd = open(f->path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static int read_file(struct fixture *f)
{
	memset(&f->secret, 0x77, sizeof(f->secret));
	return secret_read(f->path, &f->secret, f->error, sizeof(f->error));
}

static void expect_failure(struct fixture *f, int err, const char *text)
{
	assert_int_equal(read_file(f), err);
	assert_int_equal(f->secret.len, 0);
	assert_non_null(strstr(f->error, f->path));
	if (!strstr(f->error, text))
		fail_msg("\"%s\" does not say \"%s\"", f->error, text);
}

static void a_newline_at_the_end_is_no_part_of_it(void **state)
{
	struct fixture *f = *state;

	write_file(f, "0123456789abcdef\n", 17);
	assert_int_equal(read_file(f), 0);
	assert_int_equal(f->secret.len, 16);
	assert_memory_equal(f->secret.key, "0123456789abcdef", 16);
	write_file(f, "0123456789abcdef\n\n", 18);
	assert_int_equal(read_file(f), 0);
	assert_int_equal(f->secret.len, 17);
}

static void a_short_one_is_refused(void **state)
{
	struct fixture *f = *state;

	write_file(f, "0123456789abcde\n", 16);
	expect_failure(f, -EINVAL, "15 bytes; wanted: 16 to 1024");
	write_file(f, "", 0);
	expect_failure(f, -EINVAL, "0 bytes");
}

static void a_long_one_is_taken_and_an_endless_one_is_not(void **state)
{
	struct fixture *f = *state;
	char text[SECRET_FILE_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[SECRET_FILE_MAX] = '\n';
	write_file(f, text, SECRET_FILE_MAX + 1);
	assert_int_equal(read_file(f), 0);
	assert_int_equal(f->secret.len, 32);
	text[SECRET_FILE_MAX] = 'x';
	write_file(f, text, SECRET_FILE_MAX + 1);
	expect_failure(f, -EINVAL, "more than 1024 bytes");
	write_file(f, text, SECRET_FILE_MAX + 2);
	expect_failure(f, -EINVAL, "more than 1024 bytes");
}

static void one_that_others_may_touch_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666};
	struct fixture *f = *state;
	char text[32];

	write_file(f, "0123456789abcdef\n", 17);
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		chmod(f->path, modes[i]);
		snprintf(text, sizeof(text), "mode %04o", modes[i]);
		expect_failure(f, -EPERM, text);
		expect_failure(f, -EPERM, "chmod 600");
	}
	chmod(f->path, 0400);
	assert_int_equal(read_file(f), 0);
}

static void one_of_another_user_is_refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid())
		skip();
	write_file(f, "0123456789abcdef\n", 17);
	assert_int_equal(chown(f->path, 12345, 0), 0);
	expect_failure(f, -EPERM, "belongs to user 12345");
	expect_failure(f, -EPERM, "chown 0");
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	expect_failure(f, -ENOENT, "cannot open");
	assert_int_equal(mkfifo(f->path, 0600), 0);
	expect_failure(f, -EINVAL, "no regular file");
	unlink(f->path);
	assert_int_equal(mkdir(f->path, 0700), 0);
	expect_failure(f, -EINVAL, "no regular file");
	rmdir(f->path);
}

/* Kubernetes and the like show secrets by way of links. */
static void a_link_to_a_file_will_do(void **state)
{
	struct fixture *f = *state;
	char name[80];

	write_file(f, "0123456789abcdef\n", 17);
	snprintf(name, sizeof(name), "%s.link", f->path);
	assert_int_equal(symlink(f->path, name), 0);
	assert_int_equal(secret_read(name, &f->secret, f->error, sizeof(f->error)), 0);
	unlink(name);
}

static void a_wiped_one_is_zero(void **state)
{
	static const struct secret zero;
	struct fixture *f = *state;

	assert_int_equal(secret_random(&f->secret), 0);
	assert_int_equal(f->secret.len, 32);
	assert_memory_not_equal(&f->secret, &zero, sizeof(zero));
	secret_wipe(&f->secret);
	assert_memory_equal(&f->secret, &zero, sizeof(zero));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_newline_at_the_end_is_no_part_of_it),
		TEST(a_short_one_is_refused),
		TEST(a_long_one_is_taken_and_an_endless_one_is_not),
		TEST(one_that_others_may_touch_is_refused),
		TEST(one_of_another_user_is_refused),
		TEST(what_is_no_file_is_refused),
		TEST(a_link_to_a_file_will_do),
		TEST(a_wiped_one_is_zero),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
