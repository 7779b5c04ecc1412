/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bandwidth.c - group R: an adapter that pretends to be slow
 *
 * For a configuration with mock_bandwidth_gb only. Nothing here takes too
 * long: how slow a busy machine may be is not the adapter's matter.
 */
#include <jansson.h>

#include "trial.h"

static double bandwidth_gb(const struct trial *trial)
{
	json_t *object = json_loads(trial->json, 0, NULL);
	double gb = json_number_value(json_object_get(object, "mock_bandwidth_gb"));

	json_decref(object);
	return gb;
}

static bool is_limited(const struct trial *trial)
{
	return bandwidth_gb(trial) > 0;
}

/* Milliseconds that so many bytes take at least. */
static uint64_t least_ms(struct trial *trial, size_t len)
{
	return (uint64_t)((double)len / (bandwidth_gb(trial) * (1 << 30)) * 1000);
}

static void stores_take_their_time(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, MIB);
	uint64_t least = least_ms(trial, (size_t)4 * MIB), began = trial_now_ms();

	trial_have(trial, items);
	/* The clock's milliseconds are cut. */
	check(trial_now_ms() + 1 - began >= least);
}

static void loads_take_their_time(struct trial *trial)
{
	struct items *items = trial_items(trial, 4, MIB);
	uint64_t least = least_ms(trial, (size_t)4 * MIB), began;

	trial_have(trial, items);
	began = trial_now_ms();
	check_bits(trial_load(trial, items), "1111");
	check(trial_now_ms() + 1 - began >= least);
}

static const struct trial_case cases[] = {
	{"a store takes as long as the bandwidth says", stores_take_their_time},
	{"a load takes as long as the bandwidth says", loads_take_their_time},
};

TRIAL_GROUP_IF(bandwidth, cases, is_limited);
