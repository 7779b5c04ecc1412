/* SPDX-License-Identifier: Apache-2.0 */
/* adapter_config.c - how an adapter is to be: the values of its type's fields */
#include "adapter_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 63 }; /* of a name that another is proposed for */

int config_fail(const struct config_error *error, int err, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (error->text && error->len)
		snprintf(error->text, error->len, "%s%s%s", error->position ? error->position : "",
			error->position ? ": " : "", text);
	return err;
}

void config_no_error(const struct config_error *error)
{
	if (error->text && error->len)
		error->text[0] = '\0';
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters to insert, drop or change to make one of the other. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 1], i, j, diagonal, above;
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return UINT32_MAX;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			above = row[j];
			row[j] =
				least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

static bool alike(const char *name, unsigned letters)
{
	return letters <= 2 || letters <= strlen(name) / 2;
}

static const char *nearest_type(const char *name)
{
	const struct remora_type *type;
	const char *best = NULL;
	unsigned letters, least_letters = UINT32_MAX;
	size_t i;

	for (i = 0; (type = remora_type_at(i)); i++) {
		letters = distance(name, type->name);
		if (letters < least_letters && alike(name, letters)) {
			least_letters = letters;
			best = type->name;
		}
	}
	return best;
}

static const char *nearest_field(const struct remora_type *type, const char *name)
{
	const struct remora_field *field;
	const char *best = NULL;
	unsigned letters, least_letters = UINT32_MAX;

	for (field = type->fields; field->name; field++) {
		letters = distance(name, field->name);
		if (letters < least_letters && alike(name, letters)) {
			least_letters = letters;
			best = field->name;
		}
	}
	return best;
}

static int unknown_type(const char *name, const struct config_error *error)
{
	const char *nearest = nearest_type(name);
	const struct remora_type *type;
	char known[256] = "";
	size_t len = 0, i;

	if (nearest)
		return config_fail(error, -ENOENT,
			"there is no adapter type \"%s\": did you mean \"%s\"?", name, nearest);
	for (i = 0; len < sizeof(known) && (type = remora_type_at(i)); i++)
		len += (size_t)snprintf(
			known + len, sizeof(known) - len, "%s%s", i ? ", " : "", type->name);
	return config_fail(
		error, -ENOENT, "there is no adapter type \"%s\": there are %s", name, known);
}

/* The registry has parsed every default once: what fails here is memory. */
static int set_defaults(struct remora_config *config)
{
	const struct remora_field *fields = config->type->fields;
	size_t i;
	int err;

	for (i = 0; i < config->count; i++) {
		if (!fields[i].fallback)
			continue;
		err = field_parse(&fields[i], fields[i].fallback, &config->values[i]);
		if (err)
			return err;
	}
	return 0;
}

int config_create(const char *name, const struct config_error *error, struct remora_config **out)
{
	const struct remora_type *type = remora_type_find(name);
	struct remora_config *config;
	size_t count = 0;
	int err;

	if (!type)
		return unknown_type(name, error);
	while (type->fields[count].name)
		count++;
	config = calloc(1, sizeof(*config) + count * sizeof(config->values[0]));
	if (!config)
		return config_fail(error, -ENOMEM, "out of memory");
	config->type = type;
	config->count = count;
	err = set_defaults(config);
	if (err) {
		remora_config_destroy(config);
		return config_fail(error, err, "out of memory");
	}
	*out = config;
	return 0;
}

int remora_config_create(const char *type, struct remora_config **config)
{
	const struct config_error nowhere = {0};

	return type && config ? config_create(type, &nowhere, config) : -EINVAL;
}

void remora_config_destroy(struct remora_config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < config->count; i++)
		free(config->values[i].string);
	free(config);
}

