/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bitmap.c - bitmaps, against a model with one byte a bit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <remora/bitmap.h>

enum { MODEL_MAX = 200, MILLION = 1000000 };

static const size_t sizes[] = {0, 1, 7, 8, 9, 10, 15, 16, 17, 24, 25, 63, 64, 65, 127, 128, 129};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

struct model {
	size_t size;
	unsigned char bits[MODEL_MAX];
};

static uint64_t random_state;

static size_t random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return limit ? random_state % limit : 0;
}

static int reset_random(void **state)
{
	(void)state;
	random_state = 88172645463325252u;
	return 0;
}

/* A bitmap with these bits, from text as to_string gives it. */
static struct remora_bitmap *from_text(const char *text)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(strlen(text));

	assert_non_null(bitmap);
	for (size_t i = 0; text[i]; i++)
		if (text[i] == '1')
			remora_bitmap_set(bitmap, i);
	return bitmap;
}

static void assert_text(const struct remora_bitmap *bitmap, const char *text)
{
	char got[MODEL_MAX + 1];

	assert_non_null(bitmap);
	assert_int_equal(remora_bitmap_to_string(bitmap, got, sizeof(got)), strlen(text));
	assert_string_equal(got, text);
}

static void assert_counts(const struct remora_bitmap *bitmap, const struct model *model)
{
	size_t ones = 0, zeros_first = 0, ones_first = 0;
	ptrdiff_t highest = -1;

	for (size_t i = 0; i < model->size; i++) {
		ones += model->bits[i];
		zeros_first += zeros_first == i && !model->bits[i];
		ones_first += ones_first == i && model->bits[i];
		highest = model->bits[i] ? (ptrdiff_t)i : highest;
	}
	assert_int_equal(remora_bitmap_size(bitmap), model->size);
	assert_int_equal(remora_bitmap_popcount(bitmap), ones);
	assert_int_equal(remora_bitmap_count_leading_zeros(bitmap), zeros_first);
	assert_int_equal(remora_bitmap_count_leading_ones(bitmap), ones_first);
	assert_int_equal(remora_bitmap_highest_set_bit(bitmap), highest);
}

static void assert_like(const struct remora_bitmap *bitmap, const struct model *model)
{
	size_t indices[MODEL_MAX], found = 0, count;

	assert_non_null(bitmap);
	assert_counts(bitmap, model);
	count = remora_bitmap_indices(bitmap, indices, MODEL_MAX);
	for (size_t i = 0; i < model->size; i++) {
		assert_int_equal(remora_bitmap_test(bitmap, i), model->bits[i]);
		if (model->bits[i])
			assert_int_equal(indices[found++], i);
	}
	assert_int_equal(found, count);
}

static void model_set_range(struct model *model, size_t start, size_t end)
{
	for (size_t i = start; i < end && i < model->size; i++)
		model->bits[i] = 1;
}

/* One random change to both; positions reach beyond the end. */
static void change_both(struct remora_bitmap *bitmap, struct model *model)
{
	size_t at = random_below(model->size + 3);
	size_t end = random_below(model->size + 3);

	switch (random_below(8)) {
	case 0:
		remora_bitmap_set_range(bitmap, at, end);
		model_set_range(model, at, end);
		break;
	case 1:
	case 2:
	case 3:
		remora_bitmap_set(bitmap, at);
		model_set_range(model, at, at + 1);
		break;
	default:
		remora_bitmap_clear(bitmap, at);
		if (at < model->size)
			model->bits[at] = 0;
	}
}

static struct remora_bitmap *random_pair(struct model *model, size_t size)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(size);

	assert_non_null(bitmap);
	*model = (struct model){.size = size};
	for (size_t i = 0; i < 20; i++)
		change_both(bitmap, model);
	return bitmap;
}

static void random_operations_agree_with_the_model(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++) {
		struct model model = {.size = sizes[s]};
		struct remora_bitmap *bitmap = remora_bitmap_create(sizes[s]);

		assert_like(bitmap, &model);
		for (int step = 0; step < 500; step++) {
			change_both(bitmap, &model);
			assert_like(bitmap, &model);
		}
		remora_bitmap_destroy(bitmap);
	}
}

static void model_combine(const struct model *a, const struct model *b, int any, struct model *out)
{
	*out = (struct model){.size = a->size < b->size ? a->size : b->size};
	for (size_t i = 0; i < out->size; i++)
		out->bits[i] = any ? a->bits[i] | b->bits[i] : a->bits[i] & b->bits[i];
}

