/* SPDX-License-Identifier: Apache-2.0 */
/* config_json.c - a configuration from JSON */
#include "config_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A JSON value as a field's, which it may be no value of. */
static int read_value(
	const struct remora_field *field, const json_t *json, struct field_value *value)
{
	*value = (struct field_value){.set = true};
	switch (field->kind) {
	case REMORA_FIELD_STRING:
		return json_is_string(json) ? field_parse(field, json_string_value(json), value)
					    : -EINVAL;
	case REMORA_FIELD_SIZE:
		if (json_is_string(json))
			return field_parse(field, json_string_value(json), value);
		/* fall through */
	case REMORA_FIELD_UNSIGNED:
		if (!json_is_integer(json) || json_integer_value(json) < 0)
			return -EINVAL;
		value->number = (uint64_t)json_integer_value(json);
		break;
	case REMORA_FIELD_REAL:
		if (!json_is_number(json))
			return -EINVAL;
		value->real = json_number_value(json);
		break;
	case REMORA_FIELD_BOOLEAN:
		if (!json_is_boolean(json))
			return -EINVAL;
		value->boolean = json_boolean_value(json);
		break;
	}
	return field_accepts(field, value) ? 0 : -EINVAL;
}

static int set_field(struct remora_config *config, const char *name, const json_t *json,
	const struct config_error *error)
{
	struct field_value value;
	char *shown;
	size_t index;
	int err;

	err = config_find(config, name, error, &index);
	if (err)
		return err;
	err = read_value(&config->type->fields[index], json, &value);
	if (err == -EINVAL) {
		shown = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
		config_refuse(config, index, shown ? shown : "of another kind", error);
		free(shown);
		return -EINVAL;
	}
	if (err)
		return config_fail(error, err, "out of memory");
	config_put(config, index, value);
	return 0;
}

static int set_fields(
	struct remora_config *config, const json_t *object, const struct config_error *error)
{
	/* The iterator's functions want a json_t that is not const, and leave it alone. */
	json_t *members = (json_t *)(uintptr_t)object;
	const char *name;
	json_t *value;
	int err;

	json_object_foreach(members, name, value)
	{
		if (!strcmp(name, "type"))
			continue;
		err = set_field(config, name, value, error);
		if (err)
			return err;
	}
	return config_check(config, error);
}

int config_from_json(
	const json_t *object, const struct config_error *error, struct remora_config **out)
{
	struct remora_config *config;
	const json_t *type;
	int err;

	if (!json_is_object(object))
		return config_fail(error, -EINVAL,
			"it is no JSON object: it must be like {\"type\": \"mock\", ...}");
	type = json_object_get(object, "type");
	if (!type)
		return config_fail(
			error, -EINVAL, "type is missing: it must be the name of an adapter type");
	if (!json_is_string(type))
		return config_fail(
			error, -EINVAL, "type is no text: it must be the name of an adapter type");
	err = config_create(json_string_value(type), error, &config);
	if (err)
		return err;
	err = set_fields(config, object, error);
	if (err) {
		remora_config_destroy(config);
		return err;
	}
	*out = config;
	return 0;
}

int remora_config_parse(const char *json, const char *position, struct remora_config **config,
	char *error_text, size_t error_len)
{
	const struct config_error error = {
		.text = error_text, .len = error_len, .position = position};
	json_error_t where;
	json_t *object;
	int err;

	if (!json || !config)
		return config_fail(&error, -EINVAL, "the JSON text is NULL");
	config_no_error(&error);
	object = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (!object)
		return config_fail(&error, -EINVAL, "it is not JSON: %s at line %d, column %d",
			where.text, where.line, where.column);
	err = config_from_json(object, &error, config);
	json_decref(object);
	return err;
}
