"""A throw-away OPNsense with this plugin and the agent in it, by its API and by commands inside it.

HEARTH_OPNSENSE_URL   its address, such as https://127.0.0.1:14431
HEARTH_OPNSENSE_KEY   key:secret of its API
HEARTH_OPNSENSE_RUN   a command before which a command is put to run inside it as root
"""

import base64
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


def ask(path, body=None, method=None):
    """The answer of /api/hearth/PATH; with a body, or the method POST, as a change."""
    data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
    request = urllib.request.Request(f"{URL}/api/hearth/{path}", data=data, method=method)
    request.add_header("Authorization", "Basic " + base64.b64encode(KEY.encode()).decode())
    if body is not None:
        request.add_header("Content-Type", "application/json")
    # The certificate of a throw-away firewall is its own.
    context = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(request, timeout=180, context=context) as answer:
            text = answer.read().decode()
            return text if answer.headers.get_content_type() == "text/csv" else json.loads(text)
    except urllib.error.HTTPError as error:
        return json.load(error)


def post(path):
    return ask(path, method="POST")


def add(kind, **fields):
    return ask(f"settings/add_{kind}", {kind: fields})


def made(kind, **fields):
    """The uuid of a new row."""
    answer = add(kind, **fields)
    assert answer.get("result") == "saved", answer
    return answer["uuid"]


def change(kind, uuid, **fields):
    return ask(f"settings/set_{kind}/{uuid}", {kind: fields})


def settings(**sections):
    return ask("settings/set", {"hearth": sections})


def rows(kind):
    return ask(f"settings/search_{kind}", {"rowCount": -1})["rows"]


def inside(*command, stdin=None):
    """What a command inside prints."""
    done = subprocess.run([*shlex.split(RUN), *command], input=stdin, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def clean():
    """Nothing is declared, and the settings are the first ones."""
    for kind in ("policy", "variable", "answer", "machine", "file", "webhook"):
        for row in rows(kind):
            post(f"settings/del_{kind}/{row['uuid']}")
    settings(
        general={"enabled": "1", "interfaces": "lan", "unknown": "menu", "unknown_profile": "", "http_port": "",
                 "addresses": "interface", "ipv6": "0", "firewall": "1"},
        menu={"items": "", "default": "", "title": "", "timeout": ""},
        tftp={"single_port": "0"},
        api={"interfaces": "", "port": "", "certificate": ""},
    )
    for kind in ("profile", "image"):
        for row in rows(kind):
            post(f"settings/del_{kind}/{row['uuid']}")
