/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trace.c - any bytes as a trace of requests
 *
 * What was read must be consistent: every request's blocks lie among the ids,
 * one after the other, and the survey agrees with a count by hand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_trace(const struct trace *trace)
{
	struct trace_survey survey;
	uint64_t blocks = 0;
	uint32_t longest = 0;

	for (size_t i = 0; i < trace->request_count; i++) {
		const struct trace_request *request = &trace->requests[i];

		check(request->first == blocks);
		check(request->time_us <= UINT64_C(1000000000000000));
		blocks += request->block_count;
		longest = request->block_count > longest ? request->block_count : longest;
	}
	check(blocks == trace->id_count);
	check(!trace_survey(trace, &survey));
	check(survey.blocks == blocks && survey.longest == longest);
	check(survey.distinct <= blocks && survey.leading + survey.distinct <= blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[TRACE_ERROR_LEN] = "", *text = malloc(size ? size : 1);
	struct trace trace = {0};
	int err;

	check(text != NULL); /* of exactly its length: the parser needs no end */
	if (size)
		memcpy(text, data, size);
	err = trace_parse(&trace, "trace", text, size, 100, error);
	check(err == 0 || err == -EINVAL);
	check(memchr(error, '\0', sizeof(error)) != NULL);
	check(!err == !error[0]);
	check(trace.request_count <= 100);
	check_trace(&trace);
	trace_fini(&trace);
	free(text);
	return 0;
}
