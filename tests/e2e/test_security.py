"""DESIGN section 14, sentence by sentence, where no other test holds it; docs/threats.md has the whole list."""

import hashlib
import http.client
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import struct
import subprocess
import urllib.parse
import urllib.request

import pytest

from hearthtest import net
from hearthtest.clients import TftpRead, get
from hearthtest.declared import DEBIAN, INITRD, KERNEL
from hearthtest.wait import wait_for

pytestmark = pytest.mark.skipif(net.available() is not None, reason=str(net.available()))

FIREWALL, VICTIM, OTHER = "192.168.77.1", "192.168.77.50", "192.168.77.66"
MAC, OTHER_MAC = "52:54:00:00:00:01", "52:54:00:00:00:66"
UUID = "4c4c4544-0042-3510-8052-b4c04f4d3132"
SITE = """
[loaders]
source = "none"
[observe]
enabled = false
[log]
level = "debug"
""" + DEBIAN + """
[[profile]]
name = "site"
image = "debian"
installed = "callback"
arguments = ["preseed/url=${answer:preseed.cfg}"]
[profile.answers]
"preseed.cfg" = { text = "password {{ variables.password }}\\n" }
[profile.variables]
password = { file = "password" }
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132"
profile = "site"
"""
CLAIM = f"/script?platform=efi&buildarch=x86_64&uuid={UUID}&mac="


def prepared(one):
    for name in (KERNEL, INITRD, "snponly.efi"):
        one.put(name, b"x" * 5000)
    (one.folder / "password").write_text("hunter2\n")
    (one.folder / "password").chmod(0o600)
    return one


def answer_in(script):
    """The path of the answer that an installation's script names."""
    return re.search(r"(/answer/[0-9a-f]{32}/preseed\.cfg) ", script)[1]


class Lab:
    """A firewall with the agent, the machine that is installed, and somebody else on the same network."""

    def __init__(self, network, agent, **options):
        self.firewall = network.host("firewall", f"{FIREWALL}/24")
        self.victim = network.host("victim", f"{VICTIM}/24", mac=MAC)
        self.other = network.host("other", f"{OTHER}/24", mac=OTHER_MAC)
        self.agent = prepared(agent(SITE, addresses=(FIREWALL,), netns=self.firewall, tftp_port=69,
                                    http_port=80, **options))

    def get(self, namespace, path, source=None):
        """Status and body of what a host gets, from one of its addresses."""
        with net.inside(namespace):
            connection = http.client.HTTPConnection(FIREWALL, 80, timeout=10,
                                                    source_address=source and (source, 0))
            connection.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def begins(self):
        """The machine begins its installation; the path of its answer."""
        status, script = self.get(self.victim, CLAIM + MAC)
        assert status == 200
        return answer_in(script)

    def ip(self, namespace, *arguments):
        subprocess.run(["ip", "-n", namespace, *arguments], check=True)


@pytest.fixture
def lab(agent):
    with net.Network() as network:
        yield lambda **options: Lab(network, agent, **options)


SECRET = (200, "password hunter2\n")


def test_an_answer_is_for_the_machine_and_for_nobody_who_took_its_token(lab):
    one = lab()
    one.agent.start()
    path = one.begins()
    assert one.get(one.victim, path) == SECRET
    assert one.get(one.other, path)[0] == 404, "another card at another address"
    assert one.agent.run("machine", "show", "oden").stdout.count("impostor") == 1
    # Installers often get another address than their loader; the card is the machine's.
    one.ip(one.victim, "addr", "add", "192.168.77.51/24", "dev", "eth0")
    assert one.get(one.victim, path, "192.168.77.51") == SECRET
    # Another card takes the machine's address while the machine is off.
    one.ip(one.victim, "link", "set", "eth0", "down")
    one.ip(one.other, "addr", "add", f"{VICTIM}/24", "dev", "eth0")
    one.ip(one.firewall, "neigh", "flush", "all")
    assert one.get(one.other, path, VICTIM)[0] == 404
    assert one.get(one.other, path.replace("/answer/", "/event/").replace("preseed.cfg", "done"),
                   VICTIM)[0] == 403
    one.ip(one.other, "addr", "del", f"{VICTIM}/24", "dev", "eth0")
    one.ip(one.victim, "link", "set", "eth0", "up")
    one.ip(one.firewall, "neigh", "flush", "all")
    wait_for(lambda: one.get(one.victim, path) == SECRET, "the machine is back")
    one.agent.stop(signal.SIGKILL)
    one.agent.start()
    assert one.get(one.victim, path) == SECRET and one.get(one.other, path)[0] == 404
    token = path.split("/")[2]
    assert one.get(one.victim, f"/event/{token}/done") == (200, "taken\n")
    assert one.get(one.victim, path)[0] == 404
    one.agent.stop(signal.SIGKILL)
    one.agent.start()
    assert one.get(one.victim, path)[0] == 404


