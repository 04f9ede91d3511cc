"""The way to the origin: certificates, the clock, proxies."""

import datetime
import select
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from hearthtest.fetching import UNAVAILABLE, custom, run
from hearthtest.origin import Origin


def certificate(folder, name, *validity):
    """A self-signed certificate for 127.0.0.1."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
                   check=True, capture_output=True)
    authority = folder / f"{name}.cnf"
    authority.write_text(f"""[ca]
default_ca = it
[it]
database = {folder}/{name}.index
new_certs_dir = {folder}
serial = {folder}/{name}.serial
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:FALSE
""")
    (folder / f"{name}.index").touch()
    (folder / f"{name}.serial").write_text("01\n")
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=127.0.0.1", "-out",
                    folder / "request"], check=True, capture_output=True)
    subprocess.run(["openssl", "ca", "-batch", "-config", authority, "-selfsign", "-keyfile", key,
                    "-in", folder / "request", "-out", cert, "-notext", *validity],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def day(offset):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)
    return when.strftime("%y%m%d%H%M%SZ")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
@pytest.mark.parametrize("name, first, last", [("past", -20, -10), ("future", 10, 20)])
def test_a_certificate_out_of_its_time_makes_the_clock_a_suspect(
        hearth, tmp_path, name, first, last):
    context, cert = certificate(tmp_path, name, "-startdate", day(first), "-enddate", day(last))
    with Origin(tls=context) as origin:
        origin.put("/files/kernel", b"kernel")
        agent = hearth(custom(f"{origin.url}/files/kernel"), tries=5)
        said = run(agent, "fetch", code=UNAVAILABLE, env={"SSL_CERT_FILE": str(cert)})
    assert "clock" in said and "127.0.0.1" in said
    assert "trying again" not in said


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_https_is_checked_against_the_systems_trust_store_and_never_left(hearth, tmp_path):
    context, cert = certificate(tmp_path, "now", "-startdate", day(-1), "-enddate", day(1))
    with Origin(tls=context) as origin, Origin() as plain:
        origin.put("/files/kernel", b"kernel")
        plain.put("/files/kernel", b"kernel")
        agent = hearth(custom(f"{origin.url}/files/kernel"))
        said = run(agent, "fetch", code=UNAVAILABLE)
        assert "not trusted" in said and "trust store" in said
        trusting = {"SSL_CERT_FILE": str(cert)}
        origin.fault("/files/kernel", f"redirect:{plain.url}/files/kernel", times=1)
        said = run(agent, "fetch", code=UNAVAILABLE, env=trusting)
        assert "from https to http" in said
        assert not plain.log()
        run(agent, "fetch", env=trusting)
    assert (agent.root / "custom/mine/kernel").read_bytes() == b"kernel"


class Proxy:
    """An HTTP proxy that knows CONNECT and nothing else."""

    def __init__(self):
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.asked.append((method, target))
        host, port = target.rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
        ends = {client: server, server: client}
        while True:
            for ready in select.select(list(ends), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return client.close(), server.close()
                ends[ready].sendall(data)


@pytest.mark.parametrize("where", ["configuration", "environment"])
def test_a_proxy_is_used_wherever_it_is_named(hearth, origin, where):
    proxy = Proxy()
    origin.put("/files/kernel", b"kernel")
    fetch, env = (f'proxy = "{proxy.url}"', {}) if where == "configuration" else \
        ("", {"http_proxy": proxy.url, "https_proxy": proxy.url})
    agent = hearth(custom(f"{origin.url}/files/kernel"), fetch=fetch)
    run(agent, "fetch", env=env)
    assert ("CONNECT", origin.url.removeprefix("http://")) in proxy.asked
