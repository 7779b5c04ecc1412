/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_model.c - the bytes of a block's KV cache, against known sizes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "model.h"

static uint64_t object_len(const char *name, uint32_t tp, const char *dtype)
{
	const struct model_serving serving = {
		.tp = tp,
		.block_tokens = 256,
		.dtype_bytes = (uint32_t)model_dtype_bytes(dtype),
	};
	uint64_t bytes = 0;

	assert_int_equal(model_object_len(model_find(name), &serving, &bytes), 0);
	return bytes;
}

static void blocks_of_256_tokens_have_the_known_sizes(void **state)
{
	(void)state;
	assert_int_equal(object_len("llama-3.1-8b", 1, "bf16"), 32 << 20);
	assert_int_equal(object_len("mistral-7b", 1, "bf16"), 32 << 20);
	assert_int_equal(object_len("llama-3.1-70b", 1, "bf16"), 80 << 20);
	assert_int_equal(object_len("llama-3.1-405b", 1, "bf16"), 126 << 20);
	assert_int_equal(object_len("qwen2.5-7b", 1, "bf16"), 14 << 20);
	assert_int_equal(object_len("qwen3-0.6b", 1, "bf16"), 28 << 20);
	assert_int_equal(object_len("qwen3-8b", 1, "bf16"), 36 << 20);
	assert_int_equal(object_len("qwen3-32b", 1, "bf16"), 64 << 20);
	assert_int_equal(object_len("gemma-3-27b", 1, "bf16"), 124 << 20);
}

static void ranks_share_the_heads(void **state)
{
	(void)state;
	assert_int_equal(object_len("llama-3.1-8b", 8, "bf16"), 4 << 20);
	assert_int_equal(object_len("llama-3.1-70b", 8, "bf16"), 10 << 20);
	assert_int_equal(object_len("llama-3.1-405b", 8, "bf16"), 126 << 17);
	assert_int_equal(object_len("qwen2.5-7b", 4, "bf16"), 14 << 18);
	assert_int_equal(object_len("gemma-3-27b", 8, "bf16"), 124 << 17);
}

static void more_ranks_than_heads_keep_a_whole_head_each(void **state)
{
	(void)state;
	assert_int_equal(object_len("qwen2.5-7b", 8, "bf16"), 14 << 18);
}

static void a_latent_is_on_every_rank(void **state)
{
	(void)state;
	assert_int_equal(object_len("deepseek-v3", 1, "bf16"), 17989632);
	assert_int_equal(object_len("deepseek-v3", 8, "bf16"), 17989632);
	assert_int_equal(object_len("deepseek-r1", 1, "fp8"), 8994816);
}

static void heads_that_cannot_be_shared_evenly_are_refused(void **state)
{
	struct model_serving serving = {.tp = 3, .block_tokens = 256, .dtype_bytes = 2};
	const struct model *model = model_find("llama-3.1-8b");
	uint64_t bytes;

	(void)state;
	assert_int_equal(model_object_len(model, &serving, &bytes), -EINVAL);
	serving.tp = 12;
	assert_int_equal(model_object_len(model, &serving, &bytes), -EINVAL);
	serving.tp = 0;
	assert_int_equal(model_object_len(model, &serving, &bytes), -EINVAL);
}

static void unknown_names_are_not_found(void **state)
{
	(void)state;
	assert_null(model_find("llama-9"));
	assert_null(model_find(""));
	assert_int_equal(model_dtype_bytes("fp7"), -EINVAL);
	assert_null(model_at(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_256_tokens_have_the_known_sizes),
		cmocka_unit_test(ranks_share_the_heads),
		cmocka_unit_test(more_ranks_than_heads_keep_a_whole_head_each),
		cmocka_unit_test(a_latent_is_on_every_rank),
		cmocka_unit_test(heads_that_cannot_be_shared_evenly_are_refused),
		cmocka_unit_test(unknown_names_are_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
