"""From nothing to the first machine in a running OPNsense, by what its pages send: settings, image and profile, applied,
fetched, DHCP wired; then a virtual machine boots through it, is adopted, and boots with the profile it was given.

HEARTH_OPNSENSE_URL, _KEY and _RUN are as in firewall.py, HEARTH_OPNSENSE_CLIENTS as in test_dhcp_core.py; its LAN has
to be a bridge, which machines are plugged into, and on which the address with 9 at its end is free. Without them the
tests are skipped. config.xml is put back at the end.
"""

import contextlib

import pytest
from firewall import KEY, URL, add, ask, clean, made, post, rows, settings
from test_dhcp_core import CLIENTS, RUN, STOP, Firewall, around, dnsmasq, kea

from hearthtest import net, proof
from hearthtest.net import inside
from hearthtest.origin import Origin
from hearthtest.vm import BIOS, UEFI, Machine
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(
    not (URL and KEY and RUN and CLIENTS),
    reason="HEARTH_OPNSENSE_URL, _KEY, _RUN and _CLIENTS are not set: no OPNsense to boot a machine through")

SERVERS = {"dnsmasq": dnsmasq, "kea": kea}
# OVMF's client for IPv6 would come to its time-out first.
NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}
OMNI = {"omni_api": "https://example.omni.siderolabs.io", "omni_token": "w7uVuW3zbVKIYQuzEcyetAHeYMeo5q2L9RvkAVfCfSCD",
        "omni_events": "[fdae:41e4:649b:9303::1]:8090", "omni_logs": "tcp://[fdae:41e4:649b:9303::1]:8092"}
# A kernel without KVM takes its time, and its timer may be late on a busy host.
CONSOLE = "console=ttyS0 no_timer_check"
SECONDS = 300


@pytest.fixture
def opnsense():
    """A firewall on which nothing of Hearth is set up; its configuration is put back."""
    one = Firewall()
    one.wiring("revert")
    before = one.config()
    clean()
    yield one
    one.wiring("revert")
    one.put(before)
    post("service/reconfigure")
    one.run("sh", "-c", f"{STOP}; for s in kea dnsmasq; do "
                        "configctl template reload OPNsense/$s; configctl $s restart; done; true")


@pytest.fixture
def lan(opnsense):
    """The switch behind LAN, and an origin on it that has what there is to be fetched."""
    namespace, bridge = CLIENTS.split(":")[:2]
    address = f"{around(opnsense.address('lan'))}.9"
    with contextlib.ExitStack() as ending:
        one = net.Bridge(namespace, bridge, f"{address}/24")
        ending.callback(one.close)
        with inside(namespace):
            origin = Origin(address, 8098)
        origin.talos_kernel, origin.talos_initramfs = proof.kernel(), proof.initramfs()
        one.origin = ending.enter_context(origin).url
        one.machines = []
        yield one
        for machine in one.machines:
            machine.stop(9)


def row(kind, name):
    return next(one for one in rows(kind) if one["name"] == name)


def set_up(lan):
    """What the page "Set up Talos" sends, with the origin in place of the Internet; the menu goes on by itself."""
    image = made("image", name="talos", recipe="talos", version="v1.11.2", factory=f"{lan.origin}/factory")
    profile = made("profile", name="talos", image=image, installed="never", arguments=CONSOLE, **OMNI)
    answer = settings(
        general={"enabled": "1", "interfaces": "lan", "unknown": "menu", "firewall": "1"},
        loaders={"source": "origin", "origin": f"{lan.origin}/ipxe", "architectures": "amd64"},
        menu={"default": profile, "timeout": "1s"})
    assert answer["result"] == "saved", answer
    assert post("service/reconfigure")["status"] == "ok"
    fetch("loaders,talos")


def fetch(names):
    """Asks for a fetch, as soon as the agent answers, and waits for its end."""
    def begins():
        answer = ask("action/fetch", {"names": names})
        return answer.get("id") and answer
    begun = wait_for(begins, "a fetch begins", 20, 0.5)

    def over():
        one = next(one for one in ask("agent/fetches")["fetches"] if one["id"] == begun["id"])
        return one["ended"] and one
    ended = wait_for(over, f"{names} is fetched", 120, 0.5)
    assert ended["state"] == "done", ended


