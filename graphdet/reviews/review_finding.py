"""Reviews → items that suddenly have many good or many bad ones, and why these may be bought or malicious.

Four things are asked of each item's most unlikely days of good, or of bad, reviews: that there are more than season and own level
explain; that the stars are another's than the item's own before and after; that texts repeat; that words and stars do not fit. One alone
is no finding: a sale brings reviews, and stock phrases repeat. What counts is the chance that no two of them hold (partial conjunction,
Benjamini & Heller 2008, by Fisher's method over all but the most telling), and false discovery over all items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from graphdet.arrays import Bool, Float64, Int64
from graphdet.events import EventTable
from graphdet.reviews.review_reading import Reviews
from graphdet.reviews.review_wording import Wording, learn_wording
from graphdet.schema import ITEM
from graphdet.schema.zones import ahead_of_utc
from graphdet.signals.counting import DAY, FEWEST_DAYS, Counts, counts_of_nodes
from graphdet.signals.surveillance import false_shares, surprises

GOOD, BAD = 4.5, 2.0  # stars of five: at least, and at most
LEAST = 4  # people who must have reviewed so within the days
PHRASE = 4  # letters that a text must have, to be a copy of another one's
MISFIT = -1.0  # log odds of the words for the side of the stars, below which they do not fit
KINDS = {"bought": "good", "malicious": "bad"}


@dataclass(frozen=True)
class ReviewFinding:
    """Reviews of one item on some days that seem bought or malicious.

    Attributes:
        kind: "bought" or "malicious".
        item: its id; `first`, `last`: microseconds of the first and the last of the reviews.
        reviews: positions in `Reviews`.
        reasons: code → the numbers in its sentence, those that hold.
        signs: of each review, which of these reasons it carries itself: `copies`, `words`; `sentences`: that of its words which fits the
            stars least, or None.
        p_value: chance that no two of the reasons are real. `q_value`: share of false alarms among findings at least as sure.
    """

    kind: str
    item: str
    first: int
    last: int
    reviews: Int64
    reasons: Mapping[str, dict[str, float]]
    signs: tuple[tuple[str, ...], ...]
    sentences: tuple[str | None, ...]
    p_value: float
    q_value: float


def find_reviews(reviews: Reviews, events: EventTable, false_share: float = 0.05, zone: str = "UTC") -> list[ReviewFinding]:
    """Findings, the surest first; none of a log that is shorter than a week. Days are those of the zone. O(reviews · length of a text)."""
    ahead = ahead_of_utc(zone, int(reviews.time.min()))
    start = (int(reviews.time.min()) + ahead) // DAY * DAY - ahead
    day = (reviews.time - start) // DAY
    if day.max() + 1 < FEWEST_DAYS:
        return []
    top = max(float(np.max(reviews.stars)), 1.0)
    stars = reviews.stars * 5 / top if top > 5 else reviews.stars
    good, bad = stars >= GOOD, stars <= BAD
    wording = learn_wording(reviews.folded, good, bad)
    phrases = Counter(text for text in reviews.folded if len(text) >= PHRASE)
    found: list[tuple[str, Int64, dict[str, tuple[float, dict[str, float]]]]] = []
    tried = 0
    for kind, side in (("bought", good), ("malicious", bad)):
        counts = _counts(reviews, side, day, start)
        if counts is None:
            continue
        tried += len(counts)
        one = surprises(counts, LEAST)
        for series in np.flatnonzero(one.surprise_of_series() > 0).tolist():
            rows = _rows(reviews, side, counts, one.stretch(series), int(counts.node[series]), day)
            if len(rows) >= LEAST:
                fits = None if wording is None else (wording.odds if kind == "bought" else -wording.odds)
                tests = _tests(reviews, rows, side, fits, phrases, float(np.exp(one.ln_chance[series])))
                found.append((kind, rows, tests))
    return _kept(found, tried, reviews, events, false_share, wording)


def _counts(reviews: Reviews, side: Bool, day: Int64, start: int) -> Counts | None:
    users = reviews.user[side].astype(np.int32)
    counted = counts_of_nodes(reviews.item[side], users, day[side], int(day.max()) + 1, LEAST)
    if counted is None:
        return None
    node, offset, at, count, exposure = counted
    # From the item's first review on, of whatever stars.
    born = day[np.searchsorted(reviews.item, node)].astype(np.int32)
    return Counts(ITEM, "reviews", "day", start, DAY, node, offset, at, count, exposure, born)


def _rows(reviews: Reviews, side: Bool, counts: Counts, stretch: tuple[int, int], item: int, day: Int64) -> Int64:
    begin, end = np.searchsorted(reviews.item, [item, item + 1])
    own = day[begin:end]
    return np.asarray(begin + np.flatnonzero(side[begin:end] & (own >= stretch[0]) & (own < stretch[1])))


def _tests(
    reviews: Reviews, rows: Int64, side: Bool, fits: Float64 | None, phrases: Counter[str], by_burst: float
) -> dict[str, tuple[float, dict[str, float]]]:
    """Reason → its chance by coincidence, and its numbers."""
    from scipy.stats import binom, hypergeom, poisson

    item = int(reviews.item[rows[0]])
    begin, end = (int(one) for one in np.searchsorted(reviews.item, [item, item + 1]))
    inside = (np.arange(begin, end) >= rows[0]) & (np.arange(begin, end) <= rows[-1])
    of_side, days = side[begin:end], max((int(reviews.time[rows[-1]]) - int(reviews.time[rows[0]])) / DAY, 0.0)
    tests = {"burst": (by_burst, {"reviews": float(len(rows)), "days": days})}
    within, others = int(inside.sum()), int((~inside).sum())
    share = float((of_side[~inside].sum() + 2 * side.mean()) / (others + 2))  # of an item with little history, everybody's
    chance = (
        hypergeom.sf(len(rows) - 1, end - begin, int(of_side.sum()), within) if others >= LEAST else binom.sf(len(rows) - 1, within, share)
    )
    tests["stars"] = (float(chance), {"share": len(rows) / max(within, 1), "usual": share})
    texts = [reviews.folded[row] for row in rows.tolist() if len(reviews.folded[row]) >= PHRASE]
    if len(texts) >= 2:
        own = Counter(texts)
        copies, total = sum(count for count in own.values() if count > 1), sum(phrases.values())
        # How many would have the words of another one of these, were they drawn from all that is written elsewhere.
        elsewhere = total - len(texts) + 1
        expected = sum(1 - (1 - (phrases[text] - own[text] + 0.1) / elsewhere) ** (len(texts) - 1) for text in texts)
        tests["copies"] = (
            float(poisson.sf(copies - 1, max(expected, 1e-9))) if copies else 1.0,
            {"copies": float(copies), "texts": float(len(texts))},
        )
    if fits is not None:
        known = ~np.isnan(fits)
        judged = rows[known[rows]]
        if len(judged) >= 2:
            usual = float((fits[known & side] < MISFIT).mean())
            misfits = int((fits[judged] < MISFIT).sum())
            tests["words"] = (
                float(binom.sf(misfits - 1, len(judged), max(usual, 1e-3))) if misfits else 1.0,
                {"misfits": float(misfits), "texts": float(len(judged)), "usual": usual},
            )
    return tests


def at_least_two(chances: list[float]) -> float:
    """Chance that at most one of the things is real: Fisher's method over all but the least chance."""
    from scipy.stats import chi2

    rest = sorted(chances)[1:]
    return float(chi2.sf(-2 * sum(np.log(max(one, 1e-300)) for one in rest), 2 * len(rest))) if rest else 1.0


