/* SPDX-License-Identifier: Apache-2.0 */
/*
 * argument.h - words of the command line as keys, sizes and numbers
 *
 * A word that is none ends the program through argp_error(), with the word
 * and what it should be. Main thread.
 */
#ifndef CLI_ARGUMENT_H
#define CLI_ARGUMENT_H

#include <argp.h>
#include <stdint.h>

#include <remora/adapter.h>

/* The key that text (see keytext.h) stands for. argument_free() frees its bytes. */
struct remora_key argument_key(struct argp_state *state, const char *text);
void argument_free(struct remora_key *key);

/* A size of at least one byte; option is its name, "--size". */
uint64_t argument_size(struct argp_state *state, const char *option, const char *text);

/* A whole number from min to max. */
uint64_t argument_number(
	struct argp_state *state, const char *option, const char *text, const uint64_t range[2]);

/* A number above 0. */
double argument_positive(struct argp_state *state, const char *option, const char *text);

#endif
