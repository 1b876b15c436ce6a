"""Lines as they are now, and what was told of them → the alerts that are due, written to the outbox in the transaction of the look.

Looking every few seconds sees rings waver. So each change is measured against what people were last told, never against the look
before; rises are told at once, and falls and ends once they have lasted `settle_hours` of the events' own time.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from graphdet.alert_settings import CHANGE_KINDS, AlertSettings, ChangeKind
from graphdet.alerts.alert import MOST_NAMED, Alert, key_of
from graphdet.alerts.outbox import enqueue
from graphdet.lineage.carrying import Change
from graphdet.lineage.line import DAY, KEPT_DAYS, Line
from graphdet.lineage.sighting import Sighting
from graphdet.schema import TIERS, VERDICTS

HOUR = 60 * 60 * 1_000_000  # microseconds


@dataclass(frozen=True)
class Told:
    """What people were last told of a line.

    Attributes:
        tier, size, money, members: of the ring then; members of a ring without end are cut as in the alert.
        alerts: that were told of the line.
        moment: of the last of them.
        fell: when its tier was first seen below `tier`; None where it is not.
        ended: whether its end was told, or it went into another ring that is told of.
    """

    tier: str
    size: int
    money: float | None
    members: tuple[str, ...]
    alerts: int
    moment: int
    fell: int | None = None
    ended: bool = False


def tell(
    connection: sqlite3.Connection,
    now: Mapping[str, Line],
    changes: Sequence[Change],
    settings: AlertSettings,
    moment: int,
    *,
    cases: Mapping[str, str] | None = None,
    doubted: Collection[str] = (),
    rings: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Alert, ...]:
    """Make the alerts that a look calls for and put them into the outbox, within the caller's transaction.

    Args:
        connection: on which `open_outbox` made the tables.
        now: line → as it is, those that were told of and are no longer found, too. One that is left out is passed over in silence.
        changes: what lineage says of this look; splits are known by it.
        settings: when a ring is told of, and to which sinks.
        moment: of the events, in microseconds since 1970 UTC.
        cases: line → its case in the casebook.
        doubted: lines whose case was found innocent before.
        rings: ring → its row of the run's table of rings.
    """
    before = load_told(connection)
    alerts, after = alerts_due(now, changes, before, settings, moment)
    alerts = tuple(_with_row(alert, cases or {}, doubted, (rings or {}).get(alert.ring_id, {})) for alert in alerts)
    enqueue(connection, alerts, settings.sinks)
    gone = [line for line in before if line not in after]
    connection.executemany("DELETE FROM outbox_told WHERE line = ?", [(line,) for line in gone])
    rows = [(line, json.dumps(asdict(one))) for line, one in after.items() if before.get(line) != one]
    connection.executemany("INSERT OR REPLACE INTO outbox_told (line, document) VALUES (?, ?)", rows)
    return alerts


def load_told(connection: sqlite3.Connection) -> dict[str, Told]:
    """Line → what was told of it."""
    rows = connection.execute("SELECT line, document FROM outbox_told ORDER BY line").fetchall()
    found = ((line, json.loads(document)) for line, document in rows)
    return {line: Told(**{**told, "members": tuple(told["members"])}) for line, told in found}


def forget_told(connection: sqlite3.Connection, lines: Collection[str], users: Collection[str]) -> None:
    """Delete what was told of other lines than these, and of these whom nobody knows any more; how many they were stays."""
    for line, one in load_told(connection).items():
        left = tuple(user for user in one.members if user in users)
        if line not in lines:
            connection.execute("DELETE FROM outbox_told WHERE line = ?", (line,))
        elif left != one.members:
            connection.execute("UPDATE outbox_told SET document = ? WHERE line = ?", (json.dumps(asdict(replace(one, members=left))), line))


def alerts_due(
    now: Mapping[str, Line], changes: Sequence[Change], told: Mapping[str, Told], settings: AlertSettings, moment: int
) -> tuple[tuple[Alert, ...], dict[str, Told]]:
    """The alerts, worst first, and what is told of each line after them. Pure: the same arguments give the same, whatever their order."""
    split_from = {change.line: change.kin[0] for change in changes if change.kind == "split" and change.kin and change.kin[0] in told}
    found: dict[str, tuple[list[ChangeKind], tuple[str, ...]]] = {}
    after = {line: one for line, one in told.items() if not (one.ended and moment - one.moment > KEPT_DAYS * DAY)}
    for name in sorted(now):
        kinds, after_one = _changes_of(now[name], told.get(name), settings, moment)
        if "appeared" in kinds and name in split_from:
            kinds = ["split", *(kind for kind in kinds if kind != "appeared")]
        if kinds:
            found[name] = (kinds, (split_from[name],) if kinds[0] == "split" else ())
        if after_one is not None:
            after[name] = after_one
    taken = _taken_in(now, told, found)
    for taker, lines in taken.items():
        if taker in found or (taker in told and not told[taker].ended and taker in now and now[taker].state == "here"):
            kinds, kin = found.get(taker, ([], ()))
            found[taker] = ([*kinds, "merged"], (*kin, *lines))
        else:
            found |= {line: (["merged"], (taker,)) for line in lines}
        after |= {line: replace(told[line], ended=True, moment=moment) for line in lines}
    alerts = []
    for name, (kinds, kin) in found.items():
        alert = _alert(now[name], told.get(name), sorted(set(kinds), key=CHANGE_KINDS.index), kin, moment)
        alerts.append(alert)
        closed = alert.kind == "ended" or (alert.kind == "merged" and now[name].state == "merged")
        after[name] = _told_by(alert, told.get(name), ended=closed)
    return tuple(sorted(alerts, key=lambda one: (TIERS.index(one.tier), CHANGE_KINDS.index(one.kind), -one.size, one.line))), after


def _changes_of(line: Line, told: Told | None, settings: AlertSettings, moment: int) -> tuple[list[ChangeKind], Told | None]:
    """What is to be told of a line, and what else is to be remembered of it; a merger is not seen here."""
    least, ring, settle = TIERS.index(settings.least), line.last, settings.settle_hours * HOUR
    tier, here = TIERS.index(ring.tier), line.state == "here"
    if told is None:
        return (["appeared"], None) if here and tier <= least else ([], None)
    if told.ended:
        return (["returned"], None) if here and tier <= least else ([], None)
    if not here:
        if line.state == "merged" or moment - line.seen < settle:
            return [], None
        return (["ended"], None) if TIERS.index(told.tier) <= least else ([], replace(told, ended=True, moment=moment))
    was = TIERS.index(told.tier)
    if tier > was:
        since = moment if told.fell is None else told.fell
        settled = moment - since >= settle and was <= least
        return (["fell"], None) if settled else ([], replace(told, fell=since))
    kinds: list[ChangeKind] = ["rose"] if tier < was and tier <= least else []
    if tier <= least:
        kinds += _growth(ring, told, settings)
    return kinds, replace(told, fell=None) if told.fell is not None else None


def _growth(ring: Sighting, told: Told, settings: AlertSettings) -> list[ChangeKind]:
    kinds: list[ChangeKind] = []
    if ring.size - told.size >= max(settings.grew_least, settings.grew_share * told.size):
        kinds.append("grew")
    if ring.money is not None and ring.money - (told.money or 0.0) >= max(
        settings.gained_least, settings.gained_share * (told.money or 0.0)
    ):
        kinds += ["gained"] if ring.money > (told.money or 0.0) else []
    return kinds


def _taken_in(now: Mapping[str, Line], told: Mapping[str, Told], found: Mapping[str, object]) -> dict[str, list[str]]:
    """Line → those that were told of and went into it, and that nothing was yet said of."""
    taken: dict[str, list[str]] = defaultdict(list)
    for name in sorted(told):
        if name in now and now[name].state == "merged" and not told[name].ended and name not in found:
            taken[now[name].into].append(name)
    return taken


def _alert(line: Line, told: Told | None, kinds: Sequence[ChangeKind], kin: tuple[str, ...], moment: int) -> Alert:
    ring = line.last
    members = tuple(sorted(ring.members, key=lambda user: (-ring.members[user].weight, user)))
    was = set(told.members) if told else set()
    return Alert(
        key=key_of(line.name, kinds[0], told.alerts if told else 0),
        kind=kinds[0],
        changes=tuple(kinds),
        line=line.name,
        moment=moment,
        ring_id=ring.ring_id,
        tier=ring.tier,
        size=ring.size,
        money=ring.money,
        first_seen=ring.first_seen,
        last_seen=ring.last_seen,
        members=members[:MOST_NAMED],
        came=tuple(user for user in members if user not in was)[:MOST_NAMED] if told else (),
        went=tuple(sorted(was - set(members))),
        kin=kin,
        was_tier=told.tier if told else None,
        was_size=told.size if told else None,
        was_money=told.money if told else None,
        end=line.state if kinds[0] == "ended" else "",
    )


def _told_by(alert: Alert, told: Told | None, *, ended: bool) -> Told:
    return Told(alert.tier, alert.size, alert.money, alert.members, (told.alerts if told else 0) + 1, alert.moment, None, ended)


def _with_row(alert: Alert, cases: Mapping[str, str], doubted: Collection[str], row: Mapping[str, Any]) -> Alert:
    """With what the casebook and the run know of it besides."""
    verdict = VERDICTS[1] if alert.line in doubted else ""
    found = replace(alert, case=cases.get(alert.line, ""), verdict=verdict)
    return replace(found, chance=row.get("chance"), explanation=str(row.get("explanation") or ""))
