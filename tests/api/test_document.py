"""What the API's document says is what the API does: schemathesis makes requests from it, right and
wrong ones, and holds every answer against it."""

import json
import os
import re
import subprocess
import threading
import urllib.request

import pytest

from hearthtest.agent import free_port
from hearthtest.api import Api

SITE = """
[observe]
enabled = false
[[image]]
name = "net"
recipe = "netboot.xyz"
[[profile]]
name = "rescue"
image = "net"
[[policy]]
name = "old servers"
match = { manufacturer = ["IBM*", "!*x3650*"], memory = ">= 16 GiB" }
profile = "rescue"
limit = 2
[[machine]]
name = "oden"
mac = "52:54:00:00:00:01"
[api]
addresses = ["127.0.0.1"]
port = %d
"""
# Whether a value that has the right form also makes sense (a profile that is declared, a file that is
# there) is not in the document.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance," \
         "response_headers_conformance,response_schema_conformance,negative_data_rejection," \
         "unsupported_method,ignored_auth"
MAC = "52:54:00:00:00:02"
# They take paths of this host, end the very token that asks, or have no end.
EXCLUDED = ("backup", "restore", "revokeToken", "beginFetch", "applyFragment")


@pytest.fixture
def api(agent):
    port = free_port()
    site = agent(SITE % port).start()
    made = site.run("token", "create", "tester", "--role", "admin")
    over = threading.Event()

    def boot():
        """The machine that everything is done with comes again whenever it is forgotten."""
        while not over.wait(0.1):
            url = f"{site.http}/script?mac={MAC}&platform=efi&buildarch=x86_64"
            urllib.request.urlopen(url, timeout=10).read()
    booting = threading.Thread(target=boot)
    booting.start()
    yield Api(site, port, made.stdout.strip())
    over.set()
    booting.join()


@pytest.mark.parametrize("cases", [int(os.environ.get("HEARTH_API_CASES", "40"))])
def test_schemathesis_finds_nothing(api, cases, tmp_path):
    tool = os.environ.get("SCHEMATHESIS")
    assert tool, "scripts/test api installs schemathesis and says where"
    document = tmp_path / "openapi.json"
    described = api.get("openapi.json")
    document.write_text(json.dumps(described))
    excluded = [word for name in EXCLUDED for word in ("--exclude-operation-id", name)
                if name in json.dumps(described)]
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.machine" = "{MAC}"\n')
    done = subprocess.run(
        [tool, "run", str(document), "--url", f"https://127.0.0.1:{api.port}/api/v1",
         "--tls-verify", str(api.agent.state / "api.pem"), "--checks", CHECKS,
         "--header", f"Authorization: Bearer {api.token}", "--max-examples", str(cases),
         "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color",
         "--generation-database", "none", *excluded],
        cwd=tmp_path, capture_output=True, text=True, timeout=900)
    print(done.stdout[-20000:], done.stderr[-3000:])
    assert done.returncode == 0
    assert re.search(r"[1-9][0-9]* generated", done.stdout)
