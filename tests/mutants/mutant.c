/* SPDX-License-Identifier: Apache-2.0 */
/* mutant.c - the types of a shared object, one for each mutation, and what they share */
#include "mutant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TYPES_MAX = 128, VALUE_LEN = 256 };

static struct remora_type types[TYPES_MAX];
static struct remora_type_ops ops[TYPES_MAX];
static const struct mutation *mutations[TYPES_MAX];
static const struct remora_type *list[TYPES_MAX + 1];
static const struct mutation faithful = {.name = "faithful"};

struct mutant_key *mutant_key(struct mutant *mutant, const struct remora_key *key)
{
	struct mutant_key *entry;
	unsigned i;

	for (i = 0; i < mutant->table_count; i++) {
		entry = &mutant->table[i];
		if (entry->len == key->len && !memcmp(entry->data, key->data, key->len))
			return entry;
	}
	if (key->len > MUTANT_KEY_LEN || mutant->table_count == MUTANT_KEYS_MAX)
		abort();
	entry = &mutant->table[mutant->table_count++];
	memcpy(entry->data, key->data, key->len);
	entry->len = key->len;
	return entry;
}

struct remora_key mutant_key_of(const struct mutant_key *entry)
{
	return (struct remora_key){entry->data, entry->len};
}

int mutant_store_now(struct mutant *mutant, const struct remora_key *keys,
	const struct remora_object *objects, size_t count)
{
	struct remora_store_result result;

	remora_submit_store(mutant->inner, keys, count, objects, count);
	while (!remora_pop_stores(mutant->inner, &result, 1))
		usleep(100);
	return result.error;
}

void mutant_signal(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void value_text(const struct remora_config *config, const struct remora_field *field,
	char *text, size_t len)
{
	const char *string = remora_config_string(config, field->name);

	switch (field->kind) {
	case REMORA_FIELD_STRING: snprintf(text, len, "%s", string ? string : ""); return;
	case REMORA_FIELD_UNSIGNED:
		snprintf(text, len, "%ju", (uintmax_t)remora_config_unsigned(config, field->name));
		return;
	case REMORA_FIELD_SIZE:
		snprintf(text, len, "%ju", (uintmax_t)remora_config_size(config, field->name));
		return;
	case REMORA_FIELD_REAL:
		snprintf(text, len, "%.17g", remora_config_real(config, field->name));
		return;
	case REMORA_FIELD_BOOLEAN:
		snprintf(text, len, "%s",
			remora_config_boolean(config, field->name) ? "true" : "false");
		return;
	}
}

/* The same configuration for `mock`. What it does not accept is what was unset. */
static struct remora_config *translate(const struct remora_config *config, bool no_bandwidth)
{
	const struct remora_field *field;
	struct remora_config *inner;
	char text[VALUE_LEN];

	if (remora_config_create("mock", &inner))
		return NULL;
	for (field = remora_config_type(config)->fields; field->name; field++) {
		if (no_bandwidth && strstr(field->name, "bandwidth"))
			continue;
		value_text(config, field, text, sizeof(text));
		remora_config_set(inner, field->name, text, NULL, 0);
	}
	return inner;
}

static const struct mutation *mutation_of(const struct remora_type *type)
{
	return mutations[type - types];
}

static int open_mutant(
	const struct remora_config *config, const struct remora_host *host, void **self)
{
	const struct mutation *mutation = mutation_of(remora_config_type(config));
	struct remora_config *inner = translate(config, mutation->no_bandwidth);
	struct mutant *mutant = calloc(1, sizeof(*mutant));
	int err;

	if (!inner || !mutant)
		return -ENOMEM;
	if (mutation->needs_arena && !host->arena)
		return -EINVAL;
	mutant->arena = host->arena;
	mutant->arena_len = host->arena_len;
	mutant->fd = -1;
	pthread_mutex_init(&mutant->mutex, NULL);
	err = remora_open(inner, host, &mutant->inner);
	remora_config_destroy(inner);
	*self = mutant;
	return err;
}

static void add_type(const struct mutation *mutation)
{
	static unsigned count;

	if (count == TYPES_MAX)
		abort();
	mutations[count] = mutation;
	ops[count] = faithful_ops;
	if (mutation->change)
		mutation->change(&ops[count]);
	types[count] = (struct remora_type){
		.name = mutation->name,
		.help = "mock, with one thing wrong",
		.fields = remora_type_find("mock")->fields,
		.open = open_mutant,
		.ops = &ops[count],
	};
	list[count] = &types[count];
	count++;
}

const struct remora_type *const *remora_types(void);

const struct remora_type *const *remora_types(void)
{
	static const struct mutation *const all[] = {result_mutations, store_mutations,
		load_mutations, lock_mutations, account_mutations, end_mutations};
	const struct mutation *mutation;
	size_t i;

	add_type(&faithful);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (mutation = all[i]; mutation->name; mutation++)
			add_type(mutation);
	return list;
}