int config_find(const struct remora_config *config, const char *name,
	const struct config_error *error, size_t *index)
{
	const char *nearest;
	size_t i;

	for (i = 0; i < config->count; i++) {
		if (!strcmp(config->type->fields[i].name, name)) {
			*index = i;
			return 0;
		}
	}
	nearest = nearest_field(config->type, name);
	if (nearest)
		return config_fail(error, -ENOENT, "%s has no field \"%s\": did you mean \"%s\"?",
			config->type->name, name, nearest);
	return config_fail(error, -ENOENT,
		"%s has no field \"%s\": its fields are listed by --help-adapter %s",
		config->type->name, name, config->type->name);
}

void config_put(struct remora_config *config, size_t index, struct field_value value)
{
	free(config->values[index].string);
	config->values[index] = value;
}

int config_refuse(const struct remora_config *config, size_t index, const char *shown,
	const struct config_error *error)
{
	const struct remora_field *field = &config->type->fields[index];
	char accepted[FIELD_TEXT_LEN];

	return config_fail(error, -EINVAL, "%s is %.100s: it must be %s", field->name, shown,
		field_describe(field, accepted));
}

int remora_config_set(struct remora_config *config, const char *field, const char *text,
	char *error_text, size_t error_len)
{
	const struct config_error error = {.text = error_text, .len = error_len};
	struct field_value value;
	char shown[128];
	size_t index;
	int err;

	if (!config || !field || !text)
		return config_fail(&error, -EINVAL, "a configuration, a field or a value is NULL");
	config_no_error(&error);
	err = config_find(config, field, &error, &index);
	if (err)
		return err;
	err = field_parse(&config->type->fields[index], text, &value);
	if (err == -EINVAL) {
		snprintf(shown, sizeof(shown), "\"%s\"", text);
		return config_refuse(config, index, shown, &error);
	}
	if (err)
		return config_fail(&error, err, "out of memory");
	config_put(config, index, value);
	return 0;
}

int config_check(const struct remora_config *config, const struct config_error *error)
{
	char accepted[FIELD_TEXT_LEN];
	const struct remora_field *field;
	size_t i;

	for (i = 0; i < config->count; i++) {
		field = &config->type->fields[i];
		if (field->required && !config->values[i].set)
			return config_fail(error, -EINVAL,
				"%s is missing: %s needs it, and it must be %s", field->name,
				config->type->name, field_describe(field, accepted));
	}
	return 0;
}

int remora_config_check(const struct remora_config *config, char *error_text, size_t error_len)
{
	const struct config_error error = {.text = error_text, .len = error_len};

	if (!config)
		return config_fail(&error, -EINVAL, "the configuration is NULL");
	config_no_error(&error);
	return config_check(config, &error);
}

const struct remora_type *remora_config_type(const struct remora_config *config)
{
	return config ? config->type : NULL;
}

/* NULL: the type has no such field of this kind. */
static const struct field_value *value_of(
	const struct remora_config *config, const char *name, enum remora_field_kind kind)
{
	const struct remora_field *field;
	size_t i;

	for (i = 0; config && name && i < config->count; i++) {
		field = &config->type->fields[i];
		if (field->kind == kind && !strcmp(field->name, name))
			return &config->values[i];
	}
	return NULL;
}

const char *remora_config_string(const struct remora_config *config, const char *field)
{
	const struct field_value *value = value_of(config, field, REMORA_FIELD_STRING);

	return value ? value->string : NULL;
}

uint64_t remora_config_unsigned(const struct remora_config *config, const char *field)
{
	const struct field_value *value = value_of(config, field, REMORA_FIELD_UNSIGNED);

	return value ? value->number : 0;
}

uint64_t remora_config_size(const struct remora_config *config, const char *field)
{
	const struct field_value *value = value_of(config, field, REMORA_FIELD_SIZE);

	return value ? value->number : 0;
}

double remora_config_real(const struct remora_config *config, const char *field)
{
	const struct field_value *value = value_of(config, field, REMORA_FIELD_REAL);

	return value ? value->real : 0.0;
}

bool remora_config_boolean(const struct remora_config *config, const char *field)
{
	const struct field_value *value = value_of(config, field, REMORA_FIELD_BOOLEAN);

	return value && value->boolean;
}
