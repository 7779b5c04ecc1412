/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broken_config.c - configuration functions that are wrong, one at a time
 *
 * Preloaded before the library. $BROKEN_CONFIG says what is wrong. For the
 * suite's cases of what the library does for every type.
 */
#include <dlfcn.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <remora/config.h>
#include <remora/type.h>

static bool is_broken(const char *what)
{
	const char *broken = getenv("BROKEN_CONFIG");

	return broken && !strcmp(broken, what);
}

/* What the JSON would be without what the type would refuse. */
static char *tolerate(const char *json)
{
	json_t *object = json_loads(json, 0, NULL);
	const char *key;
	json_t *value;
	void *next;
	char *text;

	if (!json_is_object(object) || !json_is_string(json_object_get(object, "type")) ||
		!remora_type_find(json_string_value(json_object_get(object, "type")))) {
		json_decref(object);
		object = json_pack("{s:s}", "type", "mock");
	}
	json_object_foreach_safe(object, next, key, value)
	{
		if (strcmp(key, "type") != 0)
			json_object_del(object, key);
	}
	json_object_set_new(object, "max_size_gb", json_real(0.015625));
	text = json_dumps(object, 0);
	json_decref(object);
	return text;
}

int remora_config_parse(const char *json, const char *position, struct remora_config **config,
	char *error, size_t error_len)
{
	int (*parse)(const char *, const char *, struct remora_config **, char *, size_t);
	char *tolerated;
	int err;

	*(void **)&parse = dlsym(RTLD_NEXT, "remora_config_parse");
	if (is_broken("accepts-everything")) {
		tolerated = tolerate(json);
		err = parse(tolerated, position, config, error, error_len);
		free(tolerated);
		return err;
	}
	err = parse(json, position, config, error, error_len);
	if (err && is_broken("explains-nothing") && error_len)
		error[0] = '\0';
	return err;
}

int remora_type_help(const char *type, FILE *file)
{
	int (*help)(const char *, FILE *);

	*(void **)&help = dlsym(RTLD_NEXT, "remora_type_help");
	return is_broken("prints-no-table") ? 0 : help(type, file);
}

size_t remora_config_list_count(const struct remora_config_list *list)
{
	size_t (*count)(const struct remora_config_list *);

	*(void **)&count = dlsym(RTLD_NEXT, "remora_config_list_count");
	return count(list) + is_broken("counts-wrong");
}
