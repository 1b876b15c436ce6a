"""One ring → its dossier: facts, reasons, innocent explanations tried, what would change the verdict, members and events.

Pure data: `as_dict` is what `graphdet show --json`, the report and the exports are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from graphdet.dossier.bursts_at import bursts_at, told_plainly
from graphdet.dossier.countable import measure_facts
from graphdet.dossier.reasoning import Reason, find_reasons, words
from graphdet.dossier.scene import Scene, moment, set_scene
from graphdet.dossier.shared_things import SHARED_DEVICE
from graphdet.dossier.tried import bars_in_words, claim_as_dict, in_order, sentence
from graphdet.dossier.uses import Uses, find_uses
from graphdet.dossier.witness import find_witness, fragile_events
from graphdet.events import NO_TIME
from graphdet.judging.conditions import Weighed
from graphdet.judging.lockstep import Core, find_core, is_crowd
from graphdet.judging.weak_parts import standing_columns, weak_parts
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import GONE, Outcome, Replay, Without, answer
from graphdet.run.as_html import COLUMNS, as_list, as_table, as_text
from graphdet.run.folder import RunRing
from graphdet.schema import DEVICE, ITEM, KEY_TYPES, NODE_TYPE
from graphdet.schema.lookalikes import look_alike
from graphdet.schema.wording import LANGUAGES, Language
from graphdet.words.claim_sentences import conditions_in_words
from graphdet.words.finding_words import burst_in_words
from graphdet.words.interface import label
from graphdet.words.reasons import BRIEF, CATALOGUE, WEAKNESS, in_brief
from graphdet.words.use_words import use_in_words
from graphdet.words.verdicts import (
    alert_in_words,
    chance_in_words,
    crowd_in_words,
    explained_in_words,
    farm_crowd_in_words,
    review_in_words,
)

NEVER = np.iinfo(np.int64).max
LIKELY = 0.5  # of groups that stand so were rings
AT_ONCE = 16  # rings whose dossiers are worked out together
WITHOUT = tuple(name for name in KEY_TYPES if NODE_TYPE[name].left_out)


@dataclass(frozen=True)
class Dossier:
    """A ring's dossier; docs/dossier.md defines every number.

    Attributes:
        ring: the ring's row of `rings`.
        facts: numbers by theme, from `measure_facts`.
        reasons: codes of the catalogue with the numbers that fill them; those for the suspicion, then those that ask for care.
        innocent: every look-alike that was tried, with its conditions; the one that fits comes first.
        objections: everything that may keep a ring from being an alert, with its conditions; those that do come first.
        counterfactuals: what the ring would be without one kind of evidence: `without`, `id`, `tier`, `score`, `strength`, `kept`, `lost`.
        members: users, most contributing first, with what each did, `weak`: why their part is weak, and `standing`: "act" or, of the weak,
            "hold".
        events: positions in the run's `events`: `inside` on the items in their time, of them `stray`; `witness`, `fragile`, and the five
            to `read_first`.
        uses: what it seems to be for, with the numbers that each rests on.
        bursts: rows of the run's `bursts` at its targets, in its time, the least likely first.
        against: facts that contradict the innocent explanation that fits; reasons as above, or `alert_without` the top item.
        scene: what all of it was read from, for pictures.
    """

    ring: dict[str, Any]
    facts: dict[str, Any]
    reasons: list[Reason]
    innocent: list[Weighed]
    objections: list[Weighed]
    counterfactuals: list[dict[str, Any]]
    members: list[dict[str, Any]]
    events: dict[str, list[int]]
    uses: Uses
    bursts: list[dict[str, Any]]
    against: list[Reason]
    scene: Scene

    @property
    def queued(self) -> bool:
        """Whether somebody should look at it: alerts, what is likely, what facts contradict, and money moved by new accounts."""
        codes = {code for code, _ in self.reasons}
        new_money = bool(self.facts["what"]["at_stake"] and "new_accounts" in codes)
        return self.ring["tier"] == "alert" or likely(self.ring) or bool(self.against) or new_money

    def verdict(self, language: Language) -> str:
        """What the tier means here, and how often such groups were rings."""
        return (self.meaning(language) + (" " if language == "en" else "") + chance_in_words(self.ring, language)).rstrip()

    def meaning(self, language: Language) -> str:
        """What the tier means here, in one sentence: why it is no alert, the innocent explanation that fits, and what contradicts it."""
        crowd, tier = self.facts["crowd"], self.ring["tier"]
        if crowd is not None and tier != "alert":
            if self.facts["farm"] is not None or not crowd["least"]:
                things = self.facts["farm"]["things"] if self.facts["farm"] is not None else len(self.scene.windows)
                return farm_crowd_in_words(crowd["size"], things, language)
            return crowd_in_words(crowd["size"], crowd["came"], crowd["least"], self._draw(language), language)
        if tier == "explained":
            against = [in_brief(code, language, told) for code, told in self.against]
            return explained_in_words(self.ring["explanation"], against, language)
        if tier == "review":
            return review_in_words(self._missing(language), language)
        return alert_in_words(language, farm=self.facts["farm"] is not None)

    def _draw(self, language: Language) -> str:
        if self.ring["explanation"]:
            return look_alike(self.ring["explanation"]).plain.to(language)
        return label("draws", language)

    def _missing(self, language: Language) -> list[str]:
        """What keeps it from being an alert, and whether anything is left of it without the top item."""
        told = [bars_in_words(one.nearest()[:1], language) for one in self.objections if one.holds]  # the first bar is what it is about
        gone = any(one["without"] == "top_item" and one["tier"] == GONE for one in self.counterfactuals)
        return told + [in_brief("gone_without", language, {})] * gone

    def parts(self) -> dict[str, float]:
        """What the ring's strength is made of, by the type of thing that tells it, each at most what it may tell of so many members.

        `together`: that its members came to several of them; and, below 0, `cost`: what it takes to point out so many among all users.
        """
        grown, visits, size = self.scene.replay.whole(), self.scene.replay.small.visits, self.scene.size
        if self.facts["farm"] is not None:
            return {ITEM: grown.strength} if grown.strength > 0 else {}
        found: dict[str, float] = {}
        for view, gain in zip(visits.view_of(grown.targets).tolist(), grown.gain.tolist(), strict=True):
            found[visits.views[view].name] = found.get(visits.views[view].name, 0.0) + gain
        views = self.scene.replay.recorded.settings.view
        found = {name: min(gain, views[name].share_most * size) for name, gain in found.items()}
        cost = size * float(np.log10(self.scene.users * np.e / size))
        return {**found, "together": grown.strength + cost - sum(found.values()), "cost": -cost}

    def told(self, side: str, language: Language) -> list[str]:
        """The sentences of one side: 'for' or 'caution', which begins with what keeps the ring from being an alert."""
        raised = [sentence(one, language) for one in self.objections if one.holds and side == "caution"]
        return raised + [words(reason, language) for reason in self.reasons if CATALOGUE[reason[0]].side == side]

    def _repr_html_(self) -> str:
        """As a notebook shows it: the verdict, what speaks for the suspicion, and what asks for care."""
        head = as_table(f"Ring {self.ring['ring_id']}", COLUMNS, [self.ring])
        told = "".join(
            f"<p><b>{title}</b></p>{as_list(self.told(side, 'en'))}" for side, title in (("for", "Why"), ("caution", "Why perhaps not"))
        )
        return f"{head}<p>{as_text(self.verdict('en'))}</p>{told}"

    def as_dict(self, recorded: Recorded) -> dict[str, Any]:
        """Everything as plain data, reasons with their sentences, events with all columns that the log has."""
        tell = [
            {"code": code, "side": CATALOGUE[code].side, "numbers": numbers, **{one: words((code, numbers), one) for one in LANGUAGES}}
            for code, numbers in self.reasons
        ]
        return {
            "ring": self.ring,
            "verdict": {language: self.verdict(language) for language in LANGUAGES},
            "facts": self.facts,
            "reasons": tell,
            "innocent": [claim_as_dict(one) for one in self.innocent],
            "objections": [claim_as_dict(one) for one in self.objections],
            "counterfactuals": self.counterfactuals,
            "against": [{"code": code, **{one: in_brief(code, one, numbers) for one in LANGUAGES}} for code, numbers in self.against],
            "queued": self.queued,
            "bursts": [
                {
                    **{name: told_plainly(value) for name, value in burst.items()},
                    **{one: burst_in_words(burst, one, _began(burst, recorded)) for one in LANGUAGES},
                }
                for burst in self.bursts
            ],
            "uses": [{"code": use, "numbers": told, **{one: use_in_words(use, told, one) for one in LANGUAGES}} for use, told in self.uses],
            "members": self.members,
            "events": {name: event_rows(recorded, rows) for name, rows in self.events.items()},
        }


def _began(burst: dict[str, Any], recorded: Recorded) -> str:
    return recorded.clock.named(burst["first_seen"], day=burst["grain"] == "day")


def build_dossier(recorded: Recorded, ring: RunRing) -> Dossier:
    """The dossier of one ring of a run."""
    (dossier,) = build_dossiers(recorded, [ring])
    return dossier


def build_dossiers(recorded: Recorded, rings: Sequence[RunRing]) -> Iterator[Dossier]:
    """The dossiers of some rings of a run, in their order; what would be left of them is worked out for several at once."""
    for begin in range(0, len(rings), AT_ONCE):
        some = rings[begin : begin + AT_ONCE]
        replays = [Replay(recorded, ring.id) for ring in some]
        Replay.measure(replays)
        cases = [_cases(replay, ring) for replay, ring in zip(replays, some, strict=True)]
        answers = iter(answer([(replay, case.without) for replay, own in zip(replays, cases, strict=True) for case in own]))
        for replay, ring, own in zip(replays, some, cases, strict=True):
            yield _dossier(replay, ring, [(case, next(answers)) for case in own])


def _dossier(replay: Replay, ring: RunRing, answered: list[tuple[Case, Outcome]]) -> Dossier:
    recorded, scene = replay.recorded, set_scene(replay, ring.id)
    facts = measure_facts(scene)
    facts["crowd"] = _crowd(scene, facts)
    members = _members(scene, ring, facts)
    judged = replay.judgement
    fragile = np.array([case.event for case, left in answered if case.event is not None and left.tier != "alert"], np.int64)
    witness = find_witness(replay, scene.inside, fragile, hangs=_hangs(replay, ring))
    facts["fragile"] = len(witness.fragile)
    before = set(scene.names)
    without = [_told(case, left, before) for case, left in answered if case.event is None]
    reasons = find_reasons(facts, members, recorded.clock)
    return Dossier(
        ring=ring.row,
        facts=facts,
        reasons=reasons,
        innocent=in_order(judged.look_alikes, ring.row["explanation"]),
        objections=in_order(judged.objections, ""),
        counterfactuals=without,
        members=members,
        events={
            "read_first": witness.first.tolist(),
            "witness": witness.rows.tolist(),
            "fragile": witness.fragile.tolist(),
            "inside": replay.small.rows[scene.inside].tolist(),
            "stray": replay.small.rows[scene.stray].tolist(),
        },
        bursts=bursts_at(recorded.run.bursts, ring),
        uses=find_uses(scene, facts, reasons),
        against=_against(ring.row["explanation"], reasons, without),
        scene=scene,
    )


def _against(explanation: str, reasons: list[Reason], without: list[dict[str, Any]]) -> list[Reason]:
    """What contradicts the innocent explanation that fits; empty where none does."""
    if not explanation:
        return []
    found = [(code, told) for code, told in reasons if code in BRIEF and code not in look_alike(explanation).gives]
    if any(one["without"] == "top_item" and one["tier"] == "alert" for one in without):
        found.append(("alert_without", {}))
    return found


def _crowd(scene: Scene, facts: dict[str, Any]) -> dict[str, Any] | None:
    """Of what has more members than a ring can have, its core: who came to as many of the items as surprises most; None of other rings."""
    bars = scene.replay.recorded.settings.tiers
    if not is_crowd(scene.size, scene.users, bars):
        return None
    core = find_core(scene.met.sum(1), facts["lockstep"]["least"] if facts["lockstep"] else 0, bars)
    return {"size": scene.size, "user_share": scene.size / scene.users, "least": core.least, "came": core.came, "core": core.size}


def event_rows(recorded: Recorded, rows: list[int]) -> list[dict[str, Any]]:
    """Events with the columns that the run has anything in; times as ISO 8601."""
    table = recorded.events.take(pa.array(rows, pa.int64())).select(recorded.event_columns)
    found: list[dict[str, Any]] = table.to_pylist()
    for row in found:
        if row.get("timestamp") is not None:
            row["timestamp"] = row["timestamp"].isoformat().replace("+00:00", "Z")
    return found


class Case(NamedTuple):
    """A question of what would be left of a ring: its name, and the id of what is left out; or the `event` that may be fragile."""

    name: str
    node_id: str | None
    without: Without
    event: int | None = None


def _hangs(replay: Replay, ring: RunRing) -> bool:
    """Whether it is an alert by its items."""
    return bool(ring.row["tier"] == "alert" and replay.hangs_on_items())


def _cases(replay: Replay, ring: RunRing) -> list[Case]:
    """Without each view that is left out in turn, without the item that tells most, without the most popular place of the ring; and without
    each event that may be fragile."""
    recorded, small = replay.recorded, replay.small
    whole = replay.whole()
    views = small.visits.view_of(whole.targets)
    names = [small.visits.views[view].name for view in views.tolist()]
    given = [name for name in WITHOUT if name in small.events.codes and (small.events.codes[name] >= 0).any()]
    given = [name for name in given if NODE_TYPE[name].heard or name in names]  # of what few logs have, where the ring met there
    found = [Case(name, None, name) for name in given]
    items = [place for place, name in enumerate(names) if name == ITEM]
    top = max(items, key=lambda place: (whole.gain[place], -place), default=None)
    popularity = [int(recorded.key_users[name][small.key_ids[whole.targets[place]]]) for place, name in enumerate(names)]
    others = [place for place, name in enumerate(names) if place != top and NODE_TYPE[name].hub]
    hub = max(others, key=lambda place: (popularity[place], -place), default=None)
    for without, place in (("top_item", top), ("hub", hub)):
        if place is not None:
            view = small.visits.views[int(views[place])]
            code = int(whole.targets[place]) - view.first_key
            name = small.events.ids[view.name][code].as_py()
            found.append(Case(without, name, small.events.codes[view.name] == code))
    events = np.arange(len(small.events))
    fragile = fragile_events(replay).tolist() if _hangs(replay, ring) else []
    return found + [Case("event", None, events == event, event) for event in fragile]


def _told(case: Case, outcome: Outcome, before: set[str]) -> dict[str, Any]:
    after = set(outcome.members) if outcome.tier != GONE else set()
    return {
        "without": case.name,
        "id": case.node_id,
        "tier": outcome.tier,
        "explanation": outcome.explanation,
        "score": outcome.score,
        "strength": outcome.strength,
        "kept": len(before & after),
        "lost": len(before - after),
        "joined": len(after - before),
    }


def _members(scene: Scene, ring: RunRing, facts: dict[str, Any]) -> list[dict[str, Any]]:
    table = ring.members.to_pylist()
    told = {row["node_id"]: row for row in table if row["node_type"] == "user"}
    own = [told[name] for name in scene.names]
    inside = np.bincount(scene.member[scene.inside], minlength=scene.size).tolist()
    every = np.bincount(scene.member, minlength=scene.size).tolist()
    touched = scene.met.sum(1).tolist()
    shared, seen, first = _on_shared(scene).tolist(), _first_seen(scene), _first_inside(scene)
    rows = []
    for place, (row, (standing, weak)) in enumerate(zip(own, _standings(scene, own, facts["crowd"]), strict=True)):
        rows.append(
            {
                "id": row["node_id"],
                "role": row["role"],
                "contribution": row["contribution"],
                "touched": touched[place],
                "items": len(scene.windows),
                "events": inside[place],
                "all_events": every[place],
                "first": moment(first[place]),
                "seen_since": moment(seen[place]),
                "shared_devices": shared[place],
                "weak": weak.split(",") if weak else [],
                "standing": standing,
            }
        )
    return sorted(rows, key=lambda row: ("crowd" in row["weak"], -row["contribution"], row["id"]))


def _standings(scene: Scene, members: list[dict[str, Any]], crowd: dict[str, Any] | None) -> list[tuple[str, str]]:
    """`standing` and `weak` of each member, as the run's table says; that of an older graphdet does not, and they are found again."""
    if all(row["standing"] is not None and row["weak"] is not None for row in members):
        return [(row["standing"], row["weak"]) for row in members]
    touched, contribution = scene.met.sum(1), np.array([row["contribution"] for row in members])
    stray = (touched > 0) & (scene.came == NO_TIME).all(1) & (scene.measured["time"]["start"] is not None)
    core = Core(crowd["least"], crowd["came"], crowd["core"]) if crowd is not None else None
    columns = standing_columns(weak_parts(contribution, touched, stray, len(scene.windows), core))
    return list(zip(columns["standing"].to_pylist(), columns["weak"].to_pylist(), strict=True))


