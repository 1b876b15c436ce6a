"""Groups of near-duplicate review texts, against a slow brute force over all pairs; and what they mean for rings."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_logs import Block, planted_log

from graphdet.dossier.building import build_dossier
from graphdet.events import EventTable, read_events
from graphdet.events.table import Written
from graphdet.pipeline import detect
from graphdet.progress import Progress
from graphdet.replay.recorded import Recorded
from graphdet.rings.null_search import search_null
from graphdet.settings import GnnSettings, LogSettings, RingSettings, Settings
from graphdet.signals import measure_log, with_meeting_places
from graphdet.signals.near_texts import FEWEST, NEAR, near_groups, similarity
from graphdet.signals.review_texts import groups_of
from graphdet.signals.text_folding import fold

SAME = [  # each row folds to one text
    ("Great quality!! 👍 Fits 100%", "great QUALITY — fits 25 %", "ｇｒｅａｔ　ｑｕａｌｉｔｙ，fits 7", "gr\u200beat quality fits １０ 0"),
    ("质量很好。包装 很严实！！", "质量很好，包装很严实", "质量很好包装很严实～👍"),
    ("Café naïve", "Cafe\u0301 nai\u0308ve", "CAFÉ, NAÏVE", "𝗖𝗮𝗳𝗲 𝗻𝗮𝗶𝘃𝗲"),
    ("加我 微信 138-1234-5678", "加我微信13800000000"),
]
WORDS = tuple("".join(random.Random(number).choices("abcdefghijklmnop", k=6)) for number in range(400))  # noqa: S311


def arrow(texts: list[str]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def shingles_by_hand(text: str) -> set[str]:
    """As the docs say: two characters where a script leaves no spaces, four elsewhere; the last ones of a text stand in those before, and
    a text that is too short for its first shingle is that one."""
    dense = [any(low <= ord(one) < high for low, high in ((0x3040, 0x3100), (0x3400, 0xA000), (0xAC00, 0xD7B0))) for one in text]
    found = {text[at : at + (2 if dense[at] else 4)] for at in range(len(text)) if not at or at + (2 if dense[at] else 4) <= len(text)}
    return found or {text}


def jaccard(one: str, other: str) -> float:
    left, right = shingles_by_hand(one), shingles_by_hand(other)
    return len(left & right) / len(left | right)


def sheet(copies: int, seed: int) -> list[str]:
    """A sheet of sixteen words, of which each copy exchanges one."""
    draw = random.Random(seed)  # noqa: S311
    words = draw.sample(WORDS, 16)
    return [" ".join([*words[:at], draw.choice(WORDS), *words[at + 1 :]]) for at in (draw.randrange(16) for _ in range(copies))]


@pytest.mark.parametrize("texts", SAME, ids=lambda texts: texts[0])
def test_what_says_nothing_is_folded_away(texts: tuple[str, ...]) -> None:
    assert len(set(fold(arrow(list(texts))).to_pylist())) == 1


@given(st.lists(st.text(max_size=30), max_size=12))
@settings(max_examples=150, deadline=None)
def test_folding_is_text_by_text_and_done_once(texts: list[str]) -> None:
    whole = fold(arrow(texts)).to_pylist()
    assert whole == [fold(arrow([text]))[0].as_py() for text in texts]
    assert fold(arrow(whole)).to_pylist() == whole
    assert whole == fold(arrow([f"…{text.swapcase() if text.isascii() else text}!" for text in texts])).to_pylist()


@given(st.lists(st.text("ab 好的快递", min_size=1, max_size=12), min_size=2, max_size=6, unique=True))
@settings(max_examples=100, deadline=None)
def test_likeness_is_jaccards(texts: list[str]) -> None:
    pairs = np.array(list(itertools.combinations(range(len(texts)), 2)))
    expected = [jaccard(texts[one], texts[other]) for one, other in pairs.tolist()]
    np.testing.assert_allclose(similarity(pairs, arrow(texts)), expected)


def test_groups_are_those_of_all_pairs() -> None:
    """Everybody is near the first of their group, nobody who is nearly a copy stays alone, and other sheets are other groups."""
    texts = list(dict.fromkeys(fold(arrow([text for number in range(40) for text in sheet(6, number)])).to_pylist()))
    random.Random(1).shuffle(texts)  # noqa: S311
    first = near_groups(arrow(texts)).tolist()
    for place, leader in enumerate(first):
        assert first[leader] == leader
        assert leader <= place
        assert leader == place or jaccard(texts[place], texts[leader]) >= NEAR
    alone = [place for place, leader in enumerate(first) if leader == place]
    close = [(one, other) for one, other in itertools.combinations(alone, 2) if jaccard(texts[one], texts[other]) >= NEAR + 0.1]
    assert close == []
    assert len(alone) == 40


def test_short_texts_are_the_same_or_not() -> None:
    assert FEWEST == 8
    assert near_groups(arrow(["好用不贵", "好用不贵的"])).tolist() == [0, 1]
    assert near_groups(arrow(["很好用而且不贵还会再来买的", "很好用而且不贵还会再来买"])).tolist() == [0, 0]


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_names_do_not_depend_on_the_order_of_rows(draw: random.Random) -> None:
    rows = [(text, user) for user, text in enumerate([*sheet(4, 1), *sheet(3, 2), "好", "好!", "alone in the world with these words"])]
    expected = dict(zip(rows, names(rows), strict=True))
    draw.shuffle(rows)
    assert dict(zip(rows, names(rows), strict=True)) == expected


def names(rows: list[tuple[str, int]]) -> list[str | None]:
    distinct = list(dict.fromkeys(text for text, _ in rows))
    code = np.array([distinct.index(text) for text, _ in rows], np.int32)
    found: list[str | None] = groups_of(Written(arrow(distinct), code), np.array([user for _, user in rows], np.int32)).to_pylist()
    return found


def test_who_wrote_the_like_meets_and_who_says_nothing_does_not() -> None:
    rows = [("the same words again and again", 1), ("The same words again, and again!", 1), ("好评好评好评", 2), ("好评，好评，好评", 3)]
    found = names([*rows, ("👍", 4), ("👍!", 5)])
    assert found[0] == found[1] != found[2]
    assert found[2] == found[3]
    assert found[2] is not None
    assert found[2].startswith("好评好评好评 #")
    assert found[4:] == [None, None]


def test_a_log_is_read_with_its_texts_and_without(tmp_path: Path) -> None:
    rows = [f'u{user},i{user},2025-03-0{1 + user % 5},"Fast shipping, would buy again {user}!"' for user in range(6)]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,timestamp,text", *rows]), encoding="utf-8")
    (tmp_path / "turned.csv").write_text("\n".join(["user_id,item_id,timestamp,text", *reversed(rows)]), encoding="utf-8")
    events = with_meeting_places(read_events([tmp_path / "log.csv"]))
    assert events.ids["text_group"].to_pylist() == with_meeting_places(read_events([tmp_path / "turned.csv"])).ids["text_group"].to_pylist()
    assert events.count("text_group") == 1
    assert events.codes["text_group"].tolist() == [0] * 6
    without = with_meeting_places(read_events([tmp_path / "log.csv"], LogSettings(texts=False)))
    assert "text_group" not in without.ids
    assert json.dumps(sorted(without.ids)) == json.dumps(["item", "user"])


QUICK = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))


def written_log(blocks: list[Block], text_of: Callable[[int, int], str | None], **size: int) -> EventTable:
    """A made log in which `text_of(user, row)` says what each event's user writes."""
    events = planted_log(np.random.default_rng(5), blocks, **size)[0]
    texts = [text_of(user, row) for row, user in enumerate(events.codes["user"].tolist())]
    distinct = sorted({text for text in texts if text is not None})
    code = np.array([-1 if text is None else distinct.index(text) for text in texts], np.int32)
    return replace(events, written={"text": Written(arrow(distinct), code)})


