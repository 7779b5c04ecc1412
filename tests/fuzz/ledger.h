/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - what sessions hold, going by what they were told
 *
 * A second opinion on the server: it reads requests and their replies, and
 * keeps books of reservations and locks in the simplest way there is. abort()
 * on the first answer that cannot be right: an extent given twice, a handle
 * that works for somebody else, a locked object deleted.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { LEDGER_ITEMS = 64, LEDGER_SESSIONS = 2 };

/* A reservation or a lock. */
struct ledger_item {
	unsigned session;
	unsigned locks; /* 0: a reservation */
	struct wire_extent extent;
	uint8_t key[WIRE_KEY_MAX];
	uint16_t key_len;
};

struct ledger {
	struct ledger_item items[LEDGER_ITEMS];
	unsigned count;
};

/* A request that a session was answered. Both are frames; the reply is checked. */
void ledger_answered(struct ledger *ledger, unsigned session, const void *request,
	size_t request_len, const void *reply, size_t reply_len);

/* A session has ended: it holds nothing any more. */
void ledger_ended(struct ledger *ledger, unsigned session);

#endif
