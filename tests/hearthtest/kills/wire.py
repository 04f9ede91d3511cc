"""What a machine and a person send. Each call raises `Down` where the agent is gone."""

import http.client
import socket
import struct
import time

from hearthtest.clients import ACK, DATA, ERROR, RRQ

# Longer than the agent lets anybody wait for the disk.
PATIENCE = 10.0


class Down(Exception):
    """The agent does not answer."""


class Fault(Exception):
    """What must not be."""


def get(agent, path, source, method="GET", body=None):
    """The status and the whole body of an HTTP answer, asked for from a machine's address."""
    connection = http.client.HTTPConnection(agent.address, agent.http_port, timeout=PATIENCE,
                                            source_address=(source, 0))
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Down(f"{path}: {error!r}") from None
    finally:
        connection.close()


def api(agent, path, body=None):
    """The status and the JSON of an answer at the control socket."""
    try:
        status, _, value = agent.ask("POST" if body else "GET", path, body)
        return status, value
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Down(f"{path}: {error!r}") from None


def read(agent, name, source, is_over):
    """A file by TFTP, or the text of the error; blocks of 1432 bytes, one at a time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((source, 0))
        link.settimeout(0.05)
        packet = struct.pack("!H", RRQ) + name.encode() + b"\0octet\0blksize\0001432\0"
        peer, data, number, since = (agent.address, agent.tftp_port), bytearray(), 0, time.monotonic()
        while True:
            link.sendto(packet, peer)
            try:
                answer, peer = link.recvfrom(2048)
            except OSError:
                if is_over() or time.monotonic() - since > PATIENCE:
                    raise Down(f"{name} by TFTP: no answer") from None
                continue
            kind, got = struct.unpack("!HH", answer[:4])
            if kind == ERROR:
                return answer[4:-1].decode()
            if kind == DATA and got == (number + 1) % 65536:
                number, since = got, time.monotonic()
                data += answer[4:]
            packet = struct.pack("!HH", ACK, number)
            if kind == DATA and len(answer) < 1436:
                link.sendto(packet, peer)
                return bytes(data)
