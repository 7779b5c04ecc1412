/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.c - what an error of the library means, and what to do about it
 */
#include "reason.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

const char *reason_text(int err)
{
	switch (-err) {
	case EDQUOT:
		return "it is more than the server promises to one client at a time "
		       "(--max-reserved of remorad); smaller batches or fewer at a time may fit";
	case ENOSPC: return "the server has no room: what it holds is locked or promised to others";
	case EFBIG: return "the object is larger than the server can hold in one piece";
	case EBUSY: return "the object is locked by a client";
	case ENOTCONN: return "there is no connection to the server";
	case ECONNRESET: return "the connection to the server was lost";
	case ETIMEDOUT: return "the server did not answer in time";
	case ESHUTDOWN: return "the server is shutting down";
	case ECANCELED: return "it was given up";
	default: return strerror(-err);
	}
}

static int has_device(void)
{
	DIR *devices = opendir("/sys/class/infiniband");
	struct dirent *entry;
	int found = 0;

	if (!devices)
		return 0;
	while (!found && (entry = readdir(devices)))
		found = entry->d_name[0] != '.';
	closedir(devices);
	return found;
}

const char *reason_remedy(int err)
{
	switch (-err) {
	case ENODEV:
		if (has_device())
			return "no RDMA device of this host is on the way to that address; check "
			       "the address, and with `rdma link` which interfaces have a device";
		return "this host has no RDMA device; load a driver (rdma_rxe or siw for an "
		       "ordinary network card) and see that `rdma link` shows a device";
	case ECONNREFUSED:
		return "start remorad there, or give the port it listens on with ADDR:PORT";
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "check the address, that remorad runs there, and that UDP port 4791 "
		       "(RoCE) or the TCP port (iWARP) passes the firewall";
	case EPROTO:
	case EPROTONOSUPPORT:
		return "what answers on this port is not a remorad of this version; check the "
		       "port";
	case EACCES:
	case EPERM: return "check the permissions of /dev/infiniband and the server's access rules";
	default: return NULL;
	}
}
