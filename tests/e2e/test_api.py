"""The API as a program on another host uses it: TLS, tokens, roles, entity tags, events as they come."""

import http.client
import socket
import ssl
import subprocess
import urllib.request

import pytest

from hearthtest.agent import free_port
from hearthtest.api import Api
from hearthtest.declared import RESCUE
from hearthtest.wait import wait_for

MAC = "52:54:00:00:00:01"


@pytest.fixture
def site(agent):
    port = free_port()
    made = agent(RESCUE + f'\n[api]\naddresses = ["127.0.0.1"]\nport = {port}\n').start()
    made.api_port = port
    return made


def token(site, role, name=None, *more):
    done = site.run("token", "create", name or role, "--role", role, *more)
    assert done.returncode == 0, done.stderr
    return Api(site, site.api_port, done.stdout.strip())


def boot(site, mac=MAC):
    """A machine asks what to do."""
    url = f"{site.http}/script?mac={mac}&platform=efi&buildarch=x86_64&manufacturer=IBM"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_a_program_may_what_its_token_says(site):
    boot(site)
    nobody = Api(site, site.api_port)
    assert nobody.get("/healthz") == {"status": "alive"}
    assert nobody.get("openapi.json")["openapi"] == "3.1.0"
    status, headers, problem = nobody.ask("GET", "machines")
    assert (status, problem["status"]) == (401, 401) and "token" in problem["detail"]
    assert headers["www-authenticate"].startswith("Bearer")

    reader, operator, admin = (token(site, role) for role in ("read", "operate", "admin"))
    assert [one["label"] for one in reader.get("machines")["machines"]] == [MAC]
    assert "hearth_machines" in reader.get("/metrics")
    hold = {"action": "hold"}
    status, _, problem = reader.ask("POST", f"machines/{MAC}/actions", hold)
    assert status == 403 and "operate" in problem["detail"], problem
    assert operator.ask("POST", f"machines/{MAC}/actions", hold)[0] == 200
    assert operator.ask("GET", "audit")[0] == 403
    who = [entry["who"] for entry in admin.get("audit")["audit"]]
    assert who[0] == "operate" and who[1:] == ["root"] * 3, "three tokens, then the action"
    shown = site.run("audit").stdout
    assert "create-token" in shown and "hold" in shown and MAC in shown


def test_tokens_are_shown_once_and_end(site):
    reader = token(site, "read", "monitor", "--expires", "1h")
    assert reader.token.startswith("hearth_")
    assert reader.ask("GET", "status")[0] == 200
    listed = site.run("token", "list").stdout
    assert "monitor" in listed and "read" in listed
    everywhere = [site.log(), listed, site.run("audit", "--json").stdout]
    everywhere += [path.read_bytes().decode("latin-1") for path in site.state.iterdir()]
    assert not any(reader.token in text for text in everywhere)
    # It outlives the agent, and not its end.
    site.stop()
    site.start()
    assert reader.ask("GET", "status")[0] == 200
    assert site.run("token", "revoke", "monitor").returncode == 0
    assert reader.ask("GET", "status")[0] == 401
    assert "not valid" in site.log()
    again = site.run("token", "revoke", "monitor")
    assert again.returncode == 65 and "monitor" in again.stderr


def test_without_addresses_nothing_listens_and_a_reload_opens_and_closes(agent):
    port = free_port()
    site = agent(RESCUE).start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    plain = site.config.read_text()
    site.config.write_text(f'{plain}\n[api]\naddresses = ["127.0.0.1"]\nport = {port}\n')
    site.reload()
    wait_for(lambda: "the API answers" in site.log(), "the API is open")
    site.api_port = port
    reader = token(site, "read")
    assert reader.ask("GET", "status")[0] == 200
    site.config.write_text(plain)
    site.reload()

    def is_closed():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it came between the last accept and the close
        return False
    wait_for(is_closed, "the API is closed")


def test_its_own_certificate_stays_and_another_is_taken_up_by_a_reload(site):
    own = (site.state / "api.pem").read_bytes()
    assert (site.state / "api.key").stat().st_mode & 0o777 == 0o600
    site.stop()
    site.start()
    assert (site.state / "api.pem").read_bytes() == own

    def served():
        return ssl.get_server_certificate(("127.0.0.1", site.api_port))
    assert served().strip() in own.decode()

    files = [site.folder / "mine.pem", site.folder / "mine.key"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=firewall.example", "-out", files[0], "-keyout", files[1]],
                   check=True, capture_output=True)
    before = site.config.read_text()
    site.config.write_text(before.replace(
        "[api]", f'[api]\ncertificate = "{files[0]}"\nkey = "{files[0]}"'))
    site.reload()
    # A line of the log is there word by word.
    wait_for(lambda: "api.key" in site.log(), "a key that is none is refused and named")
    assert "reload refused" in site.log() and served().strip() in own.decode()
    site.config.write_text(before.replace(
        "[api]", f'[api]\ncertificate = "{files[0]}"\nkey = "{files[1]}"'))
    site.reload()
    wait_for(lambda: served().strip() == files[0].read_text().strip(), "the new one is served")


