"""Addresses of hosts in network namespaces that come, go, and move; and a system that binds none of
them before it is there."""

import subprocess

from hearthtest.seccomp import FIRST, SECOND, THIRD, refuse

SETSOCKOPT, IPPROTO_IP, IP_FREEBIND = 54, 0, 15


def ip(host, *words):
    return subprocess.run(["ip", "-n", host, *words], check=True, capture_output=True, text=True).stdout


def add(host, address, device="eth0"):
    ip(host, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))


def delete(host, address, device="eth0"):
    ip(host, "addr", "del", address, "dev", device)


def without_freebind():
    """As on FreeBSD for who is not root: a socket cannot be bound before its address is there. To be
    called in the process that becomes the program."""
    refuse((FIRST, SETSOCKOPT), (SECOND, IPPROTO_IP), (THIRD, IP_FREEBIND))
