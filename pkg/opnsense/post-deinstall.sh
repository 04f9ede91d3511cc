# shellcheck shell=sh
[ -z "${PKG_UPGRADE:-}" ] && [ "${PKG_ROOTDIR:-/}" = / ] || exit 0
run() {
	[ -x "$1" ] || return 0
	"$@" || echo "$* failed"
}
run /usr/local/opnsense/scripts/firmware/register.php remove os-hearth
# What was cached of menus and privileges goes, and syslog is told; configd forgets the actions.
run /usr/local/etc/rc.configure_plugins POST_DEINSTALL
run /usr/local/etc/rc.d/configd restart
echo "The settings of the plugin are still in the firewall's configuration, what Hearth knows in /var/db/hearth, and what it fetched in /usr/local/tftp."
exit 0
