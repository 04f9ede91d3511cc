"""What went over a machine's cable, read from its capture.

What servers write into their logs differs; what they send is what counts.
"""

import struct


def dhcp_answers(machine, kind=5):
    """The DHCP answers of a type (2 offer, 5 acknowledge) to a machine, in order.

    Each is a dict: `file` (option 67, else the BOOTP field), `server` (the next server), `options`
    (code to bytes).
    """
    found = []
    for source, _, payload in _datagrams(machine):
        if source != 67 or payload[:1] != b"\2" or payload[236:240] != b"\x63\x82\x53\x63":
            continue
        # The bridge sends some answers to all; RFC 2131 has the client's MAC at 28.
        options = _options(payload[240:])
        if payload[28:34].hex(":") == machine.mac and options.get(53) == bytes([kind]):
            name = options.get(67) or payload[108:236]
            found.append({"file": name.split(b"\0")[0].decode(errors="replace"),
                          "server": ".".join(map(str, payload[20:24])), "options": options})
    return found


def tftp_requests(machine):
    """The names that were read by TFTP (RFC 1350: opcode 1, name, NUL), in order."""
    return [payload[2:].split(b"\0")[0].decode(errors="replace")
            for _, destination, payload in _datagrams(machine)
            if destination == 69 and payload[:2] == b"\0\1"]


def tftp_block(machine):
    """The number of the last block that was sent to it by TFTP (RFC 1350: opcode 3); 0 before any."""
    return max((int.from_bytes(payload[2:4], "big") for _, _, payload in _datagrams(machine)
                if payload[:2] == b"\0\3"), default=0)


def _options(data):
    options, place = {}, 0
    while place + 1 < len(data) and data[place] != 255:
        if data[place] == 0:
            place += 1
            continue
        code, size = data[place], data[place + 1]
        options[code] = options.get(code, b"") + data[place + 2:place + 2 + size]
        place += 2 + size
    return options


def _datagrams(machine):
    """Source port, destination port and payload of each IPv4 UDP datagram, as far as it was kept."""
    # QEMU makes it a moment after it was started.
    data = machine.pcap.read_bytes() if machine.pcap.exists() else b""
    place = 24
    while place + 16 <= len(data):
        kept, = struct.unpack_from("<I", data, place + 8)
        frame = data[place + 16:place + 16 + kept]
        place += 16 + kept
        if frame[12:14] == b"\x08\x00" and frame[23:24] == b"\x11":
            udp = frame[14 + 4 * (frame[14] & 15):]
            source, destination = struct.unpack_from(">HH", udp)
            yield source, destination, udp[8:]
