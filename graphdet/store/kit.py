"""A run → a kit for Neo4j Browser: styles, a guide per run and per ring, saved queries, links; and a server on localhost for it.

What Browser accepts was tried with Browser 5.24: it takes images only as data or inline, drops scripts, wants CORS answers to OPTIONS
too, and cuts linked text at '&' and '#'.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
import socket
import sys
import threading
import zipfile
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from graphdet.errors import StoreError
from graphdet.run.folder import Run
from graphdet.schema.wording import Language, numbered
from graphdet.store.guides import Guides, as_text, ring_file
from graphdet.store.queries import SavedQuery, load_queries
from graphdet.store.server import post_connect
from graphdet.store.style import style_sheet
from graphdet.whole import whole_folder, why
from graphdet.words.guide_words import guide_words
from graphdet.words.interface import label

MOST_GUIDES = 100  # rings with a guide of their own, worst first
MARKER = "graphdet-kit"
IDLE_SECONDS = 15
MOST_SECONDS = 60  # of a connection in all: who sends a byte now and then is never idle
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of the kit's files


def write_kit(run: Run, folder: Path, address: str, browser: str, language: Language = "en") -> list[str]:
    """Write the kit of a run; returns lines that say how to use it.

    Args:
        run: its rings get a guide each; without embeddings there is no look-alike query.
        folder: made anew; an earlier kit there is replaced, anything else is left alone.
        address: where the kit will be served, such as http://localhost:7475.
        browser: where Neo4j Browser is, such as http://localhost:7474/browser/.
        language: of guides and of saved queries' names.

    Raises:
        StoreError: the folder holds something else, or cannot be written.
    """
    queries = [query for query in load_queries() if run.has("embeddings") or not query.needs_embeddings]
    rings = [run.ring(ring_id) for ring_id in run.rings.sort_by("rank")["ring_id"].to_pylist()[:MOST_GUIDES]]
    guides = Guides(run, rings, queries, address, language)
    files: dict[str, bytes] = {MARKER: b"", "style.grass": style_sheet().encode(), "queries.zip": _zip(queries, language)}
    files["guide.html"] = guides.of_run().encode()
    for place, ring in enumerate(rings, 1):
        files[ring_file(place)] = guides.of_ring(ring).encode()
    files["links.html"] = _links_page(guides, browser).encode()
    files["server-key.txt"] = (
        f"browser.post_connect_cmd={post_connect(address)}\nbrowser.remote_content_hostname_whitelist=localhost,127.0.0.1\n".encode()
    )
    _write(folder, files)
    guides_there = numbered(len(rings) + 1, "guide", "guides")
    return [
        f"kit written to {folder}: style, {guides_there}, {numbered(len(queries), 'saved query', 'saved queries')}",
        f"  serve it        graphdet kit RUN --serve   (at {address})",
        f"  after log-in    `graphdet db up --kit {address}`, or the lines of {folder / 'server-key.txt'}, let Browser set all of it up:",
        f"                  {browser}",
        "  any server      this link opens the guide, and its buttons set up the rest:",
        f"                  {guide_link(browser, address)}",
        f"  saved queries   drop {folder / 'queries.zip'} on Browser's page",
    ]


def guide_link(browser: str, address: str, page: str = "guide.html") -> str:
    """A link that opens Browser with a guide beside it."""
    return f"{browser}?cmd=guide&arg={quote(f'{address}/{page}', safe='')}"


def query_link(browser: str, text: str) -> str:
    """A link that opens Browser with a query in its editor. Nothing runs until the analyst says so."""
    if "&" in text or "#" in text:
        raise ValueError("Browser cuts linked text at '&' and '#'")
    return f"{browser}?cmd=edit&arg={quote(text, safe='')}"


def serve_kit(folder: Path, port: int, browser: str = "") -> None:
    """Serve a kit on localhost until interrupted, to pages of this machine and to the Browser that is at `browser`."""
    try:
        server = kit_server(folder, port, browser)
    except OSError:
        raise StoreError(f"port {port} is taken; name another with --port, for both `graphdet kit` and `graphdet db up --kit`.") from None
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


class _KitServer(ThreadingHTTPServer):
    """One thread for each connection; whoever breaks one off has done nothing that the terminal must tell of."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def kit_server(folder: Path, port: int, browser: str = "") -> ThreadingHTTPServer:
    """A server of the kit's files, on the loopback address alone; port 0 takes a free one."""
    return _KitServer(("127.0.0.1", port), partial(_KitHandler, directory=str(folder), browser=browser))


