/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cable.h - what befalls the packets between the lab's hosts
 *
 * By netem on what each host sends: the links stay up, so that nothing tells
 * either end. A disconnect on a link that is down would also end soft-RoCE's
 * connection manager for good.
 */
#ifndef CABLE_H
#define CABLE_H

/* Whether the hosts have network namespaces, so that there is a cable at all. */
int cable_is_there(void);

/* Lose this share of all packets, in per cent; 100: the cable is cut. 0 on success. */
int cable_lose(unsigned percent);

/* As it was. 0 on success, also if nothing was wrong with it. */
int cable_mend(void);

#endif