static void check_combination(size_t a_size, size_t b_size)
{
	struct model a_model, b_model, expected;
	struct remora_bitmap *a = random_pair(&a_model, a_size);
	struct remora_bitmap *b = random_pair(&b_model, b_size);
	struct remora_bitmap *both = remora_bitmap_and(a, b);
	struct remora_bitmap *either = remora_bitmap_or(a, b);

	model_combine(&a_model, &b_model, 0, &expected);
	assert_like(both, &expected);
	model_combine(&a_model, &b_model, 1, &expected);
	assert_like(either, &expected);
	assert_like(a, &a_model);
	assert_like(b, &b_model);
	remora_bitmap_destroy(a);
	remora_bitmap_destroy(b);
	remora_bitmap_destroy(both);
	remora_bitmap_destroy(either);
}

static void and_and_or_agree_with_the_model_for_all_pairs_of_sizes(void **state)
{
	(void)state;
	for (size_t a = 0; a < SIZES; a++)
		for (size_t b = 0; b < SIZES; b++)
			for (int round = 0; round < 5; round++)
				check_combination(sizes[a], sizes[b]);
}

static void not_agrees_with_the_model_and_undoes_itself(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++) {
		struct model model, flipped;
		struct remora_bitmap *bitmap = random_pair(&model, sizes[s]);
		struct remora_bitmap *other = remora_bitmap_not(bitmap);
		struct remora_bitmap *back = remora_bitmap_not(other);

		flipped = model;
		for (size_t i = 0; i < model.size; i++)
			flipped.bits[i] = !model.bits[i];
		assert_like(other, &flipped);
		assert_like(back, &model);
		remora_bitmap_destroy(bitmap);
		remora_bitmap_destroy(other);
		remora_bitmap_destroy(back);
	}
}

static void an_empty_bitmap_has_nothing(void **state)
{
	struct remora_bitmap *bitmap = remora_bitmap_create_prefix(0, 0);
	struct remora_bitmap *other = remora_bitmap_not(bitmap);
	size_t bit;

	(void)state;
	remora_bitmap_set(bitmap, 0);
	remora_bitmap_set_range(bitmap, 0, SIZE_MAX);
	assert_text(bitmap, "");
	assert_text(other, "");
	assert_int_equal(remora_bitmap_popcount(bitmap), 0);
	assert_int_equal(remora_bitmap_count_leading_zeros(bitmap), 0);
	assert_int_equal(remora_bitmap_count_leading_ones(bitmap), 0);
	assert_int_equal(remora_bitmap_highest_set_bit(bitmap), -1);
	assert_int_equal(remora_bitmap_indices(bitmap, &bit, 1), 0);
	assert_false(remora_bitmap_test(bitmap, 0));
	remora_bitmap_destroy(bitmap);
	remora_bitmap_destroy(other);
}

static void bits_out_of_range_do_nothing(void **state)
{
	static const size_t beyond[] = {10, 11, 63, 64, 1000, SIZE_MAX};
	struct remora_bitmap *bitmap = from_text("1000000001");

	(void)state;
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		remora_bitmap_set(bitmap, beyond[i]);
		remora_bitmap_clear(bitmap, beyond[i]);
		assert_false(remora_bitmap_test(bitmap, beyond[i]));
	}
	remora_bitmap_set_batch(bitmap, beyond, sizeof(beyond) / sizeof(beyond[0]));
	assert_text(bitmap, "1000000001");
	assert_int_equal(remora_bitmap_highest_set_bit(bitmap), 9);
	remora_bitmap_destroy(bitmap);
}

static void the_highest_bit_after_an_or_stays_below_the_smaller_size(void **state)
{
	struct remora_bitmap *longer = from_text("0000000100");
	struct remora_bitmap *shorter = from_text("00000");
	struct remora_bitmap *either = remora_bitmap_or(longer, shorter);

	(void)state;
	assert_int_equal(remora_bitmap_highest_set_bit(either), -1);
	assert_text(either, "00000");
	remora_bitmap_destroy(either);
	either = remora_bitmap_or(shorter, longer);
	assert_int_equal(remora_bitmap_highest_set_bit(either), -1);
	remora_bitmap_destroy(either);
	remora_bitmap_destroy(longer);
	remora_bitmap_destroy(shorter);
}

