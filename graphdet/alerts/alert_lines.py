"""An alert → a line for programs: JSON, or CEF for those that gather what happens in a house's security.

Ids come from logs and may hold anything, so each form escapes what would end a field, a line, or a header.
"""

from __future__ import annotations

import json
from typing import Any

from graphdet import __version__
from graphdet.alert_settings import ChangeKind, SinkSettings
from graphdet.alerts.alert import Alert

SEVERITY = {"alert": 8, "review": 5, "explained": 2}
CEF_NAMES: dict[ChangeKind, str] = {
    "appeared": "Suspected ring",
    "rose": "Suspected ring rose in tier",
    "returned": "Suspected ring is back",
    "split": "Suspected ring split off",
    "merged": "Suspected rings merged",
    "grew": "Suspected ring grew",
    "gained": "Suspected ring gained money",
    "fell": "Suspected ring fell in tier",
    "ended": "Suspected ring is no longer found",
}


def as_line(alert: Alert, settings: SinkSettings) -> bytes:
    """One line without its end."""
    if settings.form == "cef":
        return as_cef(alert, names=settings.tells_names).encode()
    return as_event(alert, names=settings.tells_names)


def as_event(alert: Alert, *, names: bool) -> bytes:
    """JSON of one line: `type`, `timestamp` and `data`, as Standard Webhooks has events. ASCII, so that nothing in it controls a screen."""
    document = {"type": f"ring.{alert.kind}", "timestamp": alert.time.isoformat(), "data": alert.as_dict(names=names)}
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def as_cef(alert: Alert, *, names: bool) -> str:
    """Common Event Format, version 0: severity by tier; an alert's key is its externalId."""
    head = ["CEF:0", "graphdet", "graphdet", __version__, f"ring.{alert.kind}", CEF_NAMES[alert.kind], str(SEVERITY[alert.tier])]
    fields: dict[str, Any] = {"rt": alert.moment // 1000, "externalId": alert.key, "cnt": alert.size}
    texts = {"line": alert.line, "ring": alert.ring_id, "tier": alert.tier, "changes": ",".join(alert.changes), "case": alert.case}
    texts["members"] = json.dumps(alert.members, ensure_ascii=True, separators=(",", ":")) if names else ""
    for place, (label, text) in enumerate(((label, text) for label, text in texts.items() if text), 1):
        fields |= {f"cs{place}Label": label, f"cs{place}": text}
    if alert.money is not None:
        fields |= {"cfp1Label": "money", "cfp1": f"{alert.money:.2f}"}
    told = [_escaped(part, "\\|") for part in head[1:]]
    return "|".join(["CEF:0", *told, " ".join(f"{name}={_escaped(str(value), chr(92) + '=')}" for name, value in fields.items())])


def _escaped(text: str, special: str) -> str:
    """With a backslash before what is special; line ends as CEF spells them, and what else controls a screen or a parser as JSON does."""
    for character in special:
        text = text.replace(character, f"\\{character}")
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
