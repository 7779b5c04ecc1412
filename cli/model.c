/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - how many bytes of KV cache a block of tokens has
 *
 * The shapes are those of the models' published configurations. Pure: any
 * thread.
 */
#include "model.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* clang-format off */
static const struct model models[] = {
	/* name            layers  heads  dim  latent */
	{"deepseek-r1",    61,     0,     0,   576},
	{"deepseek-v3",    61,     0,     0,   576},
	{"gemma-3-27b",    62,     16,    128, 0},
	{"llama-3.1-405b", 126,    8,     128, 0},
	{"llama-3.1-70b",  80,     8,     128, 0},
	{"llama-3.1-8b",   32,     8,     128, 0},
	{"mistral-7b",     32,     8,     128, 0},
	{"qwen2.5-7b",     28,     4,     128, 0},
	{"qwen3-0.6b",     28,     8,     128, 0},
	{"qwen3-32b",      64,     8,     128, 0},
	{"qwen3-8b",       36,     8,     128, 0},
};
/* clang-format on */

const struct model *model_at(unsigned index)
{
	return index < sizeof(models) / sizeof(models[0]) ? &models[index] : NULL;
}

const struct model *model_find(const char *name)
{
	const struct model *model;
	unsigned i;

	for (i = 0; (model = model_at(i)); i++)
		if (!strcmp(model->name, name))
			return model;
	return NULL;
}

int model_dtype_bytes(const char *dtype)
{
	static const struct {
		const char *name;
		int bytes;
	} dtypes[] = {{"fp32", 4}, {"bf16", 2}, {"fp16", 2}, {"fp8", 1}, {"int8", 1}};
	size_t i;

	for (i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
		if (!strcmp(dtypes[i].name, dtype))
			return dtypes[i].bytes;
	return -EINVAL;
}

/* Elements a token has in one layer of one rank; 0 if there is no even share. */
static uint64_t layer_elements(const struct model *model, uint32_t tp)
{
	if (model->latent)
		return model->latent;
	if (tp <= model->kv_heads)
		return model->kv_heads % tp ? 0 : 2ull * (model->kv_heads / tp) * model->head_dim;
	return tp % model->kv_heads ? 0 : 2ull * model->head_dim;
}

int model_object_len(
	const struct model *model, const struct model_serving *serving, uint64_t *bytes)
{
	uint64_t elements;

	if (!serving->tp || !serving->block_tokens || !serving->dtype_bytes)
		return -EINVAL;
	elements = layer_elements(model, serving->tp);
	if (!elements)
		return -EINVAL;
	/* At most 2^18 elements, 2^7 layers, 2^2 bytes, 2^32 tokens: it fits. */
	*bytes = elements * model->layers * serving->dtype_bytes * serving->block_tokens;
	return 0;
}
