# SPDX-License-Identifier: Apache-2.0
#
# uml.sh - backend: User-Mode Linux, a kernel that is an ordinary process
#
# One host process, one guest CPU. It needs no rights and no virtualisation.

uml_boot_seconds=60
uml_needs=(iproute2 iputils-ping rdma-core ibverbs-providers rdmacm-utils busybox-static)

uml_kernel()
{
	printf '%s/uml/%s/linux' "$lab_cache" "$(uml_config_hash)"
}

# Comments do not make another kernel.
uml_config_hash()
{
	grep '^CONFIG_' "$lab_code/uml.config" | sha256sum | cut -c 1-16
}

uml_built()
{
	[[ -x $(uml_kernel) ]]
}

# The guest's memory is an unlinked file, mapped executable.
uml_memory_dir()
{
	local dir

	for dir in /dev/shm "${TMPDIR:-/tmp}" /var/tmp; do
		if [[ -w $dir ]] && ! findmnt -no OPTIONS -T "$dir" | grep -qw noexec &&
			(($(df --output=avail -B1 "$dir" | tail -n 1) > $(numfmt --from=iec "$lab_mem"))); then
			printf '%s' "$dir"
			return 0
		fi
	done
	die "no folder (/dev/shm, ${TMPDIR:-/tmp}, /var/tmp) has room for $lab_mem of guest" \
		"memory and allows execution; ask for less with --mem"
}

# One CPU, because every guest system call is a hand-over to another thread of
# the host, several times dearer across CPUs. Labs that run at once take
# different ones: each holds its CPU's lock while it lives.
uml_choose_cpu()
{
	local cpu cpus

	mkdir -p "$lab_cache/cpu"
	mapfile -t cpus < <(uml_cpus | shuf)
	for cpu in "${cpus[@]}"; do
		exec {uml_cpu_lock}>"$lab_cache/cpu/$cpu"
		if flock -n "$uml_cpu_lock"; then
			break
		fi
		exec {uml_cpu_lock}>&-
	done
	uml_cpu=$cpu
}

uml_cpus()
{
	local range

	for range in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
		seq "${range%-*}" "${range#*-}"
	done
}

uml_start()
{
	local memory args=()

	memory=$(uml_memory_dir) || exit
	args=("mem=$lab_mem" root=none rootfstype=hostfs rw "init=$guest_run/init"
		"REMORA_LAB_RUN=$guest_run" "uml_dir=$guest_run/" umid=lab
		seccomp=auto con=null "con0=null,fd:1" "con1=fd:3,fd:3")
	uml_choose_cpu
	guest_start env "TMPDIR=$memory" taskset -c "$uml_cpu" "$(uml_kernel)" "${args[@]}"
}

uml_run()
{
	lab_backend=uml
	lab_mem=${lab_mem:-4G}
	packages_require "${uml_needs[@]}" || exit 125
	uml_built || build_kernel
	guest_prepare /dev/tty1
	cp "$lab_code/init.sh" "$guest_run/init"
	chmod +x "$guest_run/init"
	uml_start
	guest_supervise "$uml_boot_seconds"
}
