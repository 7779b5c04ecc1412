/* SPDX-License-Identifier: Apache-2.0 */
/* test_control.c - the server's UNIX socket: lines, answers, and clients that hang */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "control.h"

enum { LONG_TEXT = 1 << 22 };

struct fixture {
	char folder[40], path[64], error[256];
	struct control *control;
};

/* Answers with the command; "long" with more than any socket buffer takes. */
static json_t *echo(void *arg, const char *command)
{
	char *text;
	json_t *answer;

	(void)arg;
	if (strcmp(command, "long"))
		return json_pack("{s:s}", "said", command);
	text = malloc(LONG_TEXT + 1);
	memset(text, 'x', LONG_TEXT);
	text[LONG_TEXT] = '\0';
	answer = json_pack("{s:s}", "said", text);
	free(text);
	return answer;
}

static int try_open(struct fixture *f, struct control **out)
{
	return control_open(f->path, echo, NULL, out, f->error, sizeof(f->error));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/control-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
	*state = f;
	return try_open(f, &f->control);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_close(f->control);
	rmdir(f->folder);
	free(f);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 30};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect_line(int fd, const char *expected)
{
	char line[300] = "";
	size_t len = 0;

	while (len < sizeof(line) - 1 && recv(fd, line + len, 1, 0) == 1)
		if (line[len++] == '\n')
			break;
	line[len] = '\0';
	assert_string_equal(line, expected);
}

static void expect_end(int fd)
{
	char byte;

	assert_true(recv(fd, &byte, 1, 0) <= 0);
	assert_int_not_equal(errno, EAGAIN);
}

static void a_line_is_answered_by_a_line(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);

	say(fd, "one\n");
	expect_line(fd, "{\"said\":\"one\"}\n");
	say(fd, "two\n");
	expect_line(fd, "{\"said\":\"two\"}\n");
	close(fd);
}

static void lines_may_come_together_or_in_pieces(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);

	say(fd, "one\ntwo\nthr");
	expect_line(fd, "{\"said\":\"one\"}\n");
	expect_line(fd, "{\"said\":\"two\"}\n");
	say(fd, "ee\n");
	expect_line(fd, "{\"said\":\"three\"}\n");
	close(fd);
}

static void a_line_without_an_end_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[CONTROL_LINE_MAX + 1];
	int fd = dial(f->path);

	memset(text, 'a', CONTROL_LINE_MAX);
	text[CONTROL_LINE_MAX] = '\0';
	say(fd, text);
	expect_line(fd, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
	expect_end(fd);
	close(fd);
}

static void who_does_not_read_holds_up_nobody(void **state)
{
	struct fixture *f = *state;
	int deaf = dial(f->path), fd = dial(f->path);

	say(deaf, "long\n");
	say(fd, "one\n");
	expect_line(fd, "{\"said\":\"one\"}\n");
	close(fd);
	close(deaf);
}

static void an_answer_of_any_length_arrives(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);
	char buffer[65536];
	size_t got = 0;
	ssize_t len;

	say(fd, "long\nend\n");
	while (got < LONG_TEXT + strlen("{'said':''}\n")) {
		size_t left = LONG_TEXT + strlen("{'said':''}\n") - got;

		len = recv(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer), 0);
		assert_true(len > 0);
		got += (size_t)len;
	}
	expect_line(fd, "{\"said\":\"end\"}\n");
	close(fd);
}

static void one_too_many_takes_the_place_of_the_quietest(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS], one_more, i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = dial(f->path);
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		say(fds[(i + 3) % CONTROL_CLIENTS], "one\n");
		expect_line(fds[(i + 3) % CONTROL_CLIENTS], "{\"said\":\"one\"}\n");
	}
	one_more = dial(f->path);
	say(one_more, "one\n");
	expect_line(one_more, "{\"said\":\"one\"}\n");
	expect_end(fds[3]);
	say(fds[2], "two\n");
	expect_line(fds[2], "{\"said\":\"two\"}\n");
	for (i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	close(one_more);
}

static void only_the_owner_may_connect_and_the_end_removes_it(void **state)
{
	struct fixture *f = *state;
	struct stat status;

	assert_int_equal(stat(f->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	control_close(f->control);
	f->control = NULL;
	assert_int_equal(stat(f->path, &status), -1);
}

static void a_living_servers_socket_is_refused(void **state)
{
	struct fixture *f = *state;
	struct control *other = NULL;
	int fd;

	assert_int_equal(try_open(f, &other), -EADDRINUSE);
	assert_null(other);
	assert_non_null(strstr(f->error, f->path));
	fd = dial(f->path);
	say(fd, "one\n");
	expect_line(fd, "{\"said\":\"one\"}\n");
	close(fd);
}

static void a_dead_servers_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	control_close(f->control);
	f->control = NULL;
	strcpy(addr.sun_path, f->path);
	assert_int_equal(bind(dead, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(dead);
	assert_int_equal(try_open(f, &f->control), 0);
	fd = dial(f->path);
	say(fd, "one\n");
	expect_line(fd, "{\"said\":\"one\"}\n");
	close(fd);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	control_close(f->control);
	f->control = NULL;
	file = fopen(f->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(try_open(f, &f->control), -EEXIST);
	assert_non_null(strstr(f->error, "no socket"));
	assert_int_equal(unlink(f->path), 0);
}

static void a_socket_of_somebody_else_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct control *other = NULL;

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(try_open(f, &other), 0);
	control_close(f->control);
	f->control = other;
	close(dial(f->path));
}

static void a_path_that_cannot_be_is_told(void **state)
{
	struct fixture *f = *state;
	struct control *other;
	char path[200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_open(path, echo, NULL, &other, f->error, sizeof(f->error)),
		-ENAMETOOLONG);
	assert_int_equal(control_open("/nowhere/socket", echo, NULL, &other, f->error,
				 sizeof(f->error)),
		-ENOENT);
	assert_non_null(strstr(f->error, "/nowhere/socket"));
}

#define WITH_CONTROL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CONTROL(a_line_is_answered_by_a_line),
		WITH_CONTROL(lines_may_come_together_or_in_pieces),
		WITH_CONTROL(a_line_without_an_end_is_refused),
		WITH_CONTROL(who_does_not_read_holds_up_nobody),
		WITH_CONTROL(an_answer_of_any_length_arrives),
		WITH_CONTROL(one_too_many_takes_the_place_of_the_quietest),
		WITH_CONTROL(only_the_owner_may_connect_and_the_end_removes_it),
		WITH_CONTROL(a_living_servers_socket_is_refused),
		WITH_CONTROL(a_dead_servers_socket_is_replaced),
		WITH_CONTROL(what_is_no_socket_is_left_alone),
		WITH_CONTROL(a_socket_of_somebody_else_is_not_removed),
		WITH_CONTROL(a_path_that_cannot_be_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
