# shellcheck shell=sh
[ -z "${PKG_UPGRADE:-}" ] || exit 0
root=${PKG_ROOTDIR:-}
root=${root%/}
if [ -z "$root" ] && [ "${HEARTH_PURGE:-}" = yes ]; then
	rm -rf /usr/local/etc/hearth/* /var/log/hearth.log /var/log/hearth.log.*
	[ -L /var/db/hearth ] || rm -rf /var/db/hearth
fi
# Folders go if nothing is in them; a symbolic link is somebody's. That of the settings is pkg's own to remove.
for folder in /usr/local/etc/hearth/conf.d /var/db/hearth /var/run/hearth; do
	[ -L "$root$folder" ] || rmdir "$root$folder" 2>/dev/null
done
# This one may be another TFTP server's too, so it goes only if Hearth's user has it.
tree=$root/usr/local/tftp
owner=$(awk -F: '$1 == "hearth" { print $3 }' "$root/etc/passwd")
if [ -d "$tree" ] && [ ! -L "$tree" ] && [ "$(stat -f %u "$tree" 2>/dev/null)" = "$owner" ]; then
	rmdir "$tree" 2>/dev/null
fi
exit 0
