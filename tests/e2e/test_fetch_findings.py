"""Downloads that fail are events and findings, with a cause and a remedy."""

import datetime
import socket
import ssl
import subprocess

import pytest

from hearthtest.fetching import BIG, custom
from hearthtest.origin import Origin
from hearthtest.wait import wait_for

HEAD = """
[observe]
enabled = false
[fetch]
keep_free = "1 MiB"
timeout = "2s"
tries = 1
{fetch}
[loaders]
source = "none"
[menu]
items = ["local"]
"""


def day(offset):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)
    return when.strftime("%Y%m%d%H%M%SZ")


class Authority:
    """Issues certificates of every kind, as openssl makes them."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = folder / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
                     "ca.pem", "-subj", "/CN=Test authority", "-days", "30", "-addext",
                     "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        (folder / "index").write_text("")
        (folder / "conf").write_text(
            "[ca]\ndefault_ca = it\n[it]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
            "default_md = sha256\npolicy = any\nunique_subject = no\ncopy_extensions = copy\n"
            "[any]\ncommonName = supplied\n")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def server(self, name, host="IP:127.0.0.1", first=-1, last=1):
        """A server's TLS, with a certificate for this host from one day to another."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                     f"{name}.csr", "-subj", f"/CN={name}", "-addext", f"subjectAltName={host}")
        self.openssl("ca", "-batch", "-config", "conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in",
                     f"{name}.csr", "-out", f"{name}.pem", "-notext", "-startdate", day(first),
                     "-enddate", day(last))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def fetch(one, state):
    """Fetches everything in the agent, to its end."""
    number = one.ask("POST", "fetches", {})[2]["id"]
    done = wait_for(lambda: (now := one.ask("GET", f"fetches/{number}")[2])["ended"] and now,
                    "the fetch ends", 60)
    assert done["state"] == state, done
    return done


def findings(one):
    return [finding for finding in one.ask("GET", "findings")[2]["findings"]
            if finding["machine"] is None]


def the_finding(one, code):
    """The one finding there is, everywhere where findings are shown."""
    [finding] = findings(one)
    assert finding["code"] == code, finding
    assert finding["label"] == "fetch" and finding["severity"] == "error"
    events = {event["seq"]: event for event in one.ask("GET", "events?kind=fetch")[2]["events"]}
    for seq in finding["evidence"]:
        assert events[seq]["cause"] == code.removeprefix("fetch-")
        assert events[seq]["error"] in finding["sentence"]
    shown = one.run("findings").stdout
    assert code in shown and "not fetched" in shown
    assert finding["remedy"] in one.run("status").stdout
    assert finding["sentence"].split(": ", 1)[1] in one.log()
    return finding


@pytest.fixture
def site(agent, monkeypatch):
    """Starts an agent that wants one file from an origin, and trusts an authority."""
    def make(url, trusts=None, fetch=""):
        if trusts:
            monkeypatch.setenv("SSL_CERT_FILE", str(trusts))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        return agent(HEAD.format(fetch=fetch) + custom(f"{url}/files/kernel")).start()
    return make


CERTIFICATES = {
    "fetch-clock": ({"first": 10, "last": 20}, "this host's clock says"),
    "fetch-expired": ({"first": -20, "last": -10}, "this host's clock says"),
    "fetch-wrong-name": ({"host": "DNS:elsewhere.example"}, "for another name"),
    "fetch-untrusted": ({}, "not trusted"),
}


@pytest.mark.parametrize("code", CERTIFICATES)
def test_a_certificate_that_does_not_hold_says_why(site, authority, code):
    options, said = CERTIFICATES[code]
    tls = authority.server(code, **options)
    # Of the untrusted one nobody said that its authority is to be trusted.
    trusts = None if code == "fetch-untrusted" else authority.certificate
    with Origin(tls=tls) as origin:
        origin.put("/files/kernel", BIG)
        one = site(origin.url, trusts)
        fetch(one, "failed")
        finding = the_finding(one, code)
    assert said in finding["sentence"]
    if code in ("fetch-clock", "fetch-expired"):
        assert "clock" in finding["remedy"]


