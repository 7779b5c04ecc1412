/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter_config.h - a configuration's inside, for the files that make one
 *
 * One thread at a time. What the public may do is in
 * <remora/config.h>.
 */
#ifndef ADAPTER_CONFIG_H
#define ADAPTER_CONFIG_H

#include <remora/config.h>
#include <remora/type.h>

#include "field.h"

struct remora_config {
	const struct remora_type *type;
	size_t count;
	struct field_value values[]; /* one a field of the type */
};

/* Where to explain a mistake. */
struct config_error {
	char *text; /* NULL: nowhere */
	size_t len;
	const char *position; /* what it starts with; NULL: nothing */
};

/* Explain it, and return err. */
__attribute__((format(printf, 3, 4))) int config_fail(
	const struct config_error *error, int err, const char *format, ...);

/* No mistake until now. */
void config_no_error(const struct config_error *error);

/* -ENOENT; the error proposes another type. */
int config_create(const char *type, const struct config_error *error, struct remora_config **out);

/* The number of the field called name. -ENOENT; the error proposes another one. */
int config_find(const struct remora_config *config, const char *name,
	const struct config_error *error, size_t *index);

/* Give a field this value, which is taken over. */
void config_put(struct remora_config *config, size_t index, struct field_value value);

/* Explain that `shown` is no value of the field. Returns -EINVAL. */
int config_refuse(const struct remora_config *config, size_t index, const char *shown,
	const struct config_error *error);

/* As remora_config_check(). */
int config_check(const struct remora_config *config, const struct config_error *error);

#endif
