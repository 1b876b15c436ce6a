"""What became of alerts, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from graphdet.alerts.outbox import Delivery
from graphdet.drift.comparing_days import Drift
from graphdet.schema import NODE_TYPE
from graphdet.schema.wording import Language
from graphdet.terminal.canvas import clean, name, print_columns
from graphdet.words.alert_words import alert_words
from graphdet.words.drift_words import drift_words
from graphdet.words.failure_words import failure_in_words

STYLES = {"waiting": "yellow", "delivered": "", "dead": "red"}


def show_deliveries(console: Console, deliveries: Sequence[Delivery], language: Language) -> None:
    """A line for each alert and sink, oldest first."""
    if not deliveries:
        console.print(alert_words("none_listed", language))
        return
    headings = {key: alert_words(key, language) for key in ("key", "change", "ring", "sink", "state", "attempts", "why")}
    left = {text for key, text in headings.items() if key != "attempts"}
    rows: list[tuple[str | Text, ...]] = []
    for one in deliveries:
        state = Text(alert_words(one.state, language), style=STYLES[one.state])
        change = alert_words(one.kind, language)
        rows.append(
            (one.key, change, name(one.ring_id), clean(one.sink), state, str(one.attempts), clean(failure_in_words(one.failure, language)))
        )
    columns = {heading: [row[place] for row in rows] for place, heading in enumerate(headings.values())}
    spared = [headings[key] for key in ("attempts", "change", "sink", "ring")]
    print_columns(console, columns, left=left, ids=(headings["key"], headings["ring"]), spared=spared, cut=(headings["why"],))


def show_score(console: Console, told: Mapping[str, Any], language: Language) -> None:
    """A score with its rings, and why each is one."""
    known = told.get("known", told["score"] is not None)
    console.print(alert_words("score", language, score=told["score"]) if known else alert_words("unknown", language), style="bold")
    if "learned" in told:
        console.print(alert_words("learned", language, **told["learned"]), soft_wrap=True)
    if known and not told["rings"] and not told.get("near"):
        console.print(alert_words("in_none", language))
    for ring in (*told["rings"], *told.get("near", ())):
        own = {"ring": name(ring["ring_id"]), "tier": alert_words(f"tier_{ring['tier']}", language), "users": ring["size"]}
        console.print()
        if "touched" in ring:
            mark = "、" if language == "zh" else ", "
            things = mark.join(NODE_TYPE[one].noun.chinese if language == "zh" else NODE_TYPE[one].noun.one for one in ring["touched"])
            console.print(alert_words("near_ring", language, things=things, **own), soft_wrap=True)
        else:
            console.print(alert_words("in_ring", language, role=clean(ring["role"]), **own), soft_wrap=True)
        for one in (*ring.get("met", ()), *ring["reasons"]):
            console.print(f"- {clean(one['words'])}", soft_wrap=True)
    console.print()
    console.print(alert_words("as_of", language, look=told["look"], moment=told["moment"]))


def show_drift(console: Console, day: str | None, before: int, found: Sequence[Drift], language: Language) -> None:
    """What is beyond its threshold, in sentences."""
    if day is None:
        console.print(drift_words("no_drift", language))
        return
    beyond = [one for one in found if one.beyond]
    console.print(drift_words("drift_head", language, day=day, days=before, count=len(beyond)), style="bold")
    for one in beyond:
        noun = NODE_TYPE[one.of].noun if one.kind == "hubs" else None
        of = clean(one.of) if noun is None else noun.chinese if language == "zh" else noun.many
        told = drift_words(one.kind, language, of=of, value=one.value, usual=one.usual, threshold=one.threshold)
        console.print(f"- {told}", soft_wrap=True)
