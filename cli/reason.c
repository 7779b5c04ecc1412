/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.c - what an error of the library means
 *
 * Pure: any thread.
 */
#include "reason.h"

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
