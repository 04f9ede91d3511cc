# shellcheck shell=sh
[ -z "${PKG_UPGRADE:-}" ] || exit 0
root=${PKG_ROOTDIR:-}
root=${root%/}
if [ -z "$root" ] && [ "${HEARTH_PURGE:-}" = yes ]; then
	rm -rf /var/log/hearth.log /var/log/hearth.log.*
	for folder in /usr/local/etc/hearth /var/db/hearth; do
		[ -L "$folder" ] || rm -rf "$folder"
	done
fi
# Folders go if nothing is in them; a symbolic link is somebody's.
for folder in /usr/local/etc/hearth/conf.d /usr/local/etc/hearth /var/db/hearth /var/run/hearth; do
	[ -L "$root$folder" ] || rmdir "$root$folder" 2>/dev/null
done
# This one may be another TFTP server's too, so it goes only if Hearth's user has it.
tree=$root/usr/local/tftp
owner=$(awk -F: '$1 == "hearth" { print $3 }' "$root/etc/passwd")
if [ -d "$tree" ] && [ ! -L "$tree" ] && [ "$(stat -f %u "$tree" 2>/dev/null)" = "$owner" ]; then
	rmdir "$tree" 2>/dev/null
fi
exit 0
