# shellcheck shell=sh
PATH=${PATH}:/sbin:/bin:/usr/sbin:/usr/bin
root=${PKG_ROOTDIR:-}
root=${root%/}
etc=$root/usr/local/etc/hearth
# Numbers, since in another root folder they may be others than this host's.
numbers=$(awk -F: '$1 == "hearth" { print $3 ":" $4 }' "$root/etc/passwd")

# Tells of a folder that could not be made, and goes on: the package is installed, and says so itself.
make_folder() {
	mkdir -p "$1" && chown "$numbers" "$1" && chmod "$2" "$1" ||
		echo "$1 could not be made. Make it, and run: chown hearth:hearth $1"
}

# Settings, state and images stay as they are, whosever they are. On OPNsense the GUI writes the settings.
if [ ! -d "$root/usr/local/opnsense" ] && [ ! -e "$etc/hearth.toml" ] && [ ! -L "$etc/hearth.toml" ]; then
	# Whole or not at all: half a file would be a person's by the next installation.
	if ! { cp "$etc/hearth.toml.sample" "$etc/hearth.toml.new" && chown "0:${numbers#*:}" "$etc/hearth.toml.new" &&
		chmod 640 "$etc/hearth.toml.new" && mv "$etc/hearth.toml.new" "$etc/hearth.toml"; }; then
		rm -f "$etc/hearth.toml.new"
		echo "/usr/local/etc/hearth/hearth.toml could not be written (is the disk full? df -h /usr/local/etc). Make space, and install again: pkg install -f hearth"
	fi
fi
# A reload reads them as the user, and the folder may be closed to others.
chown "0:${numbers#*:}" "$etc"
[ -d "$root/var/db/hearth" ] || make_folder "$root/var/db/hearth" 750
tree=$root/usr/local/tftp
if [ ! -e "$tree" ] && [ ! -L "$tree" ]; then
	make_folder "$tree" 755
elif [ ! -d "$tree" ]; then
	echo "/usr/local/tftp is there and no folder; Hearth left it as it is. Set server.root to a folder."
elif [ "$(stat -L -f %u "$tree" 2>/dev/null)" != "${numbers%:*}" ]; then
	echo "/usr/local/tftp was here before and is not the user hearth's. Hearth serves what is in it, and changes none of it, but cannot put loaders and images there: chown hearth /usr/local/tftp lets it (what is in it keeps its owners), or set server.root to another folder."
fi
[ -z "$root" ] || exit 0

# OPNsense has another log.
if [ ! -d /usr/local/opnsense ]; then
	[ -e /var/log/hearth.log ] || { : >/var/log/hearth.log && chmod 640 /var/log/hearth.log; }
	service syslogd onestatus >/dev/null 2>&1 && service syslogd reload >/dev/null
fi
# A new program in the place of a running one: it lets transfers end, and machines ask again. Not `restart`: what a
# script starts is killed by pkg when the script ends.
if service hearth onestatus >/dev/null 2>&1; then
	service hearth onerenew ||
		echo "The Hearth that runs goes on with the old program until you run: service hearth restart"
fi
exit 0
