"""Declared things that several tests rest on, and the files they need."""

# A profile that needs no file: machines that get it are sent on.
RESCUE = """
[observe]
enabled = false
[[image]]
name = "net"
recipe = "netboot.xyz"
[[profile]]
name = "rescue"
image = "net"
"""

# An image that is installed from two files; for a profile to name.
DEBIAN = """
[[image]]
name = "debian"
recipe = "debian"
version = "bookworm"
architectures = ["amd64"]
"""
# The same with the profile that installs it, until the installer calls back; further keys of the profile may follow.
INSTALLER = DEBIAN + """
[[profile]]
name = "installer"
image = "debian"
installed = "callback"
"""
KERNEL, INITRD = "debian/bookworm/amd64/linux", "debian/bookworm/amd64/initrd.gz"
