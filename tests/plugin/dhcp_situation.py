"""Situations for the DHCP planner, as plain data, and how to ask it."""

import copy
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
LAN, OPT = "192.168.1.1", "10.0.0.1"

ROWS = [
    ("bios", "x86 BIOS", [0], "undionly.kpxe", False),
    ("i386", "UEFI x86, 32 bits", [6], "i386/snponly.efi", False),
    ("x86_64", "UEFI x86-64", [7, 9], "snponly.efi", False),
    ("arm32", "UEFI ARM, 32 bits", [10], "arm32/snponly.efi", False),
    ("arm64", "UEFI ARM, 64 bits", [11], "arm64/snponly.efi", False),
    ("i386-http", "UEFI x86, 32 bits, HTTP boot", [15], "i386/snponly.efi", True),
    ("x86_64-http", "UEFI x86-64, HTTP boot", [16, 17], "snponly.efi", True),
    ("arm32-http", "UEFI ARM, 32 bits, HTTP boot", [18], "arm32/snponly.efi", True),
    ("arm64-http", "UEFI ARM, 64 bits, HTTP boot", [19], "arm64/snponly.efi", True),
]


def network(address, tftp_port=69):
    """What `hearth dhcp fields --json` says of one address; test_fields holds it to the agent."""
    rows = [{"tag": tag, "label": label, "option_93": values,
             **({"url": f"http://{address}:8069/files/{file}"} if http else {"file": file})}
            for tag, label, values, file, http in ROWS]
    return {"address": address, "tftp_port": tftp_port, "http_port": 8069, "rows": rows,
            "ipxe": {"option_77": "iPXE", "file": "default.ipxe", "option_175": "b00101"}}


def situation(**changes):
    """Two interfaces, Hearth on both, no DHCP server anywhere."""
    base = {
        "fields": {"networks": [network(LAN), network(OPT)]}, "fields_error": "",
        "chosen": ["lan", "opt1"],
        "interfaces": {
            "lan": {"label": "LAN", "device": "vtnet0", "networks": ["192.168.1.1/24"], "virtual": []},
            "opt1": {"label": "SERVERS", "device": "vtnet1", "networks": ["10.0.0.1/16"], "virtual": []},
        },
        "isc": {"interfaces": {}, "dropins": {}},
        "kea": {"enabled": False, "manual": False, "has_options": True, "interfaces": [], "subnets": {},
                "options": {}, "reservations": {}},
        "dnsmasq": {"enabled": False, "interfaces": [], "no_interface": [], "ranges": {}, "tags": {},
                    "options": {}, "boot": {}, "dropins": {}},
        "relays": {}, "tftp": {"enabled": False, "listen": ""}, "udp69": [], "heard": [], "runs": True, "record": None,
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        place = base
        for step in way:
            place = place[step]
        place[last] = value
    return base


def php(operation, asked):
    done = subprocess.run(["php", str(HERE / "php/dhcp.php"), operation], input=json.dumps(asked),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return json.loads(done.stdout)


def plan(asked):
    return php("plan", asked)


class Store:
    """Carries a plan's changes out over the situation's own data, as the models would."""

    LISTS = {"kea": {"options.option": "options", "subnets.subnet4": "subnets",
                     "reservations.reservation": "reservations"},
             "dnsmasq": {"dhcp_tags": "tags", "dhcp_options": "options", "dhcp_boot": "boot"}}

    def __init__(self, asked):
        self.asked, self.serial = copy.deepcopy(asked), 0

    def apply(self):
        for step in ("rows", "references"):
            work = plan(self.asked)["work"]
            for server in ("kea", "dnsmasq"):
                self.carry_out(server, work[server][step])
        work = plan(self.asked)["work"]["isc"]
        for change in work["changes"]:
            interface, field = change["path"].split("/")
            self.asked["isc"]["interfaces"][interface][field] = change["value"]
        if work["file"]:
            self.asked["isc"]["dropins"]["hearth.conf"] = work["file"]
        return self.asked

    def carry_out(self, server, changes):
        for change in changes:
            if change["do"] == "set":
                found = next((name, path) for path, name in self.LISTS[server].items()
                             if change["path"].startswith(path + "."))
                uuid, field = change["path"][len(found[1]) + 1:].split(".", 1)
                self.asked[server][found[0]][uuid][field] = change["value"] or ""
                continue
            rows = self.asked[server][self.LISTS[server][change["list"]]]
            if not rows:
                rows = self.asked[server][self.LISTS[server][change["list"]]] = {}
            if change["do"] == "delete":
                del rows[change["uuid"]]
            else:
                self.serial += 1
                rows[f"uuid-{self.serial}"] = change["values"]
