/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - how often which value was seen, to within 1.6 %
 *
 * Each power of two is cut into 64 equal buckets, so any 64-bit value is
 * counted in constant time and memory. Pure; one thread at a time.
 */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 59 * 64 };

/* All zero is an empty histogram. */
struct histogram {
	uint64_t count;
	uint64_t min, max; /* exact; meaningless while count is 0 */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *histogram, uint64_t value);

/* Add what was counted in from to into. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The smallest value that at least percent % of the recorded values do not
 * exceed, rounded up to the end of its bucket; 0 if nothing was recorded.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
