# SPDX-License-Identifier: Apache-2.0
#
# choose.sh - which backend

choose_and_run()
{
	lab_mem=${lab_mem:-4G}
	uml_run
}
