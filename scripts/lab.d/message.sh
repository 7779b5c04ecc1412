# SPDX-License-Identifier: Apache-2.0
#
# message.sh - what the lab says, always on stderr: stdout is the command's

say()
{
	printf 'lab: %s\n' "$*" >&2
}

# A failure of the lab itself is 125, as with env(1) and timeout(1), so that
# it cannot be taken for the command's own exit status.
die()
{
	say "$@"
	exit 125
}
