/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - the types of adapter that are built in */
#ifndef TYPES_H
#define TYPES_H

#include <remora/type.h>

extern const struct remora_type rdma_type;
extern const struct remora_type mock_type;

#endif
