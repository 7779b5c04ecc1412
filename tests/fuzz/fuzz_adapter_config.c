/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_adapter_config.c - any bytes as an adapter's configuration
 *
 * As the JSON of an option and as that of a file, and, behind the first zero
 * byte, as the value of a field.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <remora/config.h>
#include <remora/type.h>

#include "memory_file.h"

enum { ERROR_LEN = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_error(int err, const char error[ERROR_LEN])
{
	check(err == 0 || err == -EINVAL || err == -ENOENT);
	check(memchr(error, '\0', ERROR_LEN) != NULL);
	check(!err == !error[0]);
}

/* Every field may be read, and what was accepted is still accepted. */
static void check_usable(const struct remora_config *config)
{
	const struct remora_type *type = remora_config_type(config);
	char error[ERROR_LEN] = "";

	check(type != NULL);
	for (const struct remora_field *field = type->fields; field && field->name; field++) {
		const char *text = remora_config_string(config, field->name);

		check(!text || text[0]);
		(void)remora_config_unsigned(config, field->name);
		(void)remora_config_size(config, field->name);
		(void)remora_config_real(config, field->name);
		(void)remora_config_boolean(config, field->name);
	}
	check_error(remora_config_check(config, error, sizeof(error)), error);
	check(!error[0]);
}

static void try_option(const char *text)
{
	struct remora_config *config = NULL;
	char error[ERROR_LEN] = "";
	int err = remora_config_parse(text, "#1", &config, error, sizeof(error));

	check_error(err, error);
	check(!err == !!config);
	if (config)
		check_usable(config);
	remora_config_destroy(config);
}

static void try_file(const uint8_t *data, size_t size)
{
	struct remora_config_list *list;
	char error[ERROR_LEN] = "";
	int err;

	check(!remora_config_list_create(&list));
	err = remora_config_list_add_file(list, memory_file(data, size), error, sizeof(error));
	check_error(err, error);
	check(!err || !remora_config_list_count(list));
	for (size_t i = 0; i < remora_config_list_count(list); i++)
		check_usable(remora_config_list_at(list, i));
	remora_config_list_destroy(list);
}

/* Any text as the value of any field; one that is refused changes nothing. */
static void try_fields(const char *name, const char *value)
{
	struct remora_config *config;
	char error[ERROR_LEN];
	const struct remora_type *type;

	if (remora_config_create(name, &config))
		return;
	type = remora_config_type(config);
	for (const struct remora_field *field = type->fields; field && field->name; field++) {
		error[0] = '\0';
		check_error(
			remora_config_set(config, field->name, value, error, sizeof(error)), error);
	}
	remora_config_destroy(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t first;

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	try_option(text);
	first = strlen(text);
	if (first < size) {
		try_fields("rdma", text + first + 1);
		try_fields("mock", text + first + 1);
	}
	free(text);
	try_file(data, size);
	return 0;
}
