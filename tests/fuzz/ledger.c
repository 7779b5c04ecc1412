/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - what sessions hold, going by what they were told; single-threaded */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "wire_samples.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

static int is_same(struct wire_handle a, struct wire_handle b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

/* NULL: the session holds no such thing. */
static struct ledger_item *find(
	struct ledger *ledger, unsigned session, struct wire_handle handle, int locked)
{
	for (unsigned i = 0; i < ledger->count; i++) {
		struct ledger_item *item = &ledger->items[i];

		if (item->session == session && !item->locks == !locked &&
			is_same(item->extent.handle, handle))
			return item;
	}
	return NULL;
}

static void drop(struct ledger *ledger, struct ledger_item *item)
{
	*item = ledger->items[--ledger->count];
}

static struct ledger_item *add(struct ledger *ledger, unsigned session, struct wire_key key,
	const struct wire_extent *extent)
{
	struct ledger_item *item;

	check(ledger->count < LEDGER_ITEMS); /* the limits of sessions allow no more */
	item = &ledger->items[ledger->count++];
	*item = (struct ledger_item){.session = session, .extent = *extent, .key_len = key.len};
	memcpy(item->key, key.data, key.len);
	return item;
}

/* Memory that somebody may write, or counts on, is nobody else's. */
static void check_apart(const struct ledger *ledger, const struct wire_extent *extent)
{
	for (unsigned i = 0; i < ledger->count; i++) {
		const struct wire_extent *other = &ledger->items[i].extent;

		check(extent->addr + extent->len <= other->addr ||
			other->addr + other->len <= extent->addr);
	}
}

static void reserved(struct ledger *ledger, unsigned session, struct wire_reader *request,
	struct wire_reader *reply)
{
	struct wire_extent extent;
	enum wire_status status;
	struct wire_salt salt;
	struct wire_key key;
	uint64_t len;

	check(!wire_get_reserve(request, &key, &len, &salt));
	check(!wire_get_extent(reply, &status, &extent));
	if (status != WIRE_OK)
		return;
	check(extent.len == len);
	check_apart(ledger, &extent);
	add(ledger, session, key, &extent);
}

static void looked_up(struct ledger *ledger, unsigned session, int lock,
	struct wire_reader *request, struct wire_reader *reply)
{
	struct ledger_item *item;
	struct wire_extent extent;
	enum wire_status status;
	struct wire_key key;

	check(!wire_get_key(request, &key));
	check(!wire_get_extent(reply, &status, &extent));
	if (status != WIRE_OK)
		return;
	for (unsigned i = 0; i < ledger->count; i++)
		check(ledger->items[i].locks ||
			!is_same(ledger->items[i].extent.handle, extent.handle));
	if (!lock)
		return;
	item = find(ledger, session, extent.handle, 1);
	if (!item)
		item = add(ledger, session, key, &extent);
	item->locks++;
}

/* COMMIT, ABORT and UNLOCK work for the holder, as often as he holds it, and for nobody else. */
static void gave_back(struct ledger *ledger, unsigned session, uint8_t type,
	struct wire_reader *request, struct wire_reader *reply)
{
	struct ledger_item *item;
	struct wire_handle handle;
	enum wire_status status;

	check(!wire_get_handle(request, &handle));
	check(!wire_get_status(reply, &status));
	item = find(ledger, session, handle, type == WIRE_UNLOCK);
	check(!item == (status == WIRE_STALE));
	if (!item)
		return;
	check(status == WIRE_OK || (type == WIRE_COMMIT && status == WIRE_EXISTS));
	if (item->locks > 1)
		item->locks--;
	else
		drop(ledger, item);
}

static void deleted(
	const struct ledger *ledger, struct wire_reader *request, struct wire_reader *reply)
{
	enum wire_status status;
	struct wire_key key;

	check(!wire_get_key(request, &key));
	check(!wire_get_status(reply, &status));
	for (unsigned i = 0; i < ledger->count; i++) {
		const struct ledger_item *item = &ledger->items[i];

		if (item->locks && item->key_len == key.len &&
			!memcmp(item->key, key.data, key.len))
			check(status == WIRE_LOCKED);
	}
}

static void take_entry(struct ledger *ledger, unsigned session, const struct wire_header *asked,
	struct wire_reader *request, struct wire_reader *reply)
{
	switch (asked->type) {
	case WIRE_RESERVE: reserved(ledger, session, request, reply); break;
	case WIRE_LOOKUP:
		looked_up(ledger, session, asked->flags & WIRE_FLAG_LOCK, request, reply);
		break;
	case WIRE_COMMIT:
	case WIRE_ABORT:
	case WIRE_UNLOCK: gave_back(ledger, session, asked->type, request, reply); break;
	case WIRE_DELETE: deleted(ledger, request, reply); break;
	default: break;
	}
}

void ledger_answered(struct ledger *ledger, unsigned session, const void *request,
	size_t request_len, const void *reply, size_t reply_len)
{
	struct wire_reader request_reader, reply_reader;
	struct wire_header asked, got;

	check(!wire_open(&request_reader, request, request_len, &asked));
	check(!wire_open(&reply_reader, reply, reply_len, &got));
	check(!sample_decode(reply, reply_len));
	check(got.task == asked.task);
	if (got.type == WIRE_REFUSED)
		return;
	check(got.type == (asked.type | WIRE_REPLY));
	if (asked.type >= WIRE_RESERVE && asked.type <= WIRE_DELETE)
		check(got.count == asked.count);
	for (unsigned i = 0; i < asked.count; i++)
		take_entry(ledger, session, &asked, &request_reader, &reply_reader);
}

void ledger_ended(struct ledger *ledger, unsigned session)
{
	unsigned i = ledger->count;

	while (i-- > 0)
		if (ledger->items[i].session == session)
			drop(ledger, &ledger->items[i]);
}
