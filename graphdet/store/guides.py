"""A run → guides for Neo4j Browser, in words of the analyst: one of the run and one of each ring, with queries that run by a click."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property

import pyarrow.compute as pc

from graphdet.run.folder import Run, RunRing
from graphdet.run.log_clock import clock_of
from graphdet.schema import HOLD, ITEM, KEY_TYPES, NODE_TYPE, USER
from graphdet.schema.wording import Language
from graphdet.store.advice import Advice, read_advice
from graphdet.store.drawing import LONGEST_KEY
from graphdet.store.gains import Gain, measure_gains
from graphdet.store.queries import SavedQuery
from graphdet.words.claim_sentences import UNKNOWN, look_alike_in_words, number_in_words
from graphdet.words.guide_words import HELD_FOR, guide_words
from graphdet.words.interface import label

MOST_DRAWN = 24  # members or shared things in the small picture
MOST_USERS, MOST_THINGS = 90, 56  # that the first query draws; a test holds them to it


def ring_file(place: int) -> str:
    """The name of a ring's guide, by its place in the run."""
    return f"ring-{place:04d}.html"


def as_text(value: object) -> str:
    """Text as HTML, whatever an id holds; long ones are cut."""
    words = str(value)
    return html.escape(words if len(words) <= 4 * LONGEST_KEY else words[: 4 * LONGEST_KEY] + "…", quote=True)


