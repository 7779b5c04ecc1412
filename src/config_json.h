/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_json.h - a configuration from JSON
 *
 * Any thread.
 */
#ifndef CONFIG_JSON_H
#define CONFIG_JSON_H

#include <jansson.h>

#include "adapter_config.h"

/* From an object that is parsed already. Errors as remora_config_parse(). */
int config_from_json(
	const json_t *object, const struct config_error *error, struct remora_config **out);

#endif
