"""Reviews and labels of some of their writers → the chance that each review is one that the labels speak of, and how good such chances are.

What is read: words, as n-grams that writers with either label use; and what findings without labels rest on, as numbers of each
review. Trees learn on the earliest half of the labelled reviews, the bar is chosen on the next fifth, and the rest judges; who wrote
in an earlier part is left out of a later one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphdet.arrays import Bool, Float64, Int64
from graphdet.errors import LabelError
from graphdet.evaluate.metrics import ranking_figures
from graphdet.events import EventTable, Labels
from graphdet.learning.calibration import Calibration, calibration_error, fit_calibration
from graphdet.learning.from_labels import Figures, Judgement
from graphdet.learning.labelled_model import grow_trees
from graphdet.learning.trees import Trees
from graphdet.reviews.review_finding import BAD, GOOD, PHRASE, moment_of
from graphdet.reviews.review_reading import Reviews
from graphdet.reviews.review_wording import Wording, learn_wording
from graphdet.schema import IMAGE_GROUP, ITEM, TEXT_GROUP, USER
from graphdet.signals import with_meeting_places
from graphdet.signals.counting import DAY
from graphdet.signals.signal import FeatureTable

PARTS = (0.5, 0.7)  # shares of the labelled reviews, by time, up to which trees learn and the bar is chosen
FEWEST = 20  # reviews of either label that each part must have
NAMED = 3  # columns that are named of a review
NEAR = 2  # days before and after, within which an item's other reviews are counted
SIGNALS = ("misfit", "copies", "alike", "shown", "burst", "away", "stars", "own", "age", "letters")
METHODS = {"words": ("words",), "signals without words": SIGNALS, "words and signals": ("words", *SIGNALS)}
OURS = "words and signals"


@dataclass(frozen=True)
class LabelledReviews:
    """What was learned from n reviews.

    Attributes:
        judgement: how good it is.
        chance: (n,) that the writer of each has a positive label.
        values: what trees read of each; `trees`: they, and `wording`, what words taught; None where too few did.
    """

    judgement: Judgement
    chance: Float64
    values: FeatureTable
    trees: Trees
    wording: Wording | None


def learn_reviews(reviews: Reviews, events: EventTable, labels: Labels, seed: int) -> LabelledReviews:
    """The same reviews, labels and seed give the same chances; `events`: their log.

    Raises:
        LabelError: too few reviews are by labelled writers for what is learned to be judged by later ones.
    """
    place = np.minimum(np.searchsorted(labels.user, reviews.user), max(len(labels) - 1, 0))
    labelled = labels.user[place] == reviews.user if len(labels) else np.zeros(len(reviews), np.bool_)
    positive = labelled & labels.positive[place] if len(labels) else labelled
    learned, chosen, judged = parts_of(reviews, labelled)
    for rows in (learned, chosen, judged):
        if min(positive[rows].sum(), (~positive[rows]).sum()) < FEWEST:
            raise LabelError(
                f"too few reviews by labelled writers: of either label {FEWEST} are needed to learn from, to choose a bar by, "
                "and later to judge by "
                f"(found {int(positive.sum()):,} and {int((labelled & ~positive).sum()):,} in all)."
            )
    teach = np.zeros(len(reviews), np.bool_)
    teach[learned] = True
    wording = learn_wording(reviews.folded, teach & positive, teach & ~positive)
    values = measure_reviews(reviews, events, None if wording is None else wording.odds)
    read = {method: values.select(names) for method, names in METHODS.items()}
    trees = {method: grow_trees(one.take(learned), positive[learned], seed) for method, one in read.items()}
    odds = {method: trees[method].scores(one.values) for method, one in read.items()}
    calibration = fit_calibration(odds[OURS][chosen], positive[chosen])
    bar = _best_bar(odds[OURS][chosen], positive[chosen])
    judgement = _judge(odds, judged, positive, bar, calibration)
    return LabelledReviews(judgement, calibration.chance(odds[OURS]), read[OURS], trees[OURS], wording)


def labelled_rows(learned: LabelledReviews, reviews: Reviews, events: EventTable, labels: Labels, top: int) -> list[dict[str, Any]]:
    """The likeliest reviews of writers without a label, by the log's own ids."""
    unknown = np.flatnonzero(~np.isin(reviews.user, labels.user))
    likeliest = unknown[np.lexsort((unknown, -learned.chance[unknown]))][:top]
    return [
        {
            "chance": float(learned.chance[row]),
            "user_id": events.ids[USER][int(reviews.user[row])].as_py(),
            "item_id": events.ids[ITEM][int(reviews.item[row])].as_py(),
            "timestamp": moment_of(int(reviews.time[row])),
            "rating": float(reviews.stars[row]),
            "text": reviews.text[row],
            **moved_by(learned, reviews, row),
        }
        for row in likeliest.tolist()
    ]


def parts_of(reviews: Reviews, labelled: Bool) -> tuple[Int64, Int64, Int64]:
    """Reviews to learn from, to choose the bar by and to judge by: one after the other in time, and each of other writers."""
    rows = np.flatnonzero(labelled)
    rows = rows[np.lexsort((rows, reviews.time[rows]))]
    first, second = (round(share * len(rows)) for share in PARTS)
    parts = rows[:first], rows[first:second], rows[second:]
    kept, seen = [parts[0]], reviews.user[parts[0]]
    for part in parts[1:]:
        kept.append(part[~np.isin(reviews.user[part], seen)])
        seen = np.concatenate([seen, reviews.user[part]])
    return kept[0], kept[1], kept[2]