@dataclass(frozen=True)
class Guides:
    """What the guides of a run are made from: its worst rings, the saved queries, where the kit is served, and the reader's language."""

    run: Run
    rings: list[RunRing]
    queries: list[SavedQuery]
    address: str
    language: Language

    @cached_property
    def gains(self) -> dict[str, Gain]:
        """Ring → the seller that gains most by it, where one does."""
        found: dict[str, Gain] = {}
        for gain in sorted(measure_gains(self.run), key=lambda gain: (-gain.inflated, gain.seller)):
            if gain.inflated >= 1:
                found.setdefault(gain.ring, gain)
        return found

    def of_run(self) -> str:
        """The guide that opens at log-in: the worst ring, all rings, what to ask of the run."""
        tiers = self.run.rings["tier"].to_pylist()
        counts = {name: f"{tiers.count(tier):,}" for name, tier in (("alerts", "alert"), ("reviews", "review"), ("explained", "explained"))}
        told = self._say("run", events=f"{self.run.meta['counts']['accepted']:,}", rings=f"{len(tiers):,}", **counts)
        start = f"<h3>{as_text(self._say('title', id=self.run.id))}</h3><p>{told}</p>{self._buttons(None)}"
        if self.rings:
            start += f"<h4>{as_text(self._say('worst', id=self.rings[0].id))}</h4>{self._drawing(self.rings[0])}"
        rows = "".join(
            f"<tr><td><a play-topic='{self.address}/{ring_file(place)}'>{as_text(ring.id)}</a></td>{self._row(ring)}</tr>"
            for place, ring in enumerate(self.rings, 1)
        )
        ring, tier, score, size, items = (label(name, self.language) for name in ("ring", "tier", "score", "size", "targets"))
        heads = "".join(f"<th>{name}</th>" for name in (ring, tier, score, size, self._say("held"), items))
        left = f"<p>{self._say('left', shown=len(self.rings), all=f'{len(tiers):,}')}</p>" if len(self.rings) < len(tiers) else ""
        listed = f"<h3>{self._say('rings')}</h3>{left}<table class='table'><tr>{heads}</tr>{rows}</table>"
        about = "".join(self._part(query, query.filled(run=self.run.id)) for query in self.queries if "ring" not in query.parameters)
        return self._page(f"graphdet {self.run.id}", [start, listed, f"<h3>{self._say('about')}</h3>{about}"])

    def of_ring(self, ring: RunRing) -> str:
        """A ring's guide: what it is, its picture, what else to ask, and the verdict."""
        slides = [
            f"<h3>{as_text(ring.id)} ({label(ring.row['tier'], self.language)})</h3><p>{as_text(self._sentence(ring))}</p>"
            f"<p>{self._advice(ring)}</p>{_small_picture(ring)}{self._hollow(ring)}" + self._buttons(ring.id) + self._drawing(ring)
        ]
        asked = [query for query in self.queries if query.name not in ("ring", "decide") and "ring" in query.parameters]
        for query in asked:
            people = self._people(ring) if query.name == "members" else ""
            told = self._part(query, query.filled(ring=ring.id, run=self.run.id))
            slides.append(f"<h3>{as_text(query.titles.to(self.language))}</h3>{people}{told}")
        decide = next(query for query in self.queries if query.name == "decide")
        # Run as it stands, the query refuses: what is to be written in is no verdict, no name and no reason.
        command = decide.filled(ring=ring.id, verdict="confirmed, innocent or unsure", author="your name", note="why")
        slides.append(
            f"<h3>{self._say('verdict')}</h3><p>{self._say('how')}</p><pre class='pre-scrollable code runnable'>{as_text(command)}</pre>"
        )
        return self._page(ring.id, slides)

    def _say(self, key: str, **values: object) -> str:
        return guide_words(key, self.language, **values)

    def _row(self, ring: RunRing) -> str:
        """A ring's cells in the table of all, after its name."""
        advice = read_advice(ring)
        held = f"{len(advice.hold):,}" if advice.told else UNKNOWN
        cells = (
            label(ring.row["tier"], self.language),
            f"{ring.row['score']:.3f}",
            f"{ring.row['size']:,}",
            held,
            f"{ring.row['targets']:,}",
        )
        return "".join(f"<td>{cell}</td>" for cell in cells)

    def _advice(self, ring: RunRing) -> str:
        """How many to act on, and how many to hold."""
        advice = read_advice(ring)
        if not advice.told:
            return self._say("not_told")
        hold = self._say("hold", hold=f"{len(advice.hold):,}") if advice.hold else self._say("nobody_held")
        crowd = self._say("crowd", outside=f"{advice.outside:,}") if advice.outside else ""
        return self._say("advice", act=self._act_on(ring, advice), hold=hold, crowd=crowd)

    def _act_on(self, ring: RunRing, advice: Advice) -> str:
        """Where the ring is no alert, on condition that it is a ring at all."""
        return self._say("act" if ring.row["tier"] == "alert" else "act_if", act=f"{len(advice.act):,}")

    def _people(self, ring: RunRing) -> str:
        """Whom to act on and, apart, whom to hold, each with why; the query beside them lists all."""
        advice = read_advice(ring)
        if not advice.told:
            return f"<p>{self._say('not_told')}</p>"
        words = {code: held.to(self.language) for code, held in HELD_FOR.items()}
        parts = [(self._act_on(ring, advice), [as_text(user) for user in advice.act])]
        if advice.hold:
            held = [f"{as_text(user)}: {self._listed([words[code] for code in why])}" for user, why in advice.hold]
            parts.append((self._say("hold", hold=f"{len(held):,}"), held))
        told = ""
        for heading, people in parts:
            more = [self._say("more", more=f"{len(people) - MOST_DRAWN:,}")] if len(people) > MOST_DRAWN else []
            told += f"<h4>{heading}</h4><ul>{''.join(f'<li>{one}</li>' for one in [*people[:MOST_DRAWN], *more])}</ul>"
        codes = [f"{code} = {words[code]}" for code in dict.fromkeys(code for _, why in advice.hold for code in why)]
        return told + (f"<p>{self._say('codes', codes=self._listed(codes))}</p>" if codes else "")

    def _listed(self, words: list[str]) -> str:
        return (", " if self.language == "en" else "、").join(words)

    def _hollow(self, ring: RunRing) -> str:
        return f"<p>{self._say('hollow')}</p>" if read_advice(ring).hold else ""

    def _drawing(self, ring: RunRing) -> str:
        """The query that draws the ring, and how much of it is drawn."""
        query = next(query for query in self.queries if query.name == "ring")
        users = ring.members.filter(pc.equal(ring.members["node_type"], USER)).num_rows
        things = ring.members.num_rows - users
        drawn = self._say(
            "drawn", users=min(users, MOST_USERS), all_users=f"{users:,}", things=min(things, MOST_THINGS), all_things=f"{things:,}"
        )
        return self._part(query, query.filled(ring=ring.id)) + f"<p>{drawn}</p>"

    def _sentence(self, ring: RunRing) -> str:
        facts, language = ring.row, self.language
        shared = [
            NODE_TYPE[name].noun.counted(count, language)
            for name in KEY_TYPES
            if name != ITEM and (count := ring.members.filter(pc.equal(ring.members["node_type"], name)).num_rows)
        ]
        people, goods = NODE_TYPE[USER].noun.counted(facts["size"], language), NODE_TYPE[ITEM].noun.counted(facts["targets"], language)
        share = self._say("share", things=self._listed(shared)) if shared else ""
        time = ""
        if facts["first_seen"] is not None:
            clock = clock_of(self.run)
            time = self._say("time", start=clock.minute(facts["first_seen"]), end=clock.named(facts["last_seen"]))
        told = self._say("sum", users=people, items=goods, shared=share, time=time)
        if facts["amount"] is not None and facts["at_stake"] is not None:
            told += self._say("stake", amount=f"{facts['amount']:,.2f}", stake=f"{facts['at_stake']:,.2f}")
        if ring.id in self.gains:
            gain = self.gains[ring.id]
            told += self._say("gain", seller=gain.seller, orders=f"{gain.orders:,}", inflated=f"{gain.inflated:,.1f}")
        if facts["explanation"]:
            told += self._say("innocent", plain=look_alike_in_words(facts["explanation"], language))
        return told + self._say("chance", q=number_in_words(facts["q_value"], "chance"))

    def _buttons(self, ring_id: str | None) -> str:
        """What a guide link cannot set up by itself: styles, number of nodes, the ring as a parameter."""
        found = [f"<a class='btn' data-exec='style {self.address}/style.grass'>{self._say('colours')}</a>"]
        found.append(f"<a class='btn' data-exec='config initialNodeDisplay: 500'>{self._say('nodes')}</a>")
        found.append(f"<a class='btn' data-exec='config autoComplete: false'>{self._say('asked')}</a>")
        if ring_id is not None and ring_id.replace("-", "").isalnum():
            found.append(f"<a class='btn' data-exec=\"param ring =&gt; '{as_text(ring_id)}'\">{self._say('set')}</a>")
        return f"<p>{' '.join(found)}</p>"

    def _part(self, query: SavedQuery, text: str) -> str:
        question = query.questions.to(self.language)
        return f"<p>{as_text(question[:1].upper() + question[1:])}</p><pre class='pre-scrollable code runnable'>{as_text(text)}</pre>"

    def _page(self, title: str, slides: list[str]) -> str:
        body = "".join(f"<slide class='row-fluid'><div class='col-sm-12'>{slide}</div></slide>" for slide in slides)
        head = f"<!DOCTYPE html><html lang='{self.language}'><head><meta charset='utf-8'><title>{as_text(title)}</title></head>"
        return f"{head}<body><article class='guide'><carousel class='deck container-fluid'>{body}</carousel></article></body></html>\n"


