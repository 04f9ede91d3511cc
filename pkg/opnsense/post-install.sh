# shellcheck shell=sh
# In another root folder than / nothing runs that could be told.
[ "${PKG_ROOTDIR:-/}" = / ] || exit 0

# One step that fails is told and keeps no other from its turn.
run() {
	[ -x "$1" ] || return 0
	"$@" || echo "$* failed; System: Firmware: Plugins, reinstall os-hearth, runs it again"
}

# @steps@
# The list of plugins that the firmware page holds against what is installed.
run /usr/local/opnsense/scripts/firmware/register.php install os-hearth
exit 0
