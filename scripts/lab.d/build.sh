# SPDX-License-Identifier: Apache-2.0
#
# build.sh - make the User-Mode Linux kernel from the distribution's source
#
# Everything happens in the cache: the tree stays there when a build is
# interrupted, and the next one goes on with it; it is deleted when the kernel
# is published. Kernels are kept by the hash of their configuration.

build_pid=
build_objects=930 # what a 7.x kernel with this configuration takes, roughly

build_needs=(gcc libc6-dev make flex bison bc xz-utils bzip2)
build_musts=(HOSTFS OVERLAY_FS VETH BRIDGE NET_SCH_NETEM RDMA_RXE RDMA_SIW
	INFINIBAND_USER_ACCESS INFINIBAND_ADDR_TRANS SYSCTL)

build_stop()
{
	if [[ -n $build_pid ]]; then
		kill -KILL -- "-$build_pid" 2>/dev/null
	fi
}

build_lock()
{
	mkdir -p "$lab_cache/build"
	exec {build_lock}>"$lab_cache/build/lock"
	if ! flock -n "$build_lock"; then
		say "another build of this kernel is under way; waiting for it"
		flock "$build_lock"
	fi
}

# build_kernel: make uml_kernel exist
build_kernel()
{
	local name

	build_lock
	if uml_built; then
		say "the kernel is there: $(cat "$(dirname "$(uml_kernel)")/stamp")"
		exec {build_lock}>&-
		return 0
	fi
	packages_require "${build_needs[@]}" || exit 125

	say "kernel: looking for the newest source package"
	fetch_open "$lab_cache/build/fetch" || exit 125
	trap build_stop EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	for name in $(fetch_names '^linux-source-[0-9.]+$' | head -n 3); do
		if build_from "$name"; then
			fetch_close
			exec {build_lock}>&-
			return 0
		fi
		say "kernel: $name did not do; trying an older one"
	done
	say "no kernel could be built from a linux-source package of this system's mirror:"
	fetch_why
	exit 125
}

# build_from PACKAGE
build_from()
{
	local name=$1 version tree

	version=$(fetch_version "$name")
	tree=$lab_cache/build/$name-$version
	build_unpack "$name" "$version" "$tree" &&
		build_configure "$tree" &&
		build_compile "$tree" &&
		build_publish "$name $version" "$tree"
}

# The graphics drivers' code is a quarter of the source and not needed; their
# Kconfig files are.
build_unpack()
{
	local name=$1 version=$2 tree=$3 archive

	if [[ -e $tree/unpacked ]]; then
		say "kernel: going on with the tree of $name $version"
		return 0
	fi
	rm -rf "$tree"
	say "kernel: downloading $name $version (about 170 MB)"
	fetch_unpack "$name" "$tree/package" || return
	say "kernel: unpacking"
	archive=$(find "$tree/package" -type f -name 'linux-source-*.tar.*' | head -n 1)
	mkdir "$tree/linux"
	tar -xf "$archive" -C "$tree/linux" --strip-components 1 \
		--exclude='*/drivers/gpu/*.[ch]' || return
	rm -rf "$tree/package"
	: >"$tree/unpacked"
}

build_make()
{
	make -C "$1/linux" ARCH=um "${@:2}" >"$1/log" 2>&1
}

build_configure()
{
	local tree=$1 option

	say "kernel: configuring"
	if ! build_make "$tree" KCONFIG_ALLCONFIG="$lab_code/uml.config" allnoconfig; then
		build_why "$tree"
		return 1
	fi
	for option in "${build_musts[@]}"; do
		if ! grep -q "^CONFIG_$option=y" "$tree/linux/.config"; then
			say "kernel: this source does not offer CONFIG_$option"
			return 1
		fi
	done
}

build_why()
{
	tail -n 10 "$1/log" | sed 's/^/lab: | /' >&2
}

build_compile()
{
	local tree=$1 jobs ended timer status=0

	jobs=$(nproc)
	say "kernel: compiling with $jobs jobs"
	setsid nice make -C "$tree/linux" ARCH=um "-j$jobs" linux >"$tree/log" 2>&1 </dev/null &
	build_pid=$!
	while :; do
		sleep 20 &
		timer=$!
		status=0
		wait -n -p ended "$build_pid" "$timer" || status=$?
		[[ $ended == "$timer" ]] || break
		build_progress "$tree"
	done
	build_pid=
	kill "$timer" 2>/dev/null || :
	if ((status != 0)); then
		say "kernel: the compiler failed (all of it: $tree/log):"
		build_why "$tree"
	fi
	return "$status"
}

build_progress()
{
	local made

	made=$(find "$1/linux" -name '*.o' | wc -l)
	say "kernel: compiled $made of about $build_objects objects" \
		"($((made < build_objects ? made * 100 / build_objects : 99)) %)"
}

build_publish()
{
	local source=$1 tree=$2 kernel folder version

	kernel=$(uml_kernel)
	folder=$(dirname "$kernel")
	version=$(make -s -C "$tree/linux" ARCH=um kernelversion)
	rm -rf "$folder.new"
	mkdir -p "$folder.new"
	strip -o "$folder.new/linux" "$tree/linux/linux" || return
	printf 'Linux %s from %s, configuration %s\n' "$version" "$source" \
		"$(uml_config_hash)" >"$folder.new/stamp"
	mv -T "$folder.new" "$folder" || return
	rm -rf "$lab_cache"/build/linux-source-* # older ones left half-way, too
	say "kernel: done: $kernel, $(cat "$folder/stamp")"
}
