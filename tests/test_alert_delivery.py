"""Deliveries to real receivers: signed, once they are up again, and never at anybody else's cost."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from alert_parts import NOW, Message, alert_settings, by_name, line, receiving
from commands import Command

import graphdet
from graphdet.alert_settings import AlertSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.alert_lines import as_cef, as_event
from graphdet.alerts.chat import MOST_BYTES, MOST_TOLD, digest
from graphdet.alerts.deliver import Courier, connect, delivering
from graphdet.alerts.kafka_sink import MEANS
from graphdet.alerts.outbox import STATES, list_deliveries, mark, open_outbox, resend
from graphdet.alerts.sinks import make_sinks
from graphdet.alerts.telling import tell
from graphdet.cli.alert_commands import DeliveryState
from graphdet.errors import AlertError, SettingsError
from graphdet.lineage.line import Line
from graphdet.schema import TIERS
from graphdet.schema.wording import named
from graphdet.settings import parse_settings
from graphdet.terminal.watch_screen import Screen, all_told
from graphdet.words.alert_words import ALERT_WORDS
from graphdet.words.failure_words import FAILURES

SECRET, OLD_SECRET = (f"whsec_{base64.b64encode(byte * 24).decode()}" for byte in (b"a", b"b"))
HOSTILE = [
    "<!channel>", '<at user_id="all">x</at>', "@all", "https://evil.example.org/x", "a|b=c\\d", "two\nlines\r\x1b[31m", "*b* _i_ `c`",
    "\u202egnp", "C" * 300,
]  # fmt: skip


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    open_outbox(connection)
    yield connection
    connection.close()


def put(connection: sqlite3.Connection, settings: AlertSettings, *lines: Line) -> tuple[Alert, ...]:
    """A look that sees these."""
    connection.execute("BEGIN IMMEDIATE")
    alerts = tell(connection, by_name(*lines), (), settings, NOW)
    connection.execute("COMMIT")
    return alerts


def place_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def until(done: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def states(connection: sqlite3.Connection, sink: str | None = None) -> list[str]:
    return [one.state for one in list_deliveries(connection, sink=sink)]


def one_step(connection: sqlite3.Connection, settings: AlertSettings, sink: str, *, clock: float = 0.0) -> float:
    """One attempt, now and so many seconds later."""
    courier = Courier(
        place_of(connection), sink, make_sinks(settings, "mine.toml", lambda: None)[sink], settings, lambda: time.time() + clock
    )
    return courier.step(connection)


def webhook(address: str, **own: Any) -> dict[str, Any]:
    return {"kind": "webhook", "address": address, "secrets_from": ["NEW", "OLD"], **own}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", SECRET)
    monkeypatch.setenv("OLD", OLD_SECRET)
    monkeypatch.setenv("BOT", "SEC0123456789")


def signed_by_openssl(message: Message, secret: bytes, signed: bytes | None = None) -> str:
    """The signature by another program than ours."""
    content = (
        signed if signed is not None else f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    )
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.hex()}", "-binary"]
    return base64.b64encode(subprocess.run(command, input=content, capture_output=True, check=True).stdout).decode()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl signs in another way than we do")
def test_a_webhook_is_signed_as_the_standard_says_by_every_secret(outbox: sqlite3.Connection) -> None:
    with receiving() as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)})
        (alert,) = put(outbox, settings, line("a", users=HOSTILE))
        assert one_step(outbox, settings, "hook") == 0.0
    (message,) = receiver.messages
    assert message.headers["webhook-id"] == alert.key
    assert abs(int(message.headers["webhook-timestamp"]) - time.time()) < 60
    assert message.headers["webhook-signature"].split(" ") == [f"v1,{signed_by_openssl(message, byte * 24)}" for byte in (b"a", b"b")]
    document = json.loads(message.body)
    assert (document["type"], document["data"]["key"]) == ("ring.appeared", alert.key)
    assert sorted(document["data"]["members"]) == sorted(HOSTILE)
    assert message.body.isascii()
    assert states(outbox) == ["delivered"]


def test_a_receiver_that_was_down_gets_all_of_it_under_the_same_keys(outbox: sqlite3.Connection) -> None:
    with receiving((500, {}, b""), (503, {}, b"secret words"), (200, {}, b"")) as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)}, retry_seconds=0.02, retry_most_seconds=0.05)
        alerts = put(outbox, settings, line("a"), line("b"), line("c"))
        with delivering(place_of(outbox), settings) as couriers:
            until(lambda: states(outbox) == ["delivered"] * 3)
        assert couriers.outcomes["hook"].failures == 2
    names = [message.headers["webhook-id"] for message in receiver.messages]
    assert sorted(set(names)) == sorted(one.key for one in alerts)
    assert len(names) == 5
    assert len({message.body for message in receiver.messages}) == 3  # a repeat says the same


def test_whoever_dies_after_sending_sends_again_under_the_same_key(outbox: sqlite3.Connection) -> None:
    with receiving() as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)})
        put(outbox, settings, line("a"))
        sink = make_sinks(settings, "", lambda: None)["hook"]

        class Killed(BaseException):
            pass

        class Dying:
            most = 1

            def deliver(self, alerts: Any) -> None:
                sink.deliver(alerts)
                raise Killed

        with pytest.raises(Killed):
            Courier(place_of(outbox), "hook", Dying(), settings).step(outbox)
        assert states(outbox) == ["waiting"]
        one_step(outbox, settings, "hook")
    first, second = receiver.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert states(outbox) == ["delivered"]


def test_a_slow_or_dead_sink_holds_up_no_other(outbox: sqlite3.Connection, tmp_path: Path) -> None:
    held = threading.Event()
    with receiving() as slow, receiving() as quick:
        slow.before = held.wait
        sinks = {
            "slow": webhook(slow.address, timeout_seconds=60),
            "dead": webhook("http://127.0.0.1:1/hook"),
            "quick": webhook(quick.address),
            "file": {"kind": "file", "path": str(tmp_path / "alerts.jsonl")},
        }
        settings = alert_settings(sinks, retry_seconds=5)
        with delivering(place_of(outbox), settings) as couriers:
            for number in range(3):
                put(outbox, settings, *(line(f"{number}-{each}") for each in range(3)))
                couriers.wake()
                until(lambda done=3 * (number + 1): states(outbox, "quick") == states(outbox, "file") == ["delivered"] * done)
            assert states(outbox, "slow") == ["waiting"] * 9
            held.set()
    failures = {one.why for one in list_deliveries(outbox, sink="dead")}
    assert failures == {"the connection was refused", ""}
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 9


def test_what_waits_for_a_sink_that_was_taken_out_is_dead_until_it_is_back(outbox: sqlite3.Connection, tmp_path: Path) -> None:
    file, other = ({"kind": "file", "path": str(tmp_path / name)} for name in ("a.jsonl", "b.jsonl"))
    both, left = alert_settings({"file": file, "other": other}), alert_settings({"file": file})
    put(outbox, both, line("a"))
    with delivering(place_of(outbox), left):
        until(lambda: states(outbox) == ["delivered", "dead"])
    put(outbox, left, line("b"))
    assert [one.why for one in list_deliveries(outbox, ["dead"])] == ["the settings name no such sink any more"]
    resend(outbox, list_deliveries(outbox, ["dead"]))
    with delivering(place_of(outbox), both):
        until(lambda: states(outbox) == ["delivered"] * 3)
    assert (tmp_path / "b.jsonl").read_text().count("\n") == 1


def test_who_ends_sends_all_that_is_due_first(outbox: sqlite3.Connection) -> None:
    with receiving() as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)})
        put(outbox, settings, *(line(f"{number}") for number in range(4)))
        with delivering(place_of(outbox), settings):
            pass
    assert states(outbox) == ["delivered"] * 4


def test_a_digest_that_fails_waits_as_long_as_one_that_is_taken(outbox: sqlite3.Connection) -> None:
    """What a bot counts is what it is sent, whatever it answers."""
    with receiving((500, {}, b"")) as receiver:
        settings = alert_settings({"chat": {"kind": "slack", "address": receiver.address, "every_seconds": 40}}, retry_seconds=0.1)
        put(outbox, settings, line("a"))
        one_step(outbox, settings, "chat")
        assert 35 < one_step(outbox, settings, "chat") <= 40
        assert len(receiver.messages) == 1


def test_retry_after_is_kept_to_and_gone_is_dead_at_once(outbox: sqlite3.Connection) -> None:
    with receiving((429, {"Retry-After": "500"}, b""), (410, {}, b""), (200, {}, b"")) as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)})
        put(outbox, settings, line("a"))
        one_step(outbox, settings, "hook")
        assert 490 < one_step(outbox, settings, "hook") <= 500  # it is not asked meanwhile
        one_step(outbox, settings, "hook", clock=501)
        assert [(one.state, one.attempts, one.why) for one in list_deliveries(outbox)] == [
            ("dead", 2, "answered 410: the receiver is gone")
        ]
        assert resend(outbox, list_deliveries(outbox, ["dead"])) == 1
        one_step(outbox, settings, "hook")
        assert states(outbox) == ["delivered"]
        assert len(receiver.messages) == 3


def test_pauses_double_up_to_a_bound_vary_and_end_in_a_dead_letter(outbox: sqlite3.Connection) -> None:
    settings = alert_settings({"hook": webhook("http://127.0.0.1:1/")}, retry_seconds=10, retry_most_seconds=300, give_up_hours=1)
    put(outbox, settings, line("a"))
    clock, pauses = 0.0, []
    while states(outbox) == ["waiting"]:
        one_step(outbox, settings, "hook", clock=clock)
        pauses.append(one_step(outbox, settings, "hook", clock=clock))
        clock += pauses[-1] + 0.01
    for number, pause in enumerate(pauses):
        assert min(10 * 2**number, 300) / 2 - 1 <= pause <= min(10 * 2**number, 300)
    assert clock > 3600
    assert len({round(pause / min(10 * 2**number, 300), 6) for number, pause in enumerate(pauses)}) > 3


def test_redirects_endless_answers_and_answers_by_drops_end_in_time(outbox: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as other, receiving((302, {"Location": "x"}, b""), (307, {}, b"")) as receiver:
        for turn, status in enumerate((301, 302, 303, 307, 308)):
            receiver.answers = [(status, {"Location": other.address}, b"")]
            settings = alert_settings({"hook": webhook(receiver.address)})
            put(outbox, settings, line(f"r{status}"))
            one_step(outbox, settings, "hook", clock=1000.0 * turn)
        assert other.messages == []
        assert {one.why for one in list_deliveries(outbox)} >= {"answered 301, to go elsewhere, which is not followed"}
        receiver.answers = [(200, {}, b"x" * 3_000_000)]
        one_step(outbox, settings, "hook", clock=6000.0)
        assert "delivered" in states(outbox)
        receiver.drip = True
        drip = alert_settings({"hook": webhook(receiver.address, timeout_seconds=0.3)})
        one_step(outbox, drip, "hook", clock=7000.0)
        assert "no answer within 0.3 seconds" in {one.why for one in list_deliveries(outbox)}


def test_a_certificate_that_nobody_trusts_is_refused(outbox: sqlite3.Connection, tmp_path: Path) -> None:
    import ssl

    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
    ]
    subprocess.run([*command, "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with receiving(tls=context) as receiver:
        settings = alert_settings({"hook": webhook(receiver.address)})
        put(outbox, settings, line("a"))
        one_step(outbox, settings, "hook")
    assert [one.why for one in list_deliveries(outbox)] == ["its certificate is not trusted"]
    assert receiver.messages == []


@pytest.mark.parametrize("kind", ["slack", "feishu", "dingtalk"])
def test_chats_get_one_digest_without_names(outbox: sqlite3.Connection, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"slack": b"ok", "feishu": b'{"code":0}', "dingtalk": b'{"errcode":0,"errmsg":"ok"}'}[kind]
    with receiving((200, {}, answer)) as receiver:
        monkeypatch.setenv("CHAT", f"{receiver.address}?access_token=TOKEN")
        own = {"kind": kind, "address_from": "CHAT", "secrets_from": ["BOT"], "lang": "zh" if kind == "feishu" else "en"}
        settings = alert_settings({"chat": own})
        put(outbox, settings, *(line(f"r{number}", users=[*HOSTILE, f"secret-{number}"]) for number in range(60)))
        one_step(outbox, settings, "chat")
        assert states(outbox) == ["delivered"] * 60
        put(outbox, settings, line("later"))
        assert 55 < one_step(outbox, settings, "chat") <= 60  # one digest a minute
    (message,) = receiver.messages
    text = message.body.decode()
    assert "secret-" not in text
    assert "evil" not in text
    assert len(message.body) < 20_000
    document = json.loads(text)
    shown = json.dumps(document, ensure_ascii=False)
    assert len(set(re.findall(r"ring-r\d+", shown))) == MOST_TOLD
    assert ("40 changes more" in shown) or ("另有 40 项" in shown)
    assert "graphdet" in shown  # a word that bots may ask for
    if kind == "feishu":
        signed = f"{document['timestamp']}\nSEC0123456789".encode()
        assert document["sign"] == signed_by_openssl(message, signed, b"")
    if kind == "dingtalk":
        query = parse_qs(urlsplit(message.path).query)
        assert query["access_token"] == ["TOKEN"]
        assert abs(int(query["timestamp"][0]) / 1000 - message.time) < 60
        assert query["sign"] == [signed_by_openssl(message, b"SEC0123456789", f"{query['timestamp'][0]}\nSEC0123456789".encode())]


@pytest.mark.parametrize(
    ("kind", "answer", "why", "pause"),
    [
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', "answered code 19021", 2),
        ("feishu", b'{"code":11232}', "answered code 11232", 600),
        ("feishu", b'{"StatusCode":0}', "", 0),
        ("dingtalk", b'{"errcode":310000}', "answered code 310000", 2),
        ("dingtalk", b'{"errcode":130101}', "answered code 130101", 600),
        ("dingtalk", b"<html>", "answered something else than such bots do", 2),
        ("dingtalk", b"[" * 60_000, "answered something else than such bots do", 2),
        ("feishu", b"[]", "answered something else than such bots do", 2),
    ],
)
def test_bots_that_answer_200_to_all_are_read(
    outbox: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, kind: str, answer: bytes, why: str, pause: float
) -> None:
    with receiving((200, {}, answer)) as receiver:
        monkeypatch.setenv("CHAT", receiver.address)
        settings = alert_settings({"chat": {"kind": kind, "address_from": "CHAT", "every_seconds": 3}})
        put(outbox, settings, line("a"))
        one_step(outbox, settings, "chat")
        assert [one.why for one in list_deliveries(outbox)] == [why]
        assert states(outbox) == ["waiting" if why else "delivered"]
        assert pause / 2 <= one_step(outbox, settings, "chat") <= max(pause, 3)


def test_names_in_chats_are_text_and_nothing_more(outbox: sqlite3.Connection) -> None:
    settings = alert_settings({"chat": {"kind": "slack", "address": "https://example.org/x", "names": True}})
    (alert,) = put(outbox, settings, line("a", users=HOSTILE))
    from graphdet.alerts.chat import dingtalk_body, feishu_body, slack_body

    title, lines = digest([alert], "en", names=True)
    assert "://" not in "".join(lines)
    assert not any(mark in "".join(lines) for mark in "\n\r\x1b\u202e")
    assert not re.search(r"[<>]", slack_body(title, lines)["text"])
    assert "&lt;!channel&gt;" in slack_body(title, lines)["text"]
    feishu = feishu_body(title, lines, "en", "", 0)
    assert {tag["tag"] for row in feishu["content"]["post"]["en_us"]["content"] for tag in row} == {"text"}
    assert "<at" not in json.dumps(feishu)
    assert dingtalk_body(title, lines)["at"] == {"isAtAll": False}


@pytest.mark.parametrize(("kind", "lang"), [("feishu", "zh"), ("dingtalk", "zh"), ("slack", "en")])
def test_a_digest_with_names_is_as_long_as_a_bot_takes_and_counts_the_rest(outbox: sqlite3.Connection, kind: str, lang: str) -> None:
    """Bots refuse what is longer, for ever; so the message tells fewer rings, the worst, and never half of one."""
    with receiving((200, {}, b'{"code":0,"errcode":0}')) as receiver:
        settings = alert_settings({"chat": {"kind": kind, "address": receiver.address, "names": True, "lang": lang}})
        wide = ["\U0001f600" * 39 + f"{number}" for number in range(9)]
        put(outbox, settings, *(line(f"r{number:02}", money=1000.0 - number, users=["<" * 60, *wide]) for number in range(30)))
        one_step(outbox, settings, "chat")
    (message,) = receiver.messages
    assert MOST_BYTES / 2 < len(message.body) <= MOST_BYTES
    shown = json.dumps(json.loads(message.body), ensure_ascii=False)
    told = sorted(set(re.findall(r"ring-r\d\d", shown)))
    assert told == [f"ring-r{number:02}" for number in range(len(told))]
    assert 0 < len(told) < MOST_TOLD
    assert f"{30 - len(told)} 项" in shown or f"{30 - len(told)} changes more" in shown
    assert states(outbox) == ["delivered"] * 30


def test_cef_is_read_back_by_its_rules(outbox: sqlite3.Connection) -> None:
    (alert,) = put(outbox, AlertSettings(), line("a", users=HOSTILE))
    told = as_cef(alert, names=True)
    assert told.isprintable()
    head = re.split(r"(?<!\\)\|", told, maxsplit=7)
    assert head[:3] == ["CEF:0", "graphdet", "graphdet"]
    assert head[4:7] == ["ring.appeared", "Suspected ring", "8"]
    parts = re.split(r"(?:^| )([A-Za-z0-9]+)=", head[7])[1:]
    fields = {name: re.sub(r"\\([\\=])", r"\1", value) for name, value in zip(parts[::2], parts[1::2], strict=True)}
    assert fields["externalId"] == alert.key
    labels = {fields[f"{name}Label"]: value for name, value in fields.items() if f"{name}Label" in fields}
    assert sorted(json.loads(labels["members"])) == sorted(HOSTILE)
    assert labels["money"] == "100.00"
    assert "members" not in as_cef(alert, names=False)
    assert json.loads(as_event(alert, names=False))["data"]["size"] == len(HOSTILE)


def test_a_file_gets_whole_lines_through_rotation_and_half_lines(outbox: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    settings = alert_settings({"file": {"kind": "file", "path": str(path)}})

    def add(name: str) -> None:
        put(outbox, settings, line(name))
        one_step(outbox, settings, "file")

    add("a")
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "alerts.1")
    add("b")
    with path.open("a") as file:
        file.write('{"type": "ri')  # of one that was killed
    add("c")
    first, half, last = path.read_text().splitlines()
    assert [json.loads(one)["data"]["line"] for one in (first, last)] == ["line-b", "line-c"]
    assert half == '{"type": "ri'
    os.truncate(path, 0)  # as copytruncate does
    add("d")
    assert json.loads(path.read_text())["data"]["line"] == "line-d"
    assert states(outbox) == ["delivered"] * 4


def test_a_full_disk_leaves_no_half_line(outbox: sqlite3.Connection, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        settings = alert_settings({"file": {"kind": "file", "path": str(place / "alerts.jsonl")}})
        put(outbox, settings, line("a", size=3))
        one_step(outbox, settings, "file")
        put(outbox, settings, line("b" * 40, size=900))
        one_step(outbox, settings, "file")
        assert len((place / "alerts.jsonl").read_bytes().splitlines()) == 1
        assert (place / "alerts.jsonl").read_bytes().endswith(b"\n")
        assert ["the disk is full" in one.why for one in list_deliveries(outbox)] == [False, True]
        assert states(outbox) == ["delivered", "waiting"]
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_no_secret_is_told(outbox: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("CHAT", "http://127.0.0.1:1/hook?access_token=VERYSECRET")
    settings = alert_settings(
        {"chat": {"kind": "dingtalk", "address_from": "CHAT", "secrets_from": ["BOT"]}, "hook": webhook("http://127.0.0.1:1/")}
    )
    with caplog.at_level(logging.DEBUG):
        put(outbox, settings, line("a", users=["user-a", "user-b"]))
        for sink in settings.sinks:
            one_step(outbox, settings, sink)
    told = caplog.text + json.dumps([one.why for one in list_deliveries(outbox)])
    assert caplog.text
    assert not re.search("VERYSECRET|SEC0123|whsec|127.0.0.1|user-[ab]", told)
    for variable, value in (("CHAT", "http://example.org/?access_token=VERYSECRET"), ("NEW", "whsec_VERYSECRET"), ("NEW", "")):
        monkeypatch.setenv(variable, value)
        with pytest.raises(AlertError, match=variable) as caught:
            make_sinks(settings, "mine.toml", lambda: None)
        assert "VERYSECRET" not in str(caught.value)
        monkeypatch.setenv("NEW", SECRET)
        monkeypatch.setenv("CHAT", "https://example.org/?access_token=VERYSECRET")


@pytest.mark.parametrize(
    ("sink", "says"),
    [
        ({"kind": "file"}, "needs path"),
        ({"kind": "webhook", "address": "https://example.org"}, "needs secrets_from"),
        ({"kind": "slack"}, "needs one of address and address_from"),
        ({"kind": "slack", "address": "https://a", "address_from": "B"}, "needs one of address and address_from"),
        ({"kind": "file", "path": "x", "topic": "y"}, "a sink of the kind file has no topic"),
        ({"kind": "dingtalk", "address_from": "X", "every_seconds": 1.0}, "20 messages a minute"),
        ({"kind": "file", "path": "x", "changes": ["grown"]}, "changes.0 = 'grown'"),
        ({"kind": "file", "pth": "x"}, "did you mean"),
        ({"kind": "kafka", "topic": "x"}, "needs servers"),
    ],
)
def test_settings_of_sinks_that_mean_nothing_are_refused(sink: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        parse_settings({"alerts": {"sinks": {"mine": sink}}}, "mine.toml")


def test_a_secret_pasted_where_a_name_belongs_is_not_told_in_the_error() -> None:
    wrong: list[dict[str, Any]] = [
        {"secrets_from": ["whsec_VERYSECRET=="]},
        {"secrets_from": "whsec_VERYSECRET"},
        {"secrets_from": ["NEW"], "address_from": "https://x/VERYSECRET", "address": ""},
        {"secrets_from": ["NEW"], "address": ["https://x/VERYSECRET"]},
        {"address": "https://x/VERYSECRET"},
    ]
    for own in wrong:
        with pytest.raises(SettingsError) as caught:
            parse_settings({"alerts": {"sinks": {"mine": {"kind": "webhook", "address": "https://example.org", **own}}}}, "mine.toml")
        assert "VERYSECRET" not in str(caught.value)


def test_a_path_that_is_a_folder_is_said_before_the_watch_begins(tmp_path: Path) -> None:
    settings = alert_settings({"file": {"kind": "file", "path": str(tmp_path)}})
    with pytest.raises(AlertError, match=r"mine.toml: \[alerts.sinks.file\] path: .* is a folder"):
        make_sinks(settings, "mine.toml", lambda: None)


def test_there_is_no_outbox_where_there_is_no_watch(tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="no watch keeps its state here"):
        connect(tmp_path / "watch.sqlite")
    (tmp_path / "watch.sqlite").write_text("this is no database, and long enough not to be one" * 20)
    with pytest.raises(AlertError, match="cannot be opened"):
        connect(tmp_path / "watch.sqlite")


def test_the_commands_list_what_became_of_alerts_and_send_dead_letters_again(
    outbox: sqlite3.Connection, tmp_path: Path, graphdet_command: Command
) -> None:
    settings = alert_settings({"file": {"kind": "file", "path": "x"}, "other": {"kind": "file", "path": "y"}})
    first, _ = put(outbox, settings, line("a"), line("b"))
    assert graphdet_command("alerts", "list", tmp_path / "none").code == 2
    mark(outbox, list_deliveries(outbox, sink="file"), "dead", why="answered 410\x1b[31m")
    shown = graphdet_command("alerts", "list", tmp_path, "--state", "dead")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert shown.out.count("ring-") == 2
    assert "投递失败" in graphdet_command("alerts", "list", tmp_path, "--lang", "zh").out
    told = json.loads(graphdet_command("alerts", "list", tmp_path, "--json", "--sink", "file").out)
    assert [(one["key"], one["state"]) for one in told] == [(one.key, "dead") for one in list_deliveries(outbox, sink="file")]
    assert graphdet_command("alerts", "resend", tmp_path, first.key, "--sink", "other").out == "1 delivery waits to be sent again.\n"
    assert graphdet_command("alerts", "resend", tmp_path).out == "2 deliveries wait to be sent again.\n"
    assert set(states(outbox)) == {"waiting"}
    for wrong in (["resend", tmp_path, "alert-none"], ["resend", tmp_path, "--sink", "fil"], ["list", tmp_path, "--sink", "fil"]):
        done = graphdet_command("alerts", *wrong)
        assert (done.code, len(done.err.splitlines()), done.out) == (2, 1, "")
        assert "--sink" not in wrong or "no sink is called 'fil'; did you mean 'file'? There are: file, other.\n" in done.err
    assert [one.value for one in DeliveryState] == list(STATES)


def test_sinks_are_known_before_an_alert_goes_to_them(outbox: sqlite3.Connection, tmp_path: Path, graphdet_command: Command) -> None:
    done = graphdet_command("alerts", "list", tmp_path, "--sink", "desk")
    assert (done.code, "There are none" in done.err) == (2, True)
    with delivering(place_of(outbox), alert_settings({"desk": {"kind": "file", "path": str(tmp_path / "x")}})):
        pass
    assert graphdet_command("alerts", "list", tmp_path, "--sink", "desk").out == "No deliveries.\n"
    assert "There are: desk." in graphdet_command("alerts", "list", tmp_path, "--sink", "nosuch").err


def test_what_a_sink_did_not_take_and_why_is_told_in_the_language_that_is_asked_for(
    outbox: sqlite3.Connection, tmp_path: Path, graphdet_command: Command
) -> None:
    out = io.StringIO()
    with receiving((410, {}, b"")) as receiver, all_told(Screen(io.StringIO(), out, "zh", quiet=False)):
        settings = alert_settings({"hook": webhook(receiver.address)})
        put(outbox, settings, line("a"))
        one_step(outbox, settings, "hook")
    assert out.getvalue().startswith("接收方 hook：应答 410：接收方已停用；0 项等待，1 项投递失败；")
    assert "应答 410：接收方已停用" in graphdet_command("alerts", "list", tmp_path, "--lang", "zh").out
    assert "answered 410: the receiver is gone" in graphdet_command("alerts", "list", tmp_path).out
    for language, why in (("zh", "应答 410：接收方已停用"), ("en", "answered 410: the receiver is gone")):
        (told,) = json.loads(graphdet_command("alerts", "list", tmp_path, "--json", "--lang", language).out)
        assert (told["why"], "failure" in told) == (why, False)


def test_every_failure_can_happen_and_names_what_it_is_told() -> None:
    package = Path(graphdet.__file__).parent / "alerts"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    assert [key for key in FAILURES if f'"{key}"' not in code] == []
    made = re.findall(r'(?:Undelivered|as_kept)\(\s*"(\w+)"((?:[^()]|\([^()]*\))*)\)', code)
    assert {key for key, _ in made} | set(MEANS.values()) == set(FAILURES)
    for key, values in made:
        names = {one for one in re.findall(r"(\w+)=", values) if one not in ("after", "gone")}
        assert names == named(FAILURES[key].en), key


def test_every_word_of_alerts_is_read_somewhere() -> None:
    package = Path(graphdet.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.name != "alert_words.py")
    made = {f"tier_{tier}" for tier in TIERS}
    assert [key for key in ALERT_WORDS if f'"{key}"' not in code and key not in made] == []
