"""Real DHCP servers, and other people's TFTP servers, in a network of the lab."""

import json
import pathlib

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
