"""Reviews that seem bought or malicious: where they were planted, nowhere else, and nowhere at all in a log without any."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command
from scipy.stats import kstest

from graphdet.events import read_events
from graphdet.reviews.review_finding import ReviewFinding, at_least_two, find_reviews
from graphdet.reviews.review_reading import read_reviews
from graphdet.reviews.review_wording import COST, FEWEST, GRAMS, MOST_SENTENCES, PARTS, SHORTEST, fold, learn_wording
from graphdet.settings import Settings

FINE = [
    "arrived quickly and works",
    "lovely colour and soft",
    "my son likes it a lot",
    "good value for the money",
    "as described, well packed",
]
POOR = [
    "broken after two days",
    "the size is far too small",
    "never arrived, no answer",
    "cheap plastic, bad smell",
    "colour is wrong and faded",
]
STOCK = "good"
SHEET = "best purchase of my life, buy it now from this wonderful shop"


def honest(seed: int, items: int = 60, each: int = 25) -> list[tuple[str, str, pd.Timestamp, float, str]]:
    generator = np.random.default_rng(seed)
    rows = []
    for item in range(items):
        quality = generator.uniform(0.5, 0.9)
        for number in range(each):
            fine = generator.random() < quality
            texts = FINE if fine else POOR
            text = (
                STOCK
                if fine and generator.random() < 0.3
                else " ".join(generator.choice(texts, 2, replace=False)) + f" {generator.choice(FINE + POOR)}"
            )
            at = pd.Timestamp("2025-03-03") + pd.Timedelta(seconds=int(generator.integers(0, 60 * 86_400)))
            rows.append(
                (f"u{item}-{number}", f"i{item}", at, float(generator.choice([4, 5, 5]) if fine else generator.choice([1, 2])), text)
            )
    return rows


def planted(item: str, stars: float, text: str, day: int, users: int = 12) -> list[tuple[str, str, pd.Timestamp, float, str]]:
    at = pd.Timestamp("2025-03-03") + pd.Timedelta(days=day)
    return [(f"{item}-ring{user}", item, at + pd.Timedelta(hours=2 * user), stars, text + "!" * (user % 3)) for user in range(users)]


def write(rows: list[tuple[str, str, pd.Timestamp, float, str]], path: Path, seed: int = 0) -> Path:
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "rating", "text"])
    frame["action"] = "review"
    frame.sample(frac=1, random_state=seed).to_csv(path, index=False)
    return path


def found_in(path: Path, false_share: float = 0.05, zone: str = "UTC") -> list[ReviewFinding]:
    settings = Settings.model_validate({"log": {"timezone": zone}})
    events = read_events([path], settings.log, settings.machine)
    reviews = read_reviews(events, settings)
    assert reviews is not None
    return find_reviews(reviews, events, false_share, zone)


def test_planted_reviews_are_found_and_no_others(tmp_path: Path) -> None:
    rows = honest(1) + planted("i7", 5, SHEET, 20) + planted("i30", 1, "do not buy, it is a fraud and it burns", 40)
    found = found_in(write(rows, tmp_path / "log.csv"))
    assert {(one.kind, one.item) for one in found} == {("bought", "i7"), ("malicious", "i30")}
    by_item = {one.item: one for one in found}
    assert by_item["i7"].reasons["copies"]["copies"] == 12
    assert {"burst", "stars", "copies"} <= set(by_item["i30"].reasons)
    again = found_in(write(rows, tmp_path / "other.csv", seed=5))
    assert [(one.item, one.p_value, one.q_value) for one in again] == [(one.item, one.p_value, one.q_value) for one in found]


@pytest.mark.parametrize("zone", ["+08:00", "-03:30", "Asia/Shanghai"])
def test_the_same_walls_have_the_same_findings_in_every_zone(tmp_path: Path, zone: str) -> None:
    """Days of reviews are those of the shop's own clock."""
    path = write(honest(1) + planted("i7", 5, SHEET, 20) + planted("i30", 1, "do not buy, it burns", 40), tmp_path / "log.csv")
    here, there = found_in(path), found_in(path, zone=zone)
    assert [(one.item, one.p_value, one.reasons) for one in there] == [(one.item, one.p_value, one.reasons) for one in here]
    assert {one.item for one in here} == {"i7", "i30"}
    assert {(one.first - other.first) % 1_800_000_000 for one, other in zip(here, there, strict=True)} == {0}
    assert all(one.first != other.first for one, other in zip(here, there, strict=True))


def test_a_log_without_any_has_no_findings_though_stock_phrases_repeat(tmp_path: Path) -> None:
    for seed in range(4):
        assert found_in(write(honest(10 + seed), tmp_path / f"{seed}.csv"), 0.2) == []


def test_a_sale_alone_is_no_finding(tmp_path: Path) -> None:
    """Many reviews in few days, as good as ever, in people's own words."""
    generator = np.random.default_rng(3)
    sale = [row for row in honest(2, 1, 40) if row[3] >= 4]
    at = pd.Timestamp("2025-03-23")
    rows = honest(1) + [
        (f"sale{number}", "i9", at + pd.Timedelta(hours=int(generator.integers(0, 40))), stars, text)
        for number, (_, _, _, stars, text) in enumerate(sale + [row for row in honest(4, 1, 12) if row[3] < 4])
    ]
    assert [one for one in found_in(write(rows, tmp_path / "log.csv")) if one.item == "i9" and one.kind == "malicious"] == []