def _small_picture(ring: RunRing) -> str:
    """Members on the left, those to hold last and hollow; what they share on the right; a line where one was there."""
    rows = ring.members.sort_by([("standing", "ascending"), ("contribution", "descending"), ("node_id", "ascending")]).to_pylist()
    users = [row for row in rows if row["node_type"] == USER][:MOST_DRAWN]
    things = [row for row in rows if row["node_type"] != USER][:MOST_DRAWN]
    height = 18 * max(len(users), len(things), 1) + 12
    at_user = {row["node_id"]: (60, 15 + (height - 12) * (place + 0.5) / len(users)) for place, row in enumerate(users)}
    at_thing = {
        (row["node_type"], row["node_id"]): (240, 15 + (height - 12) * (place + 0.5) / len(things)) for place, row in enumerate(things)
    }
    touched = {(user, (row["view"], row["key"])) for row in ring.evidence.to_pylist() for user in (row["user_a"], row["user_b"])}
    lines = [
        f"<line x1='{at_user[user][0]}' y1='{at_user[user][1]:.0f}' x2='{at_thing[key][0]}' y2='{at_thing[key][1]:.0f}' stroke='#B0B5BC'/>"
        for user, key in sorted(touched)
        if user in at_user and key in at_thing
    ]
    look = NODE_TYPE[USER].look.colour
    fills = {row["node_id"]: "#FFFFFF" if row["standing"] == HOLD else look for row in users}
    dots = [f"<circle cx='{x}' cy='{y:.0f}' r='7' fill='{fills[user]}' stroke='{look}'/>" for user, (x, y) in at_user.items()]
    dots += [f"<circle cx='{x}' cy='{y:.0f}' r='6' fill='{NODE_TYPE[kind].look.colour}'/>" for (kind, _), (x, y) in at_thing.items()]
    return f"<svg width='300' height='{height + 15}' viewBox='0 0 300 {height + 15}' role='img'>{''.join(lines + dots)}</svg>"
