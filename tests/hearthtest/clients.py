"""Clients for tests: TFTP one datagram at a time, HTTP over a connection that can be held."""

import http.client
import socket
import struct
import urllib.error
import urllib.request

RRQ, DATA, ACK, ERROR, OACK = 1, 3, 4, 5, 6


class TftpRead:
    """One read request in lockstep; the caller decides when a block is acknowledged."""

    def __init__(self, agent, name, options=(), seconds=5):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(seconds)
        words = [name, "octet", *(str(word) for pair in options for word in pair)]
        request = struct.pack("!H", RRQ) + b"".join(word.encode() + b"\0" for word in words)
        self.socket.sendto(request, (agent.address, agent.tftp_port))
        self.size, self.data, self.done, self.number = 512, bytearray(), False, 0

    def block(self):
        """Takes one block and acknowledges it; one that came before is only acknowledged."""
        packet, peer = self.socket.recvfrom(70_000)
        kind, number = struct.unpack("!HH", packet[:4])
        if kind == ERROR:
            raise OSError(packet[4:-1].decode())
        if kind == OACK:
            words = packet[2:].decode().split("\0")
            self.size = int(dict(zip(words[::2], words[1::2])).get("blksize", 512))
            number = 0
        elif number == (self.number + 1) % 65536:
            self.number = number
            self.data += packet[4:]
            self.done = len(packet) < self.size + 4
        self.socket.sendto(struct.pack("!HH", ACK, number), peer)

    def rest(self):
        """Reads on to the end and returns the whole file."""
        while not self.done:
            self.block()
        self.socket.close()
        return bytes(self.data)


def get(agent, path):
    """The body of an HTTP answer."""
    with urllib.request.urlopen(agent.http + path, timeout=10) as answer:
        return answer.read()


def has(agent, name):
    """The bytes of a file of the catalogue, or None if there is none of that name."""
    try:
        return get(agent, f"/files/{name}")
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return None


class HttpRead:
    """A download that the caller takes piece by piece, through a small window; `source` is an address of the client."""

    def __init__(self, agent, path, seconds=10, source=None):
        self.connection = http.client.HTTPConnection(agent.address, agent.http_port, timeout=seconds)
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
        made.settimeout(seconds)
        if source:
            made.bind((source, 0))
        made.connect((agent.address, agent.http_port))
        self.connection.sock = made
        self.connection.request("GET", path)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200

    def some(self, size):
        return self.answer.read(size)

    def rest(self):
        data = self.answer.read()
        self.connection.close()
        return data
