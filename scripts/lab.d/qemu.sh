# SPDX-License-Identifier: Apache-2.0
#
# qemu.sh - backend: QEMU with the distribution's own kernel
#
# The kernel's packages are unpacked, never installed; what is kept of them in
# the cache is the kernel, an initramfs of busybox and the modules that RDMA
# needs, and a stamp. There is no disk image: the guest reads the host's files.

qemu_boot_seconds=300
qemu_probe_seconds=10

# Modules and what they depend on are loaded in this order. What a kernel has
# built in, or does not know, is skipped. crc32_generic: older rxe asks for that
# algorithm by name and fails without.
qemu_modules=(virtio_pci 9pnet_virtio 9p overlay crc32_generic crc32_cryptoapi
	veth bridge sch_netem sch_tbf sch_prio cls_u32 dummy
	ib_uverbs rdma_ucm rdma_cm rdma_rxe siw)
qemu_needs=(qemu-system-x86 busybox-static kmod iproute2 iputils-ping rdma-core
	ibverbs-providers rdmacm-utils xz-utils zstd)

qemu_folder()
{
	printf '%s/qemu' "$lab_cache"
}

qemu_prepared()
{
	[[ -e $(qemu_folder)/stamp ]]
}

# qemu_lacks_driver TYPE. Before a kernel has been fetched, nobody knows: siw is
# in Ubuntu's and not in Debian's.
qemu_lacks_driver()
{
	local devices='rxe'

	if qemu_prepared; then
		# shellcheck source=/dev/null
		devices=$(. "$(qemu_folder)/stamp" && printf '%s' "$devices")
	elif grep -q '^ID=ubuntu' /etc/os-release; then
		devices='rxe siw'
	fi
	if [[ " $devices " != *" $1 "* ]]; then
		printf 'the distribution has no kernel with module %s' "$1"
	fi
}

# The newest kernel of the usual kind: not the one for clouds, which has
# no rxe, and not the real-time one.
qemu_kernel_package()
{
	fetch_names '^linux-image-[0-9].*-(amd64|generic)$' |
		grep -vE -- '-(rt|cloud)-|unsigned' | head -n 1
}

