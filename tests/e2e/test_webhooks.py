"""Webhooks: events as signed requests to a real server of somebody's."""

import hashlib
import hmac
import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hearthtest.wait import wait_for

MAC = "52:54:00:00:00:{:02x}"
SECRET = "a-long-secret"
CONFIG = """
[observe]
enabled = false
[[image]]
name = "net"
recipe = "netboot.xyz"
[[profile]]
name = "rescue"
image = "net"
[[webhook]]
name = "chat"
url = "http://127.0.0.1:%d/hook"
secret = "a-long-secret"
"""


class Receiver:
    """Takes requests; `answers` are the statuses of the next ones, then 200."""

    def __init__(self):
        self.taken, self.refused, self.answers, self.silent = [], 0, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 0:
                    receiver.silent.wait(60)
                    return
                if status == 200:
                    receiver.taken.append((dict(self.headers), body))
                else:
                    receiver.refused += 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def texts(self):
        return [json.loads(body)["text"] for _, body in self.taken]

    def close(self):
        self.silent.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def boot(site, number=1):
    url = f"{site.http}/script?mac={MAC.format(number)}&platform=efi&buildarch=x86_64"
    return urllib.request.urlopen(url, timeout=10).read().decode()


def assign(site, number=1):
    """A phase that changes: what a webhook hears of by default."""
    boot(site, number)
    assert site.run("machine", "assign", MAC.format(number), "rescue").returncode == 0


def test_an_event_is_sent_once_and_signed(agent, receiver):
    site = agent(CONFIG % receiver.port).start()
    assign(site)
    wait_for(lambda: receiver.taken, "the event came")
    headers, body = receiver.taken[0]
    event = json.loads(body)
    assert (event["kind"], event["to"], event["label"]) == ("phase", "ready", MAC.format(1))
    assert headers["hearth-event"] == "phase"
    assert headers["hearth-delivery"] == str(event["seq"])
    stamp, signed = headers["hearth-signature"].split(",")
    seconds = stamp.removeprefix("t=")
    wanted = hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert signed == f"v1={wanted}" and abs(int(seconds) - time.time()) < 60
    assert site.status()["webhooks"] == [
        {"name": "chat", "sent": 1, "left_out": 0, "trouble": None}]
    assert SECRET not in site.log() + json.dumps(site.status())


def test_a_receiver_that_fails_is_tried_again_in_order_and_holds_up_no_boot(agent, receiver):
    site = agent(CONFIG % receiver.port).start()
    receiver.answers = [500, 503, 200]
    assign(site, 1)
    began = time.monotonic()
    assign(site, 2)
    assert time.monotonic() - began < 5
    wait_for(lambda: len(receiver.taken) == 2, "both came", 20)
    assert receiver.refused == 2
    machines = [json.loads(body)["label"] for _, body in receiver.taken]
    assert machines == [MAC.format(1), MAC.format(2)]
    log = site.log()
    assert "webhook chat: it answered 500; it is tried again" in log
    assert "webhook chat takes events again" in log


def test_a_receiver_that_says_no_is_not_asked_again(agent, receiver):
    site = agent(CONFIG % receiver.port).start()
    receiver.answers = [404]
    assign(site, 1)
    assign(site, 2)
    wait_for(lambda: receiver.taken, "the second came")
    assert json.loads(receiver.taken[0][1])["label"] == MAC.format(2)
    assert (receiver.refused, site.status()["webhooks"][0]["left_out"]) == (1, 1)


def test_a_silent_receiver_holds_up_neither_boots_nor_the_stop(agent, receiver):
    site = agent(CONFIG % receiver.port).start()
    receiver.answers = [0]
    assign(site, 1)
    wait_for(lambda: not receiver.answers, "it was asked")
    began = time.monotonic()
    for number in range(2, 20):
        boot(site, number)
    assert site.stop() == 0
    assert time.monotonic() - began < 5


def test_a_reload_adds_and_ends_webhooks(agent, receiver):
    site = agent(CONFIG % receiver.port).start()
    text = site.config.read_text()
    site.config.write_text(text.replace("[[webhook]]", "[[webhook]]\nevents = [\"action\"]"))
    site.reload()
    wait_for(lambda: "is in force" in site.log(), "the reload")
    assign(site)
    wait_for(lambda: receiver.taken, "the event came")
    kinds = [json.loads(body)["kind"] for _, body in receiver.taken]
    assert kinds == ["action"]
    site.config.write_text(text[:text.index("[[webhook]]")])
    site.reload()
    wait_for(lambda: site.log().count("is in force") == 2, "the second reload")
    assert site.status()["webhooks"] == []


def test_what_was_missed_while_it_was_away_comes_from_the_database(agent, receiver):
    every = CONFIG.replace("[[webhook]]", '[[webhook]]\nevents = ["script"]')
    site = agent(every % receiver.port).start()
    receiver.answers = [500, 500]
    # More than are kept for one that listens.
    for number in range(1200):
        boot(site, number % 200)
    wait_for(lambda: len(receiver.taken) == 1200, lambda: f"{len(receiver.taken)} came", 60)
    numbers = [int(headers["hearth-delivery"]) for headers, _ in receiver.taken]
    assert numbers == sorted(set(numbers)), "each once, in order"
