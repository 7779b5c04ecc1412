# SPDX-License-Identifier: Apache-2.0
#
# choose.sh - which backend

choose_and_run()
{
	if [[ $lab_backend == auto ]]; then
		lab_backend=uml
	fi
	"${lab_backend}_run"
}
