"""The boot side over HTTP, against the real `hearth serve`."""

import hashlib
import http.client
import os
import resource
import signal
import socket
import subprocess

import pytest

from hearthtest.wait import wait_for

SHORT = """
[http]
connections = 20
retry_after = "2s"
header_timeout = "1s"
idle_timeout = "5s"
stall_timeout = "2s"
"""


def put(agent, name, size):
    """Puts a person's own file below the root, so that no two places look alike, and returns it."""
    bytes_ = b"".join(hashlib.sha256(f"{name}{n}".encode()).digest() for n in range(size // 32 + 1))
    return agent.put(name, bytes_[:size]).read_bytes()


def connect(agent):
    connection = http.client.HTTPConnection(agent.address, agent.http_port, timeout=20)
    connection.connect()
    return connection


def ask(connection, path, method="GET", **fields):
    """Status, fields and body of one request; `_` in a field's name is `-`."""
    fields = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, path, headers=fields)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.getheader("Transfer-Encoding") is None
    assert answer.getheader("Location") is None
    assert answer.status == 304 or answer.getheader("Content-Length") is not None
    return answer.status, answer.headers, body


def one(agent, path, method="GET", **fields):
    connection = connect(agent)
    try:
        return ask(connection, path, method, **fields)
    finally:
        connection.close()


def raw(agent):
    return socket.create_connection((agent.address, agent.http_port), timeout=20)


def served(agent, name="x"):
    try:
        return one(agent, f"/files/{name}")[0] == 200
    except OSError:
        return False


def memory(agent, field="VmRSS"):
    with open(f"/proc/{agent.process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field))


@pytest.fixture
def site(agent):
    """An agent with short time-outs that serves the own file `x`."""
    made = agent(SHORT)
    made.x = put(made, "x", 300_000)
    return made


def test_an_own_file_arrives_whole_and_in_parts(site):
    with site:
        status, fields, body = one(site, "/files/x")
        assert (status, body) == (200, site.x)
        assert fields["Accept-Ranges"] == "bytes"
        etag = fields["ETag"]
        status, fields, body = one(site, "/files/x", Range="bytes=100-199", If_Match=etag)
        assert (status, body) == (206, site.x[100:200])
        assert fields["Content-Range"] == "bytes 100-199/300000"
        status, fields, _ = one(site, "/files/x", Range="bytes=300000-")
        assert (status, fields["Content-Range"]) == (416, "bytes */300000")
        assert one(site, "/files/x", If_Match='"other"')[0] == 412
        assert one(site, "/files/x", If_None_Match=etag)[0] == 304


def test_firmware_asks_head_then_get_on_one_connection(site):
    loader = put(site, "arm64/own.efi", 50_000)
    with site:
        connection = connect(site)
        status, fields, body = ask(connection, "//files//arm64/own.efi", "HEAD")
        assert (status, body, fields["Content-Length"]) == (200, b"", "50000")
        assert fields["Content-Type"] == "application/efi"
        assert ask(connection, "/files/arm64/own.efi")[2] == loader
        connection.close()


def test_scripts_are_served(site):
    with site:
        for path in ("/default.ipxe", "/script?uuid=&mac=52:54:00:12:34:56&platform=pcbios"):
            status, fields, body = one(site, path)
            assert (status, fields["Content-Type"]) == (200, "text/plain"), path
            assert body.startswith(b"#!ipxe\n"), path


def test_nothing_outside_the_catalogue_is_reachable(site):
    (site.folder / "secret").write_text("secret")
    (site.root / "link").symlink_to(site.folder / "secret")
    (site.root / ".hidden").write_text("secret")
    with site:
        for path in ("/files/../secret", "/files/%2e%2e/secret", "/files/..%5csecret", "/files/link",
                     "/files/.hidden", "/secret", "/", "/files/", "/files//etc/passwd", "/files/x/../x"):
            status, _, body = one(site, path)
            assert status == 404 and b"secret" not in body, path
        # What follows a control byte is rubbish of a DHCP server that sends no NUL: it is cut.
        assert one(site, "/files/x%00/../secret")[2] == site.x
        status, fields, _ = one(site, "/script", "POST")
        assert (status, fields["Allow"]) == (405, "GET, HEAD")


def test_a_file_that_appears_or_changes_is_served_as_it_is(site):
    with site:
        assert one(site, "/files/x")[2] == site.x
        new = put(site, "new", 1000)
        wait_for(lambda: one(site, "/files/new")[2] == new, "a new file is found")
        (site.root / "x.tmp").write_bytes(b"other")
        os.rename(site.root / "x.tmp", site.root / "x")
        wait_for(lambda: one(site, "/files/x")[2] == b"other", "the file that is there now")


def test_half_sent_requests_harm_nobody_and_go(agent):
    site = agent(SHORT.replace("connections = 20", "connections = 200"))
    put(site, "x", 1000)
    with site:
        slow = [raw(site) for _ in range(80)]
        for one_ in slow:
            one_.sendall(b"GET /files/x HTTP/1.1\r\nHost: h\r\nX-")
        assert served(site)
        for one_ in slow:
            assert one_.recv(4096).startswith(b"HTTP/1.1 408 ")
            one_.close()


def test_clients_that_stop_reading_hold_nobody_and_are_cut(site):
    put(site, "big", 40_000_000)
    with site:
        stuck = [raw(site) for _ in range(6)]
        for one_ in stuck:
            one_.sendall(b"GET /files/big HTTP/1.1\r\nHost: h\r\n\r\n")
        assert served(site)
        for one_ in stuck:
            wait_for(lambda: gone(one_), "a client that takes no byte is cut", 20)
            one_.close()


def gone(connection):
    """Whether the other side has closed or reset, asked without reading what lies there."""
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != 1  # TCP_ESTABLISHED


def test_a_header_line_of_sixty_megabytes_does_not_grow_memory(site):
    with site:
        assert served(site)
        before = memory(site)
        with raw(site) as connection:
            connection.sendall(b"GET /files/x HTTP/1.1\r\nX: ")
            try:
                for _ in range(60):
                    connection.sendall(b"y" * (1 << 20))
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert connection.recv(12) == b"HTTP/1.1 431"
        assert memory(site, "VmHWM") < before + 2048
        assert served(site)


def test_a_flood_is_told_to_come_again(site):
    with site:
        holders = [raw(site) for _ in range(20)]
        for holder in holders:
            holder.sendall(b"GET /files/x HTTP/1.1\r\n")
        wait_for(lambda: one(site, "/files/x")[0] == 503, "the limit is reached")
        for _ in range(100):
            status, fields, body = one(site, "/files/x")
            if status == 200:
                break  # The first of those who hold were cut.
            assert (status, fields["Retry-After"], fields["Connection"]) == (503, "2", "close")
            assert len(body) == int(fields["Content-Length"]) > 0
        for holder in holders:
            holder.close()
        wait_for(lambda: served(site), "a place is free")


def test_used_up_descriptors_are_survived(site):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    site.start(prepare=few)
    assert served(site)
    many = []
    for _ in range(150):
        connection = raw(site)
        connection.sendall(b"GET /files/x HTTP/1.1\r\n")
        many.append(connection)
    assert site.process.poll() is None
    for connection in many:
        connection.close()
    wait_for(lambda: served(site), "it serves again", 20)
    assert site.stop() == 0


def test_a_stop_lets_a_download_end(site):
    big = put(site, "big", 30_000_000)
    site.start()
    connection = connect(site)
    connection.request("GET", "/files/big")
    answer = connection.getresponse()
    site.process.send_signal(signal.SIGTERM)
    assert answer.read() == big
    connection.close()
    assert site.stop() == 0


def test_a_reload_cuts_no_download(site):
    big = put(site, "big", 30_000_000)
    with site:
        connection = connect(site)
        connection.request("GET", "/files/big")
        answer = connection.getresponse()
        site.config.write_text(site.config.read_text().replace("connections = 20", "connections = 1"))
        site.reload()
        wait_for(lambda: one(site, "/files/x")[0] == 503, "the lower limit is in force")
        assert answer.read() == big
        connection.close()


def test_a_port_in_use_is_named(site):
    with socket.create_server((site.address, site.http_port)):
        done = site.run("serve", timeout=20)
    assert done.returncode != 0
    assert str(site.http_port) in done.stderr and site.address in done.stderr


def test_curl_goes_on_where_it_stopped(site):
    with site:
        target = site.folder / "got"
        target.write_bytes(site.x[:1234])
        subprocess.run(["curl", "-sSf", "-C", "-", "-o", target, f"{site.http}/files/x"], check=True)
        assert target.read_bytes() == site.x


def test_an_idle_agent_is_small(site):
    with site:
        assert served(site)
        # Its own; the pages of the program itself are several times as many in a debug build. All that
        # is resident of the release is measured by scripts/bench.
        assert memory(site, "RssAnon") < 6 << 10
