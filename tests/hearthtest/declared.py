"""Declared things that several tests rest on."""

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