def test_two_signs_are_needed() -> None:
    generator = np.random.default_rng(0)
    chances = [at_least_two([1e-12, *generator.random(3).tolist()]) for _ in range(2000)]
    assert kstest(chances, "uniform").pvalue > 0.001  # however telling one is, the others are coincidence
    assert at_least_two([1e-9, 1e-9, 0.5, 0.8]) < 1e-6
    assert at_least_two([1e-9]) == 1


def test_the_words_are_judged_as_by_a_plain_count() -> None:
    generator = np.random.default_rng(6)
    good = generator.random(150) < 0.6
    texts = ["".join(generator.choice(list("abcdfg" if one else "abceh"), 14)) for one in good]
    wording = learn_wording(texts, good, ~good)
    assert wording is not None
    odds = wording.odds
    part = [sum(map(ord, text)) % PARTS for text in texts]
    for place in (0, 17, 149):
        grams = [{text[at : at + size] for size in GRAMS for at in range(len(text) - size + 1)} for text in texts]
        others = [row for row in range(150) if part[row] != part[place]]
        total, told = 0.0, 0
        for gram in grams[place]:
            with_gram = [sum(gram in grams[row] for row in others if good[row] == side) for side in (False, True)]
            if sum(with_gram):
                of = [sum(good[row] == side for row in others) + 2 * COST for side in (False, True)]
                total += math.log((with_gram[1] + COST) / of[1]) - math.log((with_gram[0] + COST) / of[0])
                told += 1
        assert odds[place] == pytest.approx(max(-6, min(6, total / math.sqrt(told))))
    assert np.mean((odds > 0) == good) > 0.85
    assert learn_wording(texts[: FEWEST - 1], good[: FEWEST - 1], ~good[: FEWEST - 1]) is None


@pytest.mark.parametrize("end", [". ", "！", ", "])
def test_the_sentence_that_moved_a_review_is_the_one_that_counts_most_when_it_is_left_out(end: str) -> None:
    generator = np.random.default_rng(8)
    texts = [" ".join(generator.choice(FINE if number % 2 else POOR, 2)) for number in range(200)]
    good = np.arange(200) % 2 == 1
    wording = learn_wording([fold(text) for text in texts], good, ~good)
    assert wording is not None
    told = end.join(["we came on a monday", "lovely colour and soft, very soft", "the parcel was brown", "my uncle saw it"])
    found = wording.moving_sentence(told, 1)
    assert found is not None
    assert "lovely" in found[0]
    assert found[0] in told
    rest = fold(told.replace(found[0], ""))
    assert found[1] == pytest.approx(wording.judge(fold(told), fold(told)) - wording.judge(rest, fold(told)))
    assert wording.moving_sentence(told, -1) is None
    assert wording.moving_sentence("soft"[: SHORTEST - 1], 1) is None
    endless = wording.moving_sentence("so soft. " * 5000, 1)
    assert endless is not None
    assert (40, endless[0][:8]) == (MOST_SENTENCES, "so soft.")


def test_a_review_says_which_signs_it_carries(tmp_path: Path) -> None:
    angry = "broken after two days. never arrived, no answer"
    rows = honest(1) + planted("i7", 5, f"we saw it. {angry}", 20)
    path = write(rows, tmp_path / "log.csv")
    events = read_events([path])
    reviews = read_reviews(events, Settings())
    assert reviews is not None
    (found,) = find_reviews(reviews, events)
    assert {"copies", "words"} <= set(found.reasons)
    names = events.ids["user"].to_pylist()
    for row, signs, sentence in zip(found.reviews.tolist(), found.signs, found.sentences, strict=True):
        ring = names[int(reviews.user[row])].startswith("i7-ring")
        assert ("copies" in signs, "words" in signs) == (ring, ring)
        assert (sentence is not None and sentence in angry) == ring
    assert sum("copies" in signs for signs in found.signs) == found.reasons["copies"]["copies"]


def test_the_command_tells_reasons_in_both_languages_and_what_a_log_lacks(graphdet_command: Command, tmp_path: Path) -> None:
    path = str(write(honest(1) + planted("i7", 5, SHEET, 20), tmp_path / "log.csv"))
    told = json.loads(graphdet_command("reviews", path, "--json").out)
    assert told["reviews"] == 60 * 25 + 12
    assert [(one["kind"], one["item_id"]) for one in told["findings"]] == [("bought", "i7")]
    assert all(reason["en"] and reason["zh"] for reason in told["findings"][0]["reasons"])
    ring = [review for review in told["findings"][0]["reviews"] if review["user_id"].startswith("i7-ring")]
    assert len(ring) == 12
    assert "Suspected bought reviews of item i7" in graphdet_command("reviews", path).out
    assert "疑似买来的好评" in graphdet_command("reviews", path, "--lang", "zh").out
    pd.read_csv(path).drop(columns="rating").to_csv(tmp_path / "starless.csv", index=False)
    lacking = graphdet_command("reviews", str(tmp_path / "starless.csv"))
    assert lacking.code == 2
    assert "no stars" in lacking.err
