/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_faults.h - which tasks of a mock fail or are late
 *
 * Each kind of task has a count and random numbers of its own, so that with the
 * same seed the same tasks of a kind are hit, whatever the others do. Pure; for
 * one thread.
 */
#ifndef MOCK_FAULTS_H
#define MOCK_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include <remora/config.h>

enum mock_fault_kind { MOCK_FAULT_STORE, MOCK_FAULT_LOOKUP, MOCK_FAULT_LOAD, MOCK_FAULT_KINDS };

struct mock_fault {
	uint64_t fail_nth, delay_nth; /* from 1 on; 0: none */
	double fail_share, delay_share;
	uint64_t delay_ms;
	uint64_t count; /* tasks until now */
	uint64_t random;
};

struct mock_faults {
	struct mock_fault kinds[MOCK_FAULT_KINDS];
};

struct mock_verdict {
	bool fails;
	uint64_t delay_ns;
};

/* From the fields that mock_adapter.c declares. */
void mock_faults_init(struct mock_faults *faults, const struct remora_config *config);

/* What befalls the next task of the kind. */
struct mock_verdict mock_faults_next(struct mock_faults *faults, enum mock_fault_kind kind);

#endif
