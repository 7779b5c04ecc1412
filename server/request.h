/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - answers one request frame
 *
 * No verbs and no threads: bytes in, bytes out. It believes nothing of a
 * frame: a handle counts only if this session holds that very lock or
 * reservation, and no address or key is told before HELLO has succeeded.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>

#include "service.h"
#include "session.h"

struct request {
	enum wire_lane_kind lane; /* the kind of lane it came in by */
	const void *frame;
	size_t len;
	void *reply; /* at least WIRE_FRAME_MIN bytes */
	size_t cap;  /* the lane's frame length, both ways */
};

/*
 * Do what the request asks for and write the reply. Returns the reply's
 * length.
 *
 * -EPROTO: the peer broke the rules and gets no answer; the caller ends the
 * session. session->problem says what was wrong.
 */
int request_handle(struct service *service, struct session *session, const struct request *request);

#endif
