/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.c - the requests of a served model: when each came, and its blocks
 *
 * Pure but for trace_load(). The text is hostile until proven otherwise: a
 * line has a greatest length, a request a greatest number of blocks, and the
 * JSON library limits the nesting.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 16 << 20, REQUEST_MAX_BLOCKS = 1 << 20 };

/* Where in the input we are, for errors. */
struct position {
	const char *name;
	size_t line;
	char *error;
};

static int grow(void **array, size_t *allocated, size_t wanted, size_t item)
{
	size_t count = *allocated ? *allocated : 256;
	void *bigger;

	if (wanted <= *allocated)
		return 0;
	while (count < wanted)
		count *= 2;
	bigger = reallocarray(*array, count, item);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*allocated = count;
	return 0;
}

int trace_append(struct trace *trace, const struct trace_request *request, const uint64_t *ids,
	uint32_t block_count)
{
	struct trace_request *appended;
	int err;

	err = grow((void **)&trace->requests, &trace->requests_allocated, trace->request_count + 1,
		sizeof(*trace->requests));
	if (err)
		return err;
	err = grow((void **)&trace->ids, &trace->ids_allocated, trace->id_count + block_count,
		sizeof(*trace->ids));
	if (err)
		return err;

	appended = &trace->requests[trace->request_count++];
	*appended = *request;
	appended->first = trace->id_count;
	appended->block_count = block_count;
	if (block_count)
		memcpy(trace->ids + trace->id_count, ids, block_count * sizeof(*ids));
	trace->id_count += block_count;
	return 0;
}

/* "FILE:LINE: field is VALUE, not WANTED" */
static int complain(
	const struct position *at, const char *field, const json_t *value, const char *wanted)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (!value)
		snprintf(at->error, TRACE_ERROR_LEN, "%s:%zu: %s is missing; it should be %s",
			at->name, at->line, field, wanted);
	else
		snprintf(at->error, TRACE_ERROR_LEN, "%s:%zu: %s is %.60s; it should be %s",
			at->name, at->line, field, text ? text : "not printable", wanted);
	free(text);
	return -EINVAL;
}

static int read_time(const struct position *at, const json_t *object, uint64_t *time_us)
{
	const json_t *value = json_object_get(object, "timestamp");
	double ms = json_is_number(value) ? json_number_value(value) : -1.0;

	/* 10^12 ms are 31 years; the limit keeps the sum of times in range. */
	if (!(ms >= 0.0 && ms <= 1e12))
		return complain(at, "timestamp", value, "milliseconds from 0 to 10^12");
	*time_us = (uint64_t)(ms * 1000.0 + 0.5);
	return 0;
}

static int read_tokens(
	const struct position *at, const json_t *object, const char *field, uint32_t *tokens)
{
	const json_t *value = json_object_get(object, field);
	json_int_t count = json_is_integer(value) ? json_integer_value(value) : -1;

	if (count < 0 || count > UINT32_MAX)
		return complain(at, field, value, "a number of tokens from 0 to 4294967295");
	*tokens = (uint32_t)count;
	return 0;
}

/* Read hash_ids into ids, which is allocated here. */
static int read_ids(
	const struct position *at, const json_t *object, uint64_t **ids, uint32_t *count)
{
	const json_t *array = json_object_get(object, "hash_ids"), *item;
	size_t i, size = json_array_size(array);
	char field[48];

	if (!json_is_array(array) || size > REQUEST_MAX_BLOCKS)
		return complain(at, "hash_ids", array, "an array of at most 1048576 block ids");
	*ids = malloc((size ? size : 1) * sizeof(**ids));
	if (!*ids)
		return -ENOMEM;
	for (i = 0; i < size; i++) {
		item = json_array_get(array, i);
		if (!json_is_integer(item) || json_integer_value(item) < 0) {
			snprintf(field, sizeof(field), "hash_ids[%zu]", i);
			free(*ids);
			return complain(at, field, item, "an integer that is not negative");
		}
		(*ids)[i] = (uint64_t)json_integer_value(item);
	}
	*count = (uint32_t)size;
	return 0;
}

static int read_request(struct trace *trace, const struct position *at, const json_t *object)
{
	struct trace_request request = {0};
	uint32_t count = 0;
	uint64_t *ids = NULL;
	int err;

	if (!json_is_object(object))
		return complain(at, "the line", object, "a JSON object");
	err = read_time(at, object, &request.time_us);
	if (!err)
		err = read_tokens(at, object, "input_length", &request.input_tokens);
	if (!err)
		err = read_tokens(at, object, "output_length", &request.output_tokens);
	if (!err)
		err = read_ids(at, object, &ids, &count);
	if (err)
		return err;

	err = trace_append(trace, &request, ids, count);
	free(ids);
	return err;
}

