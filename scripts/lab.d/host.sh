# SPDX-License-Identifier: Apache-2.0
#
# host.sh - backend: this machine's own kernel
#
# Root gets namespaces with software devices as in a guest, under names of this
# process's own. Anyone else gets a software device that is there, as one host.
# Nothing is believed before a queue pair has been connected.

host_pid=
host_timer=
host_made=no

host_needs=(iproute2 iputils-ping kmod rdma-core ibverbs-providers rdmacm-utils)

host_module()
{
	if [[ $1 == rxe ]]; then
		printf rdma_rxe
	else
		printf siw
	fi
}

# Loaded or built in: the driver's function that makes a device is there.
host_has_driver()
{
	grep -qw "$1_newlink" /proc/kallsyms
}

# host_lacks TYPE: the reason why not, or nothing
host_lacks()
{
	local module

	module=$(host_module "$1")
	if [[ -n $(host_existing "$1") ]]; then
		return 0
	fi
	if ! host_has_driver "$1" && ! modprobe -nq "$module" 2>/dev/null; then
		printf 'kernel %s has no module %s' "$(uname -r)" "$module"
	elif ((EUID != 0)); then
		printf 'making a device needs root (or let root do: scripts/rxe up)'
	elif ! host_has_driver "$1" && ! modprobe -q "$module" 2>/dev/null; then
		printf 'module %s cannot be loaded here (in a container: load it outside)' "$module"
	fi
}

# host_existing TYPE: "DEVICE INTERFACE ADDRESS" of a software device that has
# an IPv4 address
host_existing()
{
	local path iface addr

	for path in /sys/devices/virtual/infiniband/*; do
		case $1-$(cat "$path/node_type" 2>/dev/null) in
		rxe-*CA | siw-*RNIC) ;;
		*) continue ;;
		esac
		iface=$(cat "$path/ports/1/gid_attrs/ndevs/0" 2>/dev/null) || continue
		addr=$(ip -4 -o addr show dev "$iface" 2>/dev/null |
			awk '{ sub("/.*", "", $4); print $4; exit }')
		if [[ -n $addr ]]; then
			printf '%s %s %s' "${path##*/}" "$iface" "$addr"
			return 0
		fi
	done
}

# host_connects: the last host answers the first one's rping. siw loses a
# connect now and then.
host_connects()
{
	local address try server status=1

	address=$(host_address "$net_count")
	for ((try = 0; try < 3 && status != 0; try++)); do
		net_in "$net_count" timeout 6 rping -s -a "$address" -C 1 >/dev/null 2>&1 &
		server=$!
		sleep 0.3
		status=0
		net_in 1 timeout 5 rping -c -a "$address" -C 1 >/dev/null 2>&1 || status=$?
		kill "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	done
	return "$status"
}

host_address()
{
	if [[ $host_made == yes ]]; then
		net_addr "$1"
	else
		printf '%s' "$REMORA_LAB_ADDR_1"
	fi
}

host_end()
{
	local host

	set +e # tidying up goes on whatever fails
	trap '' INT TERM HUP
	if [[ -n $host_pid ]]; then
		kill -KILL -- "-$host_pid"
	fi
	if [[ -n $host_timer ]]; then
		kill -KILL "$host_timer"
	fi
	if [[ $host_made == yes ]]; then
		# Whatever the command left behind, session of its own or not.
		for ((host = 1; host <= net_count; host++)); do
			ip netns pids "$(net_ns "$host")" | xargs -r kill -KILL
		done
		wait
		net_down
	fi
	return 0
} 2>/dev/null

# host_setup: 0 if the hosts are there and work
host_setup()
{
	packages_require "${host_needs[@]}" || return
	trap host_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	if ((EUID == 0)); then
		host_has_driver "$lab_device" || modprobe "$(host_module "$lab_device")"
		ulimit -l unlimited
		host_made=yes
		net_up "$lab_device" "$lab_hosts" "$$" || return
		net_export host
	else
		host_use_existing || return
	fi
	if ! host_connects; then
		say "host: the device is there, but a queue pair cannot be connected"
		return 1
	fi
	if [[ -n $lab_netem ]]; then
		net_impair "$lab_netem" || return
	fi
}

host_use_existing()
{
	local dev iface addr

	if ((lab_hosts > 1)) || [[ -n $lab_netem ]]; then
		say "host: --hosts and --netem need root here"
		return 1
	fi
	read -r dev iface addr < <(host_existing "$lab_device")
	net_type=$lab_device net_count=1 net_shared=yes
	export REMORA_LAB=1 REMORA_LAB_BACKEND=host REMORA_LAB_HOSTS=1
	export REMORA_LAB_DEVICE_TYPE=$lab_device REMORA_LAB_NETNS_1=
	export REMORA_LAB_DEV_1=$dev REMORA_LAB_IFACE_1=$iface REMORA_LAB_ADDR_1=$addr
}

# host_try: run the command if this kernel works; 1 if it does not
host_try()
{
	local status=0

	lab_backend=host
	if ! host_setup; then
		host_end
		trap - EXIT INT TERM HUP
		return 1
	fi
	if [[ $lab_interactive == yes ]]; then
		host_shell || status=$?
	else
		host_supervise || status=$?
	fi
	exit "$status"
}

# The prefix that starts a command on host 1.
host_inside()
{
	printf '%s\n' env --default-signal=INT,QUIT
	if [[ $net_shared == no ]]; then
		printf '%s\n' ip netns exec "$(net_ns 1)"
	fi
}

host_shell()
{
	local inside

	mapfile -t inside < <(host_inside)
	"${inside[@]}" "${SHELL:-bash}" -i
}

host_supervise()
{
	local inside ended status=0

	mapfile -t inside < <(host_inside)
	setsid setpriv --pdeathsig KILL "${inside[@]}" "${lab_command[@]}" </dev/null &
	host_pid=$!
	if ((lab_timeout > 0)); then
		setpriv --pdeathsig KILL sleep "$lab_timeout" &
		host_timer=$!
	fi
	{
		wait -n -p ended "$host_pid" $host_timer || status=$?
	} 2>/dev/null
	if [[ $ended == "$host_timer" ]]; then
		say "the command took longer than --timeout $lab_timeout seconds and was ended"
		status=124
	fi
	return "$status"
}

host_run()
{
	host_try || die "backend host does not work here (see above)"
}
