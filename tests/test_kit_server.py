"""The kit's server: its own files, to pages of this machine and to the Browser that was named, and to nobody else."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdet.store import kit
from graphdet.store.kit import kit_server

pytestmark = pytest.mark.server

ODD_ORIGINS = [
    "http://[",
    "http://[::1",
    "http://]",
    "",
    "file://",
    "localhost:7474",
    "http://evil.example\\@localhost",
    "\u00fc",
    "http:///",
]
ODD_PATHS = [
    "/..%2fsecret.txt", "/%2e%2e%5csecret.txt", "/inner%2f..%2fguide.html", "/./guide.html", "/guide.html/", "/guide.html;x",
    "/guide.html%0d%0aX:y", "/guide.html%2500", "/%ff%fe", "/%c0%ae%c0%ae/secret.txt", "ftp://localhost/guide.html", "/" + "a" * 5000,
    "/guide.html%20", "/.guide.html", "guide.html.", "/GUIDE.HTML", "/%E2%80%AEguide.html",
]  # fmt: skip


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    folder = tmp_path / "kit"
    folder.mkdir()
    (folder / "guide.html").write_text("guide", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.html").symlink_to(tmp_path / "secret.txt")
    (folder / "inner").mkdir()
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    monkeypatch.setattr(kit._KitHandler, "timeout", 0.5)
    monkeypatch.setattr(kit._KitHandler, "most_seconds", 2.0)
    server = kit_server(folder, 0, "http://db.example:7474/browser/")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port: int, path: str = "/guide.html", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        return answer


@pytest.mark.parametrize("origin", ["http://localhost:7474", "http://127.0.0.1:9", "http://db.example:7474", None])
def test_pages_of_this_machine_and_of_the_named_browser_are_answered(port: int, origin: str | None) -> None:
    answer = ask(port, **({"Origin": origin} if origin else {}))
    assert (answer.status, answer.text) == (200, "guide")  # type: ignore[attr-defined]
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    if origin:
        assert ask(port, method="OPTIONS", Origin=origin).status == 204


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost.evil.example", "http://localhost:80@evil.example", *ODD_ORIGINS]
)
def test_other_pages_get_nothing(port: int, origin: str) -> None:
    for method in ("GET", "OPTIONS", "HEAD"):
        answer = ask(port, method=method, Origin=origin)
        assert answer.status == 403
        assert answer.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7475", "localhost.evil.example", "", "127.0.0.1.evil.example"])
def test_a_name_that_others_can_give_away_is_refused(port: int, host: str) -> None:
    assert ask(port, Host=host).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/link.html",
        "/away/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/guide.html%00",
        "/%00",
        "/",
        "/inner",
        "/pipe",
        "/a\\b",
        *ODD_PATHS,
    ],
)
def test_only_the_kits_own_files_are_served(port: int, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(port, path).status == 404
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        idle.sendall(b"GET /guide.html HTTP/1.1\r\n")
        assert idle.recv(10) == b""  # closed from the other side, not after our own time is up


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH", "PROPFIND", "get", "X" * 300])
def test_other_methods_do_nothing(port: int, method: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(port, method=method).status in (400, 501)
    assert "Traceback" not in "".join(capfd.readouterr())


def said(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that comes back to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        answer = b""
        with contextlib.suppress(OSError):
            while got := connection.recv(4096):
                answer += got
        return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /guide.html HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /guide.html HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /guide.html HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /guide.html HTTP/1.1\r\n\r\n",
        b"GET /guide.html\r\n",
        b"GET /guide.html HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /guide.html HTTP/x\r\n\r\n",
        b"\x00\xff\xfe" * 50 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"\r\n\r\n",
    ],
)
def test_requests_that_are_none_get_no_file_and_leave_no_trace(port: int, request_bytes: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    answer = said(port, request_bytes)
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert not answer.endswith(b"guide")
    assert "Traceback" not in "".join(capfd.readouterr())
    assert ask(port).status == 200


def test_a_part_of_a_file_is_the_whole(port: int) -> None:
    for wanted in ("bytes=0-0", "bytes=999999999999-", "bytes=-1,0-1,0-2", "bytes=x"):
        assert ask(port, Range=wanted).text == "guide"  # type: ignore[attr-defined]


def test_who_sends_a_byte_now_and_then_or_breaks_off_is_let_go(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    said(port, b"GET /guide.html HTTP/1.1\r\n", *[b"X: y\r\n"] * 40, pause=0.2)
    assert time.monotonic() - began < 9  # 40 pauses, but for being let go
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as broken:
            broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
            broken.sendall(b"GET /guide.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert ask(port).status == 200
    assert "Traceback" not in "".join(capfd.readouterr())
