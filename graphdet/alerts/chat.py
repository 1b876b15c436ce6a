"""Alerts → one digest in a chat: Slack, Feishu or DingTalk, each with its own body, signature and way of saying no.

Nobody wants a message a ring, and DingTalk shuts a bot out for ten minutes after 20 messages in one minute; so all that waits goes in
one message, the worst first. Users' ids stay out unless settings want them in, and then as text that neither links, mentions nor formats.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from graphdet.alert_settings import CHANGE_KINDS, SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.http_post import Answer, accepted, post
from graphdet.alerts.sink import Undelivered
from graphdet.alerts.webhook import AGENT
from graphdet.printable import printable
from graphdet.schema import TIERS
from graphdet.words.alert_words import alert_words

MOST_TOLD = 20  # rings in one digest
MOST_BYTES = 20_000  # of a message: the most that Feishu and DingTalk take
MOST_NAMED = 10  # accounts of a ring
NAME_WIDTH = 40
TOO_MANY = 600.0  # seconds to leave a bot alone that says it was asked too often
BUSY = {"feishu": (9499, 11232), "dingtalk": (130101, 410100)}  # codes that say so


class Chat:
    """A bot in a chat."""

    most = 500

    def __init__(self, settings: SinkSettings, address: str, secrets: Sequence[str]) -> None:
        self._settings, self._address, self._secret = settings, address, secrets[0] if secrets else ""

    def deliver(self, alerts: Sequence[Alert]) -> None:
        now, kind, address = time.time(), self._settings.kind, self._address
        if kind == "dingtalk":
            address = dingtalk_address(address, self._secret, round(1000 * now))
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": AGENT}
        answer = accepted(post(address, self._message(alerts, int(now)), headers, self._settings.timeout_seconds))
        _check_code(answer, kind)

    def _message(self, alerts: Sequence[Alert], now: int) -> bytes:
        """The digest as the bot wants it, with as many rings as it takes."""
        language, kind, body = self._settings.lang, self._settings.kind, b""
        for most in range(MOST_TOLD, 0, -1):
            title, lines = digest(alerts, language, names=self._settings.tells_names, most=most)
            if kind == "feishu":
                document = feishu_body(title, lines, language, self._secret, now)
            else:
                document = dingtalk_body(title, lines) if kind == "dingtalk" else slack_body(title, lines)
            body = json.dumps(document).encode()
            if len(body) <= MOST_BYTES:
                break
        return body


def digest(alerts: Sequence[Alert], language: Literal["en", "zh"], *, names: bool, most: int = MOST_TOLD) -> tuple[str, list[str]]:
    """A title and a line for each ring, worst first; what is beyond `most` is counted."""
    ordered = sorted(alerts, key=lambda one: (TIERS.index(one.tier), CHANGE_KINDS.index(one.kind), -(one.money or 0.0), -one.size, one.key))
    lines = [_ring_line(alert, language, names=names) for alert in ordered[:most]]
    if len(ordered) > most:
        lines.append(alert_words("more_rings", language, count=len(ordered) - most))
    return alert_words("digest_title", language, count=len(alerts)), [*lines, alert_words("note", language)]


def _ring_line(alert: Alert, language: Literal["en", "zh"], *, names: bool) -> str:
    mark = "、" if language == "zh" else ", "
    changes = mark.join(alert_words(kind, language) for kind in alert.changes)
    tier = alert_words(f"tier_{alert.tier}", language)
    line = alert_words("ring_line", language, ring=printable(alert.ring_id), tier=tier, changes=changes, users=alert.size)
    if alert.was_size is not None and alert.was_size != alert.size:
        line += alert_words("was_users", language, before=alert.was_size)
    if alert.money is not None:
        line += alert_words("money", language, money=f"{alert.money:,.2f}")
    if alert.end == "left_window":
        line += alert_words("left_window", language)
    if alert.case:
        line += alert_words("doubted_case" if alert.verdict else "case", language, case=printable(alert.case))
    if names and alert.members:
        line += alert_words("members", language, users=", ".join(map(_as_name, alert.members[:MOST_NAMED])))
        if alert.size > MOST_NAMED:
            line += alert_words("more_members", language, count=alert.size - MOST_NAMED)
    return line


def _as_name(user: str) -> str:
    """An id as text: short, on its line, and no address that a chat would make a link of."""
    cut = user if len(user) <= NAME_WIDTH else f"{user[:NAME_WIDTH]}…"
    return printable(cut).replace("://", "[:]//").replace("@", "(at)")


def slack_body(title: str, lines: Sequence[str]) -> dict[str, Any]:
    """Plain text; Slack still reads `<…>` as links and mentions, so its three characters are escaped."""
    text = "\n".join((title, *(f"• {line}" for line in lines)))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def feishu_body(title: str, lines: Sequence[str], language: str, secret: str, moment: int) -> dict[str, Any]:
    """A post, whose texts mention nobody: in plain messages `<at …>` would. The signature stands in the body."""
    rows = [[{"tag": "text", "text": line.replace("<", "＜").replace(">", "＞")}] for line in lines]
    spoken = "zh_cn" if language == "zh" else "en_us"
    body = {"msg_type": "post", "content": {"post": {spoken: {"title": title, "content": rows}}}}
    return {"timestamp": str(moment), "sign": feishu_signature(secret, moment), **body} if secret else body


def feishu_signature(secret: str, moment: int) -> str:
    """Of nothing at all, with time and secret as the key; that is Feishu's way."""
    return base64.b64encode(hmac.new(f"{moment}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def dingtalk_body(title: str, lines: Sequence[str]) -> dict[str, Any]:
    """Plain text, in which only `at` mentions anybody."""
    return {"msgtype": "text", "text": {"content": "\n".join((title, *(f"- {line}" for line in lines)))}, "at": {"isAtAll": False}}


def dingtalk_address(address: str, secret: str, moment: int) -> str:
    """The address with time, in milliseconds, and signature behind it; that is DingTalk's way."""
    if not secret:
        return address
    signature = base64.b64encode(hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()).decode()
    mark = "&" if urlsplit(address).query else "?"
    return f"{address}{mark}timestamp={moment}&sign={quote(signature, safe='')}"


def _check_code(answer: Answer, kind: str) -> None:
    """Feishu and DingTalk say 200 to whatever comes, and in the body how it went."""
    if kind == "slack":
        return
    try:
        document = json.loads(answer.body)
        code = document["code" if kind == "feishu" and "code" in document else "StatusCode" if kind == "feishu" else "errcode"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Undelivered("no_bot") from None
    if isinstance(code, bool) or not isinstance(code, int):
        raise Undelivered("no_bot")
    if code:
        raise Undelivered("code", code=code, after=TOO_MANY if code in BUSY[kind] else None)
