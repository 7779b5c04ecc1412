/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_status.c - what a status of the protocol means here
 *
 * Pure: any thread may use it. Errno numbers differ between systems, so they
 * never travel; the switches have no default so that a new status is missed by
 * the compiler and not by a user.
 */
#include "wire.h"

#include <errno.h>

int wire_status_to_errno(enum wire_status status)
{
	switch (status) {
	case WIRE_OK: return 0;
	case WIRE_EXISTS: return -EEXIST;
	case WIRE_NOT_FOUND: return -ENOENT;
	case WIRE_NO_SPACE: return -ENOSPC;
	case WIRE_LOCKED: return -EBUSY;
	case WIRE_STALE: return -ESTALE;
	case WIRE_DENIED: return -EACCES;
	case WIRE_TOO_LARGE: return -EFBIG;
	case WIRE_BAD_REQUEST: return -EINVAL;
	case WIRE_BAD_VERSION: return -EPROTONOSUPPORT;
	case WIRE_UNKNOWN_TYPE: return -EOPNOTSUPP;
	case WIRE_DRAINING: return -ESHUTDOWN;
	case WIRE_LIMIT: return -EDQUOT;
	}
	return -EPROTO;
}

const char *wire_status_text(enum wire_status status)
{
	switch (status) {
	case WIRE_OK: return "ok";
	case WIRE_EXISTS: return "the key exists";
	case WIRE_NOT_FOUND: return "no such key";
	case WIRE_NO_SPACE: return "no space that could be freed";
	case WIRE_LOCKED: return "the object is locked";
	case WIRE_STALE: return "the handle is stale";
	case WIRE_DENIED: return "access denied";
	case WIRE_TOO_LARGE: return "the object is too large";
	case WIRE_BAD_REQUEST: return "bad request";
	case WIRE_BAD_VERSION: return "protocol version not spoken by the peer";
	case WIRE_UNKNOWN_TYPE: return "request type not known to the peer";
	case WIRE_DRAINING: return "the server is shutting down";
	case WIRE_LIMIT: return "a limit of the server is reached";
	}
	return "unknown status";
}
