"""What every request must be before a screen sees it, and what every answer says to the browser.

A page of another site can make an analyst's browser ask here (forged requests), and can make its own name mean this machine (DNS
rebinding). So the Host must be one that is ours, a change must come from our own page by its Origin, and bodies are small forms. The
session's own token is checked besides, where the form is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM = "application/x-www-form-urlencoded"
MOST_BODY = 256 * 1024  # bytes of a form: 500 pasted ids of 256 characters, twice
MOST_TARGET = 4096  # bytes of a path with its query
METHODS = ("GET", "HEAD", "POST")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # charts set their colours and sizes as styles
        "img-src 'self' data: blob:",
        "font-src data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # not none at all: a form's Origin would be told as null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
A_YEAR = 31_536_000


@dataclass(frozen=True)
class Place:
    """Where the console is, as browsers name it.

    Attributes:
        scheme: http or https.
        hosts: what may stand in a Host header, with the port where it is not the scheme's own.
        proxied: whether a web server of the house hands requests on, and tells whose they are.
    """

    scheme: str
    hosts: frozenset[str]
    proxied: bool = False

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(f"{self.scheme}://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """Name of the session's cookie. Browsers send cookies to all ports of a host: another console there has another name."""
        port = sorted(self.hosts)[0].rpartition(":")[2]
        return f"graphdet-{port}" if port.isdecimal() else "graphdet"


class Guard:
    """The first to see a request and the last to see an answer."""

    def __init__(self, app: ASGIApp, place: Place) -> None:
        self._app, self._place = app, place
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        if place.scheme == "https":
            self._headers.append((b"strict-transport-security", f"max-age={A_YEAR}".encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                kept = [] if b"cache-control" in own else [(b"cache-control", b"no-store")]
                message = {**message, "headers": [*message["headers"], *self._headers, *kept]}
            await send(message)

        if scope["type"] != "http":  # no page of ours opens a socket
            return
        refused = self._refused(scope)
        if refused is not None:
            await _answer(refused, told)
            return
        await self._app(scope, _bounded(receive), told)

    def _refused(self, scope: Scope) -> HTTPStatus | None:
        """Why a request goes no further; None where it may."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._place.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST
        if scope["method"] not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED
        if "content-length" in headers and "transfer-encoding" in headers:  # a web server in front may think that it ends elsewhere
            return HTTPStatus.BAD_REQUEST
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_TARGET:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        return self._refused_change(headers) if scope["method"] == "POST" else None

    def _refused_change(self, headers: Mapping[str, list[str]]) -> HTTPStatus | None:
        origins = headers.get("origin", [])
        if len(origins) != 1 or origins[0].lower() not in self._place.origins:
            return HTTPStatus.FORBIDDEN
        if headers.get("sec-fetch-site", ["same-origin"]) != ["same-origin"]:
            return HTTPStatus.FORBIDDEN
        if [kind.partition(";")[0].strip().lower() for kind in headers.get("content-type", [])] != [FORM]:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        length = headers.get("content-length", [])
        if len(length) > 1 or (length and (not length[0].isdecimal() or int(length[0]) > MOST_BODY)):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None


class TooLarge(Exception):
    """A body went on after its bound, whatever its headers said."""


def _bounded(receive: Receive) -> Receive:
    """The same messages, as long as they are no more than a form can have."""
    left = MOST_BODY

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return bounded


async def _answer(status: HTTPStatus, send: Send) -> None:
    body = f"{status.value} {status.phrase}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
