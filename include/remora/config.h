/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - how an adapter is to be: the values of its type's fields
 *
 * A configuration is made for one type, field by field or from JSON, checked
 * as it is made, and given to remora_open(). One thread at a time may change
 * it; constant ones may be read by any number.
 *
 * Functions return 0 or a negative errno; with -EINVAL and -ENOENT a text in
 * `error` names the field, the value and what is accepted instead. It is cut to
 * error_len bytes, is terminated, and empty on success; NULL with 0 is allowed.
 */
#ifndef REMORA_CONFIG_H
#define REMORA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct remora_config;
struct remora_type;

/* A configuration where every field has its default. -ENOENT: no such type. */
int remora_config_create(const char *type, struct remora_config **config);

/* NULL is allowed. */
void remora_config_destroy(struct remora_config *config);

/*
 * Give a field a value, written as text: a number; bytes, also as "64GiB"
 * (k, M, G and T are powers of 1024); true or false; any string but "".
 *
 * -EINVAL: a value that the field does not accept; -ENOENT: no such field, and
 * the error proposes one that looks like it.
 */
int remora_config_set(struct remora_config *config, const char *field, const char *text,
	char *error, size_t error_len);

/*
 * Whether the required fields are set. remora_config_parse() and remora_open()
 * do this themselves.
 */
int remora_config_check(const struct remora_config *config, char *error, size_t error_len);

/*
 * A configuration from a JSON object: "type" names the type, the other members
 * are its fields. Numbers are numbers, booleans true or false; bytes are a
 * number or a string as above. Errors start with `position` ("--l2-adapter #1"
 * or the like; NULL: nothing).
 */
int remora_config_parse(const char *json, const char *position, struct remora_config **config,
	char *error, size_t error_len);

/* For a type's open(): the values. A field that is not of that kind reads as 0 or NULL. */
const struct remora_type *remora_config_type(const struct remora_config *config);
const char *remora_config_string(const struct remora_config *config, const char *field);
uint64_t remora_config_unsigned(const struct remora_config *config, const char *field);
uint64_t remora_config_size(const struct remora_config *config, const char *field);
double remora_config_real(const struct remora_config *config, const char *field);
bool remora_config_boolean(const struct remora_config *config, const char *field);

/* Several configurations, in the order in which they were added. */
struct remora_config_list;

int remora_config_list_create(struct remora_config_list **list);

/* With its configurations. NULL is allowed. */
void remora_config_list_destroy(struct remora_config_list *list);

/*
 * Add what an option --l2-adapter says. Errors name it "--l2-adapter #N",
 * where N counts the calls, those that failed too, from 1.
 */
int remora_config_list_add_json(
	struct remora_config_list *list, const char *json, char *error, size_t error_len);

/*
 * Add what a file says: a JSON object, or an array of them, of which all are
 * added or none. Errors name it "PATH #N", where N counts the objects from 1.
 * Other errors than -EINVAL and -ENOENT are those of reading the file, and have
 * a text too.
 */
int remora_config_list_add_file(
	struct remora_config_list *list, const char *path, char *error, size_t error_len);

size_t remora_config_list_count(const struct remora_config_list *list);

/* The list's own; NULL beyond the last. */
const struct remora_config *remora_config_list_at(
	const struct remora_config_list *list, size_t index);

#ifdef __cplusplus
}
#endif

#endif
