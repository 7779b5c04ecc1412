# SPDX-License-Identifier: Apache-2.0
#
# choose.sh - which backend
#
# The *_lacks functions are cheap, change nothing, and print the reason why a
# backend cannot serve the wanted device, or nothing.

# Packages that cannot be installed by this user are a reason; others are not.
choose_lacks_packages()
{
	local missing

	if ! command -v dpkg-query >/dev/null; then
		printf 'only Debian and Ubuntu packages are known'
	elif ((EUID != 0)); then
		mapfile -t missing < <(packages_missing "$@")
		if ((${#missing[@]})); then
			printf 'as root, please run: apt-get install %s' "${missing[*]}"
		fi
	fi
}

choose_lacks_machine()
{
	if [[ $(uname -m) != x86_64 ]]; then
		printf 'made for x86_64, this is %s' "$(uname -m)"
	fi
}

uml_lacks()
{
	choose_lacks_machine
	choose_lacks_packages "${uml_needs[@]}"
	if ! uml_built; then
		choose_lacks_packages "${build_needs[@]}"
	fi
}

qemu_lacks()
{
	choose_lacks_machine
	choose_lacks_packages "${qemu_needs[@]}"
	qemu_lacks_driver "$1"
}

# choose_order: backends with the reason to take each at its place
choose_order()
{
	printf 'host|this kernel has the driver\n'
	if uml_built; then
		printf 'uml|its kernel is in the cache\n'
	fi
	printf 'qemu|it needs no kernel to be built\n'
	if ! uml_built; then
		printf 'uml|its kernel is going to be built\n'
	fi
}

choose_and_run()
{
	local reason

	if [[ $lab_backend == auto ]]; then
		choose_auto
	fi
	reason=$("${lab_backend}_lacks" "$lab_device")
	if [[ -n $reason ]]; then
		die "backend $lab_backend: $reason; see scripts/lab status"
	fi
	"${lab_backend}_run"
}

choose_auto()
{
	local backend why reason passed=''

	while IFS='|' read -r backend why <&3; do
		reason=$("${backend}_lacks" "$lab_device")
		if [[ -n $reason ]]; then
			passed+="; not $backend: $reason"
			continue
		fi
		say "backend $backend: $why$passed"
		if [[ $backend == host ]]; then
			host_try || passed+="; not host: it failed its trial"
		else
			"${backend}_run" 3<&-
		fi
	done 3< <(choose_order)
	die "no backend works here$passed"
}

choose_status()
{
	local device backend reason taken

	for device in rxe siw; do
		taken=
		for backend in host uml qemu; do
			reason=$("${backend}_lacks" "$device")
			if [[ -n $reason ]]; then
				printf '%-4s %-4s no    %s\n' "$device" "$backend" "$reason"
			else
				printf '%-4s %-4s yes   %s\n' "$device" "$backend" \
					"$("choose_about_$backend" "$device")"
			fi
		done
		while IFS='|' read -r backend _; do
			if [[ -z $taken && -z $("${backend}_lacks" "$device") ]]; then
				taken=$backend
			fi
		done < <(choose_order)
		printf '%-4s auto takes %s\n' "$device" "${taken:-nothing}"
	done
}

choose_about_host()
{
	local existing

	existing=$(host_existing "$1")
	if ((EUID != 0)); then
		printf 'device %s; as root there could be more hosts than one' "${existing%% *}"
	else
		printf 'kernel %s has the driver; whether it connects is tried at each run' "$(uname -r)"
	fi
}

choose_about_uml()
{
	if uml_built; then
		cat "$(dirname "$(uml_kernel)")/stamp"
	else
		printf 'after building its kernel (scripts/lab build-uml, some 8 minutes)'
	fi
}

choose_about_qemu()
{
	local kernel

	if qemu_prepared; then
		# shellcheck source=/dev/null
		kernel=$(. "$(qemu_folder)/stamp" && printf '%s' "$kernel")
		printf '%s, %s' "$kernel" "$(qemu_accel_known)"
	else
		printf 'after downloading a kernel package (some 120 MB)'
	fi
}