# A kernel is one package or several.
qemu_kernel_parts()
{
	local image=$1 version=${1#linux-image-}

	printf '%s\n' "$image"
	fetch_apt apt-cache depends "$image" |
		sed -nE 's/^ *Depends: (linux-(binary|modules)-.*)/\1/p'
	fetch_names "^linux-modules-extra-${version//+/\\+}\$"
}

qemu_prepare()
{
	local image part work

	mkdir -p "$lab_cache"
	exec {qemu_lock}>"$lab_cache/qemu.lock"
	flock "$qemu_lock"
	if ! qemu_prepared; then
		say "kernel: looking for the newest kernel package"
		fetch_open "$lab_cache/qemu.fetch" || exit 125
		image=$(qemu_kernel_package)
		if [[ -z $image ]]; then
			say "this system's mirror has no linux-image package:"
			fetch_why
			exit 125
		fi
		work=$(qemu_folder).new
		rm -rf "$work"
		for part in $(qemu_kernel_parts "$image"); do
			say "kernel: downloading $part"
			fetch_unpack "$part" "$work/package" || exit 125
		done
		qemu_publish "$image $(fetch_version "$image")" "$work"
		fetch_close
	fi
	exec {qemu_lock}>&-
}

qemu_publish()
{
	local source=$1 work=$2 version

	say "kernel: making the initramfs"
	mkdir -p "$work/root"
	# Older distributions have /lib, newer ones /usr/lib.
	if [[ ! -e $work/package/lib ]]; then
		ln -s usr/lib "$work/package/lib"
	fi
	version=$(ls "$work/package/lib/modules")
	find "$work/package" -name "vmlinuz*" -type f -exec mv {} "$work/vmlinuz" \;
	qemu_thin_out "$work/package/lib/modules/$version/kernel"
	# depmod warns of lists that matter to no module here.
	touch "$work/package/lib/modules/$version"/modules.{order,builtin,builtin.modinfo}
	depmod -b "$work/package" "$version"
	qemu_initramfs "$work/package" "$version" "$work/root"
	(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initramfs"
	{
		printf 'kernel=%q\n' "$source"
		if [[ -e $(echo "$work"/root/modules/*-siw.ko) ]]; then
			printf 'devices=%q\n' 'rxe siw'
		else
			printf 'devices=rxe\n'
		fi
	} >"$work/stamp"
	rm -rf "$work/package" "$work/root" "$(qemu_folder)"
	mv -T "$work" "$(qemu_folder)"
	say "kernel: done: $source"
}

# depmod reads every module, for half a minute: spare it those that can have no
# part in this.
qemu_thin_out()
{
	rm -rf "$1"/sound "$1"/drivers/net/{ethernet,wireless}
	find "$1/drivers" -mindepth 1 -maxdepth 1 \
		! -name infiniband ! -name virtio ! -name net -exec rm -rf {} +
}

qemu_initramfs()
{
	local package=$1 version=$2 root=$3 module path number=100 seen=:

	mkdir -p "$root"/{bin,dev,proc,sys,modules}
	cp /bin/busybox "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	for module in "${qemu_modules[@]}"; do
		while IFS= read -r path; do
			if [[ $seen != *":$path:"* ]]; then
				seen+="$path:"
				number=$((number + 1))
				qemu_unpack_module "$path" "$root/modules/$number"
			fi
		done < <(modprobe -C /dev/null -d "$package" -S "$version" --show-depends "$module" \
			2>/dev/null | sed -nE 's/^insmod (.*\.ko[.a-z]*).*/\1/p')
	done
}

# The first program is not kept with the rest: it is this tree's, today's. An
# initramfs may be several archives in a row.
qemu_with_init()
{
	local folder=$1

	cp "$lab_code/init.sh" "$folder/init"
	chmod +x "$folder/init"
	cat "$lab_cache/qemu/initramfs" >"$folder/initramfs"
	(cd "$folder" && echo init | busybox cpio -o -H newc 2>/dev/null) >>"$folder/initramfs"
}

# busybox cannot load a compressed module.
qemu_unpack_module()
{
	local path=$1 name

	name=${path##*/}
	name=${name%%.ko*}.ko
	case $path in
	*.xz) xz -dc "$path" ;;
	*.zst) zstd -qdc "$path" ;;
	*.gz) gzip -dc "$path" ;;
	*) cat "$path" ;;
	esac >"$2-$name"
}

# That /dev/kvm opens does not mean that a guest runs: boot one, with a time
# limit, and remember the answer until this machine is started anew.
# qemu_accel FOLDER: where the initramfs is
qemu_accel()
{
	local answer=$lab_cache/qemu/kvm folder=$1 probe boot_id

	if [[ ! -w /dev/kvm ]]; then
		printf tcg
		return 0
	fi
	boot_id=$(</proc/sys/kernel/random/boot_id)
	if [[ $(cat "$answer" 2>/dev/null) != "$boot_id "* ]]; then
		probe=$(timeout -s KILL "$qemu_probe_seconds" \
			qemu-system-x86_64 -accel kvm -cpu host -m 512 -nodefaults -display none \
			-no-reboot -kernel "$lab_cache/qemu/vmlinuz" \
			-initrd "$folder/initramfs" -serial stdio \
			-append 'console=ttyS0 panic=-1 remora_probe' </dev/null 2>&1) || :
		if [[ $probe == *"remora probe: booted"* ]]; then
			printf '%s kvm\n' "$boot_id" >"$answer"
		else
			printf '%s tcg\n' "$boot_id" >"$answer"
		fi
	fi
	cut -d ' ' -f 2 "$answer"
}

qemu_accel_known()
{
	if [[ ! -w /dev/kvm ]]; then
		printf 'emulated, hence slow: /dev/kvm is not there or not writable'
		return 0
	fi
	case $(cat "$lab_cache/qemu/kvm" 2>/dev/null) in
	*kvm) printf 'with KVM' ;;
	*tcg) printf 'emulated, hence slow: KVM failed its trial' ;;
	*) printf 'KVM is tried at the first run' ;;
	esac
}

# QEMU's options separate their parts by commas.
qemu_path()
{
	printf '%s' "${1//,/,,}"
}

# qemu_start ACCELERATOR
qemu_start()
{
	local accel=$1 args=() cpus number=0 share
	local fs=security_model=none,multidevs=remap

	cpus=$(nproc)
	args=(-m "$lab_mem" -smp "$((cpus < 4 ? cpus : 4))" -nodefaults -display none -no-reboot
		-kernel "$lab_cache/qemu/vmlinuz" -initrd "$guest_run/initramfs"
		-append "console=ttyS0 panic=-1 oops=panic mitigations=off"
		-serial stdio
		-virtfs "local,id=root,path=/,mount_tag=root,readonly=on,$fs"
		-virtfs "local,id=run,path=$(qemu_path "$guest_run"),mount_tag=run,$fs")
	if [[ $accel == kvm ]]; then
		args+=(-accel kvm -cpu host)
	else
		args+=(-accel "tcg,thread=multi" -cpu max)
	fi
	while IFS= read -r share; do
		args+=(-virtfs "local,id=share$number,path=$(qemu_path "$share"),mount_tag=share$number,$fs")
		number=$((number + 1))
	done <"$guest_run/shares"
	if [[ $lab_interactive == yes ]]; then
		args+=(-chardev "serial,id=terminal,path=$guest_terminal" -serial chardev:terminal)
	fi
	guest_start qemu-system-x86_64 "${args[@]}"
}

qemu_run()
{
	local accel

	lab_backend=qemu
	lab_mem=${lab_mem:-2G}
	packages_require "${qemu_needs[@]}" || exit 125
	qemu_prepare
	guest_prepare /dev/ttyS1
	qemu_with_init "$guest_run"
	accel=$(qemu_accel "$guest_run")
	if [[ $accel == tcg ]]; then
		say "no working KVM here: the guest's processor is emulated, which is slow"
	fi
	qemu_start "$accel"
	guest_supervise "$qemu_boot_seconds"
}