@pytest.mark.parametrize("claim", [MAC, f"{OTHER_MAC}&mac1={MAC}", OTHER_MAC])
def test_who_says_that_it_is_a_machine_gets_nothing_of_it(lab, claim):
    """By the machine's MAC, by its MAC beside one's own, and by its UUID alone."""
    one = lab()
    one.agent.start()
    path = one.begins()
    before = json.loads(one.agent.run("machine", "show", "oden", "--json").stdout)
    status, script = one.get(one.other, CLAIM + claim)
    assert status == 200 and "/answer/" not in script and KERNEL not in script, script
    after = json.loads(one.agent.run("machine", "show", "oden", "--json").stdout)
    for key in ("macs", "uuid", "address", "phase", "detail", "wishes"):
        assert before[key] == after[key], key
    told = one.agent.run("events").stdout
    assert f"a request from {OTHER} claims to come from {MAC}, but {OTHER_MAC} has that address" in told
    assert one.get(one.victim, path) == SECRET, "its installation goes on"


def test_who_says_so_before_the_machine_was_ever_there_gets_nothing_either(lab):
    one = lab()
    one.agent.start()
    for claim in (MAC, OTHER_MAC, f"{OTHER_MAC}&mac1={MAC}"):
        script = one.get(one.other, CLAIM + claim)[1]
        assert "/answer/" not in script and KERNEL not in script, script
    assert one.get(one.victim, one.begins()) == SECRET


def test_secrets_and_tokens_are_nowhere_else(lab):
    one = lab()
    agent = one.agent.start()
    path = one.begins()
    one.get(one.victim, path)
    one.get(one.other, path)
    one.get(one.victim, path + "x")
    token = path.split("/")[2].encode()
    process = pathlib.Path(f"/proc/{agent.process.pid}")
    said = {name: (process / name).read_bytes() for name in ("cmdline", "environ")}
    said["log"] = agent.log().encode()
    said["status"] = json.dumps(agent.status()).encode()
    for file in [*agent.root.rglob("*"), *agent.state.rglob("*"), *agent.run_dir.rglob("*")]:
        if file.is_file():
            said[str(file)] = file.read_bytes()
    assert any(name.endswith("hearth.db") for name in said) and any("ipxe" in name for name in said)
    for name, text in said.items():
        assert b"hunter2" not in text and token not in text, name
    assert one.get(one.victim, path) == SECRET


def sockets(namespace, kind):
    """Where something listens in a network, as the kernel has it."""
    shown = subprocess.run(["ip", "netns", "exec", namespace, "ss", "-Hln", kind],
                           capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[3] for line in shown.splitlines())


def test_it_listens_only_where_it_is_told(lab):
    one = lab()
    one.ip(one.firewall, "addr", "add", "10.99.0.1/24", "dev", "eth0")
    one.agent.start()
    one.begins()
    assert sockets(one.firewall, "-t") == [f"{FIREWALL}:80"]
    assert sockets(one.firewall, "-u") == [f"{FIREWALL}:69"]
    with net.inside(one.firewall):
        for address in ("10.99.0.1", "127.0.0.1"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, 80), timeout=5)


READ_ONLY = """
mount --make-rprivate /
for keep in {keep}; do mount --bind "$keep" "$keep"; done
for place in $(tac /proc/self/mountinfo | cut -d' ' -f5); do
    case " {keep} /dev/null " in *" $place "*) ;; *) mount -o remount,bind,ro "$place" ;; esac
done
exec "$@"
"""


def test_it_works_where_it_may_write_nothing_but_its_three_folders(agent):
    one = prepared(agent(SITE))
    keep = " ".join(str(path) for path in (one.root, one.state, one.run_dir))
    one.inside = ["unshare", "-m", "sh", "-c", READ_ONLY.format(keep=keep), "sh"]
    one.start()
    mounts = pathlib.Path(f"/proc/{one.process.pid}/mountinfo").read_text()
    places = {line.split()[4] for line in mounts.splitlines()} | {str(one.folder), "/etc", "/tmp"}
    assert places > set(keep.split())
    looks = ["nsenter", "-t", str(one.process.pid), "-m", "sh", "-c",
             'for place; do if test -d "$place" -a -w "$place"; then echo "$place"; fi; done', "sh"]
    writable = set(subprocess.run([*looks, *places], capture_output=True, text=True).stdout.split())
    assert writable == set(keep.split()), "nothing else can be written"
    path = answer_in(get(one, CLAIM + MAC).decode())
    assert get(one, path) == b"password hunter2\n"
    assert len(TftpRead(one, "snponly.efi").rest()) == 5000
    assert one.change('level = "debug"', 'level = "info"') is None
    assert one.run("machine", "hold", "oden", check=True).returncode == 0
    assert one.stop() == 0
    assert "read-only" not in one.log().lower()


