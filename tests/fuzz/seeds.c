/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds.c - what the fuzz targets begin with: inputs that mean something
 *
 *   seeds DIR
 *
 * Writes DIR/TARGET/NAME for each target. Frames come from the encoder, so
 * that they follow the protocol when it changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wire.h"
#include "wire_samples.h"

static const char *top;

static void fail(const char *path)
{
	fprintf(stderr, "seeds: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0777) && errno != EEXIST)
		fail(path);
}

static void write_seed(
	const char *target, const char *name, unsigned number, const void *bytes, size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, target);
	make_folder(path);
	snprintf(path, sizeof(path), "%s/%s/%s-%u", top, target, name, number);
	file = fopen(path, "we");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
		fail(path);
}

/* As a whole frame, and as a count with a body, which the target tries under every type. */
static void wire_seeds(void)
{
	uint8_t frame[SAMPLE_LEN_MAX], body[SAMPLE_LEN_MAX], connect_bytes[WIRE_CONNECT_LEN];
	struct wire_connect connect = sample_connect();

	for (unsigned i = 0; i < sample_count(); i++) {
		size_t len = sample_build(i, frame), rest = len - WIRE_HEADER_LEN;

		write_seed("wire", "frame", i, frame, len);
		memcpy(body, frame + 6, 2);
		memcpy(body + 2, frame + WIRE_HEADER_LEN, rest);
		write_seed("wire", "body", i, body, 2 + rest);
	}
	wire_encode_connect(connect_bytes, &connect);
	write_seed("wire", "connect", 0, connect_bytes, sizeof(connect_bytes));
}

/* Steps of fuzz_request.c: what to ask, how much follows, and that. */
static void request_seeds(void)
{
	static const uint8_t life[] = {
		0x00,
		0, /* a enters */
		WIRE_RESERVE,
		4,
		0,
		0x80,
		1,
		3, /* two keys, one with a salt */
		WIRE_COMMIT | 0x20,
		2,
		0,
		0, /* on a data lane */
		WIRE_LOOKUP | 0x40,
		4,
		0,
		0,
		2,
		0, /* and lock */
		WIRE_DELETE,
		2,
		0,
		0, /* locked */
		WIRE_UNLOCK,
		2,
		2,
		0, /* the third handle told */
		WIRE_DELETE,
		2,
		0,
		0, /* gone */
		WIRE_ABORT,
		2,
		1,
		0, /* the other reservation */
		WIRE_LIST,
		2,
		0,
		0,
		WIRE_SALTS,
		2,
		0,
		0,
		WIRE_USAGE,
		0,
		WIRE_PING,
		0,
	};
	static const uint8_t theft[] = {
		0x00, 0, 0x10, 0,             /* a and b enter */
		WIRE_RESERVE, 2, 0, 3,        /* a reserves */
		WIRE_COMMIT | 0x10, 2, 0, 0,  /* b tries to commit it */
		WIRE_RESERVE | 0x10, 2, 0, 3, /* b reserves the same key */
		WIRE_COMMIT, 2, 0, 0,         /* a is first */
		WIRE_COMMIT | 0x10, 2, 1, 0,  /* b is told EXISTS */
		WIRE_LOOKUP | 0x40, 2, 0, 0,  /* a locks */
		WIRE_UNLOCK | 0x10, 2, 2, 0,  /* b tries to unlock it */
		0x0f, 0, 0x1f, 0,             /* both end */
	};
	static const uint8_t crowded[] = {
		0x00, 0, WIRE_RESERVE, 16, 0, 5, 1, 5, 2, 5, 3, 5, 4, 5, 5, 5, 6, 5, 7,
		5,                                                 /* all of it */
		WIRE_COMMIT, 8, 0, 0, 1, 0, 2, 0, 3, 0,            /* some */
		0x10, 0, WIRE_RESERVE | 0x10, 4, 0x20, 6, 0x21, 6, /* b drives some out */
	};
	uint8_t frame[SAMPLE_LEN_MAX], step[2 + 2 + SAMPLE_LEN_MAX];

	write_seed("request", "life", 0, life, sizeof(life));
	write_seed("request", "theft", 0, theft, sizeof(theft));
	write_seed("request", "crowded", 0, crowded, sizeof(crowded));
	for (unsigned i = 0; i < sample_count(); i++) {
		size_t len = sample_build(i, frame), rest = len - WIRE_HEADER_LEN;

		if (rest > UINT8_MAX - 3)
			continue;
		memcpy(step, (const uint8_t[]){0, 0, 13, (uint8_t)(3 + rest)}, 4);
		memcpy(step + 4, (const uint8_t[]){frame[4], frame[5], frame[6]}, 3);
		memcpy(step + 7, frame + WIRE_HEADER_LEN, rest);
		write_seed("request", "body", i, step, 7 + rest);
	}
}

