/* SPDX-License-Identifier: Apache-2.0 */
/* mock_faults.c - which tasks of a mock fail or are late */
#include "mock_faults.h"

#include <stdio.h>

enum { NS_PER_MS = 1000000, FIELD_LEN = 32 };

static const char *const names[MOCK_FAULT_KINDS] = {"store", "lookup", "load"};

/* splitmix64: every seed is as good as another. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool happens(struct mock_fault *fault, double share)
{
	return (double)(next_random(&fault->random) >> 11) * 0x1p-53 < share;
}

static uint64_t number(const struct remora_config *config, const char *what, const char *kind)
{
	char field[FIELD_LEN];

	snprintf(field, sizeof(field), "%s_%s_nth", what, kind);
	return remora_config_unsigned(config, field);
}

static double share(const struct remora_config *config, const char *what, const char *kind)
{
	char field[FIELD_LEN];

	snprintf(field, sizeof(field), "%s_%s_share", what, kind);
	return remora_config_real(config, field);
}

void mock_faults_init(struct mock_faults *faults, const struct remora_config *config)
{
	uint64_t seed = remora_config_unsigned(config, "fault_seed");
	char field[FIELD_LEN];
	unsigned i;

	for (i = 0; i < MOCK_FAULT_KINDS; i++) {
		snprintf(field, sizeof(field), "delay_%s_ms", names[i]);
		faults->kinds[i] = (struct mock_fault){
			.fail_nth = number(config, "fail", names[i]),
			.delay_nth = number(config, "delay", names[i]),
			.fail_share = share(config, "fail", names[i]),
			.delay_share = share(config, "delay", names[i]),
			.delay_ms = remora_config_unsigned(config, field),
			.random = seed * MOCK_FAULT_KINDS + i,
		};
	}
}

struct mock_verdict mock_faults_next(struct mock_faults *faults, enum mock_fault_kind kind)
{
	struct mock_fault *fault = &faults->kinds[kind];
	struct mock_verdict verdict = {0};
	bool late;

	fault->count++;
	/* Both are drawn each time: one field must not shift what another one hits. */
	verdict.fails = happens(fault, fault->fail_share);
	late = happens(fault, fault->delay_share);
	if (fault->count == fault->fail_nth)
		verdict.fails = true;
	if (fault->delay_nth)
		late = fault->count == fault->delay_nth;
	if (late)
		verdict.delay_ns = fault->delay_ms * NS_PER_MS;
	return verdict;
}