class _KitHandler(SimpleHTTPRequestHandler):
    """The kit's own files with the headers that Browser asks for; ids of a log are in them, so other sites' pages get nothing.

    A page of another site can ask by a name of its own that it has made to mean this machine (DNS rebinding), so the Host must be ours.
    """

    timeout = IDLE_SECONDS  # of a connection that says nothing
    most_seconds: float = MOST_SECONDS

    def __init__(self, *told: Any, browser: str, **more: Any) -> None:
        self._browser = _host_of(browser)
        super().__init__(*told, **more)

    def handle(self) -> None:
        end = threading.Timer(self.most_seconds, self._end)
        end.daemon = True
        end.start()
        try:
            super().handle()
        finally:
            end.cancel()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        ours = self.headers.get_all("Host", []) == [host] and _is_here(host)
        if not ours or (origin is not None and not self._is_welcome(origin)):
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        file = Path(self.directory) / self._name()
        if self.command != "OPTIONS" and (not NAME.fullmatch(self._name()) or file.is_symlink() or not file.is_file()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return False
        return True

    def _is_welcome(self, origin: str) -> bool:
        """Whether it is a page of this machine, or the Browser that was named."""
        host = _host_of(origin)
        return _is_here(host) or (host != "" and host == self._browser)

    def _name(self) -> str:
        """What of the kit is asked for: a file that lies in its folder, and none that a link leads to."""
        return unquote(self.path.partition("?")[0]).removeprefix("/")

    def end_headers(self) -> None:
        origin = getattr(self, "headers", {}).get("Origin")
        if origin is not None and self._is_welcome(origin):
            self.send_header("Access-Control-Allow-Origin", origin)
        self.send_header("Vary", "Origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.send_header("Access-Control-Allow-Methods", "GET, OPTIONS")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _host_of(address: str) -> str:
    """Of an address its host, with its port; empty where it is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def _is_here(place: str) -> bool:
    """Whether a host, with its port or without, is this machine by a name that nobody else can give away."""
    return re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", place) is not None


def _links_page(guides: Guides, browser: str) -> str:
    address, language = guides.address, guides.language
    first = next(query for query in guides.queries if query.name == "ring")
    rows = "".join(
        f"<li>{as_text(ring.id)} ({label(ring.row['tier'], language)}, {ring.row['score']:.3f}): "
        f"<a href='{html.escape(guide_link(browser, address, ring_file(place)))}'>{guide_words('link', language)}</a>, "
        f"<a href='{html.escape(query_link(browser, first.filled(ring=ring.id)))}'>{guide_words('picture', language)}</a></li>"
        for place, ring in enumerate(guides.rings, 1)
    )
    guide = html.escape(guide_link(browser, address))
    title = f"graphdet {as_text(guides.run.id)}"
    return (
        f"<!DOCTYPE html><html lang='{language}'><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body style='font-family:sans-serif'>"
        f"<h1>{title}</h1><p><a href='{guide}'>{guide_words('open', language)}</a></p><ol>{rows}</ol></body></html>\n"
    )


def _zip(queries: list[SavedQuery], language: Language) -> bytes:
    """One folder of saved queries; the same queries give the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, query in enumerate(queries, 1):
            archive.writestr(zipfile.ZipInfo(f"graphdet/{place:02d}_{query.name}.cypher"), query.file_text(language))
    return data.getvalue()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
            raise StoreError(f"{folder}: holds something that is no kit; choose another --out.")
        with whole_folder(folder, replace=True) as partial:
            for name, data in files.items():
                (partial / name).write_bytes(data)
    except OSError as error:
        raise StoreError(f"{folder}: the kit cannot be written ({why(error)}); choose another --out.") from None
