"""A home, and where to listen → a console that serves until it is told to end; what would be unsafe is refused before it starts."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from graphdet.console.account_file import AccountsOf
from graphdet.console.app import Console
from graphdet.console.desk import Desk
from graphdet.console.guard import Place
from graphdet.console.punctual import Punctual
from graphdet.errors import ConsoleError
from graphdet.listening_socket import listening_socket

HERE = "127.0.0.1"
IDLE_SECONDS = 15
MOST_CONNECTIONS = 200
NAME = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?")


@dataclass(frozen=True)
class Listening:
    """Where the console listens, and how browsers come there.

    Attributes:
        host: an address of this machine; only its own users reach 127.0.0.1.
        port: 0 = a free one.
        name: how browsers name it, beyond this machine.
        certificate, key: for TLS, in PEM.
        proxy: address of the web server in front, such as https://rings.example.org, which has the TLS; else empty.
    """

    host: str = HERE
    port: int = 8765
    name: str = ""
    certificate: Path | None = None
    key: Path | None = None
    proxy: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def place_of(listening: Listening, port: int, *, with_accounts: bool) -> Place:
    """How browsers name the console.

    Raises:
        ConsoleError: it would be open to others without accounts, or would send passwords in the clear.
    """
    if (listening.certificate is None) != (listening.key is None):
        raise ConsoleError("TLS needs both --tls-certificate and --tls-key.")
    if listening.proxy:
        found = urlsplit(listening.proxy)
        if found.scheme != "https" or not NAME.fullmatch(found.netloc) or found.path.strip("/"):
            raise ConsoleError(f"--behind-proxy is an address such as https://rings.example.org (found {listening.proxy}).")
        place = Place("https", frozenset({found.netloc.lower()}), proxied=True)
    elif listening.is_local and not listening.name:
        hosts = frozenset(f"{name}:{port}" for name in (HERE, "localhost", "[::1]"))
        return Place("https" if listening.certificate else "http", hosts)
    else:
        if not listening.is_local and listening.certificate is None:
            raise ConsoleError(
                "beyond this machine passwords must not go in the clear: give --tls-certificate and --tls-key, or --behind-proxy ADDRESS."
            )
        name = listening.name or listening.host
        if not NAME.fullmatch(name):
            raise ConsoleError(f"--name is how browsers name this machine, such as rings.example.org (found {name}).")
        scheme = "https" if listening.certificate else "http"
        usual = 443 if scheme == "https" else 80
        place = Place(scheme, frozenset({name.lower() if port == usual or ":" in name else f"{name.lower()}:{port}"}))
    if not with_accounts:
        raise ConsoleError("beyond this machine the console asks who is there: make accounts first, with `graphdet account add`.")
    return place


def serve(home: Path, author: str, listening: Listening, told: Callable[[str], None], watch: Path | None = None) -> None:
    """Serve until the process is told to end.

    Args:
        home: the folder with the casebook.
        author: who decides here, where there are no accounts.
        told: is told where the console is, in lines for people.
        watch: the state of a watch whose alerts are to be seen, too.

    Raises:
        ConsoleError: where it would listen is taken, is not this machine's, or would be unsafe.
        GraphdetError: the casebook or its latest run cannot be opened.
    """
    desk, accounts = Desk(home, author, watch), AccountsOf(home)
    with_accounts = bool(accounts())
    with _listen(listening) as listener:
        place = place_of(listening, listener.getsockname()[1], with_accounts=with_accounts)
        console = Console(desk, place, accounts if with_accounts else None, lambda link: told(f"for one more browser: {link}"))
        told(f"open {console.link()}")
        desk.warm()
        config = uvicorn.Config(
            console.app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_keep_alive=IDLE_SECONDS,
            limit_concurrency=MOST_CONNECTIONS, ssl_certfile=listening.certificate, ssl_keyfile=listening.key, proxy_headers=False,
            h11_max_incomplete_event_size=32 * 1024, http=Punctual, ws="none",
        )  # fmt: skip
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # what strangers send fills nobody's terminal
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            desk.close()


def _listen(listening: Listening) -> socket.socket:
    try:
        return listening_socket(listening.host, listening.port)
    except OSError as error:
        raise ConsoleError(
            f"cannot listen at {listening.host}, port {listening.port} ({error.strerror}); name another --port or --host."
        ) from None
