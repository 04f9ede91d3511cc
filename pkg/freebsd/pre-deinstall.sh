# shellcheck shell=sh
# On an upgrade pkg runs the old package's script, when the new one's files are there already.
[ -z "${PKG_UPGRADE:-}" ] || exit 0
PATH=${PATH}:/sbin:/bin:/usr/sbin:/usr/bin
root=${PKG_ROOTDIR:-}
root=${root%/}
etc=$root/usr/local/etc/hearth
if [ -z "$root" ]; then
	# Whatever of it runs, also without its daemon(8); that nothing runs is no news.
	service hearth onestop 2>/dev/null
	if [ "${HEARTH_PURGE:-}" = yes ]; then
		# Only what Hearth fetched and nobody changed since.
		/usr/local/sbin/hearth lock prune --all ||
			echo "Not every fetched file could be removed from server.root."
	fi
fi
# An untouched sample is nobody's settings.
if cmp -s "$etc/hearth.toml" "$etc/hearth.toml.sample"; then
	rm -f "$etc/hearth.toml"
fi
exit 0
