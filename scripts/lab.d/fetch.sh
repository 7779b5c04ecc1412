# SPDX-License-Identifier: Apache-2.0
#
# fetch.sh - download a package without installing it
#
# Through apt, with package lists of our own, so that the system's sources and
# lists stay as they are and no root is needed. The mirror is the one that the
# system is set up for; on Debian its suite with the backports to the current
# stable release is read too, because new kernels are there.

fetch_dir=

fetch_apt()
{
	local tool=$1

	shift
	"$tool" -q -o "Dir::Etc::SourceList=$fetch_dir/sources.list" \
		-o "Dir::Etc::SourceParts=$fetch_dir/none" \
		-o "Dir::State::Lists=$fetch_dir/lists" \
		-o "Dir::Cache=$fetch_dir/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User= "$@"
}

# The system's sources as "URI SUITE" lines. This is the one way to learn them
# that does not depend on the system's lists having been fetched.
fetch_configured()
{
	apt-get update --print-uris -o "Dir::State::Lists=$fetch_dir/nolists" 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([^ ']*\)/InRelease'.*|\1 \2|p"
}

# The distribution's own among them, by the name of its release.
fetch_sources()
{
	local codename id keyring option='' mirror suite

	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
	id=$(. /etc/os-release && printf '%s' "$ID")
	for keyring in "/usr/share/keyrings/$id-archive-keyring".{gpg,pgp}; do
		if [[ -e $keyring ]]; then
			option="[signed-by=$keyring] "
			break
		fi
	done

	while read -r mirror suite; do
		case $suite in
		"$codename" | "$codename-updates" | "$codename-security")
			printf 'deb %s%s %s main\n' "$option" "$mirror" "$suite"
			;;
		esac
		if [[ $id == debian && $suite == "$codename" ]]; then
			printf 'deb %s%s stable-backports main\n' "$option" "$mirror"
		fi
	done < <(fetch_configured) | sort -u
}

# "stable-backports" is an alias, which caches on the way may hold for weeks;
# ask again by the name that it stands for.
fetch_resolve_alias()
{
	local release suite

	for release in "$fetch_dir"/lists/*_stable-backports_InRelease; do
		suite=$(sed -n 's/^Codename: //p' "$release" 2>/dev/null)
		if [[ -n $suite ]]; then
			sed -i "s/ stable-backports / $suite /" "$fetch_dir/sources.list"
			fetch_apt apt-get update >"$fetch_dir/log" 2>&1 || :
		fi
	done
}

# fetch_open FOLDER: read the mirror's package lists, into a folder that no one
# else uses. Part of it may fail, such as a suite that the mirror does not have:
# what counts is what is found after it.
fetch_open()
{
	fetch_dir=$1
	rm -rf "$fetch_dir"
	mkdir -p "$fetch_dir"/{lists,nolists,cache/archives}/partial "$fetch_dir/none"
	fetch_sources >"$fetch_dir/sources.list"
	if [[ ! -s $fetch_dir/sources.list ]]; then
		say "apt has no source for this distribution's own packages;" \
			"see /etc/apt/sources.list and /etc/apt/sources.list.d"
		return 1
	fi
	fetch_apt apt-get update >"$fetch_dir/log" 2>&1 || :
	fetch_resolve_alias
}

fetch_close()
{
	rm -rf "$fetch_dir"
}

fetch_why()
{
	tail -n 10 "$fetch_dir/log" | sed 's/^/lab: | /' >&2
}

# fetch_names REGEX: matching package names, the newest version first
fetch_names()
{
	fetch_apt apt-cache search --names-only "$1" | cut -d ' ' -f 1 | sort -rV
}

fetch_version()
{
	fetch_apt apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'
}

# fetch_unpack NAME FOLDER: download a package and lay its files there
fetch_unpack()
{
	local name=$1 folder=$2

	mkdir -p "$folder"
	if ! (cd "$folder" && fetch_apt apt-get download "$name") >"$fetch_dir/log" 2>&1; then
		say "could not download $name:"
		fetch_why
		return 1
	fi
	dpkg-deb -x "$folder/$name"_*.deb "$folder"
	rm "$folder/$name"_*.deb
}
