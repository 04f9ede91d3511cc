"""A throw-away OPNsense with this plugin and the agent in it, by its API and by commands inside it.

HEARTH_OPNSENSE_URL   its address, such as https://127.0.0.1:14431
HEARTH_OPNSENSE_KEY   key:secret of its API
HEARTH_OPNSENSE_RUN   a command before which a command is put to run inside it as root

The functions are about that one; `Firewall` is any.
"""

import base64
import contextlib
import json
import os
import shlex
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

URL = os.environ.get("HEARTH_OPNSENSE_URL")
KEY = os.environ.get("HEARTH_OPNSENSE_KEY", "")
RUN = os.environ.get("HEARTH_OPNSENSE_RUN")

needs_api = pytest.mark.skipif(not URL, reason="HEARTH_OPNSENSE_URL names no OPNsense to try it in")
needs_shell = pytest.mark.skipif(not RUN, reason="HEARTH_OPNSENSE_RUN names no way into an OPNsense")


class Firewall:
    def __init__(self, url, key, run):
        self.url, self.key, self.way = url, key, run

    def core(self, path, body=None, method=None, key=None):
        """The answer of /api/PATH; with a body, or the method POST, as a change. `key` is somebody else's. An answer
        without a body is its `status`."""
        data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/api/{path}", data=data, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode((key or self.key).encode()).decode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        # The certificate of a throw-away firewall is its own.
        context = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, timeout=180, context=context) as answer:
                text = answer.read().decode()
                return text if answer.headers.get_content_type() == "text/csv" else json.loads(text)
        except urllib.error.HTTPError as error:
            text = error.read()
            return json.loads(text) if text else {"status": error.code}

    def ask(self, path, body=None, method=None, key=None):
        """The answer of /api/hearth/PATH, or of /api/PATH if it begins with a slash, as `core`."""
        return self.core(path[1:] if path.startswith("/") else f"hearth/{path}", body, method, key)

    @contextlib.contextmanager
    def somebody(self, *privileges):
        """The key of a user who has these privileges and no other."""
        name = f"test-{os.getpid()}"
        fields = {"name": name, "password": "0pnSense-test", "priv": ",".join(privileges)}
        added = self.core("auth/user/add", {"user": fields})
        assert added.get("result") == "saved", added
        try:
            made = self.core(f"auth/user/add_api_key/{name}", method="POST")
            yield f"{made['key']}:{made['secret']}"
        finally:
            self.core(f"auth/user/del/{added['uuid']}", method="POST")

    def banner(self, name):
        """What the system status shows of one of its subjects, or None."""
        return self.core("core/system/status").get("subsystems", {}).get(name)

    def post(self, path):
        return self.ask(path, method="POST")

    def add(self, kind, **fields):
        return self.ask(f"settings/add_{kind}", {kind: fields})

    def made(self, kind, **fields):
        """The uuid of a new row."""
        answer = self.add(kind, **fields)
        assert answer.get("result") == "saved", answer
        return answer["uuid"]

    def change(self, kind, uuid, **fields):
        return self.ask(f"settings/set_{kind}/{uuid}", {kind: fields})

    def settings(self, **sections):
        return self.ask("settings/set", {"hearth": sections})

    def rows(self, kind):
        return self.ask(f"settings/search_{kind}", {"rowCount": -1})["rows"]

    def inside(self, *command, stdin=None):
        """What a command inside prints."""
        done = subprocess.run(
            [*shlex.split(self.way), *command], input=stdin, capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def clean(self):
        """Nothing is declared, and the settings are the first ones."""
        for kind in ("policy", "variable", "answer", "machine", "file", "webhook"):
            for row in self.rows(kind):
                self.post(f"settings/del_{kind}/{row['uuid']}")
        self.settings(
            general={"enabled": "1", "interfaces": "lan", "unknown": "menu", "unknown_profile": "", "http_port": "",
                     "addresses": "interface", "serve": "always", "ipv6": "0",
                     "source": "network", "firewall": "1"},
            menu={"items": "", "default": "", "title": "", "timeout": ""},
            tftp={"single_port": "0"},
            api={"interfaces": "", "port": "", "certificate": ""},
        )  # fmt: skip
        for kind in ("profile", "image"):
            for row in self.rows(kind):
                self.post(f"settings/del_{kind}/{row['uuid']}")


HERE = Firewall(URL, KEY, RUN)
ask, post, add, made, change = HERE.ask, HERE.post, HERE.add, HERE.made, HERE.change
somebody, banner = HERE.somebody, HERE.banner
settings, rows, inside, clean = HERE.settings, HERE.rows, HERE.inside, HERE.clean
