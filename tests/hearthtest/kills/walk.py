"""Leads machines from boot to boot, and does what people do with them."""

import re
import threading
import time

from hearthtest.declared import INITRD, KERNEL
from hearthtest.kills import model
from hearthtest.kills.wire import PATIENCE, Down, Fault, api, get, read

LOADER = "snponly.efi"
SIZES = {LOADER: 40_000, KERNEL: 300_000, INITRD: 1_500_000}
TOKEN = re.compile(r" hearth\.event=http://\S+/event/([0-9a-f]{32})(?= |$)", re.MULTILINE)
SIGNS = (("nothing", "Hearth: nothing for this machine"), ("local", "Hearth: local disk"),
         ("wait", "Hearth: this machine waits"), ("install", "\ninitrd http"), ("menu", "\nchoose "))


class Boots(model.Machine):
    """One machine on the wire. No other thread touches it."""

    def __init__(self, agent, number, content, is_over):
        super().__init__()
        self.agent, self.content, self.is_over = agent, content, is_over
        self.mac = f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"
        self.source = f"127.0.{1 + (number >> 8)}.{number & 255}"
        self.facts = f"uuid=4c4c4544-0042-3510-8052-{number:012x}&mac={self.mac}&platform=efi&buildarch=x86_64"
        self.noted = []  # notes that were acknowledged

    def fault(self, what):
        raise Fault(f"{self.mac}: {what}")

    def look(self):
        """What the API shows of it."""
        status, machine = api(self.agent, f"machines/{self.mac}")
        return model.seen(machine if status == 200 else None)

    def compare(self):
        """Holds what is shown against what is believed."""
        there = self.look()
        if there != self.now.seen():
            self.fault(f"it is\n  {there}\nand should be\n  {self.now}")

    def loader(self):
        """Its firmware asks for a loader."""
        got = read(self.agent, LOADER, self.source, self.is_over)
        phase = self.now.phase if self.now.known else "discovered"
        refusal = {"ignored": "is ignored", "installed": "is installed and boots its disk"}.get(phase)
        is_whole = got == self.content[LOADER]
        if refusal is None and not is_whole:
            self.fault(f"{phase} and gets for its loader {got[:80]!r} ({len(got)} bytes)")
        # Without a person's word about its disk it may have been learnt that iPXE is needed.
        free = phase == "installed" and not self.now.pinned and is_whole
        if refusal and not free and not (isinstance(got, str) and refusal in got):
            self.fault(f"{phase} and gets its loader")

    def file(self, name):
        """It loads a file by HTTP; whether it got it."""
        path = "/default.ipxe" if name == "default.ipxe" else f"/files/{name}"
        status, body = get(self.agent, path, self.source)
        is_ignored = self.now.known and self.now.phase == "ignored"
        if status != (403 if is_ignored else 200):
            self.fault(f"{self.now.phase}, and {name} is answered {status}")
        wanted = self.content.get(name)
        if status == 200 and wanted is not None and body != wanted:
            self.fault(f"{len(body)} of {len(wanted)} bytes of {name}, or others")
        return status == 200

    def script(self, is_boot):
        """It asks what to do; what it gets."""
        self.begin(model.asked(self.now, is_boot, model.UNSURE)[0])
        more = "" if is_boot else "&attempt=1"
        status, body = get(self.agent, f"/script?{self.facts}{more}", self.source)
        text = body.decode()
        if status != 200:
            self.fault(f"its script is answered {status}: {text}")
        gets = next((word for word, sign in SIGNS if sign in text), text)
        token = TOKEN.search(text)
        after, wanted = model.asked(self.now, is_boot, token[1] if token else None)
        if gets != wanted:
            self.fault(f"it gets {gets} and should get {wanted}; it was\n  {self.now}")
        if (after.token is None) != (after.phase != "installing" or after.wish != model.CALL):
            self.fault(f"a script with the wrong token:\n{text}")
        # A machine that was only met is on its way to the disk, and nothing rests on that.
        if "not on the disk" in text or not self.now.known:
            self.in_memory(after)
        else:
            self.done(after)
        return gets

    def load(self):
        """It loads what its installation's script names, and the agent notices."""
        if not (self.file(KERNEL) and self.file(INITRD)):
            return
        after = model.loaded(self.now)
        self.begin(after)
        until = time.monotonic() + PATIENCE
        while self.look() != after.seen():
            if time.monotonic() > until:
                self.fault("its last file was sent, and that is not known")
        self.in_memory(after)

    def report(self, what, token):
        """Its installer reports."""
        is_its = self.now.phase == "installing" and token == self.now.token
        after = model.reported(self.now, what)
        if is_its or self.maybe:
            self.begin(after)
        status, _ = get(self.agent, f"/event/{token}/{what}", self.source, "POST", b"a line")
        if status == 200 and (is_its or token == self.maybe):
            self.done(after.but(token=token) if after.phase == "installing" else after)
        elif status == 404 and not is_its:
            self.refused()
            self.maybe = None
        elif status != 429:
            self.fault(f"{what} is answered {status}; it is\n  {self.now}")

    def act(self, action):
        """A person does something with it."""
        after = model.acted(self.now, action)
        if after is not None:
            self.begin(after)
        status, answer = api(self.agent, f"machines/{self.mac}/actions", action)
        if after is None:
            if status not in (404, 409):
                self.fault(f"{action} is answered {status}; it is\n  {self.now}")
        elif status == 200:
            self.done(after)
            if action["action"] == "notes":
                self.noted.append(action["notes"])
        elif status == 503:
            self.in_memory(after)
        else:
            self.fault(f"{action} is answered {status} {answer}; it is\n  {self.now}")

    def boot(self, random):
        """One boot, from the loader to what its installer says."""
        self.loader()
        if self.file("default.ipxe") and self.script(random.random() < 0.8) == "install":
            self.load()
            token = self.now.token if self.now.token != model.UNSURE else None
            if token and random.random() < 0.7:
                self.report("log", token)
                self.report(random.choice(("done", "done", "failed")), token)

    def person(self, random):
        """One thing that a person does, those that lead somewhere more often."""
        profile = random.choice(model.PROFILES)
        self.act(random.choice((
            {"action": "assign", "profile": profile}, {"action": "assign", "profile": profile},
            {"action": "reinstall"}, {"action": "hold"}, {"action": "release"}, {"action": "unassign"},
            {"action": "local", "profile": profile}, {"action": "ignore"}, {"action": "unignore"},
            {"action": "tags", "tags": random.sample(["a", "b", "c", "d"], 2)},
            {"action": "notes", "notes": f"{self.mac} {random.getrandbits(64):x}"},
            {"action": "notes", "notes": f"{self.mac} {random.getrandbits(64):x}"},
            {"action": "local-boot", "method": "exit"},
            *([{"action": "forget"}] if random.random() < 0.3 else []),
        )))

    def after_kill_check(self, random):
        """What is there is one of what may be, and so is what it gets."""
        wrong = self.found(self.look())
        if wrong:
            self.fault(wrong)
        if self.maybe:
            self.report("log", self.maybe)
        if self.now.known and random.random() < 0.5:
            self.script(random.random() < 0.5)
            self.compare()


class Walker(threading.Thread):
    """Leads some machines until the agent is gone."""

    def __init__(self, machines, random):
        super().__init__(daemon=True)
        self.machines, self.random = machines, random
        self.steps, self.wrong, self.down = 0, None, None

    def run(self):
        try:
            while True:
                machine = self.random.choice(self.machines)
                if self.random.random() < 0.6:
                    machine.boot(self.random)
                else:
                    machine.person(self.random)
                self.steps += 1
        except Down as gone:
            self.down = (time.monotonic(), str(gone))
        except Exception as error:  # pylint: disable=broad-except
            self.wrong = error
