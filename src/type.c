/* SPDX-License-Identifier: Apache-2.0 */
/* type.c - the types of adapter by name, and what can be told them */
#include <remora/type.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "types.h"

static const struct remora_type *const builtin[] = {&rdma_type, &mock_type};
enum { BUILTIN_COUNT = sizeof(builtin) / sizeof(builtin[0]) };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static const struct remora_type **registered;
static size_t registered_count;

/* With the mutex. */
static const struct remora_type *at(size_t index)
{
	if (index < BUILTIN_COUNT)
		return builtin[index];
	index -= BUILTIN_COUNT;
	return index < registered_count ? registered[index] : NULL;
}

/* With the mutex. */
static const struct remora_type *find(const char *name)
{
	const struct remora_type *type;
	size_t i;

	for (i = 0; (type = at(i)); i++)
		if (!strcmp(type->name, name))
			return type;
	return NULL;
}

const struct remora_type *remora_type_at(size_t index)
{
	const struct remora_type *type;

	pthread_mutex_lock(&mutex);
	type = at(index);
	pthread_mutex_unlock(&mutex);
	return type;
}

const struct remora_type *remora_type_find(const char *name)
{
	const struct remora_type *type;

	if (!name)
		return NULL;
	pthread_mutex_lock(&mutex);
	type = find(name);
	pthread_mutex_unlock(&mutex);
	return type;
}

static bool ops_are_complete(const struct remora_type_ops *ops)
{
	return ops && ops->store_fd && ops->lookup_fd && ops->load_fd && ops->submit_store &&
	       ops->pop_stores && ops->submit_lookup && ops->query_lookup && ops->submit_unlock &&
	       ops->submit_load && ops->query_load && ops->status && ops->close && ops->destroy;
}

static bool default_is_accepted(const struct remora_field *field)
{
	struct field_value value;

	if (!field->fallback)
		return true;
	if (field->required || field_parse(field, field->fallback, &value))
		return false;
	free(value.string);
	return true;
}

static bool is_complete(const struct remora_type *type)
{
	const struct remora_field *field;

	if (!type || !type->name || !*type->name || !type->fields || !type->open)
		return false;
	for (field = type->fields; field->name; field++)
		if (!default_is_accepted(field))
			return false;
	return ops_are_complete(type->ops);
}

int remora_type_register(const struct remora_type *type)
{
	const struct remora_type **grown;
	int err = 0;

	if (!is_complete(type))
		return -EINVAL;
	pthread_mutex_lock(&mutex);
	if (find(type->name)) {
		err = -EEXIST;
	} else {
		grown = realloc(
			registered, (registered_count + 1) * sizeof(const struct remora_type *));
		err = grown ? 0 : -ENOMEM;
	}
	if (!err) {
		registered = grown;
		registered[registered_count++] = type;
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

int remora_type_help(const char *name, FILE *file)
{
	const struct remora_type *type = remora_type_find(name);
	const struct remora_field *field;
	char accepted[FIELD_TEXT_LEN];
	const char *fallback;

	if (!type)
		return -ENOENT;
	fprintf(file, "%s: %s\n\n", type->name, type->help ? type->help : "");
	for (field = type->fields; field->name; field++) {
		fallback = field->fallback ? field->fallback : "none";
		fprintf(file, "  %-20s %s\n", field->name, field->help ? field->help : "");
		fprintf(file, "  %-20s %s; %s%s\n", "", field_describe(field, accepted),
			field->required ? "required" : "default ", field->required ? "" : fallback);
	}
	return ferror(file) ? -EIO : 0;
}
