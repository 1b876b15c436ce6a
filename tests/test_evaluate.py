"""Figures against scikit-learn, brute force and cases small enough to count by hand."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score, roc_auc_score

from graphdet.errors import NotAMarket
from graphdet.evaluate import Truth, bootstrap_interval, evaluate, evaluate_groups, load_truth
from graphdet.evaluate.metrics import ranking_figures
from graphdet.evaluate.sets import match
from graphdet.run.describing import META_KEYS
from graphdet.run.folder import Run
from graphdet.schema import RUN_TABLES, arrow_schema


def make_truth(
    rings: dict[str, list[str]],
    *,
    undetectable: tuple[str, ...] = (),
    items: tuple[str, ...] = (),
    innocent: dict[str, list[str]] | None = None,
) -> Truth:
    """Rings of the kind before the '-' of their id; look-alike groups likewise."""
    members = [(ring, "user", user, "member", 1 if user in undetectable else 3) for ring, users in rings.items() for user in users]
    members += [(next(iter(rings)), "item", item, "target", 0) for item in items]
    members += [(ring, "item", "hot", "decoy", 0) for ring in rings]  # everybody's camouflage
    groups = [(group, group.split("-")[0], "user", user) for group, users in (innocent or {}).items() for user in users]
    return Truth(
        rings=pd.DataFrame(
            [(ring, ring.split("-")[0], len(users), 0.5) for ring, users in rings.items()], columns=["ring_id", "kind", "size", "density"]
        ),
        members=pd.DataFrame(members, columns=["ring_id", "node_type", "node_id", "role", "targets_touched"]),
        lookalikes=pd.DataFrame(groups, columns=["group_id", "kind", "node_type", "node_id"]),
    )


TRUTH = make_truth(
    {"farm-1": list("abcd"), "crowd-1": list("defg"), "crowd-2": list("xyz")},
    undetectable=("c", "z"),
    items=("i1", "i2"),
    innocent={"fan_club-1": list("mnop"), "campus-1": list("mnopqrstuv")},
)


def test_figures_counted_by_hand() -> None:
    figures = evaluate_groups({"1": list("abcd"), "2": list("dem"), "3": list("mno"), "4": ["fresh1", "fresh2"]}, TRUTH)
    # Alerted: a b c d e m n o fresh1 fresh2; of them a b c d e are members; members a-g x y z, detectable all but c and z.
    assert figures.alerted_users == 10
    assert figures.precision == pytest.approx(5 / 10)
    assert figures.recall == pytest.approx(5 / 10)
    assert figures.f1 == pytest.approx(0.5)
    assert figures.detectable_recall == pytest.approx(4 / 8)
    # farm-1 = alert 1 exactly; crowd-1 and alert 2 share d e of five: 0.4; crowd-2 is missed.
    assert figures.ring_recall == pytest.approx(1 / 3)
    assert figures.ring_precision == pytest.approx(1 / 4)
    assert figures.mean_best_jaccard == pytest.approx((1 + 2 / 5 + 0) / 3)
    assert [ring.best_jaccard for ring in figures.rings] == pytest.approx([1, 0.4, 0])
    assert figures.rings[0].detectable_best_jaccard == 1  # c cannot be found, so finding it is no fault
    assert [alert.true_ring for alert in figures.alert_outcomes] == ["farm-1", "crowd-1", None, None]
    assert [alert.lookalike for alert in figures.alert_outcomes] == [None, None, "fan_club", None]
    assert figures.true_alerts == 2
    assert figures.precision_at["20"] == pytest.approx(2 / 4)
    assert figures.fragmentation == 1
    assert figures.lookalikes["fan_club"].groups_alerted == 1
    assert figures.lookalikes["fan_club"].alerts == 1
    assert figures.lookalikes["campus"].groups_alerted == 1  # alert 3 is made of its users too
    assert figures.lookalikes["campus"].alerts == 0  # but the narrower kind names it
    assert figures.by_kind["crowd"].rings == 2
    assert figures.by_kind["crowd"].member_recall == pytest.approx(2 / 7)
    assert figures.by_size["0: < 10"].rings == 3
    assert figures.by_density["2: 0.4–0.6"].detectable == 9
    json.dumps(figures.as_dict(), allow_nan=False)


def test_a_ring_found_in_pieces_is_fragmented() -> None:
    truth = make_truth({"slow-1": [f"u{i}" for i in range(12)]})
    figures = evaluate_groups({str(k): [f"u{i}" for i in range(4 * k, 4 * k + 4)] for k in range(3)}, truth)
    assert figures.fragmentation == 3
    assert (figures.precision, figures.recall, figures.ring_recall) == (1, 1, 0)


def test_overlapping_rings_need_an_alert_each() -> None:
    truth = make_truth({"cartel-1": list("abcde"), "cartel-2": list("bcdef")})
    one = evaluate_groups({"1": list("abcdef")}, truth)
    assert (one.recall, one.ring_recall) == (1, 0.5)
    assert evaluate_groups({"1": list("abcde"), "2": list("bcdef")}, truth).ring_recall == 1


def test_no_alerts_and_no_rings_give_none_not_nan() -> None:
    nothing = evaluate_groups({}, TRUTH)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.ring_precision) == (None, 0, 0, None)
    quiet = evaluate_groups({"1": ["a", "b"]}, make_truth({}, innocent={"household-1": ["a", "b"]}))
    assert (quiet.precision, quiet.recall, quiet.ring_recall) == (0, None, None)
    assert quiet.lookalikes["household"].alert_rate == 1
    for figures in (nothing, quiet):
        json.dumps(figures.as_dict(), allow_nan=False)


def test_explanations_are_right_only_for_their_own_kind() -> None:
    explained = {
        "1": ("fan_club", list("mnop")),
        "2": ("group_buy", list("mnop")),
        "3": ("fan_club", list("abcd")),
        "4": ("reseller", ["new"]),
    }
    figures = evaluate_groups({}, TRUTH, explained=explained)
    assert (figures.lookalikes["fan_club"].explained, figures.lookalikes["fan_club"].explained_right) == (2, 1)
    assert figures.explained_true_rings == 1
    assert figures.explanation_right == pytest.approx(1 / 3)  # the fourth is nobody's group


def test_networks_are_look_alikes_by_their_addresses() -> None:
    truth = make_truth({"farm-1": list("abcd")}, innocent={"household-1": ["h1", "h2"]})
    networks = pd.DataFrame(
        [("carrier-1", "carrier", "ip", "9.9.9.1"), ("carrier-2", "carrier", "ip", "9.9.9.2")], columns=truth.lookalikes.columns
    )
    truth = Truth(truth.rings, truth.members, pd.concat([truth.lookalikes, networks], ignore_index=True))
    alerts = {"1": list("abcd"), "2": ["x", "y", "z"], "3": ["q", "r"], "4": ["h1", "h2"]}
    figures = evaluate_groups(alerts, truth, ips={"1": ["9.9.9.2"], "2": ["9.9.9.1", "1.1.1.1", "9.9.9.1"], "4": ["9.9.9.2"]})
    assert [alert.lookalike for alert in figures.alert_outcomes] == [None, None, None, "household"]
    figures = evaluate_groups(alerts, truth, ips={"1": ["9.9.9.2"], "2": ["9.9.9.1"], "4": ["9.9.9.2"]})
    assert [alert.lookalike for alert in figures.alert_outcomes] == [None, "carrier", None, "household"]
    assert (figures.lookalikes["carrier"].alerts, figures.lookalikes["carrier"].groups) == (1, 2)
    explained = evaluate_groups({}, truth, explained={"1": ("shared_network", ["x", "y"])}, ips={"1": ["9.9.9.1"]})
    assert explained.explanation_right == 1


def test_people_from_different_homes_are_no_household() -> None:
    homes = {f"household-{i}": [f"a{i}", f"b{i}"] for i in range(6)}
    strangers, families = [f"a{i}" for i in range(6)], ["a0", "b0", "a1", "b1", "z"]
    figures = evaluate_groups({"1": strangers, "2": families}, make_truth({}, innocent=homes))
    assert [alert.lookalike for alert in figures.alert_outcomes] == [None, "household"]


def make_run(rings: list[tuple[str, int, str, str]], members: list[tuple[str, str, str]], scores: list[tuple[str, str, float]]) -> Run:
    def table(name: str, rows: list[dict[str, object]]) -> pa.Table:
        blank = {field.name: None for field in RUN_TABLES[name] if field.lacks}
        return pa.Table.from_pylist([blank | row for row in rows], schema=arrow_schema(name))

    def counts(ring: str) -> dict[str, object]:
        types = [node_type for owner, node_type, _ in members if owner == ring]
        of = {"size": "user", "targets": "item", "devices": "device", "ips": "ip"}
        return {column: types.count(node_type) for column, node_type in of.items()}

    ringwide = {"score": 0.9, "p_value": 0.01, "q_value": 0.01, "strength": 9.0, "events": 20, "density": 0.8, "dedication": 0.5}
    of_each = {"contribution": 2.0, "events": 4}
    rows = {
        "rings": [
            {"ring_id": ring, "rank": rank, "tier": tier, "explanation": name} | ringwide | counts(ring) for ring, rank, tier, name in rings
        ],
        "members": [
            {"ring_id": r, "node_type": t, "node_id": n, "role": "core" if t == "user" else "target"} | of_each for r, t, n in members
        ],
        "evidence": [],
        "scores": [{"node_type": t, "node_id": n, "score": s, "rank": i} for i, (t, n, s) in enumerate(scores, start=1)],
        "rejected": [],
    }
    return Run(dict.fromkeys(META_KEYS, 0), {name: table(name, own) for name, own in rows.items()})


def test_a_run_counts_alerts_only_in_the_order_of_their_ranks() -> None:
    rings = [("r3", 3, "explained", "fan_club"), ("r2", 2, "alert", ""), ("r1", 1, "alert", ""), ("r4", 4, "review", "")]
    members = [("r1", "user", user) for user in "xyq"] + [("r2", "user", user) for user in "abcd"] + [("r2", "item", "i1")]
    members += [("r3", "user", user) for user in "mnop"] + [("r4", "user", user) for user in "efg"]
    scores = [("user", user, 0.9 if user in "abcdx" else 0.1) for user in "abcdefgxyzmnop"] + [
        ("item", f"i{k}", 1 / k) for k in range(1, 5)
    ]
    figures = evaluate(make_run(rings, members, scores), TRUTH)
    assert (figures.alerts, figures.review, figures.explained) == (2, 1, 1)
    assert [alert.ring_id for alert in figures.alert_outcomes] == ["r1", "r2"]
    assert figures.precision == pytest.approx(6 / 7)
    assert figures.explanation_right == 1
    assert figures.ranking["item"].auroc == 1  # i1 and i2 are the targets
    true = [user in "abcdefgxyz" for user in "abcdefgxyzmnop"]
    assert figures.ranking["user"].auroc == pytest.approx(roc_auc_score(true, [score for kind, _, score in scores if kind == "user"]))


@given(
    arrays(bool, st.shared(st.integers(2, 40), key="n")),
    arrays(float, st.shared(st.integers(2, 40), key="n"), elements=st.sampled_from([0, 0.1, 0.2, 0.5, 0.75, 1])),
)
@settings(deadline=None)
def test_ranking_equals_scikit_learn(positive: np.ndarray, score: np.ndarray) -> None:
    figures = ranking_figures(positive, score)
    if positive.all() or not positive.any():
        assert figures.auroc is figures.auprc is None
    else:
        assert figures.auroc == pytest.approx(roc_auc_score(positive, score))
        assert figures.auprc == pytest.approx(average_precision_score(positive, score))


@given(arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.sampled_from([0, 0.3, 0.5, 0.6, 0.7, 0.9, 1])))
@example(np.array([[0.6, 0, 0], [1, 0.6, 0], [0, 1, 0.6]]))  # three pairs of 0.6 before two of 1
@settings(deadline=None)
def test_matching_equals_brute_force(jaccard: np.ndarray) -> None:
    rows, columns = match(csr_array(jaccard))
    assert len(set(rows)) == len(set(columns)) == len(rows)
    values = jaccard[rows, columns]
    assert (values > 0.5).all()
    assert (len(values), values.sum()) == pytest.approx(best_by_trying_all(jaccard))


def best_by_trying_all(jaccard: np.ndarray) -> tuple[int, float]:
    """Most pairs above 0.5, then their greatest sum, over every way to give each row a column of its own."""
    table = jaccard if jaccard.shape[0] <= jaccard.shape[1] else jaccard.T
    ways = itertools.permutations(range(table.shape[1]), table.shape[0])
    chosen = ([table[row, column] for row, column in enumerate(way)] for way in ways)
    return max((sum(value > 0.5 for value in way), sum(value for value in way if value > 0.5)) for way in chosen)


@given(
    st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=1, max_size=4), st.lists(st.sets(st.integers(0, 14), min_size=1), max_size=5)
)
@settings(deadline=None)
def test_set_figures_equal_python_sets(rings: list[set[int]], alerts: list[set[int]]) -> None:
    truth = make_truth({f"kind-{i}": [str(user) for user in ring] for i, ring in enumerate(rings)})
    figures = evaluate_groups({str(i): [str(user) for user in alert] for i, alert in enumerate(alerts)}, truth)
    alerted, members = set().union(*alerts), set().union(*rings)
    assert figures.precision == (pytest.approx(len(alerted & members) / len(alerted)) if alerted else None)
    assert figures.recall == pytest.approx(len(alerted & members) / len(members))
    best = [max([len(ring & alert) / len(ring | alert) for alert in alerts], default=0) for ring in rings]
    assert [outcome.best_jaccard for outcome in figures.rings] == pytest.approx(best)
    assert figures.true_alerts == sum(any(2 * len(alert & ring) > len(alert) for ring in rings) for alert in alerts)
    assert [outcome.found for outcome in figures.rings] == [len(ring & alerted) for ring in rings]


def test_the_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for trial in range(100):
        samples = [generator.normal(0, 1, 1).tolist() for _ in range(20)]
        mean, low, high = bootstrap_interval(samples, resamples=150, seed=trial)
        assert low <= mean <= high
        covered += low <= 0 <= high
    assert 0.85 <= covered / 100 <= 0.99
    assert bootstrap_interval([[0.5], [0.5]]) == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="needs values"):
        bootstrap_interval([[], []])


def test_truth_is_read_from_a_market_folder(tmp_path: Path) -> None:
    with pytest.raises(NotAMarket, match=r"rings\.parquet"):
        load_truth(tmp_path)
    folder = tmp_path / "truth"
    folder.mkdir()
    for name in ("rings", "members", "lookalikes"):
        pq.write_table(pa.Table.from_pandas(getattr(TRUTH, name)), folder / f"{name}.parquet")
    for given_folder in (tmp_path, folder):
        assert load_truth(given_folder).members.equals(TRUTH.members)
    pq.write_table(pa.Table.from_pandas(TRUTH.members.drop(columns="targets_touched")), folder / "members.parquet")
    with pytest.raises(NotAMarket, match="targets_touched"):
        load_truth(tmp_path)
