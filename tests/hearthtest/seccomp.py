"""System calls that a program is refused: seccomp(2), on x86_64."""

import ctypes

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22
EPERM = 1
# Where the number of the call, and the first words of its second and third values, stand.
FIRST, SECOND, THIRD = 0, 24, 32
LOAD, IS_EQUAL, RESULT = 0x20, 0x15, 0x06
ERROR, ALLOW = 0x00050000, 0x7FFF0000


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("then", ctypes.c_ubyte), ("otherwise", ctypes.c_ubyte),
                ("number", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction))]


def refuse(*wanted):
    """Refuses this process, and what it becomes, the call that has all of these: (place, number)."""
    code = []
    for place, (offset, number) in enumerate(wanted):
        code += [(LOAD, 0, 0, offset), (IS_EQUAL, 0, 2 * (len(wanted) - place) - 1, number)]
    code += [(RESULT, 0, 0, ERROR | EPERM), (RESULT, 0, 0, ALLOW)]
    instructions = (Instruction * len(code))(*[Instruction(*one) for one in code])
    program = Program(len(code), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")
