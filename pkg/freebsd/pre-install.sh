# shellcheck shell=sh
# The user that Hearth becomes once its sockets are open. One that is there already stays as it is.
PATH=${PATH}:/sbin:/bin:/usr/sbin:/usr/bin
root=${PKG_ROOTDIR:-}
root=${root%/}
of_users() {
	verb=$1
	shift
	if [ -n "$root" ]; then
		pw -R "$root" "$verb" "$@"
	else
		pw "$verb" "$@"
	fi
}
# A number that no port has, so that files keep their owner on another host; any other if it is taken.
if ! of_users groupshow hearth >/dev/null 2>&1; then
	of_users groupadd hearth -g 969 2>/dev/null || of_users groupadd hearth || exit 1
fi
if account=$(of_users usershow hearth 2>/dev/null); then
	# Name, password, number, group, class, change, expiry, comment, home, shell.
	case $(echo "$account" | cut -d : -f 3):${account##*:} in
	0:*)
		echo "The user hearth is root by another name, and Hearth would never give up root: rename that user (pw usermod hearth -l NAME), and install again." >&2
		exit 1
		;;
	*/nologin) ;;
	*)
		echo "The user hearth was here before and can log in. Hearth runs as this user: if it is a person's, set server.user to another one."
		;;
	esac
else
	of_users useradd hearth -u 969 -g hearth -c "Hearth boot server" -d /nonexistent -s /usr/sbin/nologin 2>/dev/null ||
		of_users useradd hearth -g hearth -c "Hearth boot server" -d /nonexistent -s /usr/sbin/nologin || exit 1
fi
