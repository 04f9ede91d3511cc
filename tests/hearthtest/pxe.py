"""A machine's network card as far as DHCP goes: what firmware sends, put together by RFC 2131."""

import itertools
import socket
import struct
import time

from hearthtest.net import inside

COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
_transactions = itertools.count(0x5EED0001)


def option(code, value):
    return bytes([code, len(value)]) + value


def firmware(architecture=7, uuid=bytes(range(16, 32)), kind="PXEClient"):
    """What UEFI says of itself (RFC 4578); of kind `HTTPClient` when it boots by HTTP."""
    name = f"{kind}:Arch:{architecture:05}:UNDI:003016".encode()
    return [option(60, name), option(93, struct.pack(">H", architecture)),
            option(94, b"\1\3\x10"), option(97, b"\0" + uuid)]


def ipxe(architecture=7):
    """What iPXE adds."""
    return [*firmware(architecture), option(77, b"iPXE"), option(175, b"\xb1\5\1\x10\x0e\xc9\0")]


class Card:
    """A card at `eth0` of a namespace, which needs no address: it sends and reads whole frames."""

    def __init__(self, namespace, mac, interface="eth0"):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((interface, 3))
        self.socket.settimeout(0.2)
        self.mac = mac
        self.xid = next(_transactions)

    def frame(self, kind, options=(), asked=()):
        wanted = option(55, bytes([1, 3, 43, 54, 60, 66, 67, 97, 128, 175]))
        body = struct.pack(">BBBBIHH16x", 1, 1, 6, 0, self.xid, 0, 0x8000)
        body += bytes.fromhex(self.mac.replace(":", "")) + bytes(10 + 64 + 128) + COOKIE
        body += b"".join([option(53, bytes([kind])), *options, wanted, *asked]) + b"\xff"
        udp = struct.pack(">HHHH", 68, 67, len(body) + 8, 0) + body
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, len(udp) + 20, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
        total = sum(struct.unpack(">10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        head = head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
        return b"\xff" * 6 + bytes.fromhex(self.mac.replace(":", "")) + b"\x08\x00" + head + udp

    def send(self, kind, options=(), asked=()):
        self.socket.send(self.frame(kind, options, asked))

    def answers(self, kind, count=1, seconds=10):
        """The first answers of a kind: (server, address) of each, by option 54 and yiaddr."""
        found, deadline = [], time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            bootp = self._reply(kind)
            if bootp:
                options = read_options(bootp[240:])
                found.append((socket.inet_ntoa(options[54]), socket.inet_ntoa(bootp[16:20])))
        assert len(found) == count, f"{len(found)} of {count} answers of kind {kind}"
        return found

    def _reply(self, kind):
        """The next frame, if it is an answer of this kind to us; None if not, or if none comes."""
        try:
            frame = self.socket.recv(2048)
        except TimeoutError:
            return None
        udp = frame[34:]
        if frame[12:14] != b"\x08\x00" or udp[:4] != b"\0\x43\0\x44" or udp[8] != 2:
            return None
        bootp = udp[8:]
        ours = struct.unpack(">I", bootp[4:8])[0] == self.xid
        return bootp if ours and read_options(bootp[240:]).get(53) == bytes([kind]) else None

    def told(self, options=(), seconds=10):
        """What the first server that offers has to say: the boot fields of its offer."""
        self.xid = next(_transactions)
        self.send(DISCOVER, options)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            bootp = self._reply(OFFER)
            if bootp:
                return Told(bootp)
        raise AssertionError("no offer")

    def boot(self, options):
        """Discover to acknowledge, with the first server that offers; returns the address."""
        self.xid = next(_transactions)
        self.send(DISCOVER, options)
        server, address = self.answers(OFFER)[0]
        self.request(options, server, address)
        assert self.answers(ACK)[0] == (server, address)
        return address

    def request(self, options, server, address):
        self.send(REQUEST, options, [option(50, socket.inet_aton(address)),
                                     option(54, socket.inet_aton(server))])


class Told:
    """What an answer says of booting. `file` is what firmware would load: option 67, else the field."""

    def __init__(self, bootp):
        self.options = read_options(bootp[240:])
        self.next_server = socket.inet_ntoa(bootp[20:24])
        self.field = bootp[108:236].split(b"\0")[0].decode()
        self.bytes_67 = self.options.get(67)
        self.file = (self.bytes_67 or b"").split(b"\0")[0].decode() or self.field
        self.server_name = self.options.get(66, b"").split(b"\0")[0].decode()
        self.vendor_class = self.options.get(60, b"").split(b"\0")[0].decode()


def read_options(data):
    options, place = {}, 0
    while place + 1 < len(data) and data[place] != 255:
        if data[place] == 0:
            place += 1
            continue
        code, size = data[place], data[place + 1]
        options[code] = options.get(code, b"") + data[place + 2:place + 2 + size]
        place += 2 + size
    return options
