#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# inside.sh - process 1 of a guest, second half: hosts, command, power off
#
# By now the file system is as the command shall see it, and /run/lab is the
# run directory, shared with the host:
#
#	conf      shell variables: lab_backend, lab_device, lab_hosts, lab_netem,
#	          lab_interactive, lab_mhz, lab_code
#	env, argv NUL-separated; cwd
#	out, err  what the command prints, followed by the host
#	booted    appears when the command is about to start
#	status    its exit status, the last thing written

set -u

# shellcheck source=/dev/null
. /run/lab/conf
# shellcheck source=scripts/lab.d/message.sh
. "$lab_code/message.sh"
# shellcheck source=scripts/lab.d/net.sh
. "$lab_code/net.sh"

prepare_system()
{
	mount -t sysfs sys /sys
	mkdir -p /run/netns
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn /proc/self/fd/0 /dev/stdin
	ln -sfn /proc/self/fd/1 /dev/stdout
	ln -sfn /proc/self/fd/2 /dev/stderr
	echo lab >/proc/sys/kernel/hostname
	ip link set lo up
	ulimit -l unlimited

	# perftest wants to read the processor's clock rate there.
	if ! grep -q '^cpu MHz' /proc/cpuinfo; then
		{
			cat /proc/cpuinfo
			printf 'cpu MHz\t\t: %s\n' "$lab_mhz"
		} >/run/cpuinfo
		mount --bind /run/cpuinfo /proc/cpuinfo
	fi
}

load_environment()
{
	local pair

	while IFS= read -r -d '' pair; do
		if [[ ${pair%%=*} =~ ^[A-Za-z_][A-Za-z_0-9]*$ ]]; then
			export "${pair?}" 2>/dev/null
		fi
	done </run/lab/env
	unset REMORA_LAB_RUN
}

# Only the two that carry the command's output are spared.
kill_leftovers()
{
	local proc pid found=yes

	while [[ $found == yes ]]; do
		found=no
		for proc in /proc/[0-9]*; do
			pid=${proc#/proc/}
			# No executable: a kernel thread, or dead already.
			if [[ " $$ $* " != *" $pid "* ]] && [[ -e $proc/exe ]] &&
				kill -KILL "$pid" 2>/dev/null; then
				found=yes
			fi
		done
	done
}

run_command()
{
	local argv out_pid err_pid status

	mapfile -d '' argv </run/lab/argv
	exec {out}> >(exec cat >>/run/lab/out)
	out_pid=$!
	exec {err}> >(exec cat >>/run/lab/err)
	err_pid=$!

	: >/run/lab/booted
	(
		load_environment
		net_export "$lab_backend"
		cd "$(</run/lab/cwd)" || exit 125
		exec >&"$out" 2>&"$err" {out}>&- {err}>&- </dev/null
		exec_command "${argv[@]}"
	) &
	wait $!
	status=$?

	kill_leftovers "$out_pid" "$err_pid"
	exec {out}>&- {err}>&-
	wait "$out_pid" "$err_pid" 2>/dev/null
	return "$status"
}

# A shell without job control starts background commands with these signals
# ignored, and a test that interrupts its server would wait for ever.
exec_command()
{
	local inside=()

	if [[ $net_shared == no ]]; then
		inside=(ip netns exec "$(net_ns 1)")
	fi
	exec env --default-signal=INT,QUIT "${inside[@]}" "$@"
}

run_shell()
{
	: >/run/lab/booted
	(
		load_environment
		net_export "$lab_backend"
		cd "$(</run/lab/cwd)" || exit 125
		export TERM=${TERM:-linux}
		exec_command setsid -c -w bash -c "stty sane $lab_tty_size; exec \"\$@\"" \
			shell "${SHELL:-bash}" -i
	) <>"$lab_console" >&0 2>&1
}

run()
{
	prepare_system
	if ! { net_up "$lab_device" "$lab_hosts" '' &&
		{ [[ -z $lab_netem ]] || net_impair "$lab_netem"; }; } 2>>/run/lab/err; then
		return 125
	fi
	if [[ $lab_interactive == yes ]]; then
		run_shell
	else
		run_command
	fi
}

run
echo $? >/run/lab/status.new
mv /run/lab/status.new /run/lab/status
sync -f /run/lab/status 2>/dev/null
exec busybox poweroff -f
