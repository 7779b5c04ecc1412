/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "extent.h"

/* A map and the naive truth about it: the owner of every page, 0 for free. */
struct model {
	struct extent_map *map;
	uint32_t pages;
	uint32_t *owners;
	struct held {
		uint32_t first;
		uint32_t pages;
	} held[2000]; /* by owner - 1; no pages: free */
};

static uint32_t draw(uint32_t below)
{
	static uint64_t random = 88172645463325252u;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return (uint32_t)(random >> 20) % below;
}

static void model_open(struct model *model, uint32_t pages)
{
	*model = (struct model){.pages = pages};
	model->owners = calloc(pages, sizeof(*model->owners));
	assert_non_null(model->owners);
	assert_int_equal(extent_create(pages, &model->map), 0);
}

static void model_close(struct model *model)
{
	extent_destroy(model->map);
	free(model->owners);
}

static uint32_t model_largest(const struct model *model)
{
	uint32_t run = 0, largest = 0;

	for (uint32_t page = 0; page < model->pages; page++) {
		run = model->owners[page] ? 0 : run + 1;
		if (run > largest)
			largest = run;
	}
	return largest;
}

static void model_alloc(struct model *model, uint32_t owner, uint32_t pages)
{
	struct held *held = &model->held[owner - 1];
	uint32_t first;
	int err = extent_alloc(model->map, pages, owner, &first);

	if (err) {
		assert_int_equal(err, -ENOSPC);
		assert_true(model_largest(model) < pages);
		return;
	}
	assert_in_range(first, 0, model->pages - pages);
	for (uint32_t page = first; page < first + pages; page++) {
		assert_int_equal(model->owners[page], 0);
		model->owners[page] = owner;
	}
	*held = (struct held){first, pages};
}

static void model_free(struct model *model, uint32_t owner)
{
	struct held *held = &model->held[owner - 1];
	struct extent_hole hole;

	assert_int_equal(extent_owner(model->map, held->first, held->pages), owner);
	assert_int_equal(extent_free(model->map, held->first, held->pages, &hole), 0);
	memset(model->owners + held->first, 0, held->pages * sizeof(*model->owners));
	held->pages = 0;

	assert_int_equal(hole.left, hole.first ? model->owners[hole.first - 1] : EXTENT_NOBODY);
	assert_int_equal(hole.right, hole.first + hole.pages < model->pages
					     ? model->owners[hole.first + hole.pages]
					     : EXTENT_NOBODY);
	for (uint32_t page = hole.first; page < hole.first + hole.pages; page++)
		assert_int_equal(model->owners[page], 0);
}

static void model_step(struct model *model, uint32_t owners, uint32_t longest)
{
	uint32_t owner = 1 + draw(owners);

	if (model->held[owner - 1].pages)
		model_free(model, owner);
	else
		model_alloc(model, owner, 1 + draw(draw(4) ? longest / 8 : longest));
}

static void run_model(uint32_t pages, uint32_t owners, uint32_t longest, int steps)
{
	struct model model;

	model_open(&model, pages);
	for (int step = 0; step < steps; step++) {
		model_step(&model, owners, longest);
		if (step % 1000)
			continue;
		assert_int_equal(extent_check(model.map), 0);
		assert_int_equal(extent_largest(model.map), model_largest(&model));
		assert_true(extent_largest_bound(model.map) >= extent_largest(model.map));
	}
	for (uint32_t owner = 1; owner <= owners; owner++)
		if (model.held[owner - 1].pages)
			model_free(&model, owner);
	assert_int_equal(extent_check(model.map), 0);
	assert_int_equal(extent_free_count(model.map), 1);
	assert_int_equal(extent_largest(model.map), pages);
	model_close(&model);
}

static void random_use_agrees_with_a_naive_model_and_merges_to_one(void **state)
{
	(void)state;
	run_model(50, 20, 16, 20000);
	run_model(4000, 200, 64, 20000);
	run_model(4000, 2000, 8, 30000);
	run_model(20000, 300, 4000, 20000);
}

static void whole_arena_and_single_pages_can_be_taken(void **state)
{
	struct extent_map *map;
	uint32_t first;

	(void)state;
	assert_int_equal(extent_create(100, &map), 0);
	assert_int_equal(extent_alloc(map, 101, 1, &first), -ENOSPC);
	assert_int_equal(extent_alloc(map, 100, 1, &first), 0);
	assert_int_equal(extent_free_pages(map), 0);
	assert_int_equal(extent_largest_bound(map), 0);
	assert_int_equal(extent_alloc(map, 1, 2, &first), -ENOSPC);
	assert_int_equal(extent_free(map, 0, 100, NULL), 0);
	for (uint32_t owner = 0; owner < 100; owner++)
		assert_int_equal(extent_alloc(map, 1, owner, &first), 0);
	assert_int_equal(extent_free_pages(map), 0);
	assert_int_equal(extent_check(map), 0);
	extent_destroy(map);
}

/* Extents of all lengths from 4000 to 4000 + count - 1, shortest first. */
static struct extent_map *fill_with_lengths(uint32_t count)
{
	uint32_t pages = 4000 * count + count * (count - 1) / 2, at;
	struct extent_map *map;

	assert_int_equal(extent_create(pages, &map), 0);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(extent_alloc(map, 4000 + i, i, &at), 0);
	assert_int_equal(extent_free_pages(map), 0);
	return map;
}

