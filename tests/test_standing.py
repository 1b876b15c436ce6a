"""How often groups that stand so were rings: the sums by other ways, the shipped counts made anew in part, and the house's verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_logs import made_ring, plain_facts, with_facts
from scipy.stats import beta
from slow_standing import slow_prior
from standings import count, read
from tiers import collect, make

from graphdet.errors import LabelError
from graphdet.judging.conditions import Background, ring_numbers
from graphdet.judging.standing import COUNTS, LIKENESSES, chances, known_chances, known_counts, prior, standing_of
from graphdet.judging.tiers import judge
from graphdet.run.folder import Run
from graphdet.run.house_verdicts import count_verdicts, read_verdicts, with_verdicts
from graphdet.schema import TIERS, TOLD_LATER, arrow_schema
from graphdet.schema.standings import STANDINGS
from graphdet.settings import TierSettings
from graphdet.words.verdicts import chance_in_words

RINGS, GROUPS = [12, 3, 20, 0, 7], [14, 10, 20, 2, 7]


def test_a_new_kind_s_rate_spreads_as_kinds_do_and_as_little_as_the_mean_is_known() -> None:
    """By plain counting on the grid of likenesses, and by drawing means and rates of new kinds."""
    a, b = prior(RINGS, GROUPS)
    assert (a, b) == pytest.approx(slow_prior(RINGS, GROUPS))
    generator = np.random.default_rng(1)
    for likeness in LIKENESSES[[10, 30, 50]].tolist():
        known = 9.0
        means = generator.beta(0.7 * known, 0.3 * known, 400_000)
        rates = generator.beta(means * likeness, (1 - means) * likeness)
        total = known * likeness / (known + likeness + 1)  # as `prior` has it
        assert beta.var(0.7 * total, 0.3 * total) == pytest.approx(rates.var(), rel=0.02)


def test_kinds_that_differ_make_a_wide_interval_and_many_that_agree_a_narrow_one() -> None:
    def width(rings: list[int], groups: list[int]) -> float:
        told = chances({str(kind): {"alert": one} for kind, one in enumerate(zip(rings, groups, strict=True))}, {})["alert"]
        return told.high - told.low

    alike, unlike = width([18] * 10, [20] * 10), width([20] * 9 + [0], [20] * 10)
    assert alike < 0.5 * unlike
    assert width([18] * 3, [20] * 3) > alike
    assert width([], []) > 0.9  # nothing is known


def test_counts_that_ship_are_those_of_the_markets(tmp_path: Path) -> None:
    """Part of them made anew; where the search or the rules have changed since, `benchmarks/standings.py` counts again."""
    for kind in ("tiny", "logins"):
        for ringed in (True, False):
            table = collect(*make(kind, 101, ringed), {"kind": kind, "seed": 101, "ringed": ringed})
            pq.write_table(table, tmp_path / f"{kind}-{ringed}.parquet")
    shipped = known_counts_of_seed("101")
    for kind, seeds in read(tmp_path).items():
        assert seeds["101"] == shipped[kind]
        assert seeds["101"]["alert"][0] >= 2


def known_counts_of_seed(seed: str) -> dict[str, dict[str, tuple[int, int]]]:
    kinds = json.loads(COUNTS.read_text(encoding="utf-8"))["kinds"]
    return {kind: {name: tuple(own) for name, own in seeds[seed].items()} for kind, seeds in kinds.items() if seed in seeds}


def test_what_ships_tells_tiers_apart() -> None:
    told = known_chances()
    assert set(told) == set(STANDINGS)
    assert {one.tier for one in STANDINGS.values()} == set(TIERS)
    assert told["alert"].mean > 0.9 > told["review"].mean > told["doubtful"].mean
    assert all(of[name][0] <= of[name][1] for of in known_counts().values() for name in STANDINGS)


def test_how_a_ring_stands() -> None:
    plain, log, settings = plain_facts(made_ring(range(20), range(6), 50.0)), Background(30.0, 10_000, True, 0.0), TierSettings()

    def stands(**changed: float) -> str:
        return standing_of(judge(with_facts(plain, **changed), 6, log, settings))

    assert stands() == "alert"
    assert stands(crowd=0.7, two_target_share=0.6) == "review"
    assert stands(one_sitting=0.6) == "doubtful"
    assert stands(one_day=0.6, sellers=5, top_seller=0.3) == "doubtful"
    assert stands(crowd=0.7, two_target_share=0.6, dedication=0.1) == "doubtful"
    assert stands(crowd=0.7, rush=2.0, two_target_share=0.2) == "alert", "who is at many of a crowd's things did not come with it"
    assert stands(crowd=0.7, rush=2.0, two_target_share=0.9) == "explained"


def test_a_run_leaves_out_what_too_much_speaks_against_and_so_do_the_counts() -> None:
    log, settings = Background(30.0, 10_000, True, 0.0), TierSettings()
    strong = plain_facts(made_ring(range(20), range(6), 50.0))
    crowded = with_facts(strong, crowd=0.7, two_target_share=0.6)
    groups = [strong, crowded, with_facts(crowded, dedication=0.1, one_sitting=0.6)]
    told = [{"numbers": ring_numbers(facts, 6, log), "true": place < 1} for place, facts in enumerate(groups)]
    assert count(told, settings) == {"alert": (1, 1), "review": (0, 1)}
    assert count(told, settings.model_copy(update={"objections_most": 3}))["doubtful"] == (0, 1)


def test_verdicts_of_the_house_outweigh_other_markets_in_the_end() -> None:
    before = known_chances()["review"]
    few, many = (known_chances({"review": (n, 9 * n)})["review"] for n in (1, 100))
    assert before.mean > few.mean > many.mean == pytest.approx(0.1, abs=0.01)
    assert many.high - many.low < 0.1 < before.high - before.low
    assert many.verdicts == 1000
    assert known_chances({"review": (1, 9)})["alert"] == known_chances()["alert"]


def stood(run: Run) -> Run:
    """The run with standings, as this graphdet writes them."""
    names, schema = ["alert", "doubtful", "explained"], arrow_schema("rings")
    place = schema.get_field_index("standing")
    return run.with_tables(rings=run.rings.set_column(place, schema.field(place), pa.array(names, pa.string())))


def test_a_run_s_chances_rest_on_verdicts_that_a_file_tells(small_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    rows = ["user_id,label,verdict,ring_id,role,standing"]
    rows += [f"u{n},1,confirmed,R-{n // 2},core,alert" for n in range(6)] + ["u9,0,innocent,R-0,core,alert", "u8,0,innocent,R-7,core,"]
    path.write_text("\n".join([*rows, "u7,,unsure,R-8,core,review"]), encoding="utf-8")
    told = read_verdicts([path])
    assert count_verdicts(told) == {"alert": (2, 1), "review": (0, 0), "doubtful": (0, 0), "explained": (0, 0)}
    run = with_verdicts(stood(small_run), told)
    alert, doubtful, _ = run.rings.to_pylist()
    assert alert["chance"] == pytest.approx(known_chances({"alert": (2, 1)})["alert"].mean)
    assert (alert["verdicts"], doubtful["verdicts"]) == (3, 0)
    assert run.id != small_run.id
    assert "3 verdicts of this house" in run.meta["notes"][-1]
    assert "by 3 verdicts of this house" in chance_in_words(alert, "en")
    assert "本机构 3 个结论" in chance_in_words(alert, "zh")
    assert "groups for review with more against them" in chance_in_words(doubtful, "en")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ring_id,verdict\nR-1,confirmed", "has no column 'standing'"),
        ("ring_id,standing,verdict\nR-1,alert,guilty", "a verdict is one of confirmed, innocent, unsure"),
        ("ring_id,standing,verdict\nR-1,alarm,confirmed", "a standing one of alert, review"),
    ],
)
def test_verdicts_that_cannot_be_read_are_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "verdicts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=said):
        read_verdicts([path])
    with pytest.raises(LabelError, match="cannot be read as verdicts"):
        read_verdicts([tmp_path / "absent.csv"])


def test_a_run_of_an_older_graphdet_has_no_chances_and_says_none(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    path = tmp_path / "run" / "rings.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(list(TOLD_LATER["rings"])), path)
    for ring in Run.load(tmp_path / "run").rings.to_pylist():
        assert ring["chance"] is None
        assert chance_in_words(ring, "en") == ""
