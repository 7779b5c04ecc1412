/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - the client's RDMA device and what is registered with it */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { REGISTER_THREADS = 4 };

static int register_bounce(struct device *device, size_t len, char *error, size_t error_len)
{
	int err;

	device->bounce_addr =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (device->bounce_addr == MAP_FAILED) {
		err = -errno;
		device->bounce_addr = NULL;
		snprintf(error, error_len, "no memory for %zu bytes of bounce buffers: %s", len,
			strerror(-err));
		return err;
	}
	device->bounce_len = len;
	err = memory_register(device->pd, device->bounce_addr, len, MEMORY_LOCAL, 0, 1, NULL, NULL,
		&device->bounce);
	if (err)
		memory_explain(err, len, error, error_len);
	return err;
}

static int register_arena(
	struct device *device, const struct device_params *params, char *error, size_t error_len)
{
	int err;

	if (!params->arena_len)
		return 0;
	err = memory_register(device->pd, params->arena, params->arena_len, MEMORY_LOCAL, 0,
		REGISTER_THREADS, NULL, NULL, &device->arena);
	if (err)
		memory_explain(err, params->arena_len, error, error_len);
	return err;
}

int device_open(struct ibv_context *verbs, const struct device_params *params, char *error,
	size_t error_len, struct device **out)
{
	struct device *device = calloc(1, sizeof(*device));
	int err;

	if (!device) {
		snprintf(error, error_len, "cannot use device %s: %s",
			ibv_get_device_name(verbs->device), strerror(ENOMEM));
		return -ENOMEM;
	}
	device->verbs = verbs;
	device->pd = ibv_alloc_pd(verbs);
	if (!device->pd) {
		err = -errno;
		snprintf(error, error_len, "device %s gives no protection domain: %s",
			ibv_get_device_name(verbs->device), strerror(-err));
		device_close(device);
		return err;
	}
	err = register_bounce(device, params->bounce_len, error, error_len);
	if (!err)
		err = register_arena(device, params, error, error_len);
	if (err) {
		device_close(device);
		return err;
	}
	*out = device;
	return 0;
}

void device_close(struct device *device)
{
	if (!device)
		return;
	memory_deregister(device->arena);
	memory_deregister(device->bounce);
	if (device->bounce_addr)
		munmap(device->bounce_addr, device->bounce_len);
	if (device->pd)
		ibv_dealloc_pd(device->pd);
	free(device);
}
