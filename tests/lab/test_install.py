"""Machines are installed on a real disk and start from it, whatever their boot order says."""

import re
import urllib.request

import pytest

from hearthtest.net import inside, tail
from hearthtest.site import ADDRESS, MAC, STEP_SECONDS
from hearthtest.vm import BIOS, UEFI
from hearthtest.wait import wait_for

NO_IPV6 = {"opt/org.tianocore/IPv6PXESupport": "n"}
ON_DISK = {BIOS: "HEARTH-DISK bios runs from its disk", UEFI: "HEARTH-DISK efi runs from its disk"}
INSTALLED = "HEARTH-PROOF installed on /dev/sda"
POLICY = """
[[policy]]
name = "lab"
match = { mac = "52:54:00:77:*" }
profile = "install"
"""


def installs(site, machine):
    """How often its installer ran to its end, as the agent was told."""
    _, value = site.ask("GET", f"machines/{machine.mac}/events?kind=report")
    return [event["report"] for event in value["events"]].count("done")


def starts_its_disk(site, machine, **changed):
    """The same machine once more, with the network first in its boot order."""
    again = site.again(machine, **changed)
    again.expect(ON_DISK[machine.made[1]], STEP_SECONDS)
    return again


HOLD = {"server": {"unknown": "hold"}}


def test_a_bios_machine_is_installed_once_in_five_boots_and_again_when_told(site):
    site.hearth(**HOLD)
    site.isc()
    machine = site.machine(20, BIOS, disk="usb")
    site.comes_to(machine, "held")
    site.act(machine, "assign", profile="install")
    machine.expect(INSTALLED, STEP_SECONDS)
    site.comes_to(machine, "installed")
    for _ in range(4):
        machine = starts_its_disk(site, machine)
    assert installs(site, machine) == 1
    site.act(machine, "reinstall")
    machine = site.again(machine)
    machine.expect(INSTALLED, STEP_SECONDS)
    site.comes_to(machine, "installed")
    machine = starts_its_disk(site, machine)
    assert installs(site, machine) == 2
    assert site.known(machine)["findings"] == []


def test_a_uefi_machine_is_installed_and_starts_its_disk_also_with_another_card(site):
    uuid = "4c4c4544-0042-3510-8056-b4c04f4a3333"
    site.hearth(POLICY + "approval = true\n")
    site.isc()
    machine = site.machine(21, UEFI, fw_cfg=NO_IPV6, disk="usb", uuid=uuid)
    site.comes_to(machine, "held")
    site.act(machine, "approve")
    machine.expect(INSTALLED, STEP_SECONDS)
    site.comes_to(machine, "installed")
    machine = starts_its_disk(site, machine)
    first = site.known(machine)["id"]
    machine = starts_its_disk(site, machine, mac=MAC.format(0x71))
    now = site.known(machine)
    assert (now["id"], now["phase"]) == (first, "installed"), now
    assert installs(site, machine) == 1


@pytest.mark.machines(2)
def test_a_policy_for_one_machine_installs_one_of_two(site):
    site.hearth(POLICY + "limit = 1\n", server={"unknown": "hold"})
    site.dnsmasq()
    pair = [site.machine(22, BIOS, disk="usb"), site.machine(23, BIOS, disk="usb")]

    def phases():
        values = [site.known(machine) for machine in pair]
        return sorted(value["phase"] if value else "" for value in values)
    wait_for(lambda: phases() == ["held", "installing"], "one is installed, the other waits",
             STEP_SECONDS)
    assert "limit" in site.agent.log(), "why the other waits"


def test_an_installation_goes_on_over_the_agents_death_at_every_step(site):
    site.hearth(POLICY, server={"unknown": "hold"})
    site.isc()
    machine = site.machine(24, BIOS, disk="usb")
    steps = (r"HTTP \S+kernel-amd64 to \S+: 8222656", r"installer says: writing the disk",
             r"installing -> installed")
    for step in (r"gets install.*policy `lab`", *steps):
        wait_for(lambda step=step: re.search(step, site.agent.log()), f"{step}; the log:\n"
                 f"{site.agent.log()[-3000:]}; the console:\n{tail(machine.log())}", STEP_SECONDS,
                 every=0.02)
        site.agent.stop(9)
        site.agent.start()
        phase = site.known(machine)["phase"]
        assert phase == ("installed" if step == steps[-1] else "installing"), (step, phase)
    machine.expect(INSTALLED, STEP_SECONDS)
    again = starts_its_disk(site, machine)
    assert installs(site, again) == 1


def test_an_impostor_gets_nothing_of_a_machine_that_is_being_installed(site):
    site.hearth(POLICY)
    site.isc()
    machine = site.machine(25, BIOS, disk="usb")
    site.comes_to(machine, "installing")
    address = site.known(machine)["address"]
    query = f"/script?mac={machine.mac}&platform=pcbios&buildarch=i386&ip={address}"
    with inside(site.network.name + "-outside"):
        with urllib.request.urlopen(f"http://{ADDRESS}:8069{query}", timeout=20) as answer:
            script = answer.read().decode()
    assert "hearth.event" not in script and "kernel" not in script, script
    def is_told():
        return site.ask("GET", f"machines/{machine.mac}/events?kind=impostor")[1]["events"]
    wait_for(is_told, f"the impostor is told; the log:\n{site.agent.log()}")
    assert site.known(machine)["address"] == address, "it takes nothing over"
    site.comes_to(machine, "installed")
    assert starts_its_disk(site, machine)
