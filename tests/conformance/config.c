/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - group K: what the adapter's configuration accepts and refuses
 *
 * Asked of every field that the type declares, starting from the configuration
 * that the suite was given.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <remora/config.h>
#include <remora/type.h>

#include "trial.h"

enum { TEXT_LEN = 512 };

static const char position[] = "--l2-adapter #7";

static const struct remora_field *fields_of(struct trial *trial)
{
	const struct remora_type *type = remora_type_find(remora_type_name(trial->adapter));

	check(type);
	return type->fields;
}

/* The given configuration with one member more, or another; takes the value. */
static char *with(struct trial *trial, const char *field, json_t *value)
{
	json_t *object = json_loads(trial->json, 0, NULL);
	char *text;

	check(object);
	json_object_set_new(object, field, value);
	text = json_dumps(object, 0);
	json_decref(object);
	return text;
}

static char *without(struct trial *trial, const char *field)
{
	json_t *object = json_loads(trial->json, 0, NULL);
	char *text;

	check(object);
	json_object_del(object, field);
	text = json_dumps(object, 0);
	json_decref(object);
	return text;
}

/* The text is refused in words that name the position and what is wrong; frees it. */
static void check_refused(char *json, const char *wrong)
{
	struct remora_config *config = NULL;
	char error[TEXT_LEN] = "";
	int err = remora_config_parse(json, position, &config, error, sizeof(error));

	if (!err || config)
		trial_fail(__FILE__, __LINE__, "accepted: %s", json);
	check(err == -EINVAL || err == -ENOENT);
	if (strncmp(error, position, strlen(position)) != 0 || !strstr(error, wrong))
		trial_fail(__FILE__, __LINE__, "an error that names not '%s' and '%s': %s",
			position, wrong, error);
	free(json);
}

static void has_a_type_with_a_table(struct trial *trial)
{
	const struct remora_field *field = fields_of(trial);
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	check(file);
	check_equal(remora_type_help(remora_type_name(trial->adapter), file), 0);
	fclose(file);
	for (; field->name; field++)
		if (!strstr(text, field->name))
			trial_fail(__FILE__, __LINE__, "no word of the field %s", field->name);
	free(text);
}

static void refuses_unknown_fields(struct trial *trial)
{
	check_refused(with(trial, "nonesuch", json_integer(1)), "nonesuch");
}

static void refuses_unknown_types(struct trial *trial)
{
	check_refused(with(trial, "type", json_string("nonesuch")), "nonesuch");
	check_refused(with(trial, "type", json_integer(7)), "type");
	check_refused(without(trial, "type"), "type");
}

static void refuses_what_is_no_object(struct trial *trial)
{
	static const char *const texts[] = {"", "{", "[]", "7", "{\"type\": \"mock\"} 7"};
	size_t i;

	(void)trial;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_refused(strdup(texts[i]), "");
}

static json_t *another_kind(enum remora_field_kind kind)
{
	switch (kind) {
	case REMORA_FIELD_STRING: return json_integer(7);
	case REMORA_FIELD_UNSIGNED: return json_string("many");
	case REMORA_FIELD_SIZE: return json_string("much");
	case REMORA_FIELD_REAL: return json_string("most");
	case REMORA_FIELD_BOOLEAN: return json_string("maybe");
	}
	return json_null();
}

static void refuses_other_kinds(struct trial *trial)
{
	const struct remora_field *field = fields_of(trial);

	for (; field->name; field++) {
		check_refused(with(trial, field->name, another_kind(field->kind)), field->name);
		check_refused(with(trial, field->name, json_array()), field->name);
	}
}

static void refuses_values_out_of_range(struct trial *trial)
{
	const struct remora_field *field = fields_of(trial);
	char value[32];

	for (; field->name; field++) {
		if (field->kind != REMORA_FIELD_UNSIGNED && field->kind != REMORA_FIELD_SIZE)
			continue;
		check_refused(with(trial, field->name, json_integer(-1)), field->name);
		if (!field->max || field->max >= INT64_MAX)
			continue;
		snprintf(value, sizeof(value), "%ju", (uintmax_t)field->max + 1);
		check_refused(
			with(trial, field->name, json_integer((json_int_t)field->max + 1)), value);
	}
}

static void requires_what_is_required(struct trial *trial)
{
	const struct remora_field *field = fields_of(trial);

	for (; field->name; field++)
		if (field->required)
			check_refused(without(trial, field->name), field->name);
}

static void keeps_lists_in_order(struct trial *trial)
{
	const char *name = remora_type_name(trial->adapter);
	struct remora_config_list *list;
	char error[TEXT_LEN];

	check_equal(remora_config_list_create(&list), 0);
	check_equal(remora_config_list_add_json(list, trial->json, error, sizeof(error)), 0);
	check(remora_config_list_add_json(list, "{}", error, sizeof(error)) < 0);
	check(strstr(error, "--l2-adapter #2"));
	check_equal(remora_config_list_add_json(list, trial->json, error, sizeof(error)), 0);
	check_equal(remora_config_list_count(list), 2);
	check(!strcmp(remora_config_type(remora_config_list_at(list, 1))->name, name));
	check(!remora_config_list_at(list, 2));
	remora_config_list_destroy(list);
}

static int add_file(struct remora_config_list *list, const char *content, char *error)
{
	char path[] = "/tmp/remora-conformance-XXXXXX";
	int fd = mkstemp(path), err;

	check(fd >= 0);
	check_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
	err = remora_config_list_add_file(list, path, error, TEXT_LEN);
	unlink(path);
	return err;
}

static void reads_files(struct trial *trial)
{
	struct remora_config_list *list;
	char error[TEXT_LEN], content[2 * TEXT_LEN];

	check_equal(remora_config_list_create(&list), 0);
	check_equal(add_file(list, trial->json, error), 0);
	snprintf(content, sizeof(content), "[%s, %s]", trial->json, trial->json);
	check_equal(add_file(list, content, error), 0);
	check_equal(remora_config_list_count(list), 3);
	snprintf(content, sizeof(content), "[%s, {}]", trial->json);
	check(add_file(list, content, error) < 0);
	check(strstr(error, "#2"));
	check_equal(remora_config_list_count(list), 3);
	remora_config_list_destroy(list);
}

static const struct trial_case cases[] = {
	{"the type prints a table of its fields", has_a_type_with_a_table},
	{"an unknown field is refused by its name", refuses_unknown_fields},
	{"an unknown or missing type is refused", refuses_unknown_types},
	{"what is no JSON object is refused", refuses_what_is_no_object},
	{"a value of another kind is refused, for each field", refuses_other_kinds},
	{"a value out of range is refused, for each field", refuses_values_out_of_range},
	{"a required field that is missing is refused", requires_what_is_required},
	{"a list keeps its order and names who is wrong", keeps_lists_in_order},
	{"a file holds one adapter or several", reads_files},
};

TRIAL_GROUP(config, cases);
