"""Real DHCP servers, and other people's TFTP servers, in a network of the lab."""

import json
import pathlib
import struct

from hearthtest.net import Process
from hearthtest.wait import wait_for


class Isc(Process):
    """ISC dhcpd with a whole configuration file."""

    def __init__(self, namespace, folder, text, interface="eth0"):
        folder = pathlib.Path(folder)
        config, leases = folder / "dhcpd.conf", folder / "dhcpd.leases"
        config.write_text(text)
        leases.touch()
        # It would drop root, and could then not enter a folder of ours.
        super().__init__(namespace, ["dhcpd", "-4", "-d", "-f", "-cf", config, "-lf", leases,
                                     "-pf", folder / "dhcpd.pid", "-user", "root", "-group",
                                     "root", interface], folder / "dhcpd.log")
        self.expect("Server starting service", 10)

    def leased(self, mac):
        """Whether this MAC got an address, by the server's own log."""
        return any("DHCPACK" in line and f"to {mac}" in line for line in self.log().splitlines())


class Kea(Process):
    """kea-dhcp4 with what a person has in `"Dhcp4": { }`, but for what is about this process."""

    def __init__(self, namespace, folder, text, interface="eth0"):
        folder = pathlib.Path(folder)
        own = {
            "interfaces-config": {"interfaces": [interface]},
            "lease-database": {"type": "memfile", "persist": False},
            "loggers": [{"name": "kea-dhcp4", "severity": "DEBUG", "debuglevel": 55,
                         "output_options": [{"output": "stdout"}]}],
        }
        path = folder / "kea.json"
        path.write_text(f'{{ "Dhcp4": {{\n{json.dumps(own)[1:-1]},\n{text}\n}} }}\n')
        super().__init__(namespace, ["env", f"KEA_PIDFILE_DIR={folder}",
                                     f"KEA_LOCKFILE_DIR={folder}", "kea-dhcp4", "-c", path],
                         folder / "kea.log")
        self.expect("DHCP4_STARTED", 15)

    def leased(self, mac):
        return any("DHCP4_LEASE_ALLOC" in line and mac in line for line in self.log().splitlines())


class Dnsmasq(Process):
    """dnsmasq as DHCP server, TFTP server or both, without DNS."""

    def __init__(self, namespace, folder, text, interface="eth0", name="dnsmasq"):
        folder = pathlib.Path(folder)
        config = folder / f"{name}.conf"
        config.write_text(
            f"port=0\ninterface={interface}\nbind-interfaces\nlog-dhcp\nlog-facility=-\n"
            f"dhcp-leasefile={folder / name}.leases\nuser=root\n" + text)
        super().__init__(namespace, ["dnsmasq", "--keep-in-foreground", "--conf-file=" + str(config),
                                     f"--pid-file={folder / name}.pid"], folder / f"{name}.log")
        self.expect("started", 10)

    def leased(self, mac):
        return any("DHCPACK" in line and mac in line for line in self.log().splitlines())


class Tftpd(Process):
    """tftpd-hpa, the plainest TFTP server, over a folder."""

    def __init__(self, namespace, folder, root, address):
        super().__init__(namespace, ["in.tftpd", "--foreground", "--address", f"{address}:69",
                                     "--user", "root", "-vvv", "--secure", root],
                         pathlib.Path(folder) / "tftpd.log")
        wait_for(lambda: _bound(self.process.pid, 69), "tftpd-hpa has its port", 10)


def _bound(pid, port):
    table = pathlib.Path(f"/proc/{pid}/net/udp").read_text()
    return f":{port:04X} " in table


def answers(pcap, kind=5):
    """The DHCP answers of a type (2 offer, 5 acknowledge) that a machine's cable saw, in order.

    Each is a dict: `file` (option 67, else the BOOTP field), `server` (the next server), `options`
    (code to bytes). What a server writes into its log differs; what it sends is what counts.
    """
    data = pathlib.Path(pcap).read_bytes()
    found, place = [], 24
    while place + 16 <= len(data):
        kept, = struct.unpack_from("<I", data, place + 8)
        frame = data[place + 16:place + 16 + kept]
        place += 16 + kept
        answer = _answer(frame)
        if answer and answer["options"].get(53) == bytes([kind]):
            found.append(answer)
    return found


def _answer(frame):
    """A DHCP answer out of an Ethernet frame: IPv4, UDP from port 67, the magic of RFC 2131."""
    if frame[12:14] != b"\x08\x00" or frame[23:24] != b"\x11":
        return None
    udp = frame[14 + 4 * (frame[14] & 15):]
    bootp = udp[8:]
    if udp[:2] != b"\0\x43" or bootp[:1] != b"\2" or bootp[236:240] != b"\x63\x82\x53\x63":
        return None
    options, place = {}, 240
    while place + 1 < len(bootp) and bootp[place] != 255:
        if bootp[place] == 0:
            place += 1
            continue
        code, size = bootp[place], bootp[place + 1]
        options[code] = options.get(code, b"") + bootp[place + 2:place + 2 + size]
        place += 2 + size
    name = options.get(67) or bootp[108:236]
    return {"file": name.split(b"\0")[0].decode(errors="replace"),
            "server": ".".join(map(str, bootp[20:24])), "options": options}