def wire(kind):
    """The button of the page DHCP."""
    plan = ask("dhcp/plan")
    (face,) = [one for one in plan["interfaces"] if one["name"] == "lan"]
    assert [one["server"] for one in face["servers"]] == [kind] and plan["todo"], plan
    answer = ask("dhcp/apply", {"digest": plan["digest"]})
    assert answer["status"] == "ok" and not answer.get("failed"), answer
    assert not ask("dhcp/plan")["todo"]


def boot(lan, folder, firmware, mac, number=1):
    options = {"fw_cfg": NO_IPV6} if firmware == UEFI else {}
    machine = Machine(lan, folder, "first", firmware, mac, boot=number, **options)
    lan.machines.append(machine)
    machine.expect("HEARTH-PROOF done", SECONDS)
    machine.wait_off(SECONDS)
    return machine.log()


def last_boot(mac):
    """What the machine's page shows of its last boot: (kind, what) of each step."""
    events = ask(f"agent/machine/{mac}")["timeline"]["boots"][-1]["events"]
    return [event["text"] for event in events]


def comes_in_order(texts, *wanted):
    there = iter(texts)
    for one in wanted:
        assert any(one in text for text in there), f"`{one}` is not there in its place: {texts}"


@pytest.mark.parametrize("kind, firmware", [("dnsmasq", UEFI), ("kea", BIOS)])
def test_the_first_machine_boots_and_then_with_its_own_profile(opnsense, lan, tmp_path, kind, firmware):
    mac = f"52:54:00:0a:00:{10 + len(kind):02x}"
    address = opnsense.address("lan")
    ask(f"action/machine/{mac}", {"action": "forget"})
    opnsense.put(SERVERS[kind](opnsense.config(), lan=address))
    opnsense.run("sh", "-c", f"{STOP}; configctl template reload OPNsense/{kind}; configctl {kind} restart")
    set_up(lan)
    wire(kind)
    assert ask("agent/overview")["status"]["declared"]["profiles"] == 1

    console = boot(lan, tmp_path, firmware, mac)
    assert f"siderolink.api={OMNI['omni_api']}?jointoken={OMNI['omni_token']}" in console
    loader = ["snponly.efi by TFTP"] if firmware == UEFI else []
    comes_in_order(last_boot(mac), f"file {'snponly.efi' if loader else 'default.ipxe'} from {address}", *loader,
                   "default.ipxe by TFTP", "decided: menu", "decided: install talos", "kernel-amd64 by HTTP",
                   "initramfs-amd64.xz by HTTP", "the system asks for its address")
    known = ask(f"agent/machine/{mac}")["machine"]
    assert (known["phase"], known["declared"], known["findings"]) == ("discovered", None, [])

    # Adopted, as its page does it, with a profile of its own.
    image = row("image", "talos")["uuid"]
    own = made("profile", name="talos-node", image=image, installed="never", arguments=f"{CONSOLE} hearth.own=1",
               **OMNI)
    answer = add("machine", name="oden", mac=",".join(known["macs"]), smbios_uuid=known["uuid"] or "", profile=own)
    assert answer["result"] == "saved", answer
    assert post("service/reconfigure")["status"] == "ok"
    console = boot(lan, tmp_path, firmware, mac, number=2)
    assert "hearth.own=1" in console and "siderolink.api=" in console
    comes_in_order(last_boot(mac), "decided: install talos-node (machine oden is declared", "initramfs-amd64.xz by HTTP")
    known = ask(f"agent/machine/{mac}")["machine"]
    assert (known["label"], known["declared"], known["findings"]) == ("oden", "oden", [])
    grid = ask("agent/search_machines", {"rowCount": -1})["rows"]
    (shown,) = [one for one in grid if one["mac"] == mac]
    assert (shown["label"], shown["profile"], shown["phase"]) == ("oden", "talos-node", "ready")
    assert known["profile"] == "talos-node"
