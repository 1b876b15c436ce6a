"""Reviews learned from labels: parts follow each other and share no writer, columns by loops, and labels that say nothing teach nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from commands import Command
from test_reviews import SHEET, honest, planted, write

from graphdet.errors import LabelError
from graphdet.events import EventTable, Labels, read_events
from graphdet.reviews.labelled_reviews import NEAR, PARTS, learn_reviews, measure_reviews, moved_by, parts_of
from graphdet.reviews.review_reading import Reviews, read_reviews
from graphdet.settings import Settings
from graphdet.signals import with_meeting_places
from graphdet.words.review_words import COLUMNS

DAY = 86_400_000_000
OPENINGS = ("truly", "honestly", "wow,", "i must say", "everybody listen,")


def with_crews(seed: int) -> list[tuple[str, str, pd.Timestamp, float, str]]:
    """Honest reviews of sixty days, and a crew every other day of them that writes from one sheet, in words of an order of its own."""
    generator = np.random.default_rng(seed)
    rows = honest(seed, 80, 20)
    for crew in range(30):
        words = generator.permutation(SHEET.split()).tolist()
        text = f"{generator.choice(OPENINGS)} {' '.join(words)}"
        rows += [(f"c{crew}-{user}", *rest) for user, (_, *rest) in enumerate(planted(f"i{crew}", 5, text, 2 * crew, 8))]  # type: ignore[misc]
    return rows


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(with_crews(1), tmp_path_factory.mktemp("reviews") / "log.csv")


@pytest.fixture(scope="module")
def read(log: Path) -> tuple[EventTable, Reviews]:
    events = read_events([log])
    reviews = read_reviews(events, Settings())
    assert reviews is not None
    return events, reviews


def labels_of(events: EventTable, positive: np.ndarray | None = None) -> Labels:
    """Of four of five writers."""
    names = np.array(events.ids["user"].to_pylist())
    user = np.flatnonzero(np.arange(len(names)) % 5 > 0).astype(np.int32)
    truth = np.char.startswith(names, "c") if positive is None else positive
    return Labels(user, truth[user], np.zeros(len(user), np.int64))


def test_crews_are_told_and_labels_that_say_nothing_teach_nothing(read: tuple[EventTable, Reviews]) -> None:
    events, reviews = read
    learned = learn_reviews(reviews, events, labels_of(events), 1)
    auroc = {one.method: one.auroc for one in learned.judgement.methods}
    assert auroc["words and signals"] > 0.95
    assert learned.judgement.f1 > 0.8
    (passed, false), (missed, right) = learned.judgement.confusion
    assert passed + false + missed + right == learned.judgement.users
    assert learned.judgement.precision == right / (right + false)
    assert learned.judgement.recall == right / (right + missed)
    assert np.array_equal(learn_reviews(reviews, events, labels_of(events), 1).chance, learned.chance)
    drawn = np.random.default_rng(2).random(events.count("user")) < 0.15
    nothing = learn_reviews(reviews, events, labels_of(events, drawn), 1).judgement
    assert all(0.3 < one.auroc < 0.7 for one in nothing.methods)


def test_what_moved_a_review_adds_up_and_its_sentence_is_its_own(read: tuple[EventTable, Reviews]) -> None:
    events, reviews = read
    learned = learn_reviews(reviews, events, labels_of(events), 1)
    rows = np.argsort(-learned.chance)[:5]
    added = learned.trees.contributions(learned.values.values[rows])
    np.testing.assert_allclose(added.sum(axis=1), learned.trees.scores(learned.values.values[rows]), rtol=1e-5)
    for place, row in enumerate(rows.tolist()):
        told = moved_by(learned, reviews, row)
        assert told["moved"][0]["log_odds"] == pytest.approx(added[place, np.abs(added[place, :-1]).argmax()], abs=1e-3)
        assert {one["column"] for one in told["moved"]} < set(COLUMNS) == set(learned.values.names)
        assert told["sentence"] in reviews.text[row]


def test_parts_follow_each_other_and_share_no_writer(read: tuple[EventTable, Reviews]) -> None:
    events, reviews = read
    labelled = np.isin(reviews.user, labels_of(events).user)
    learned, chosen, judged = parts_of(reviews, labelled)
    assert len(learned) == round(PARTS[0] * labelled.sum())
    for earlier, later in ((learned, chosen), (chosen, judged), (learned, judged)):
        assert reviews.time[earlier].max() <= reviews.time[later].min()
        assert not set(reviews.user[earlier].tolist()) & set(reviews.user[later].tolist())


def test_columns_are_what_loops_count(read: tuple[EventTable, Reviews]) -> None:
    events, reviews = read
    group = np.random.default_rng(4).integers(-1, 300, len(events)).astype(np.int32)  # of pictures that this log does not have
    events = replace(
        events,
        ids={**events.ids, "image_group": pa.array([f"{one:03}" for one in range(300)])},
        codes={**events.codes, "image_group": group},
    )
    places = with_meeting_places(events)
    found = measure_reviews(reviews, events, None)
    for row in range(0, len(reviews), 97):
        same = [other for other in range(len(reviews)) if reviews.item[other] == reviews.item[row]]
        others = [other for other in same if other != row]
        near = sum(abs(int(reviews.time[other] - reviews.time[row])) <= NEAR * DAY for other in others)
        days = (reviews.time[same].max() - reviews.time[same].min()) / DAY + 1
        told = {
            "copies": np.log1p(sum(text == reviews.folded[row] for text in reviews.folded) - 1),
            "burst": np.log((near + 1) / (len(others) * min((2 * NEAR + 1) / days, 1) + 1)),
            "away": abs(reviews.stars[row] - reviews.stars[others].mean()),
            "own": np.log1p((reviews.user == reviews.user[row]).sum()),
            "age": np.log1p((reviews.time[row] - reviews.time[same].min()) / DAY),
            "words": 0.0,
        }
        for name, place in (("alike", "text_group"), ("shown", "image_group")):
            code = places.codes[place][reviews.row]
            others_there = set(reviews.user[code == code[row]].tolist()) - {int(reviews.user[row])}
            told[name] = np.log1p(len(others_there) if code[row] >= 0 else 0)
        for name, value in told.items():
            assert found.column(name)[row] == pytest.approx(value, rel=1e-5, abs=1e-5), name


def test_too_few_labels_are_refused(read: tuple[EventTable, Reviews]) -> None:
    events, reviews = read
    few = Labels(np.arange(9, dtype=np.int32), np.arange(9) % 2 == 0, np.zeros(9, np.int64))
    for labels in (few, Labels(few.user[:0], few.positive[:0], few.known_at[:0])):
        with pytest.raises(LabelError, match="too few reviews"):
            learn_reviews(reviews, events, labels, 1)
    assert events.count("user") > 9


def test_the_command_tells_figures_and_the_likeliest_in_both_languages(graphdet_command: Command, log: Path, tmp_path: Path) -> None:
    users = sorted(set(pd.read_csv(log)["user_id"]))
    known = pd.DataFrame({"user_id": users, "label": [int(user.startswith("c")) for user in users]}).iloc[
        [n for n in range(len(users)) if n % 5]
    ]
    known.to_csv(tmp_path / "labels.csv", index=False)
    told = json.loads(graphdet_command("reviews", log, "--labels", tmp_path / "labels.csv", "--json", "--top", 5).out)
    assert {one["method"] for one in told["judgement"]["methods"]} == {"words", "signals without words", "words and signals"}
    assert len(told["likeliest"]) == 5
    assert not {row["user_id"] for row in told["likeliest"]} & set(known["user_id"])
    assert sum(row["user_id"].startswith("c") for row in told["likeliest"]) >= 4
    english, chinese = (graphdet_command("reviews", log, "--labels", tmp_path / "labels.csv", "--lang", lang).out for lang in ("en", "zh"))
    assert "precision" in english
    assert "召回率" in chinese
    known.head(3).to_csv(tmp_path / "few.csv", index=False)
    refused = graphdet_command("reviews", log, "--labels", tmp_path / "few.csv")
    assert refused.code == 2
    assert "too few reviews" in refused.err