def _kept(
    found: list[tuple[str, Int64, dict[str, tuple[float, dict[str, float]]]]],
    tried: int,
    reviews: Reviews,
    events: EventTable,
    false_share: float,
    wording: Wording | None,
) -> list[ReviewFinding]:
    chances = np.array([at_least_two([chance for chance, _ in tests.values()]) for _, _, tests in found])
    every = np.log(np.maximum(np.r_[chances, np.ones(max(tried - len(found), 0))], 1e-300))
    shares = false_shares([every])[0]
    kept = []
    for place, (kind, rows, tests) in enumerate(found):
        if shares[place] > false_share:
            continue
        reasons = {code: numbers for code, (chance, numbers) in tests.items() if chance <= 0.05}
        signs, sentences = _carried(reviews, rows, kind, reasons, wording)
        kept.append(
            ReviewFinding(
                kind,
                str(events.ids[ITEM][int(reviews.item[rows[0]])].as_py()),
                int(reviews.time[rows[0]]),
                int(reviews.time[rows[-1]]),
                rows,
                reasons,
                signs,
                sentences,
                float(chances[place]),
                float(shares[place]),
            )
        )
    return sorted(kept, key=lambda one: (one.p_value, one.kind, one.item))


def _carried(
    reviews: Reviews, rows: Int64, kind: str, reasons: Mapping[str, object], wording: Wording | None
) -> tuple[tuple[tuple[str, ...], ...], tuple[str | None, ...]]:
    """Which reasons each review carries itself, and the sentence of its words that fits the stars least."""
    own, side = Counter(reviews.folded[row] for row in rows.tolist()), 1 if kind == "bought" else -1
    signs, sentences = [], []
    for row in rows.tolist():
        copied = "copies" in reasons and len(reviews.folded[row]) >= PHRASE and own[reviews.folded[row]] > 1
        misfit = wording is not None and "words" in reasons and side * wording.odds[row] < MISFIT
        signs.append((*(("copies",) if copied else ()), *(("words",) if misfit else ())))
        moved = wording.moving_sentence(reviews.text[row], -side) if misfit and wording is not None else None
        sentences.append(None if moved is None else moved[0])
    return tuple(signs), tuple(sentences)


def as_rows(findings: list[ReviewFinding], reviews: Reviews, events: EventTable) -> list[dict[str, Any]]:
    """Findings as plain data, with their reviews by the log's own ids."""
    return [
        {
            "number": place,
            "kind": one.kind,
            "item_id": one.item,
            "first_seen": moment_of(one.first),
            "last_seen": moment_of(one.last),
            "p_value": one.p_value,
            "q_value": one.q_value,
            "reasons": [{"code": code, "numbers": dict(numbers)} for code, numbers in one.reasons.items()],
            "reviews": [
                {
                    "user_id": events.ids["user"][int(reviews.user[row])].as_py(),
                    "timestamp": moment_of(int(reviews.time[row])),
                    "rating": float(reviews.stars[row]),
                    "text": reviews.text[row],
                    "signs": list(signs),
                    "sentence": sentence,
                }
                for row, signs, sentence in zip(one.reviews.tolist(), one.signs, one.sentences, strict=True)
            ],
        }
        for place, one in enumerate(findings, 1)
    ]


def moment_of(micros: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
