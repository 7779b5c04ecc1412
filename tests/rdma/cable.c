/* SPDX-License-Identifier: Apache-2.0 */
/* cable.c - what befalls the packets between the lab's hosts */
#include "cable.h"

#include <stdio.h>
#include <stdlib.h>

static const char *setting(const char *name, unsigned host)
{
	char variable[64];
	const char *value;

	snprintf(variable, sizeof(variable), "REMORA_LAB_%s_%u", name, host);
	value = getenv(variable);
	return value ? value : "";
}

static unsigned hosts(void)
{
	const char *count = getenv("REMORA_LAB_HOSTS");

	return count ? (unsigned)strtoul(count, NULL, 10) : 0;
}

int cable_is_there(void)
{
	return hosts() >= 2 && setting("NETNS", 1)[0];
}

static int on_each_host(const char *verb, const char *what)
{
	char command[256];
	unsigned host;
	int err = 0;

	for (host = 1; host <= hosts() && !err; host++) {
		snprintf(command, sizeof(command), "ip netns exec %s tc qdisc %s dev %s root %s",
			setting("NETNS", host), verb, setting("IFACE", host), what);
		err = system(command);
	}
	return err;
}

int cable_lose(unsigned percent)
{
	char what[64];

	snprintf(what, sizeof(what), "netem limit 100000 loss %u%%", percent);
	return on_each_host("replace", what);
}

int cable_mend(void)
{
	return on_each_host("replace", "pfifo");
}
