"""What tests of alerts share: lines made by hand, and an HTTP receiver that behaves as it is told."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from graphdet.alert_settings import AlertSettings
from graphdet.lineage.line import Known, Line
from graphdet.lineage.sighting import Member, Sighting
from graphdet.store.machine import free_port

HOUR = 3_600_000_000
NOW = 1_760_000_000_000_000
FAILURES = ("gone", "refuses", "never says so")


def line(name: str, tier: str = "alert", size: int = 10, money: float | None = 100.0, *, seen: int = NOW, **more: Any) -> Line:
    """A line whose members are the first so many users of the same name, or those that are told."""
    users: Sequence[str] = more.pop("users", [f"{name}-u{number}" for number in range(size)])
    members = {user: Member(1 / len(users), NOW) for user in users}
    ring = Sighting(f"ring-{name}", tier, members, NOW - HOUR, NOW, money, money)
    return Line(f"line-{name}", NOW, seen, ring, {user: Known(one.weight, seen) for user, one in members.items()}, **more)


def by_name(*lines: Line) -> dict[str, Line]:
    return {one.name: one for one in lines}


@dataclass
class Message:
    """What a receiver was sent, its headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    time: float


@dataclass
class Receiver:
    """A server on this machine; `answers` are given in turn, the last one for ever: (status, headers, body)."""

    answers: list[tuple[int, Mapping[str, str], bytes]]
    messages: list[Message] = field(default_factory=list)
    address: str = ""
    before: Callable[[], None] = lambda: None
    drip: bool = False


@contextmanager
def receiving(*answers: tuple[int, Mapping[str, str], bytes], tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(list(answers) or [(200, {}, b"")])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.messages.append(Message(self.path, headers, body, time.time()))
            receiver.before()
            status, told, answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            try:
                if receiver.drip:  # a byte now and then, for ever
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    for _ in range(200):
                        self.wfile.write(b"x")
                        self.wfile.flush()
                        time.sleep(0.05)
                    return
                self.send_response(status)
                for name, value in told.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:  # the sender went away
                pass

        def log_message(self, *_: object) -> None:
            """In silence."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    receiver.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class FailingReceiver:
    """A receiver that is gone, refuses, or never says that it has it; what it was sent is kept."""

    def __init__(self) -> None:
        self.port = free_port(0)
        self.met: list[Receiver] = []
        self._open = ExitStack()
        self.mend()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def fail(self, how: str) -> None:
        """In one of `FAILURES`."""
        if how == "gone":
            self._open.close()
        elif how == "refuses":
            self.met[-1].answers = [(503, {}, b"")]
        else:
            self.met[-1].drip = True

    def mend(self) -> None:
        """It takes everything again."""
        self._open.close()
        self.met.append(self._open.enter_context(receiving(port=self.port)))

    def keys(self) -> dict[str, set[bytes]]:
        """Of each alert that came, what it said."""
        found: dict[str, set[bytes]] = {}
        for message in (message for receiver in self.met for message in receiver.messages):
            found.setdefault(message.headers["webhook-id"], set()).add(message.body)
        return found

    def close(self) -> None:
        self._open.close()


def alert_settings(sinks: Mapping[str, Mapping[str, Any]] | None = None, **own: Any) -> AlertSettings:
    return AlertSettings.model_validate_json(json.dumps({"sinks": sinks or {}, **own}))
