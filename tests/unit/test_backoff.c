/* SPDX-License-Identifier: Apache-2.0 */
/* test_backoff.c - pauses grow to a limit, and those of many clients differ */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

enum {
	CLIENTS = 1000,
	DOWN_MS = 20000,
	SLOT_MS = 100,
	SLOTS = (DOWN_MS + BACKOFF_MAX_MS) / SLOT_MS
};

static void pauses_double_up_to_a_limit(void **state)
{
	uint32_t most = BACKOFF_FIRST_MS, pause;
	struct backoff backoff;
	int i;

	(void)state;
	backoff_init(&backoff, 1);
	for (i = 0; i < 20; i++) {
		pause = backoff_next(&backoff);
		assert_in_range(pause, most / 2, most);
		most = 2 * most < BACKOFF_MAX_MS ? 2 * most : BACKOFF_MAX_MS;
	}
	assert_in_range(pause, BACKOFF_MAX_MS / 2, BACKOFF_MAX_MS);
}

static void success_makes_pauses_short_again(void **state)
{
	struct backoff backoff;
	int i;

	(void)state;
	backoff_init(&backoff, 1);
	for (i = 0; i < 20; i++)
		backoff_next(&backoff);
	backoff_reset(&backoff);
	assert_in_range(backoff_next(&backoff), BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
}

/* What a thousand clients try in each tenth of a second when they lose a server together. */
static unsigned attempts[SLOTS];

static void lose_server(uint32_t seed)
{
	struct backoff backoff;
	uint32_t at;

	backoff_init(&backoff, seed);
	for (at = 0; at < SLOTS * SLOT_MS; at += backoff_next(&backoff))
		attempts[at / SLOT_MS]++;
}

static void a_thousand_clients_do_not_return_together(void **state)
{
	unsigned i, late = 0;

	(void)state;
	for (i = 0; i < CLIENTS; i++)
		lose_server(i * 2654435761u);
	assert_int_equal(attempts[0] / CLIENTS, 1); /* the first attempt, and few more */
	for (i = DOWN_MS / SLOT_MS; i < SLOTS; i++) {
		/* Evenly spread it would be 27 in a tenth of a second. */
		assert_in_range(attempts[i], 1, 80);
		late += attempts[i];
	}
	/* Within the longest pause each of them tries once or twice. */
	assert_in_range(late, CLIENTS, 2 * CLIENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_double_up_to_a_limit),
		cmocka_unit_test(success_makes_pauses_short_again),
		cmocka_unit_test(a_thousand_clients_do_not_return_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