static void exact_fit_is_found_in_a_full_pool(void **state)
{
	struct extent_map *map = fill_with_lengths(24);
	uint32_t first;

	(void)state;
	/* 4023, 4021, ... become free, all of one bin: the longest lies deepest. */
	for (uint32_t i = 23; i < 24; i -= 2)
		assert_int_equal(extent_free(map, 4000 * i + i * (i - 1) / 2, 4000 + i, NULL), 0);
	for (uint32_t i = 23; i < 24; i -= 2)
		assert_int_equal(extent_alloc(map, 4000 + i, i, &first), 0);
	assert_int_equal(extent_free_pages(map), 0);
	assert_int_equal(extent_check(map), 0);
	extent_destroy(map);
}

static void hole_of_the_same_length_is_used_before_a_longer_one_is_split(void **state)
{
	struct extent_map *map;
	uint32_t a, b, again;

	(void)state;
	assert_int_equal(extent_create(10000, &map), 0);
	assert_int_equal(extent_alloc(map, 1000, 1, &a), 0);
	assert_int_equal(extent_alloc(map, 1000, 2, &b), 0);
	assert_int_equal(extent_free(map, a, 1000, NULL), 0);
	assert_int_equal(extent_alloc(map, 1000, 3, &again), 0);
	assert_int_equal(again, a);
	extent_destroy(map);
}

static void only_exactly_what_was_taken_can_be_freed(void **state)
{
	struct extent_map *map;
	uint32_t at;

	(void)state;
	assert_int_equal(extent_create(12, &map), 0);
	for (uint32_t owner = 0; owner < 4; owner++) /* pages 0-2, 3-5, 6-8, 9-11 */
		assert_int_equal(extent_alloc(map, 3, owner, &at), 0);
	assert_int_equal(extent_free(map, 3, 3, NULL), 0);
	for (uint32_t first = 0; first < 14; first++) {
		for (uint32_t pages = 0; pages < 14; pages++) {
			if (pages == 3 && (first == 0 || first == 6 || first == 9))
				continue;
			assert_int_equal(extent_free(map, first, pages, NULL), -EINVAL);
		}
	}
	assert_int_equal(extent_free(map, UINT32_MAX, 2, NULL), -EINVAL);
	assert_int_equal(extent_free(map, 6, UINT32_MAX, NULL), -EINVAL);
	assert_int_equal(extent_free_pages(map), 3);
	assert_int_equal(extent_check(map), 0);
	extent_destroy(map);
}

static void ends_of_a_short_extent_are_not_taken_for_whole_ones(void **state)
{
	struct extent_map *map;
	uint32_t first;

	(void)state;
	assert_int_equal(extent_create(4, &map), 0);
	assert_int_equal(extent_alloc(map, 1, 1, &first), 0);
	assert_int_equal(extent_alloc(map, 2, 2, &first), 0);
	assert_int_equal(extent_alloc(map, 1, 3, &first), 0);
	assert_int_equal(extent_free(map, 1, 1, NULL), -EINVAL);
	assert_int_equal(extent_free(map, 2, 1, NULL), -EINVAL);
	assert_int_equal(extent_free(map, 1, 2, NULL), 0);
	assert_int_equal(extent_free(map, 1, 2, NULL), -EINVAL);
	assert_int_equal(extent_free(map, 0, 1, NULL), 0);
	assert_int_equal(extent_free(map, 3, 1, NULL), 0);
	assert_int_equal(extent_largest(map), 4);
	extent_destroy(map);
}

static void bad_arguments_are_refused(void **state)
{
	struct extent_map *map = NULL;
	uint32_t first;

	(void)state;
	assert_int_equal(extent_create(0, &map), -EINVAL);
	assert_int_equal(extent_create(UINT32_MAX, &map), -EINVAL);
	assert_null(map);
	assert_int_equal(extent_create(4, &map), 0);
	assert_int_equal(extent_alloc(map, 0, 1, &first), -EINVAL);
	assert_int_equal(extent_alloc(map, 1, EXTENT_NOBODY, &first), -EINVAL);
	assert_int_equal(extent_alloc(map, UINT32_MAX, 1, &first), -ENOSPC);
	extent_destroy(map);
	extent_destroy(NULL);
}

static void large_arena_costs_memory_only_where_it_is_used(void **state)
{
	const uint32_t pages = 16u << 20; /* 64 GiB */
	struct extent_map *map;
	uint32_t first;

	(void)state;
	if (extent_create(pages, &map))
		skip(); /* a host that does not overcommit */
	assert_int_equal(extent_alloc(map, pages, 1, &first), 0);
	assert_int_equal(extent_free(map, first, pages, NULL), 0);
	assert_true(extent_largest_bound(map) - pages <= pages / 32);
	extent_destroy(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_use_agrees_with_a_naive_model_and_merges_to_one),
		cmocka_unit_test(whole_arena_and_single_pages_can_be_taken),
		cmocka_unit_test(exact_fit_is_found_in_a_full_pool),
		cmocka_unit_test(hole_of_the_same_length_is_used_before_a_longer_one_is_split),
		cmocka_unit_test(only_exactly_what_was_taken_can_be_freed),
		cmocka_unit_test(ends_of_a_short_extent_are_not_taken_for_whole_ones),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(large_arena_costs_memory_only_where_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