def test_what_thousands_paste_is_named_and_alerts_nobody() -> None:
    """A shop's template: everybody writes it, in a day, with a mark of their own."""
    log = written_log([], lambda user, row: f"Thank you, dear shop number {user % 7}{'!' * (row % 5)}", users=2500, items=300, events=6000)
    run = detect(log, QUICK)
    assert "alert" not in run.rings["tier"].to_pylist()
    assert run.evidence.filter(pc.equal(run.evidence["view"], "text_group")).num_rows == 0
    named = [one["key"] for one in run.meta["discounted"] if one["view"] == "text_group"]
    assert len(named) == 1
    assert named[0].startswith("thank you dear shop number 0 #")
    assert any("text_group key is crowded" in note for note in run.meta["notes"])


def test_a_sheet_stands_in_the_ring_and_chance_makes_none_of_it() -> None:
    """Members write from one sheet, each with a word exchanged, the others their own words; with users exchanged, no ring is left."""

    def own(row: int) -> str:
        return " ".join(random.Random(row).choices(WORDS, k=9))  # noqa: S311

    lines = sheet(40, 8)
    ring = Block(users=tuple(range(12)), items=tuple(range(6)))
    log = written_log([ring], lambda user, row: lines[row % 40] if user < 12 else own(row), users=400, items=150, events=4000)
    measured = measure_log(log, QUICK)
    assert measured.events.count("text_group") > 2000
    run = detect(log, QUICK)
    best = run.rings["ring_id"][0].as_py()
    members = run.members.filter(pc.equal(run.members["ring_id"], best)).to_pylist()
    assert {one["role"] for one in members if one["node_type"] == "text_group"} == {"shared_text"}
    assert max(search_null(measured, 2, QUICK, 1, Progress()).strengths.tolist(), default=0) < QUICK.tiers.alert_strength
    dossier = build_dossier(Recorded(run), run.ring(best))
    told = dict(dossier.reasons)["shared_text"]
    assert told["members"] >= 10
    assert told["users"] == 12