def test_whoever_speaks_no_tls_or_nothing_holds_nobody_up(site):
    reader = token(site, "read")
    # More than there are seats and handshakes.
    silent = [socket.create_connection(("127.0.0.1", site.api_port)) for _ in range(150)]
    plain = socket.create_connection(("127.0.0.1", site.api_port))
    plain.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reader.ask("GET", "status")[0] == 200
    plain.settimeout(10)
    assert b"HTTP" not in plain.recv(1000)
    for one in (*silent, plain):
        one.close()


def test_overrides_are_put_again_and_lost_updates_are_refused(site):
    boot(site)
    operator = token(site, "operate")
    path = f"machines/{MAC}/overrides"
    _, headers, overrides = operator.ask("GET", path)
    assert overrides["profile"] is None
    tag = headers["etag"]
    assert operator.ask("GET", path, headers={"If-None-Match": tag})[0] == 304
    mine = {"name": "oden", "profile": "rescue", "tags": ["rack-1"], "notes": "n"}
    assert operator.ask("PUT", path, mine, {"If-Match": tag})[0] == 200
    status, _, problem = operator.ask("PUT", path, {}, {"If-Match": tag})
    assert status == 412 and "changed" in problem["detail"]
    assert operator.ask("PUT", path, mine)[0] == 200
    machine = operator.get("machines/oden")
    assert (machine["phase"], machine["wishes"]["tags"]) == ("ready", ["rack-1"])
    assert operator.get("machines?tag=rack-1&sort=-last_seen")["machines"][0]["label"] == "oden"


def test_events_are_followed_and_go_on_after_a_cut(site):
    reader = token(site, "read")
    events = reader.follow()
    boot(site)
    seen = [events.next()]
    while seen[-1][1] != "script":
        seen.append(events.next())
    assert MAC in seen[-1][2]["text"]
    last = seen[-1][0]
    events.close()
    # What happens while nobody listens, over a restart, comes first; then what happens now.
    boot(site, "52:54:00:00:00:02")
    site.stop()
    site.start()
    boot(site, "52:54:00:00:00:03")
    again = reader.follow(last)
    missed = [again.next()]
    while "00:00:03" not in missed[-1][2]["text"]:
        missed.append(again.next())
    boot(site, "52:54:00:00:00:04")
    missed.append(again.next())
    while missed[-1][1] != "script":
        missed.append(again.next())
    numbers = [number for number, _, _ in missed]
    assert numbers == list(range(last + 1, last + 1 + len(numbers))), "each once, in order"
    assert any("00:00:02" in data["text"] for _, _, data in missed)
    assert "00:00:04" in missed[-1][2]["text"]
    again.close()
    only = reader.follow(0, "events?kind=script")
    assert [only.next()[1] for _ in range(3)] == ["script"] * 3
    only.close()


def test_who_has_seen_more_than_there_is_is_told_what_comes(site):
    """Its numbers are those of a database that is no more."""
    boot(site)
    reader = token(site, "read")
    for path, last in (("events?kind=script", 10**9), (f"events?kind=script&after={10**9}", None)):
        events = reader.follow(last, path)
        boot(site, "52:54:00:00:00:02")
        assert "00:00:02" in events.next()[2]["text"]
        events.close()


def test_a_token_that_is_revoked_ends_what_it_follows(site):
    reader = token(site, "read")
    events = reader.follow()
    boot(site)
    events.next()
    assert site.run("token", "revoke", "read").returncode == 0
    boot(site, "52:54:00:00:00:02")
    with pytest.raises((AssertionError, http.client.HTTPException)):
        while True:
            assert "00:00:02" not in events.next()[2]["text"]
    events.close()


def test_who_follows_does_not_hold_up_a_stop_and_there_are_only_so_many(site):
    reader = token(site, "read")
    streams = [reader.follow() for _ in range(16)]
    status, headers, _ = reader.ask("GET", "events", headers={"Accept": "text/event-stream"})
    assert status == 503 and headers["retry-after"]
    streams.pop().close()

    def has_room():
        try:
            streams.append(reader.follow())
        except AssertionError:
            return False
        return True
    # The agent notices a closed connection when it next writes, or at once if it is told.
    wait_for(has_room, "a place is free again", 20)
    assert site.stop() == 0
    for one in streams:
        one.close()


def test_the_socket_needs_no_token_and_names_the_user(site):
    boot(site)
    assert site.ask("POST", f"machines/{MAC}/actions", {"action": "hold"})[0] == 200
    audit = site.run("audit", "--json").stdout
    assert '"who": "root"' in audit
    behalf = {"Hearth-For": "alice"}
    assert site.ask("POST", f"machines/{MAC}/actions", {"action": "release"}, behalf)[0] == 200
    assert site.ask("GET", "audit")[2]["audit"][0]["who"] == "alice by root"


def test_a_token_speaks_for_itself_alone(site):
    boot(site)
    operator = token(site, "operate", "robot")
    hold = {"action": "hold"}
    assert operator.ask("POST", f"machines/{MAC}/actions", hold, {"Hearth-For": "alice"})[0] == 200
    assert site.ask("GET", "audit")[2]["audit"][0]["who"] == "robot"
