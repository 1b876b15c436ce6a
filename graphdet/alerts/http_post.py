"""A message → an HTTP receiver, with what a receiver must not do to us kept out: redirects, endless answers, answers that never come.

urllib from the standard library honours proxies and the machine's own certificates. No handler for redirects is installed, so that a
receiver cannot send an alert, with its signature, on to another host.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from graphdet.alerts.sink import Undelivered

MOST_ANSWER = 64 * 1024  # bytes of an answer that are read
MOST_AFTER = 86_400.0  # seconds that a receiver may ask for


@dataclass(frozen=True)
class Answer:
    """What a receiver answered."""

    status: int
    body: bytes
    after: float | None  # seconds, of Retry-After


def check_address(address: str) -> str:
    """Why an address cannot be used, or ''; the address itself is not told, since it may be a secret."""
    try:
        found = urlsplit(address)
        host, _ = found.hostname or "", found.port
    except ValueError:
        return "is no address"
    if not host or not re.fullmatch(r"[\x21-\x7e]+", address) or found.scheme not in ("http", "https"):
        return "is no address such as https://example.org/hook"
    if found.username or found.password:
        return "holds a name or password; leave it out"
    if found.scheme == "http" and not _is_here(host):
        return "is plain http to another machine; use https"
    return ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def post(address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """Send a message and read the answer, all within so many seconds.

    Raises:
        Undelivered: no answer came.
    """
    request = urllib.request.Request(address, data=body, headers=dict(headers), method="POST")  # noqa: S310 - `check_address` saw it
    opened: list[http.client.HTTPConnection] = []
    opener = urllib.request.OpenerDirector()
    proxies: dict[str, str] | None = {} if _is_here(urlsplit(address).hostname or "") else None  # None = as the environment says
    for handler in (urllib.request.ProxyHandler(proxies), _Http(opened), _Https(opened)):
        opener.add_handler(handler)
    begun = time.monotonic()
    try:
        with _closed_after(seconds, opened), opener.open(request, timeout=seconds) as answer:
            found = Answer(answer.status, answer.read(MOST_ANSWER), _after(answer.headers.get("Retry-After")))
    except Exception as error:
        if time.monotonic() - begun >= seconds:
            raise Undelivered("late", seconds=seconds) from None
        raise _undelivered(error) from None
    if time.monotonic() - begun >= seconds:  # what was cut may look like an answer
        raise Undelivered("late", seconds=seconds)
    return found


def accepted(answer: Answer) -> Answer:
    """The answer, if it says that the message was taken.

    Raises:
        Undelivered: it does not.
    """
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise Undelivered("elsewhere", status=answer.status)
    if answer.status == HTTPStatus.GONE:
        raise Undelivered("gone", status=answer.status, gone=True)
    raise Undelivered("answered", status=answer.status, after=answer.after)


class _Http(urllib.request.HTTPHandler):
    """Plain HTTP, whose connections are remembered."""

    def __init__(self, opened: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._opened = opened

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._opened.append(http.client.HTTPConnection(host, **options))
        return self._opened[-1]


class _Https(urllib.request.HTTPSHandler):
    """HTTPS with certificates and host names checked."""

    def __init__(self, opened: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._opened, self._trusted = opened, ssl.create_default_context()

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._opened.append(http.client.HTTPSConnection(host, context=self._trusted, **options))
        return self._opened[-1]


@contextlib.contextmanager
def _closed_after(seconds: float, opened: list[http.client.HTTPConnection]) -> Iterator[None]:
    """A receiver that sends a byte now and then keeps no time-out of a socket; so connections are cut when the time is over."""
    done = threading.Event()

    def cut() -> None:
        wait = seconds
        while not done.wait(wait):
            wait = 0.2  # once more, where a connection is only just being opened
            for one in opened:
                with contextlib.suppress(OSError, AttributeError):  # not open yet, or closed
                    one.sock.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=cut, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _after(told: str | None) -> float | None:
    """Retry-After, seconds or a date, as seconds from now."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return min(float(told), MOST_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), MOST_AFTER)


def _undelivered(error: BaseException) -> Undelivered:
    """What went wrong, without the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Undelivered("untrusted")
    if isinstance(reason, ssl.SSLError):
        return Undelivered("tls")
    if isinstance(reason, TimeoutError):
        return Undelivered("timed_out")
    if isinstance(reason, socket.gaierror):
        return Undelivered("unknown_host")
    if isinstance(reason, ConnectionRefusedError):
        return Undelivered("refused")
    if isinstance(reason, OSError):
        return Undelivered("unconnected", reason=reason.strerror or type(reason).__name__)
    return Undelivered("no_http", error=type(reason).__name__)
