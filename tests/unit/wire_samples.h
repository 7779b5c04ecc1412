/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_samples.h - one frame of each message, and a reader of them all
 *
 * What tests of hostile bytes have in common: something valid to spoil, and a
 * decoder that goes through a whole frame and looks at every byte it is told.
 */
#ifndef WIRE_SAMPLES_H
#define WIRE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { SAMPLE_LEN_MAX = WIRE_FRAME_MIN };

unsigned sample_count(void);

/* Write sample number `which` to buf and return its length. */
size_t sample_build(unsigned which, uint8_t buf[SAMPLE_LEN_MAX]);

/* The private data of a lane's request. */
struct wire_connect sample_connect(void);

/* 0, or the error of the first function of the codec that failed. */
int sample_decode(const void *buf, size_t len);

#endif
