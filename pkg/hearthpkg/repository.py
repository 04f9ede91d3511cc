"""What `pkg update` reads of a folder of packages, signed.

As `pkg repo` makes it in version 2: `meta.conf` says how the others are called and packed; `packagesite.pkg`
is a tar of `packagesite.yaml`, one manifest a line, `data.pkg` of the same as one object. Signed is the
sha256 of what is packed, written in hex; the firewall knows the key by the sha256 of its public half.
"""

import hashlib
import pathlib
import subprocess

from . import archive, freebsd
from .archive import Entry
from .source import Refused

META = """\
version = 2;
packing_format = "tzst";
manifests = "packagesite.yaml";
data = "data";
filesite = "filesite.yaml";
manifests_archive = "packagesite";
filesite_archive = "filesite";
"""


class Key:
    """An RSA key in a file, which openssl(1) uses: its bytes never come here."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        if not self.path.is_file():
            raise Refused(f"there is no key {path}: openssl genrsa -out {path} 4096 makes one")
        if self.path.stat().st_mode & 0o077:
            raise Refused(f"others may read the key {path}: chmod 600 {path}")
        self.public = _openssl("rsa", "-in", self.path, "-pubout")

    @classmethod
    def make(cls, path):
        """A new key, for trying."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_openssl("genrsa", "2048"))
        return cls(path)

    @property
    def fingerprint(self):
        """What a firewall is told of the key."""
        return hashlib.sha256(self.public).hexdigest()

    def sign(self, data):
        """A signature; the same for the same data."""
        digest = hashlib.sha256(data).hexdigest().encode()
        return _openssl("dgst", "-sha256", "-sign", self.path, data=digest)


def _openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True)
    if done.returncode:
        raise Refused(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def write(folder, packages, key, time):
    """Makes a repository of `packages`, each a Package and its bytes, in a folder."""
    (folder / "All").mkdir(parents=True, exist_ok=True)
    lines = []
    for package, data in sorted(packages, key=lambda one: one[0].name):
        path = f"All/{package.file_name}"
        (folder / path).write_bytes(data)
        lines.append({**package.compact(), "sum": hashlib.sha256(data).hexdigest(),
                      "path": path, "repopath": path, "pkgsize": len(data)})
    site = b"".join(freebsd.as_json(line) + b"\n" for line in lines)
    whole = freebsd.as_json({"groups": [], "expired_packages": [], "packages": lines})
    for name, file, content in (("packagesite", "packagesite.yaml", site), ("data", "data", whole)):
        (folder / f"{name}.pkg").write_bytes(signed(file, content, key, time))
    for name in ("meta", "meta.conf"):
        (folder / name).write_text(META)


def signed(file, content, key, time):
    """A packed file with its signature and the key's public half before it."""
    entries = [Entry(f"{file}.sig", key.sign(content)), Entry(f"{file}.pub", key.public), Entry(file, content)]
    return archive.zstd(archive.tar(entries, time, "wheel"))


def setup(url, fingerprint):
    """The script that has a firewall use the repository at `url`: `fetch -qo - URL/setup.sh | sh`."""
    return f"""\
#!/bin/sh
# Has pkg(8) of this host take Hearth from {url}, and nothing that another key signed.
# Run again, it does the same again. `sh setup.sh remove` takes it back.
set -e
repos=/usr/local/etc/pkg/repos/hearth.conf
keys=/usr/local/etc/pkg/fingerprints/hearth
if [ "${{1:-}}" = remove ]; then
	rm -rf "$repos" "$keys"
	exit 0
fi
mkdir -p "${{repos%/*}}" "$keys/trusted" "$keys/revoked"
cat >"$keys/trusted/hearth" <<'KEY'
function: "sha256"
fingerprint: "{fingerprint}"
KEY
cat >"$repos" <<'REPOSITORY'
hearth: {{
  url: "{url}/${{ABI}}",
  signature_type: "fingerprints",
  fingerprints: "/usr/local/etc/pkg/fingerprints/hearth",
  enabled: yes
}}
REPOSITORY
# What is known of an earlier catalogue goes: pkg(8) ends with 0 where it takes nothing, as of one that another key
# signed, and before 2.8 it keeps what it had.
known=$(pkg config pkg_dbdir)
rm -rf "${{known:?}}/repos/hearth" "$known/repo-hearth.sqlite"
pkg update -f -r hearth
if [ -z "$(pkg rquery -U -r hearth %v hearth)" ]; then
	echo "{url} has no hearth that the key {fingerprint} signed, see above;" \
		"\"sh setup.sh remove\" takes back what was written" >&2
	exit 1
fi
if [ -d /usr/local/opnsense ]; then
	echo "now: pkg install os-hearth, or System: Firmware: Plugins"
else
	echo "now: pkg install hearth"
fi
"""
