# SPDX-License-Identifier: Apache-2.0
#
# net.sh - the lab's hosts: network namespaces, cables and RDMA devices
#
# Runs where the kernel with RDMA is: inside a guest, or on a real host. Host I
# is namespace lab<TAG>-I, has address 10.77.0.I on interface vI, and RDMA
# device <type><TAG>I. TAG keeps two labs on one kernel apart.

net_tag=
net_count=0
net_type=
net_shared=no # all hosts in one namespace: the kernel's rxe wants it so

net_ns() { printf 'lab%s-%s' "$net_tag" "$1"; }
net_addr() { printf '10.77.0.%s' "$1"; }
net_dev() { printf '%s%s%s' "$net_type" "${net_tag:+${net_tag}x}" "$1"; }

net_iface()
{
	if [[ $net_shared == yes ]]; then
		printf 'v%s' "$net_tag$1"
	else
		printf 'v%s' "$1"
	fi
}

# net_in HOST COMMAND...
net_in()
{
	local host=$1

	shift
	if [[ $net_shared == yes ]]; then
		"$@"
	else
		ip netns exec "$(net_ns "$host")" "$@"
	fi
}

# The interface index is given by hand: siw listens on "any address" once for
# each index, and two namespaces count from the same number.
net_cable_pair()
{
	ip link add v1 index 11 mtu 9000 netns "$(net_ns 1)" type veth \
		peer name v2 index 12 mtu 9000 netns "$(net_ns 2)"
}

net_cable_bridge()
{
	local host switch

	switch=$(net_ns switch)
	ip netns add "$switch"
	ip -n "$switch" link add br0 mtu 9000 type bridge
	ip -n "$switch" link set br0 up
	for ((host = 1; host <= net_count; host++)); do
		ip link add "v$host" index $((10 + host)) mtu 9000 \
			netns "$(net_ns "$host")" type veth \
			peer name "p$host" mtu 9000 netns "$switch"
		ip -n "$switch" link set "p$host" master br0 up
	done
}

net_hosts()
{
	local host ns

	for ((host = 1; host <= net_count; host++)); do
		ip netns add "$(net_ns "$host")"
	done
	if ((net_count == 2)); then
		net_cable_pair
	else
		net_cable_bridge
	fi
	for ((host = 1; host <= net_count; host++)); do
		ns=$(net_ns "$host")
		ip -n "$ns" link set lo up
		ip -n "$ns" addr add "$(net_addr "$host")/24" dev "v$host"
		ip -n "$ns" link set "v$host" up
	done
}

# The stand-in for kernels whose rxe only hears the first namespace: one
# interface a host, all here. Packets between them take the loopback route.
net_hosts_shared()
{
	local host iface

	for ((host = 1; host <= net_count; host++)); do
		iface=$(net_iface "$host")
		ip link add "$iface" mtu 9000 type veth peer name "p$iface" mtu 9000
		ip link set "p$iface" up
		ip addr add "$(net_addr "$host")/24" dev "$iface"
		ip link set "$iface" up
	done
	ip link set lo up
}

net_devices()
{
	local host

	for ((host = 1; host <= net_count; host++)); do
		if ! net_in "$host" rdma link add "$(net_dev "$host")" type "$net_type" \
			netdev "$(net_iface "$host")"; then
			say "cannot make a device of type $net_type; has this kernel the driver?"
			return 1
		fi
	done
}

# An rxe that knows namespaces opens its UDP port (4791, 0x12b7) in the one
# where the device was made; an older one has it in the first only.
net_rxe_hears()
{
	net_in 1 grep -qi ':12b7 ' /proc/net/udp
}

net_wait_active()
{
	local host try

	for ((host = 1; host <= net_count; host++)); do
		for ((try = 0; try < 100; try++)); do
			if net_in "$host" rdma link show "$(net_dev "$host")/1" |
				grep -q 'state ACTIVE'; then
				continue 2
			fi
			sleep 0.05
		done
		say "device $(net_dev "$host") did not become active within 5 seconds"
		return 1
	done
}

# The first packet to a new neighbour can take two seconds; take them now.
net_warm()
{
	local from to

	for ((from = 1; from <= net_count; from++)); do
		for ((to = from + 1; to <= net_count; to++)); do
			if ! net_in "$from" ping -q -c 1 -W 5 "$(net_addr "$to")" >/dev/null; then
				say "host $from cannot ping host $to"
				return 1
			fi
		done
	done
}

# net_impair SPEC: netem on what each host sends
net_impair()
{
	local host spec

	read -ra spec <<<"$1"
	for ((host = 1; host <= net_count; host++)); do
		if ! net_in "$host" tc qdisc add dev "$(net_iface "$host")" \
			root netem limit 100000 "${spec[@]}"; then
			say "tc does not take the netem specification '$1'; see tc-netem(8)"
			return 1
		fi
	done
}

# net_up TYPE COUNT TAG
net_up()
{
	net_type=$1 net_count=$2 net_tag=$3 net_shared=no

	net_hosts || return
	net_devices || return
	if [[ $net_type == rxe ]] && ! net_rxe_hears; then
		net_down
		net_shared=yes
		say "this kernel's rxe works in the first namespace only:" \
			"the $net_count host(s) share it, each with its own device"
		net_hosts_shared || return
		net_devices || return
	fi
	net_wait_active && net_warm
}

net_down()
{
	local host

	for ((host = 1; host <= net_count; host++)); do
		rdma link delete "$(net_dev "$host")" || :
		if [[ $net_shared == yes ]]; then
			ip link delete "$(net_iface "$host")" || :
		else
			ip netns delete "$(net_ns "$host")" || :
		fi
	done 2>/dev/null
	ip netns delete "$(net_ns switch)" 2>/dev/null || :
}

# What the command is told. The device's type and the number of hosts are
# there so that a test need not guess them.
net_export()
{
	local host ns

	export REMORA_LAB=1 REMORA_LAB_BACKEND=$1
	export REMORA_LAB_DEVICE_TYPE=$net_type REMORA_LAB_HOSTS=$net_count
	for ((host = 1; host <= net_count; host++)); do
		ns=
		if [[ $net_shared == no ]]; then
			ns=$(net_ns "$host")
		fi
		export "REMORA_LAB_ADDR_$host=$(net_addr "$host")"
		export "REMORA_LAB_DEV_$host=$(net_dev "$host")"
		export "REMORA_LAB_IFACE_$host=$(net_iface "$host")"
		export "REMORA_LAB_NETNS_$host=$ns"
	done
}
