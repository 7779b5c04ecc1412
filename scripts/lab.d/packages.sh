# SPDX-License-Identifier: Apache-2.0
#
# packages.sh - install distribution packages that are missing
#
# For every script of the project: source it and say
#
#	packages_require rdma-core perftest
#
# It does nothing and asks nothing when all of them are installed. Otherwise it
# says what it is about to install and installs it; without the right to do so,
# or without a network, it prints the command to type and returns 1.

packages_lists_fresh=no

packages_missing()
{
	local name

	for name; do
		if [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) != installed ]]; then
			printf '%s\n' "$name"
		fi
	done
}

packages_explain()
{
	printf 'packages: %s\n' "$1" >&2
	printf 'packages: please run:  %sapt-get update && %sapt-get install %s\n' \
		"$2" "$2" "$3" >&2
	return 1
}

packages_apt_get()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 "$@" </dev/null
}

packages_install()
{
	packages_apt_get install -y --no-install-recommends "$@"
}

packages_require()
{
	local missing log

	if ! command -v dpkg-query >/dev/null; then
		printf 'packages: this is no Debian or Ubuntu; please install the like of: %s\n' \
			"$*" >&2
		return 1
	fi

	mapfile -t missing < <(packages_missing "$@")
	if ((${#missing[@]} == 0)); then
		return 0
	fi

	if ((EUID != 0)); then
		packages_explain "missing: ${missing[*]}; installing needs root" \
			'sudo ' "${missing[*]}"
		return 1
	fi

	printf 'packages: installing %s\n' "${missing[*]}" >&2
	log=$(mktemp)

	# The lists that are there may do; fetch new ones, once, if they do not.
	if ! packages_install "${missing[@]}" >"$log" 2>&1; then
		if [[ $packages_lists_fresh == yes ]] ||
			! packages_apt_get update >"$log" 2>&1 ||
			! packages_install "${missing[@]}" >>"$log" 2>&1; then
			tail -n 15 "$log" >&2
			rm -f "$log"
			packages_explain "could not install ${missing[*]} (above: apt's own words; no network?)" \
				'' "${missing[*]}"
			return 1
		fi
		packages_lists_fresh=yes
	fi
	rm -f "$log"
}
