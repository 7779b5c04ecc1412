# SPDX-License-Identifier: Apache-2.0
#
# guest.sh - what the backends with a kernel of their own have in common
#
# The run directory, the process that is the guest, its output and its end.
# A guest is one process group; when this script goes, whatever way, it goes.

guest_run=
guest_pid=
guest_children=() # followers and timers
guest_terminal=/dev/null
guest_stty=

# guest_prepare CONSOLE: the device in the guest that a shell talks to
guest_prepare()
{
	guest_clean_stale
	guest_run=$(mktemp -d "${TMPDIR:-/tmp}/remora-lab.XXXXXX")
	trap guest_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	echo $$ >"$guest_run/owner"

	cp "$lab_code/inside.sh" "$guest_run/inside.sh"
	: >"$guest_run/out"
	: >"$guest_run/err"
	: >"$guest_run/console"
	printf '%s' "$PWD" >"$guest_run/cwd"
	if ((${#lab_command[@]})); then
		printf '%s\0' "${lab_command[@]}" >"$guest_run/argv"
	fi
	if [[ $lab_interactive == yes ]]; then
		guest_terminal=$(tty)
		guest_stty=$(stty -g)
	fi
	# These name folders that the guest does not have.
	env -0 -u TMPDIR -u XDG_RUNTIME_DIR >"$guest_run/env"

	guest_list_shares >"$guest_run/shares"
	guest_write_conf "$1"
}

# The folders to let through, one a line, none inside another: a folder that
# was mounted twice would show the guest two unrelated files for one.
guest_list_shares()
{
	local dir outer=''

	for dir in "$lab_project" "$PWD" "${lab_shares[@]}"; do
		realpath "$dir"
	done | LC_ALL=C sort -u | while IFS= read -r dir; do
		if [[ $dir =~ ^/((proc|sys|dev)(/.*)?|run)?$ ]]; then
			continue # the guest's own
		fi
		if [[ -z $outer || $dir/ != "$outer"/* ]]; then
			outer=$dir
			printf '%s\n' "$dir"
		fi
	done
}

guest_write_conf()
{
	local tty_size='' mhz

	mhz=$(awk -F': ' '/^cpu MHz/ { print $2; exit }' /proc/cpuinfo)
	if [[ $lab_interactive == yes ]]; then
		tty_size=$(stty size | awk '{ print "rows", $1, "cols", $2 }')
	fi
	{
		printf 'lab_%s=%q\n' backend "$lab_backend" device "$lab_device" \
			hosts "$lab_hosts" netem "$lab_netem" code "$lab_code" \
			interactive "$lab_interactive" tty_size "$tty_size" \
			mhz "${mhz:-1000.000}" console "$1"
	} >"$guest_run/conf"
}

# A lab that was killed outright could not tidy up.
guest_clean_stale()
{
	local dir owner

	for dir in "${TMPDIR:-/tmp}"/remora-lab.*; do
		if [[ -O $dir ]] && owner=$(cat "$dir/owner" 2>/dev/null) &&
			[[ ! -e /proc/$owner ]]; then
			rm -rf "$dir"
		fi
	done
}

guest_end()
{
	local pid

	set +e # tidying up goes on whatever fails
	trap '' INT TERM HUP
	if [[ -n $guest_pid ]]; then
		kill -KILL -- "-$guest_pid"
	fi
	for pid in "${guest_children[@]}"; do
		kill -KILL "$pid"
	done
	wait
	if [[ -n $guest_stty ]]; then
		stty "$guest_stty"
	fi
	rm -rf "$guest_run"
} 2>/dev/null

# guest_start COMMAND...: in a session of its own, so that a Ctrl-C meant for us
# does not reach it first, and bound to die with us. Its descriptor 3 is the
# terminal, opened anew because guests make it non-blocking.
guest_start()
{
	setsid setpriv --pdeathsig KILL "$@" </dev/null >>"$guest_run/console" 2>&1 \
		3<>"$guest_terminal" &
	guest_pid=$!
}

guest_follow()
{
	setpriv --pdeathsig KILL tail -q -c +1 -s 0.05 --pid="$guest_pid" -f "$guest_run/out" &
	guest_children+=($!)
	setpriv --pdeathsig KILL tail -q -c +1 -s 0.05 --pid="$guest_pid" -f "$guest_run/err" >&2 &
	guest_children+=($!)
}

# guest_wait SECONDS: 0 when the guest has ended, 1 when the time has
guest_wait()
{
	local timer ended

	setpriv --pdeathsig KILL sleep "$1" &
	timer=$!
	guest_children+=("$timer")
	{
		wait -n -p ended "$guest_pid" "$timer" || :
	} 2>/dev/null
	if [[ $ended == "$timer" ]]; then
		return 1
	fi
	{
		kill -KILL "$timer"
		wait "$timer"
	} 2>/dev/null
	guest_pid_ended
}

guest_pid_ended()
{
	local pid

	# What was printed last is still on its way through the followers.
	for pid in "${guest_children[@]:0:2}"; do
		wait "$pid"
	done
	guest_pid=
	guest_children=()
	return 0
}

guest_console_tail()
{
	say "the last lines of its console:"
	tail -n 25 "$guest_run/console" | tr -d '\r' | sed 's/^/lab: | /' >&2
}

guest_kill()
{
	kill -KILL -- "-$guest_pid" 2>/dev/null
	wait "$guest_pid" 2>/dev/null
	guest_pid_ended
}

# guest_supervise BOOT_SECONDS: wait for the end and exit as the command did
guest_supervise()
{
	local boot=$1 status

	guest_follow
	if ! guest_wait_all "$boot"; then
		exit 124
	fi
	if [[ ! -s $guest_run/status ]]; then
		say "the $lab_backend guest died before the command had ended"
		guest_console_tail
		exit 125
	fi
	status=$(<"$guest_run/status")
	exit "$status"
}

guest_wait_all()
{
	local boot=$1

	if ((lab_timeout > 0 && lab_timeout <= boot)); then
		boot=$lab_timeout
	fi
	if guest_wait "$boot"; then
		return 0
	fi
	if [[ ! -e $guest_run/booted ]] && ((boot != lab_timeout)); then
		guest_kill
		say "the $lab_backend guest did not boot within $boot seconds"
		guest_console_tail
		exit 125
	fi
	if ((lab_timeout == 0)); then
		wait "$guest_pid"
		guest_pid_ended
		return 0
	fi
	if ((lab_timeout > boot)) && guest_wait $((lab_timeout - boot)); then
		return 0
	fi
	guest_kill
	say "the command took longer than --timeout $lab_timeout seconds and was ended"
	return 1
}
