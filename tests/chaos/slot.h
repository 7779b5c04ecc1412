/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - one thing at a time that a client of the chaos test does
 *
 * A slot stores a batch of keys, or looks a batch up, perhaps keeps the locks
 * for a while, loads what was found, compares it and unlocks. Several slots run
 * side by side on one adapter. Single-threaded.
 */
#ifndef CHAOS_SLOT_H
#define CHAOS_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include <remora/adapter.h>

#include "content.h"
#include "counters.h"

enum { SLOT_KEYS = 4, SLOT_BYTES = SLOT_KEYS * CONTENT_MAX };

enum slot_state { SLOT_IDLE, SLOT_STORING, SLOT_LOOKING, SLOT_HOLDING, SLOT_LOADING };

struct slot {
	struct remora_adapter *adapter;
	struct counters *counters;
	uint8_t *memory; /* SLOT_BYTES, filled with SLOT_WIPED while idle */

	enum slot_state state;
	int64_t task;
	uint64_t began_ms; /* by the client's own clock, see client.c */
	uint64_t until_ms; /* the earliest time for the next step */
	bool hold;	   /* keep locks until slot_let_go() */
	bool proof;	   /* what is stored is to be found again at once */
	bool proven;	   /* and was */

	unsigned count;
	char names[SLOT_KEYS][CONTENT_NAME];
	struct remora_key keys[SLOT_KEYS];
	struct remora_object objects[SLOT_KEYS];
};

/* memory stays the caller's. */
void slot_init(struct slot *slot, struct remora_adapter *adapter, struct counters *counters,
	uint8_t *memory);

/* Begin; the slot is idle, and its keys are set. */
void slot_clear(struct slot *slot);
void slot_add_key(struct slot *slot, unsigned number, const char *prefix);
void slot_store(struct slot *slot, uint32_t version, uint64_t now_ms);
void slot_lookup(struct slot *slot, uint64_t now_ms);

/* A store's result has come. */
void slot_stored(struct slot *slot, const struct remora_store_result *result, uint64_t now_ms);

/* Look whether the task under way has a result, and go on. */
void slot_turn(struct slot *slot, uint64_t now_ms);

#endif
