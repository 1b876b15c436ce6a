"""The kit's server: its own files, to pages of this machine and to the Browser that was named, and to nobody else."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdet.store import kit
from graphdet.store.kit import kit_server

pytestmark = pytest.mark.server


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
    server = kit_server(folder, 0, "http://db.example:7474/browser/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "http://localhost:80@evil.example"])
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
    ],
)
def test_only_the_kits_own_files_are_served(port: int, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(port, path).status == 404
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        idle.sendall(b"GET /guide.html HTTP/1.1\r\n")
        assert idle.recv(10) == b""  # closed from the other side, not after our own time is up
