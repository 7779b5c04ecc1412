#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# uml-init.sh - process 1 of the UML guest, first half: the file system
#
# The root is the host's own, writable. Lay an overlay over it, so that the
# guest can write where it likes and the host's files stay as they are, and let
# through only the folders named in the run directory's "shares".

set -eu

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
run=$REMORA_LAB_RUN

# /sys, not yet mounted, is the one folder that hides nothing we need.
mount -t tmpfs -o mode=755 lab /sys
mkdir /sys/upper /sys/work /sys/root
mount -t overlay -o lowerdir=/,upperdir=/sys/upper,workdir=/sys/work lab /sys/root

for dir in tmp run dev/shm; do
	mkdir -p "/sys/root/$dir"
done
mount -t proc proc /sys/root/proc
mount -t devtmpfs dev /sys/root/dev
mkdir -p /sys/root/dev/shm /sys/root/dev/pts
mount -t tmpfs -o mode=1777 shm /sys/root/dev/shm
mount -t devpts -o ptmxmode=666 pts /sys/root/dev/pts
mount -t tmpfs -o mode=1777 tmp /sys/root/tmp
mount -t tmpfs -o mode=755 run /sys/root/run

mkdir /sys/root/run/lab
mount --bind "$run" /sys/root/run/lab
while IFS= read -r -d '' share; do
	mkdir -p "/sys/root/$share"
	mount --bind "$share" "/sys/root/$share"
done <"$run/shares"

cd /sys/root
exec chroot . /bin/bash /run/lab/inside.sh
