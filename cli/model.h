/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - how many bytes of KV cache a block of tokens has
 *
 * Pure: any thread.
 */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <stdint.h>

/*
 * What of a model's shape decides the size. A model with multi-head latent
 * attention keeps one latent vector a token and layer (latent > 0) and has no
 * KV heads.
 */
struct model {
	const char *name;
	uint32_t layers;
	uint32_t kv_heads;
	uint32_t head_dim;
	uint32_t latent; /* kv_lora_rank + qk_rope_head_dim */
};

/* NULL if the name is not known. */
const struct model *model_find(const char *name);

/* The index-th of the known models, NULL after the last. */
const struct model *model_at(unsigned index);

/* Bytes of a KV element: "fp32" 4, "bf16", "fp16" 2, "fp8", "int8" 1; else -EINVAL. */
int model_dtype_bytes(const char *dtype);

/* How a model is served. */
struct model_serving {
	uint32_t tp;           /* tensor-parallel ranks, each with its share of the heads */
	uint32_t block_tokens; /* tokens whose KV is one object */
	uint32_t dtype_bytes;
};

/*
 * The bytes of one rank's object:
 *
 *   2 * layers * (kv_heads / tp) * head_dim * dtype_bytes * block_tokens
 *   layers * latent * dtype_bytes * block_tokens      with latent attention
 *
 * More ranks than heads: each keeps a whole head. The latent is on every rank.
 *
 * -EINVAL: a count is 0, or the ranks cannot share the heads evenly.
 */
int model_object_len(
	const struct model *model, const struct model_serving *serving, uint64_t *bytes);

#endif
