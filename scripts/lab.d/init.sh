#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# init.sh - process 1 of a guest, first half: the file system
#
# The guest's root is the host's, below an overlay in memory: it can write
# where it likes and the host's files stay as they are. Only the folders in the
# run directory's "shares" are let through. After that inside.sh takes over.
#
# In UML the root is the host's from the start (hostfs). In QEMU this runs in
# an initramfs, from busybox, and gets the host's folders through 9p.

set -eu

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# /sys, not yet mounted, is the one folder that hides nothing we need.
base=/sys
root=$base/root

mount_9p()
{
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,$3" "$1" "$2"
}

mount_lower()
{
	if [ "$guest" = uml ]; then
		mount --bind / "$base/lower"
	else
		mount_9p root "$base/lower" ro,cache=loose
	fi
}

# mount_share NUMBER FOLDER. What the guest writes must be on the host at once,
# so nothing is held back; "mmap" is the least that allows a shared mapping.
mount_share()
{
	mkdir -p "$root/$2"
	if [ "$guest" = uml ]; then
		mount --bind "$2" "$root/$2"
	else
		mount_9p "share$1" "$root/$2" cache=mmap
	fi
}

mount_run()
{
	mkdir "$root/run/lab"
	if [ "$guest" = uml ]; then
		mount --bind "$REMORA_LAB_RUN" "$root/run/lab"
	else
		mount_9p run "$root/run/lab" cache=none
	fi
}

start_qemu()
{
	/bin/busybox --install -s /bin
	mount -t proc proc /proc
	if grep -q remora_probe /proc/cmdline; then
		echo "remora probe: booted" >/dev/console
		poweroff -f
	fi
	for module in /modules/*; do
		insmod "$module" || echo "init: $module was not taken"
	done
}

mount_memory()
{
	mount -t proc proc "$root/proc"
	mount -t devtmpfs dev "$root/dev"
	mkdir -p "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	mount -t devpts -o ptmxmode=666 pts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 tmp "$root/tmp"
	mount -t tmpfs -o mode=755 run "$root/run"
}

if [ -d /modules ]; then
	guest=qemu
	/bin/busybox mkdir -p /sys /proc
	start_qemu
else
	guest=uml
fi

mount -t tmpfs -o mode=755 lab "$base"
mkdir "$base/lower" "$base/upper" "$base/work" "$root"
mount_lower
mount -t overlay -o "lowerdir=$base/lower,upperdir=$base/upper,workdir=$base/work" lab "$root"
mount_memory
mount_run

number=0
while IFS= read -r share; do
	mount_share "$number" "$share"
	number=$((number + 1))
done <"$root/run/lab/shares"

cd "$root"
exec chroot . /bin/bash /run/lab/inside.sh