static void texts(const char *target, const char *const all[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		write_seed(target, "text", i, all[i], strlen(all[i]));
}

#define TEXTS(target, all) texts(target, all, sizeof(all) / sizeof((all)[0]))

static void config_seeds(void)
{
	static const char *const files[] = {
		"listen = 192.0.2.1\ninsecure = yes\n",
		"# a server\nlisten = [2001:db8::1]:7471 # its address\nmemory = 64GiB\nworkers = "
		"8\n"
		"numa-node = any\nhuge = auto\nmax-sessions = 100\nmax-reserved = 1GiB\n"
		"max-reservations = 1000\nmax-locks = 5\ntotal-locks = 50\nsecret-file = /a\n"
		"lease-ms = 10000\ndrain-ms = 0\ncontrol = /run/c\nlog-level = debug\n",
		"listen = 192.0.2.1:7471\nmemory = 4GiB\n[tenant a]\nmemory = 1GiB\n"
		"secret-file = /a\n[ tenant  b.2 ]\nmemory = 2MiB\nsecret-file = /b\n"
		"max-sessions = 3\n",
		"listen =\n",
		"memory = 18446744073709551615TiB\n",
		"[tenant \n",
		"no such = setting\n",
	};

	TEXTS("config", files);
}

static void adapter_config_seeds(void)
{
	static const char *const files[] = {
		"{\"type\": \"rdma\", \"server\": \"192.0.2.1:7471\", \"timeout_ms\": 5000}",
		"{\"type\": \"rdma\", \"server\": \"192.0.2.1\", \"bounce_size\": \"16MiB\"}",
		"{\"type\": \"mock\", \"capacity\": \"64GiB\", \"seed\": 7}",
		"[{\"type\": \"mock\"}, {\"type\": \"rdma\", \"server\": \"192.0.2.2\"}]",
		"{\"type\": \"mock\", \"type\": \"rdma\"}",
		"{\"type\": \"mok\"}",
		"[]",
		"3",
	};
	static const char values[][16] = {"x\0"
					  "1.5GiB",
		"x\0"
		"true",
		"x\0"
		"0.25",
		"x\0"
		"-1"};

	TEXTS("adapter_config", files);
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		write_seed("adapter_config", "value", i, values[i], 3 + strlen(values[i] + 2));
}

static void trace_seeds(void)
{
	static const char *const files[] = {
		"{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, "
		"\"hash_ids\": [1, 2]}\n{\"timestamp\": 27.5, \"input_length\": 700, "
		"\"output_length\": 5, \"hash_ids\": [1, 2, 3]}\n",
		"\r\n{\"timestamp\": 1e12, \"input_length\": 4294967295, \"output_length\": 0, "
		"\"hash_ids\": [], \"more\": {\"a\": [null, true]}}",
		"{\"timestamp\": -1}\n",
		"[[[[[[[[",
		"{\"timestamp\": 1, \"timestamp\": 2}",
		"{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, "
		"\"hash_ids\": [9223372036854775807, 0, 0]}",
	};

	TEXTS("trace", files);
}

static void text_seeds(void)
{
	static const char *const words[] = {"model@0000/ab", "\\x00\\xff\\\\", "\\x0", "\\",
		"1.5MiB", "64K", "2gb", "18446744073709551615", "1e9", "16777216T"};

	TEXTS("text", words);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	top = argv[1];
	make_folder(top);
	wire_seeds();
	request_seeds();
	config_seeds();
	adapter_config_seeds();
	trace_seeds();
	text_seeds();
	return 0;
}
