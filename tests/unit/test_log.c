/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - lines that peers can cause as often as they like */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

enum { LINES = 1000 };

/* Where stderr goes during a test. */
struct fixture {
	char path[64];
	int before;
	FILE *file;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/remora-log-XXXXXX");
	fd = mkstemp(f->path);
	f->before = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	f->file = fopen(f->path, "re");
	*state = f;
	return f->file ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dup2(f->before, STDERR_FILENO);
	close(f->before);
	fclose(f->file);
	unlink(f->path);
	free(f);
	return 0;
}

/* Lines with this text since the last call. */
static unsigned count(struct fixture *f, const char *text)
{
	char line[2048];
	unsigned found = 0;

	clearerr(f->file);
	while (fgets(line, sizeof(line), f->file))
		found += strstr(line, text) != NULL;
	return found;
}

static void a_burst_is_written_and_the_rest_is_counted(void **state)
{
	const struct timespec pause = {.tv_sec = 1, .tv_nsec = 100000000};
	struct log_rate rate = {0}, other = {0};
	struct fixture *f = *state;
	time_t start = time(NULL);
	unsigned written;

	for (unsigned i = 0; i < LINES; i++)
		log_rated(&rate, LOG_WARN, "line %u", i);
	written = count(f, "line");
	assert_in_range(written, LOG_RATE_BURST, LOG_RATE_BURST + 1 + time(NULL) - start);
	log_rated(&other, LOG_WARN, "another");
	assert_int_equal(count(f, "another"), 1);
	/* One more is written when its time has come, and tells of the others. */
	nanosleep(&pause, NULL);
	log_rated(&rate, LOG_WARN, "the last");
	assert_int_equal(count(f, "more like this were suppressed)"), 1);
}

static void a_level_that_is_not_logged_uses_nothing_up(void **state)
{
	struct log_rate rate = {0};
	struct fixture *f = *state;

	for (unsigned i = 0; i < LINES; i++)
		log_rated(&rate, LOG_DEBUG, "line %u", i);
	assert_int_equal(count(f, "line"), 0);
	log_rated(&rate, LOG_WARN, "heard");
	assert_int_equal(count(f, "heard"), 1);
	assert_int_equal(rate.suppressed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_is_written_and_the_rest_is_counted),
		TEST(a_level_that_is_not_logged_uses_nothing_up),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
