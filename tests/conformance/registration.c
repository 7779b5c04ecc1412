/* SPDX-License-Identifier: Apache-2.0 */
/* registration.c - group P: objects in the arena that was lent at open, and elsewhere */
#include <stdlib.h>

#include "trial.h"

enum { LOGICAL = 4000, LARGE = 3 * MIB };

/* Store from here and load to here; both ways the bytes are right. */
static void go_round(struct trial *trial, void *from, void *to, size_t len)
{
	struct items *items = trial_items(trial, 1, 0);

	items->objects[0] = (struct remora_object){from, len, NULL};
	items_fill(items);
	trial_have(trial, items);
	items->objects[0].data = to;
	items_wipe(items);
	check_bits(trial_load(trial, items), "1");
	check_equal(items_wrong(items), 1);
}

static void inside(struct trial *trial)
{
	go_round(trial, trial->arena, trial->arena + MIB, MIB);
	go_round(trial, trial->arena + 1, trial->arena + MIB + 3, 100001);
	go_round(trial, trial->arena, trial->arena + trial->arena_len - PAGE, PAGE);
}

static void outside(struct trial *trial)
{
	void *from = malloc(LARGE), *to = malloc(LARGE);

	check(from && to);
	go_round(trial, from, to, LARGE);
	go_round(trial, from, trial->arena, LARGE);
	go_round(trial, trial->arena, to, LARGE);
	free(to);
	free(from);
}

static void both(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, 100000);
	void *elsewhere = malloc(100000);

	check(elsewhere);
	items->objects[1].data = elsewhere;
	items_fill(items);
	trial_have(trial, items);
	items_wipe(items);
	check_bits(trial_load(trial, items), "111");
	check_equal(items_wrong(items), 3);
	free(elsewhere);
}

/* Slots of a page each, of which the object takes a part. */
static void unaligned(struct trial *trial)
{
	struct items *items = trial_items(trial, 3, PAGE);
	size_t i;

	for (i = 0; i < 3; i++)
		items->objects[i].len = LOGICAL;
	items_fill(items);
	check_equal(trial_store(trial, items).bytes, 3 * LOGICAL);
	items_wipe(items);
	for (i = 0; i < 3; i++)
		trial->arena[i * PAGE + LOGICAL] = (uint8_t)i;
	check_bits(trial_load(trial, items), "111");
	check_equal(items_wrong(items), 3);
	for (i = 0; i < 3; i++)
		check_equal(trial->arena[i * PAGE + LOGICAL], i);
}

static void without(struct trial *trial)
{
	uint8_t *arena = trial->arena;

	remora_destroy(trial->adapter);
	trial->arena = NULL, trial->arena_len = 0;
	trial->adapter = trial_open(trial, trial->json);
	trial->arena = arena, trial->arena_len = ARENA_LEN;
	go_round(trial, arena, arena + MIB, MIB);
}

static const struct trial_case cases[] = {
	{"objects inside the arena come back", inside},
	{"objects outside the arena come back", outside},
	{"a batch may be inside and outside the arena", both},
	{"an object may be shorter than its slot", unaligned},
	{"an adapter needs no arena", without},
};

TRIAL_GROUP(registration, cases);