static int read_line(struct trace *trace, const struct position *at, const char *line, size_t len)
{
	json_error_t json_error;
	json_t *object;
	int err;

	if (len > LINE_MAX_LEN) {
		snprintf(at->error, TRACE_ERROR_LEN,
			"%s:%zu: the line has %zu bytes; at most %d are allowed", at->name,
			at->line, len, LINE_MAX_LEN);
		return -EINVAL;
	}
	object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
	if (!object) {
		snprintf(at->error, TRACE_ERROR_LEN, "%s:%zu: no JSON at column %d: %s", at->name,
			at->line, json_error.column, json_error.text);
		return json_error_code(&json_error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	}
	err = read_request(trace, at, object);
	json_decref(object);
	return err;
}

static int is_blank(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return 0;
	return 1;
}

int trace_parse(struct trace *trace, const char *name, const char *text, size_t len, size_t max,
	char error[TRACE_ERROR_LEN])
{
	struct position at = {.name = name, .error = error};
	const char *end = text + len, *newline;
	size_t line_len, count = 0;
	int err;

	for (; text < end && count < max; text += line_len + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		line_len = (size_t)((newline ? newline : end) - text);
		at.line++;
		if (is_blank(text, line_len))
			continue;
		err = read_line(trace, &at, text, line_len);
		if (err == -ENOMEM)
			snprintf(error, TRACE_ERROR_LEN, "%s:%zu: out of memory", name, at.line);
		if (err)
			return err;
		count++;
		if (!newline)
			break;
	}
	return 0;
}

static int complain_errno(const char *path, const char *what, char *error)
{
	int err = errno;

	snprintf(error, TRACE_ERROR_LEN, "%s: %s: %s", path, what, strerror(err));
	return -err;
}

int trace_load(struct trace *trace, const char *path, size_t max, char error[TRACE_ERROR_LEN])
{
	struct stat status;
	void *text;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain_errno(path, "cannot open the trace", error);
	if (fstat(fd, &status)) {
		err = complain_errno(path, "cannot ask for its size", error);
		goto close_fd;
	}
	if (!S_ISREG(status.st_mode) || !status.st_size) {
		snprintf(error, TRACE_ERROR_LEN, "%s: %s", path,
			S_ISREG(status.st_mode) ? "the trace is empty" : "not a regular file");
		err = -EINVAL;
		goto close_fd;
	}
	text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED) {
		err = complain_errno(path, "cannot map the trace", error);
		goto close_fd;
	}
	err = trace_parse(trace, path, text, (size_t)status.st_size, max, error);
	munmap(text, (size_t)status.st_size);
close_fd:
	close(fd);
	return err;
}

/* The set of ids seen: open addressing, at most half full; 0 is kept beside it. */
struct id_set {
	uint64_t *slots;
	size_t mask;
	int has_zero;
};

/* Returns 1 if the id is new. */
static int id_set_add(struct id_set *set, uint64_t id)
{
	size_t at;

	if (!id) {
		at = (size_t)set->has_zero;
		set->has_zero = 1;
		return !at;
	}
	at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & set->mask;
	for (; set->slots[at]; at = (at + 1) & set->mask)
		if (set->slots[at] == id)
			return 0;
	set->slots[at] = id;
	return 1;
}

static void survey_request(const struct trace *trace, const struct trace_request *request,
	struct id_set *seen, struct trace_survey *survey)
{
	int leading = 1;
	uint32_t i;

	for (i = 0; i < request->block_count; i++) {
		if (id_set_add(seen, trace->ids[request->first + i])) {
			survey->distinct++;
			leading = 0;
		}
		survey->leading += (uint64_t)leading;
	}
	survey->blocks += request->block_count;
	if (request->block_count > survey->longest)
		survey->longest = request->block_count;
}

int trace_survey(const struct trace *trace, struct trace_survey *survey)
{
	struct trace_survey found = {0};
	struct id_set seen = {0};
	size_t slots = 16, i;

	while (slots < 2 * trace->id_count)
		slots *= 2;
	seen.slots = calloc(slots, sizeof(*seen.slots));
	if (!seen.slots)
		return -ENOMEM;
	seen.mask = slots - 1;
	for (i = 0; i < trace->request_count; i++)
		survey_request(trace, &trace->requests[i], &seen, &found);
	free(seen.slots);
	*survey = found;
	return 0;
}

void trace_fini(struct trace *trace)
{
	free(trace->requests);
	free(trace->ids);
	*trace = (struct trace){0};
}