static void or_with_none_and_and_with_all_change_nothing(void **state)
{
	struct remora_bitmap *bitmap = from_text("0110100110");
	struct remora_bitmap *none = remora_bitmap_create(10);
	struct remora_bitmap *all = remora_bitmap_create_prefix(10, 10);
	struct remora_bitmap *same = remora_bitmap_or(bitmap, none);

	(void)state;
	assert_text(same, "0110100110");
	remora_bitmap_destroy(same);
	same = remora_bitmap_and(bitmap, all);
	assert_text(same, "0110100110");
	remora_bitmap_destroy(same);
	same = remora_bitmap_and(bitmap, bitmap);
	assert_text(same, "0110100110");
	remora_bitmap_destroy(same);
	remora_bitmap_destroy(bitmap);
	remora_bitmap_destroy(none);
	remora_bitmap_destroy(all);
}

static void a_prefix_is_set_and_cut_at_the_size(void **state)
{
	(void)state;
	for (size_t s = 0; s < SIZES; s++) {
		for (size_t ones = 0; ones < sizes[s] + 3; ones++) {
			struct model model = {.size = sizes[s]};
			struct remora_bitmap *bitmap = remora_bitmap_create_prefix(sizes[s], ones);

			model_set_range(&model, 0, ones);
			assert_like(bitmap, &model);
			remora_bitmap_destroy(bitmap);
		}
	}
}

static void set_range_sets_what_bit_by_bit_would(void **state)
{
	(void)state;
	for (int round = 0; round < 500; round++) {
		struct model model = {.size = random_below(MODEL_MAX + 1)};
		struct remora_bitmap *bitmap = remora_bitmap_create(model.size);
		size_t start = random_below(model.size + 2);
		size_t end = random_below(model.size + 2);

		remora_bitmap_set_range(bitmap, start, end);
		model_set_range(&model, start, end);
		assert_like(bitmap, &model);
		remora_bitmap_destroy(bitmap);
	}
}

static void an_empty_or_reversed_range_sets_nothing(void **state)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(65);

	(void)state;
	remora_bitmap_set_range(bitmap, 5, 5);
	remora_bitmap_set_range(bitmap, 64, 3);
	remora_bitmap_set_range(bitmap, 65, SIZE_MAX);
	assert_int_equal(remora_bitmap_popcount(bitmap), 0);
	remora_bitmap_set_range(bitmap, 64, SIZE_MAX);
	assert_int_equal(remora_bitmap_highest_set_bit(bitmap), 64);
	assert_int_equal(remora_bitmap_popcount(bitmap), 1);
	remora_bitmap_destroy(bitmap);
}

static void a_batch_may_repeat_bits_in_any_order(void **state)
{
	static const size_t bits[] = {8, 0, 8, 3, 99, 0};
	struct remora_bitmap *bitmap = remora_bitmap_create(9);

	(void)state;
	remora_bitmap_set_batch(bitmap, bits, 6);
	assert_text(bitmap, "100100001");
	remora_bitmap_set_batch(bitmap, NULL, 0);
	assert_text(bitmap, "100100001");
	remora_bitmap_destroy(bitmap);
}

static void a_copy_is_independent(void **state)
{
	struct remora_bitmap *bitmap = from_text("0101");
	struct remora_bitmap *copy = remora_bitmap_copy(bitmap);

	(void)state;
	remora_bitmap_set(bitmap, 0);
	remora_bitmap_clear(copy, 3);
	assert_text(bitmap, "1101");
	assert_text(copy, "0100");
	remora_bitmap_destroy(bitmap);
	assert_text(copy, "0100");
	remora_bitmap_destroy(copy);
}

static void gather_copies_the_selected_items_in_order(void **state)
{
	static const char items[5][3] = {"ab", "cd", "ef", "gh", "ij"};
	struct remora_bitmap *bitmap = from_text("01101");
	char selected[4][3] = {"--", "--", "--", "--"};

	(void)state;
	assert_int_equal(remora_bitmap_gather(bitmap, items, 3, selected), 3);
	assert_string_equal(selected[0], "cd");
	assert_string_equal(selected[1], "ef");
	assert_string_equal(selected[2], "ij");
	assert_string_equal(selected[3], "--");
	remora_bitmap_destroy(bitmap);
}

static void gather_may_compact_an_array_in_place(void **state)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(MODEL_MAX);
	int items[MODEL_MAX];

	(void)state;
	for (int i = 0; i < MODEL_MAX; i++) {
		items[i] = i;
		if (i % 3)
			remora_bitmap_set(bitmap, (size_t)i);
	}
	assert_int_equal(remora_bitmap_gather(bitmap, items, sizeof(int), items), 133);
	for (int i = 0; i < 133; i++)
		assert_int_equal(items[i], i / 2 * 3 + i % 2 + 1);
	remora_bitmap_destroy(bitmap);
}