def test_a_certificate_that_holds_is_no_finding(site, authority):
    with Origin(tls=authority.server("good")) as origin:
        origin.put("/files/kernel", BIG)
        one = site(origin.url, authority.certificate)
        fetch(one, "done")
        assert findings(one) == []


def test_a_server_that_speaks_no_tls_is_told(site, origin):
    one = site(origin.url.replace("http://", "https://"))
    fetch(one, "failed")
    the_finding(one, "fetch-tls")


def test_a_finding_ends_when_the_fetch_goes_well_and_outlives_a_restart(site, origin):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    one = site(f"http://127.0.0.1:{port}")
    fetch(one, "failed")
    finding = the_finding(one, "fetch-refused")
    one.stop()
    one.start()
    assert findings(one) == [finding]
    # The origin is another now, and the file the same.
    origin.put("/files/kernel", BIG)
    assert not one.change(f"http://127.0.0.1:{port}", origin.url)
    assert findings(one) == [finding]
    fetch(one, "done")
    assert findings(one) == []
    assert one.status()["fetches"]["findings"] == []
    last = one.ask("GET", "events?kind=fetch&newest&limit=1")[2]["events"][0]
    assert (last["name"], last["bytes"], last["cause"]) == ("custom/mine/kernel", len(BIG), None)
    # Nothing is said of what is there and was.
    fetch(one, "done")
    assert one.ask("GET", "events?kind=fetch&newest&limit=1")[2]["events"][0] == last


@pytest.mark.parametrize("fault, code", [
    ("status:404", "fetch-absent"), ("status:403", "fetch-denied"), ("status:503", "fetch-status"),
    ("page", "fetch-page"), ("nothing", "fetch-silent"), ("half", "fetch-broken")])
def test_an_origin_that_does_not_give_it_says_why(site, origin, fault, code):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", fault, times=9)
    one = site(origin.url)
    fetch(one, "failed")
    the_finding(one, code)


def test_a_name_that_is_not_found_is_told(site):
    # .invalid is never a name (RFC 2606).
    one = site("http://mirror.invalid")
    fetch(one, "failed")
    assert "mirror.invalid" in the_finding(one, "fetch-dns")["remedy"]


def test_a_changed_file_and_a_wrong_digest_differ(site, agent, origin):
    origin.put("/files/kernel", b"one")
    one = site(origin.url)
    fetch(one, "done")
    (one.root / "custom/mine/kernel").unlink()
    origin.put("/files/kernel", b"two")
    fetch(one, "failed")
    assert "hearth lock update" in the_finding(one, "fetch-changed")["remedy"]
    other = agent(HEAD.format(fetch="") + custom(f"{origin.url}/files/kernel", "0" * 64)).start()
    fetch(other, "failed")
    the_finding(other, "fetch-digest")


def test_a_full_disk_is_told_with_how_much_is_missing(site, origin):
    origin.put("/files/kernel", BIG)
    one = site(origin.url, fetch="")
    # More than any disk has.
    assert not one.change('keep_free = "1 MiB"', 'keep_free = "900 TiB"')
    fetch(one, "failed")
    assert "hearth lock prune" in the_finding(one, "fetch-disk-full")["remedy"]


def test_no_password_of_a_url_is_told(site, origin, agent):
    origin.put("/files/kernel", BIG)
    origin.fault("/files/kernel", "status:401", times=9)
    secret = "hunter2"
    url = origin.url.replace("http://", f"http://me:{secret}@")
    one = site(url, fetch=f'proxy = "http://me:{secret}@{origin.url[7:]}"')
    fetch(one, "failed")
    for path in ("config", "events", "findings", "fetches", "status", "lock", "audit"):
        status, _, shown = one.ask("GET", path)
        assert status == 200 and secret not in str(shown), path
    assert "***@" in str(one.ask("GET", "config")[2]["configuration"]["fetch"]["proxy"])
    assert secret not in one.log() and secret not in one.run("config", "show").stdout
    failed = one.run("fetch")
    assert failed.returncode == 69 and secret not in failed.stdout + failed.stderr
