/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - which RDMA devices this host has, in words */
#include "devices.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <rdma/rdma_cma.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Text being put together; what does not fit is left out. */
struct text {
	char *buf;
	size_t cap;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->buf + text->len, text->cap - text->len, format, args);
	va_end(args);
	if (len > 0)
		text->len += (size_t)len;
	if (text->len >= text->cap)
		text->len = text->cap - 1;
}

/*
 * Asking rdma_cm to bind is the one question that is right everywhere: it
 * knows about network namespaces and about every kind of device.
 */
static void append_device(
	struct text *text, struct rdma_event_channel *channel, struct sockaddr *addr, socklen_t len)
{
	char host[INET6_ADDRSTRLEN];
	struct rdma_cm_id *id;

	if (rdma_create_id(channel, &id, NULL, RDMA_PS_TCP))
		return;
	if (!rdma_bind_addr(id, addr) && id->verbs &&
		!getnameinfo(addr, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST))
		append(text, "%s%s (%s)", text->len ? ", " : "", host,
			ibv_get_device_name(id->verbs->device));
	rdma_destroy_id(id);
}

/* Such an address means nothing without an interface, and --listen takes none. */
static bool is_link_local(const struct sockaddr *addr)
{
	return IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static void append_addresses(struct text *text)
{
	struct rdma_event_channel *channel = rdma_create_event_channel();
	struct ifaddrs *all = NULL, *one;

	if (channel && !getifaddrs(&all)) {
		for (one = all; one; one = one->ifa_next) {
			if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
				append_device(
					text, channel, one->ifa_addr, sizeof(struct sockaddr_in));
			if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET6 &&
				!is_link_local(one->ifa_addr))
				append_device(
					text, channel, one->ifa_addr, sizeof(struct sockaddr_in6));
		}
		freeifaddrs(all);
	}
	if (channel)
		rdma_destroy_event_channel(channel);
}

/*
 * How many devices there are. `forbidden` becomes the device file of one that
 * this process may not open; it stays "" if there is none.
 */
static int device_count(char *forbidden, size_t forbidden_len)
{
	char path[sizeof("/dev/infiniband/") + IBV_SYSFS_NAME_MAX];
	struct ibv_device **list;
	int count = 0, i;

	list = ibv_get_device_list(&count);
	for (i = 0; list && i < count; i++) {
		snprintf(path, sizeof(path), "/dev/infiniband/%s", list[i]->dev_name);
		if (!access(path, F_OK) && access(path, R_OK | W_OK))
			snprintf(forbidden, forbidden_len, "%s", path);
	}
	if (list)
		ibv_free_device_list(list);
	return count;
}

void devices_describe(char *text, size_t text_len)
{
	char addresses[512] = "", forbidden[128] = "";
	struct text list = {.buf = addresses, .cap = sizeof(addresses)};
	int count = device_count(forbidden, sizeof(forbidden));

	if (count)
		append_addresses(&list);
	if (list.len)
		snprintf(text, text_len, "addresses to listen on: %s", addresses);
	else if (forbidden[0])
		snprintf(text, text_len,
			"there is no permission to open %s: run as a user that may, or change the "
			"mode of the device file",
			forbidden);
	else if (count)
		snprintf(text, text_len,
			"the %d RDMA device(s) here have no address that can be used: give the "
			"network interface of one an address, see `rdma link show`",
			count);
	else
		snprintf(text, text_len,
			"there is no RDMA device: load the driver of the network card, or make a "
			"software device with `scripts/rxe up`");
}
