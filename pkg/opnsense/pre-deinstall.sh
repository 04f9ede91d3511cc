# shellcheck shell=sh
# On an upgrade the old package's script runs, and nothing is to be taken back.
[ -z "${PKG_UPGRADE:-}" ] && [ "${PKG_ROOTDIR:-/}" = / ] || exit 0

# The DHCP servers are told what they were told before, while the plugin is still here to do it, and then
# nobody is sent to a server that is gone.
if [ -x /usr/local/sbin/configctl ]; then
	/usr/local/sbin/configctl hearth dhcp revert ||
		echo "The DHCP settings could not be taken back: look for Hearth in the descriptions of your DHCP server's settings"
fi
service hearth onestatus >/dev/null 2>&1 && service hearth onestop
# Written by the plugin's templates.
rm -f /etc/rc.conf.d/hearth
exit 0
