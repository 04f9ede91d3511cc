"""Addresses of hosts in network namespaces that come, go, and move; and a system that binds none of
them before it is there."""

import ctypes
import subprocess

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22
IPPROTO_IP, IP_FREEBIND, SETSOCKOPT = 0, 15, 54
EPERM = 1


def ip(host, *words):
    return subprocess.run(["ip", "-n", host, *words], check=True, capture_output=True, text=True).stdout


def add(host, address, device="eth0"):
    ip(host, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))


def delete(host, address, device="eth0"):
    ip(host, "addr", "del", address, "dev", device)


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("then", ctypes.c_ubyte), ("otherwise", ctypes.c_ubyte),
                ("number", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction))]


def without_freebind():
    """As on FreeBSD for who is not root: a socket cannot be bound before its address is there. To be
    called in the process that becomes the program (seccomp(2), x86_64)."""
    load, is_equal, result = 0x20, 0x15, 0x06
    wanted = [(0, SETSOCKOPT), (24, IPPROTO_IP), (32, IP_FREEBIND)]
    code = []
    for place, (offset, number) in enumerate(wanted):
        code += [(load, 0, 0, offset), (is_equal, 0, 2 * (len(wanted) - place) - 1, number)]
    code += [(result, 0, 0, 0x00050000 | EPERM), (result, 0, 0, 0x7FFF0000)]
    instructions = (Instruction * len(code))(*[Instruction(*one) for one in code])
    program = Program(len(code), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                  (PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")