def digests(*folders):
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_nothing_on_the_boot_side_changes_what_is_declared(agent):
    one = prepared(agent(SITE)).start()
    get(one, CLAIM + MAC)
    (one.folder / "conf.d").mkdir()
    declared = lambda: digests(one.root, one.folder / "conf.d") | {
        "config": one.config.read_text(), "password": (one.folder / "password").read_text(),
        "lock": [path.read_text() for path in sorted(one.state.glob("*.lock"))]}
    before, number = declared(), len(one.run("machine", "list").stdout.splitlines())
    allowed = {"/script": {"GET", "HEAD"}, "/default.ipxe": {"GET", "HEAD"},
               "/files/snponly.efi": {"GET", "HEAD"}}
    for path in ("/script", "/default.ipxe", "/files/snponly.efi", "/files/new", "/answer/x/y", "/event/x/done",
                 "/api/v1/machines", "/api/v1/machines/oden/actions", "/api/v1/config/fragments/x",
                 "/api/v1/status", "/metrics", "/"):
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "MKCOL", "COPY", "PROPFIND"):
            connection = http.client.HTTPConnection(one.address, one.http_port, timeout=10)
            connection.request(method, path, body=b'{"action":"forget"}' if method != "GET" else None)
            status = connection.getresponse().status
            connection.close()
            if method not in allowed.get(path, ()):
                assert status in (404, 405), (method, path, status)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(struct.pack("!H", 2) + b"snponly.efi\0octet\0", (one.address, one.tftp_port))
        assert struct.unpack("!H", client.recv(600)[:2]) == (5,), "an upload is refused"
    one.reloaded()
    assert declared() == before
    assert len(one.run("machine", "list").stdout.splitlines()) == number


def test_the_control_socket_is_for_its_owner_and_group(agent, open_folder):
    one = agent(SITE)
    prepared(one)
    owner = pwd.getpwnam("nobody")
    open_folder(one, 0)
    for path in (one.root, one.state, one.run_dir):
        path.chmod(0o755)
    one.start()
    assert (one.run_dir / "hearth.sock").stat().st_mode & 0o777 == 0o660
    asking = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
              "s.send(b'GET /healthz HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'); print(s.recv(100))")

    def ask(*ids):
        command = ["setpriv", *ids, "/usr/bin/python3", "-c", asking, str(one.run_dir / "hearth.sock")]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    refused = ask(f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups")
    assert "PermissionError" in refused.stderr, refused
    allowed = ask(f"--reuid={owner.pw_uid}", "--regid=0", "--clear-groups")
    assert "200 OK" in allowed.stdout, allowed


def test_what_a_machine_says_is_bounded_and_harmless_wherever_it_is_shown(agent):
    one = prepared(agent(SITE)).start()
    evil = "%1b]0;owned%07%1b[2J%0d%0aerror:%20forged%c2%9b31m%e2%80%ae${shell}%60"
    facts = "&".join(f"{key}={evil}{'A' * 1500}" for key in
                     ("manufacturer", "product", "serial", "asset", "hostname", "chip", "switch"))
    mac = "52:54:00:00:00:09"
    script = get(one, f"/script?mac={mac}&platform=efi&{facts}").decode()
    assert "owned" not in script and "${shell}" not in script
    path = re.search(r"(/event/[0-9a-f]{32})", get(one, CLAIM + MAC).decode())[1]
    raw = urllib.parse.unquote_to_bytes(evil) + b"B" * 2000
    get(one, f"{path}/log?{evil}{'B' * 2000}")
    for report in ("log", "failed"):
        urllib.request.urlopen(f"{one.http}{path}/{report}", data=raw, timeout=10).close()
    assert "${shell}" not in get(one, CLAIM + MAC).decode()
    shown = [one.run(*words).stdout for words in (
        ("machine", "list"), ("machine", "show", mac), ("machine", "show", "oden"), ("timeline", mac),
        ("timeline", "oden"), ("events",), ("findings",), ("status",), ("machine", "list", "--json"))]
    shown.append(one.log_path.read_text(errors="surrogateescape"))
    for text in shown:
        bad = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c == "\u202e"]
        assert not bad, (bad, text[:400])
        assert not any(line.startswith("error: forged") for line in text.splitlines())
        assert max(len(run) for run in re.findall("A+|B+|$", text)) <= 1024
    assert any("owned" in text for text in shown), "it is shown, and harmless"
    record = one.ask("GET", f"machines/{mac}")[2]
    assert all(len(value.encode()) <= 128 for value in record["facts"].values() if isinstance(value, str))
    assert os.path.getsize(one.state / "hearth.db") < 4 << 20
