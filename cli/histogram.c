/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.c - how often which value was seen, to within 1.6 %
 *
 * Values below 64 have a bucket each. Above, the highest bit chooses a row of
 * 64 buckets and the six bits after it the bucket. Pure; one thread at a time.
 */
#include "histogram.h"

enum { ROW_BITS = 6, ROW = 1 << ROW_BITS };

static unsigned bucket_of(uint64_t value)
{
	unsigned high, shift;

	if (value < ROW)
		return (unsigned)value;
	high = 63 - (unsigned)__builtin_clzll(value);
	shift = high - ROW_BITS;
	return (shift + 1) * ROW + (unsigned)((value >> shift) & (ROW - 1));
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
	unsigned shift;
	uint64_t first;

	if (bucket < ROW)
		return bucket;
	shift = bucket / ROW - 1;
	first = (uint64_t)(ROW + bucket % ROW) << shift;
	return first + ((UINT64_C(1) << shift) - 1);
}

static void widen(struct histogram *histogram, uint64_t min, uint64_t max)
{
	if (!histogram->count || min < histogram->min)
		histogram->min = min;
	if (!histogram->count || max > histogram->max)
		histogram->max = max;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
	widen(histogram, value, value);
	histogram->count++;
	histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	unsigned i;

	if (!from->count)
		return;
	widen(into, from->min, from->max);
	into->count += from->count;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t wanted, seen = 0, end;
	double share;
	unsigned i;

	if (!histogram->count)
		return 0;
	share = (double)histogram->count * percent / 100.0;
	wanted = (uint64_t)share;
	if ((double)wanted < share)
		wanted++;
	if (!wanted)
		return histogram->min;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted)
			break;
	}
	end = i < HISTOGRAM_BUCKETS ? bucket_end(i) : histogram->max;
	return end < histogram->max ? end : histogram->max;
}
