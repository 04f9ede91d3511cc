"""Asks the API, also as a program on another host does: over TLS, with a token."""

import http.client
import json
import ssl


def ask_over(connection, method, path, body=None, headers=None):
    """Status, headers and body of an answer, JSON where it is some. A path without `/` is one of the API;
    a body that is text goes as it is. Closes the connection."""
    try:
        body = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        path = path if path.startswith("/") else f"/api/v1/{path}"
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        is_json = "json" in (answer.getheader("content-type") or "")
        return answer.status, answer.headers, json.loads(text) if is_json and text else text
    finally:
        connection.close()


class Api:
    """The API of an agent whose configuration has `[api]` at 127.0.0.1 and this port."""

    def __init__(self, agent, port, token=None):
        self.agent, self.port, self.token = agent, port, token

    def connect(self):
        # Its own certificate, of which whoever asks has a copy.
        context = ssl.create_default_context(cafile=str(self.agent.state / "api.pem"))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)

    def headers(self, more=None):
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**token, **(more or {})}

    def ask(self, method, path, body=None, headers=None):
        """As `ask_over` tells."""
        return ask_over(self.connect(), method, path, body, self.headers(headers))

    def get(self, path):
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def follow(self, last=None, path="events"):
        """The server-sent events as they come: (id, kind, data)."""
        connection = self.connect()
        known = {"Last-Event-ID": str(last)} if last is not None else {}
        headers = self.headers({"Accept": "text/event-stream", **known})
        connection.request("GET", f"/api/v1/{path}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.getheader("content-type") == "text/event-stream"
        return Events(connection, answer)


class Events:
    """A stream of events."""

    def __init__(self, connection, answer):
        self.connection, self.answer = connection, answer

    def next(self):
        """The next one, however long it takes within the connection's time-out."""
        fields = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line and fields:
                return int(fields["id"]), fields["event"], json.loads(fields["data"])
            if ": " in line and not line.startswith(":"):
                key, value = line.split(": ", 1)
                fields[key] = value
            assert line or not self.answer.isclosed(), "the stream ended"

    def close(self):
        self.connection.close()