def measure_reviews(reviews: Reviews, events: EventTable, words: Float64 | None) -> FeatureTable:
    """Columns of each review; `words`: log odds that they are of a writer with a positive label."""
    places = with_meeting_places(events)
    sentiment = learn_wording(reviews.folded, reviews.stars >= GOOD, reviews.stars <= BAD)
    side = np.sign(reviews.stars - (GOOD + BAD) / 2)
    phrases = Counter(text for text in reviews.folded if len(text) >= PHRASE)
    offset = np.searchsorted(reviews.item, np.arange(int(reviews.item.max()) + 2))
    begin, end = offset[reviews.item], offset[reviews.item + 1]
    near = _near(reviews)
    others = np.maximum(end - begin - 1, 1)
    days = (reviews.time[end - 1] - reviews.time[begin]) / DAY + 1
    sums = np.append(0.0, np.cumsum(reviews.stars))
    usual = (sums[end] - sums[begin] - reviews.stars) / others
    _, writer, count = np.unique(reviews.user, return_inverse=True, return_counts=True)
    columns = {
        "words": np.zeros(len(reviews)) if words is None else np.nan_to_num(words),
        "misfit": np.zeros(len(reviews)) if sentiment is None else np.nan_to_num(-sentiment.odds * side),
        "copies": np.log1p([max(phrases[text] - 1, 0) for text in reviews.folded]),
        "alike": np.log1p(_other_writers(reviews, places, TEXT_GROUP)),
        "shown": np.log1p(_other_writers(reviews, places, IMAGE_GROUP)),
        "burst": np.log((near + 1) / (others * np.minimum((2 * NEAR + 1) / days, 1) + 1)),
        "away": np.where(end - begin > 1, np.abs(reviews.stars - usual), 0),
        "stars": reviews.stars,
        "own": np.log1p(count[writer]),
        "age": np.log1p((reviews.time - reviews.time[begin]) / DAY),
        "letters": np.log1p([len(text) for text in reviews.folded]),
    }
    return FeatureTable("reviews", tuple(columns), np.column_stack(list(columns.values())).astype(np.float32))


def _other_writers(reviews: Reviews, events: EventTable, group: str) -> Int64:
    """Other writers of reviews in each one's group of texts or pictures; 0 where it is in none."""
    if group not in events.codes:
        return np.zeros(len(reviews), np.int64)
    code = events.codes[group][reviews.row].astype(np.int64)
    pairs = np.unique(np.column_stack([code, reviews.user]), axis=0)
    return np.where(code >= 0, np.bincount(pairs[:, 0] + 1)[code + 1] - 1, 0)


def _near(reviews: Reviews) -> Int64:
    """Other reviews of each one's item within `NEAR` days of it."""
    span = int(reviews.time.max() - reviews.time.min()) + 2 * (NEAR + 1) * DAY
    moment = reviews.item * span + reviews.time - reviews.time.min() + (NEAR + 1) * DAY
    after: Int64 = np.searchsorted(moment, moment + NEAR * DAY, side="right")
    before: Int64 = np.searchsorted(moment, moment - NEAR * DAY)
    return after - before - 1


def moved_by(learned: LabelledReviews, reviews: Reviews, row: int) -> dict[str, Any]:
    """Which columns moved a review's log odds most, exactly (Shapley values), and the sentence of it that speaks most for the label."""
    added = learned.trees.contributions(learned.values.values[row : row + 1])[0, :-1]
    most = np.argsort(-np.abs(added), kind="stable")[:NAMED]
    told = learned.wording.moving_sentence(reviews.text[row], 1) if learned.wording is not None else None
    return {
        "moved": [{"column": learned.values.names[place], "log_odds": round(float(added[place]), 3)} for place in most.tolist()],
        "sentence": None if told is None else told[0],
        "sentence_log_odds": None if told is None else round(told[1], 3),
    }


def _best_bar(odds: Float64, positive: Bool) -> float:
    """From which on F1 is highest; of reviews with equal odds all or none are flagged."""
    order = np.argsort(-odds, kind="stable")
    last = np.append(np.diff(odds[order]) != 0, True)
    f1 = 2 * np.cumsum(positive[order]) / (np.arange(1, len(order) + 1) + positive.sum())
    return float(odds[order][int(np.where(last, f1, -1).argmax())])


def _judge(odds: dict[str, Float64], judged: Int64, positive: Bool, bar: float, calibration: Calibration) -> Judgement:
    truth, flagged = positive[judged], odds[OURS][judged] >= bar
    right, false = int((flagged & truth).sum()), int((flagged & ~truth).sum())
    missed = int(truth.sum()) - right
    methods = []
    for method, one in odds.items():
        ranking = ranking_figures(truth, one[judged])
        methods.append(Figures(method, ranking.auroc or 0.0, ranking.auprc or 0.0))
    chance = calibration.chance(odds[OURS][judged])
    return Judgement(
        users=len(judged), positives=int(truth.sum()), threshold=float(calibration.chance(np.array([bar]))[0]),
        precision=right / (right + false) if right + false else None, recall=right / max(int(truth.sum()), 1),
        f1=2 * right / max(2 * right + false + missed, 1), accuracy=float((flagged == truth).mean()),
        confusion=((len(truth) - right - false - missed, false), (missed, right)),
        calibration_error=calibration_error(chance, truth), methods=tuple(methods), chance=chance, positive=truth,
    )  # fmt: skip