def _first_seen(scene: Scene) -> list[int | None]:
    """When each member was first seen; None of those of whom nobody knows."""
    first = np.full(scene.size, NEVER)
    known = scene.time != NO_TIME
    np.minimum.at(first, scene.member[known], scene.time[known])
    return [None if one == NEVER else one for one in first.tolist()]


def _first_inside(scene: Scene) -> list[int | None]:
    """When each member first came to one of the ring's targets; None of those who did not, or where the log has no times."""
    if scene.replay.recorded.start is None:
        return [None] * scene.size
    first = np.where(scene.met, scene.first, NEVER).min(1, initial=NEVER)
    return [None if one == NEVER else one for one in first.tolist()]


def _on_shared(scene: Scene) -> np.ndarray[Any, Any]:
    """Devices of each member that three or more members use."""
    codes = scene.replay.small.events.codes
    if DEVICE not in codes:
        return np.zeros(scene.size, np.int64)
    device = codes[DEVICE].astype(np.int64)
    pair = np.unique(device[device >= 0] << 32 | scene.member[device >= 0])
    keys, count = np.unique(pair >> 32, return_counts=True)
    often = np.isin(pair >> 32, keys[count >= SHARED_DEVICE])
    return np.bincount((pair & 0xFFFFFFFF)[often], minlength=scene.size)


def likely(ring: dict[str, Any]) -> bool:
    """Whether most groups that stand as this one does were rings, in markets of many kinds or by the house's own verdicts."""
    return ring["chance"] is not None and ring["chance"] >= LIKELY


def weakness(member: dict[str, Any], language: Language) -> str:
    """Why a member's part is weak, in words; empty where it is not."""
    return conditions_in_words((WEAKNESS[code].words(language, member) for code in member["weak"]), language)