static void indices_beyond_the_array_are_counted_and_not_written(void **state)
{
	struct remora_bitmap *bitmap = from_text("1011");
	size_t bits[3] = {77, 77, 77};

	(void)state;
	assert_int_equal(remora_bitmap_indices(bitmap, bits, 2), 3);
	assert_int_equal(bits[1], 2);
	assert_int_equal(bits[2], 77);
	assert_int_equal(remora_bitmap_indices(bitmap, NULL, 0), 3);
	remora_bitmap_destroy(bitmap);
}

static void text_is_cut_to_its_buffer(void **state)
{
	struct remora_bitmap *bitmap = from_text("1011");
	char text[4] = "xyz";

	(void)state;
	assert_int_equal(remora_bitmap_to_string(bitmap, NULL, 0), 4);
	assert_int_equal(remora_bitmap_to_string(bitmap, text, 1), 4);
	assert_string_equal(text, "");
	assert_int_equal(remora_bitmap_to_string(bitmap, text, 4), 4);
	assert_string_equal(text, "101");
	remora_bitmap_destroy(bitmap);
}

static void a_million_bits_are_counted(void **state)
{
	struct remora_bitmap *bitmap = remora_bitmap_create(MILLION);
	size_t ones = 0;

	(void)state;
	for (size_t i = 7; i < MILLION; i += 1 + random_below(9)) {
		remora_bitmap_set(bitmap, i);
		ones++;
	}
	assert_int_equal(remora_bitmap_popcount(bitmap), ones);
	assert_int_equal(remora_bitmap_count_leading_zeros(bitmap), 7);
	remora_bitmap_set_range(bitmap, 0, MILLION - 1);
	remora_bitmap_clear(bitmap, MILLION - 1);
	assert_int_equal(remora_bitmap_count_leading_ones(bitmap), MILLION - 1);
	assert_int_equal(remora_bitmap_highest_set_bit(bitmap), MILLION - 2);
	remora_bitmap_destroy(bitmap);
}

static void a_million_bits_flip_and_list(void **state)
{
	struct remora_bitmap *ones = remora_bitmap_create_prefix(MILLION, MILLION / 2);
	struct remora_bitmap *zeros = remora_bitmap_not(ones);
	size_t *bits = calloc(MILLION, sizeof(*bits));

	(void)state;
	assert_non_null(bits);
	assert_int_equal(remora_bitmap_indices(zeros, bits, MILLION), MILLION / 2);
	for (size_t i = 0; i < MILLION / 2; i++)
		assert_int_equal(bits[i], MILLION / 2 + i);
	assert_int_equal(remora_bitmap_count_leading_zeros(zeros), MILLION / 2);
	free(bits);
	remora_bitmap_destroy(ones);
	remora_bitmap_destroy(zeros);
}

static void destroying_nothing_is_allowed(void **state)
{
	(void)state;
	remora_bitmap_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(and_and_or_agree_with_the_model_for_all_pairs_of_sizes),
		cmocka_unit_test(not_agrees_with_the_model_and_undoes_itself),
		cmocka_unit_test(an_empty_bitmap_has_nothing),
		cmocka_unit_test(bits_out_of_range_do_nothing),
		cmocka_unit_test(the_highest_bit_after_an_or_stays_below_the_smaller_size),
		cmocka_unit_test(or_with_none_and_and_with_all_change_nothing),
		cmocka_unit_test(a_prefix_is_set_and_cut_at_the_size),
		cmocka_unit_test(set_range_sets_what_bit_by_bit_would),
		cmocka_unit_test(an_empty_or_reversed_range_sets_nothing),
		cmocka_unit_test(a_batch_may_repeat_bits_in_any_order),
		cmocka_unit_test(a_copy_is_independent),
		cmocka_unit_test(gather_copies_the_selected_items_in_order),
		cmocka_unit_test(gather_may_compact_an_array_in_place),
		cmocka_unit_test(indices_beyond_the_array_are_counted_and_not_written),
		cmocka_unit_test(text_is_cut_to_its_buffer),
		cmocka_unit_test(a_million_bits_are_counted),
		cmocka_unit_test(a_million_bits_flip_and_list),
		cmocka_unit_test(destroying_nothing_is_allowed),
	};

	return cmocka_run_group_tests_name("bitmap", tests, reset_random, NULL);
}
