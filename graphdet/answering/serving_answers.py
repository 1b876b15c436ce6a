"""A watch's state → /score, /healthz and /metrics over HTTP, from a process of its own, so that a look at work makes nobody wait.

On this machine a request must name it as its host, since a page of another site could make a browser ask here (DNS rebinding). Scores
are personal data: beyond this machine they ask for a token, which GRAPHDET_TOKEN holds; figures and health are none and ask for nothing.
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import json
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdet.answering.questions import Scores
from graphdet.answering.score_file import NAME
from graphdet.answering.watch_figures import health, metrics
from graphdet.early_stop import STOPS
from graphdet.errors import AlertError, NoScores
from graphdet.extras import need
from graphdet.listening_socket import listening_socket
from graphdet.schema import USER
from graphdet.schema.wording import LANGUAGES

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

TOKEN = "GRAPHDET_TOKEN"  # noqa: S105
MOST_BODY = 64 * 1024
ENDING = 5.0  # seconds that the process is given to end
LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Door:
    """Where answers are given: host and port, as they were bound."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def address(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@contextlib.contextmanager
def answering(state: Path, place: str = "127.0.0.1:0") -> Iterator[Door]:
    """Answer for as long as the block lasts, from another process.

    Args:
        state: the watch's folder; what is not there yet is told as such.
        place: address and port to listen at, such as 127.0.0.1:8766; port 0 takes a free one.

    Raises:
        AlertError: nobody can listen there.
        MissingExtra: a package that this needs is not installed.
    """
    need("watch", "answering")
    host, port = _place(place)
    with contextlib.closing(_listen(host, port)) as listener:
        door = Door(host, listener.getsockname()[1])
        context = multiprocessing.get_context("spawn")
        until, end = context.Pipe(duplex=False)
        arguments = (state, door, listener, os.environ.get(TOKEN, ""), until)
        process = context.Process(target=serve_answers, args=arguments, daemon=True, name="answers")
        process.start()
        until.close()
        try:
            yield door
        finally:
            end.close()  # no signal, at which a program says that it was stopped
            process.join(ENDING)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _place(told: str) -> tuple[str, int]:
    host, _, port = told.rpartition(":")
    host = {"localhost": "127.0.0.1"}.get(host, host.strip("[]"))
    try:
        number = int(port) if port.isdecimal() else -1
        if not 0 <= number <= 65535:
            raise ValueError
        ipaddress.ip_address(host)
    except ValueError:
        raise AlertError(
            f"'{told}' is no place to listen at; give an address of this machine and a port, such as 127.0.0.1:8766."
        ) from None
    return host, number


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise AlertError(f"cannot listen at {host}, port {port} ({error.strerror}); name another place.") from None


def serve_answers(state: Path, door: Door, listener: socket.socket, token: str, until: Connection) -> None:
    """Serve until the other end of a pipe is closed, by whoever began this process or since they are gone."""
    import uvicorn

    for name in STOPS:  # whoever began this process says that it was stopped; uvicorn raises what it heard once more
        signal.signal(signal.Signals[name], signal.SIG_DFL)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # what strangers send fills nobody's terminal
    config = uvicorn.Config(
        make_app(state, door, token), log_config=None, access_log=False, lifespan="off", server_header=False, timeout_keep_alive=15,
        limit_concurrency=200, proxy_headers=False, h11_max_incomplete_event_size=32 * 1024,
    )  # fmt: skip
    server = uvicorn.Server(config)

    def follow() -> None:
        wait([until])
        server.should_exit = True

    threading.Thread(target=follow, daemon=True).start()
    server.run(sockets=[listener])


def make_app(state: Path, door: Door, token: str) -> Starlette:
    """The three addresses; all else is 404."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def refused(request: Request, *, personal: bool) -> Response | None:
        host = request.headers.get("host", "").lower()
        if door.is_local and host not in {f"{name}:{door.port}" for name in LOCAL}:
            return _answer(421, {"error": "this is another host"})
        if personal and not token and not door.is_local:
            return _answer(403, {"error": f"beyond its own machine graphdet tells scores only where {TOKEN} is set"})
        if personal and token and not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
            return _answer(401, {"error": "the token is missing or wrong"}, {"www-authenticate": "Bearer"})
        return None

    def healthy(request: Request) -> Response:
        well, told = health(state)
        return refused(request, personal=False) or _answer(200 if well else 503, told)

    def figures(request: Request) -> Response:
        kept = refused(request, personal=False)
        return kept or PlainTextResponse(metrics(state), headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

    opened: list[Scores] = []

    async def score(request: Request) -> Response:
        kept = refused(request, personal=True)
        if kept is not None:
            return kept
        try:
            if not opened:
                opened.append(Scores(state / NAME))
            return _answer(200, await _asked(request, opened[0]))
        except _Unreadable as error:
            return _answer(error.status, {"error": str(error)})
        except AlertError as error:
            return _answer(503 if isinstance(error, NoScores) else 400, {"error": str(error)})

    return Starlette(
        routes=[
            Route("/healthz", healthy, methods=["GET"]),
            Route("/metrics", figures, methods=["GET"]),
            Route("/score", score, methods=["GET", "POST"]),
        ]
    )


class _Unreadable(Exception):
    """A request that cannot be read, and the status that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def _asked(request: Request, scores: Scores) -> dict[str, Any]:
    language = request.query_params.get("lang", "en")
    if language not in LANGUAGES:
        raise _Unreadable(400, f"lang is one of {', '.join(LANGUAGES)}")
    if request.method == "GET":
        if "id" not in request.query_params:
            raise _Unreadable(400, "name a node: /score?id=ID, with type=TYPE where it is no user")
        return scores.node(request.query_params.get("type", USER), request.query_params["id"], language)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _Unreadable(415, "an event comes as application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise _Unreadable(413, f"an event of more than {MOST_BODY} bytes")
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise _Unreadable(400, "that is no JSON") from None
    if not isinstance(event, dict):
        raise _Unreadable(400, "an event is a JSON object")
    return scores.event(event, language)


def _answer(status: int, told: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    from starlette.responses import Response

    body = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    kept = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(body, status, {**kept, **(headers or {})})
