"""Labels, their parts, calibration, and models with labels: learned, saved, applied and explained."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_logs import coded_table
from sklearn.linear_model import LogisticRegression

from graphdet.errors import LabelError, MissingColumn, ModelMismatch, NotAModel, UnreadableFile
from graphdet.evaluate.metrics import ranking_figures
from graphdet.events import NO_TIME, EventTable, Labels, read_events, read_labels
from graphdet.evidence.measured import measure
from graphdet.learning import from_labels as learning
from graphdet.learning.applying import load_for_run
from graphdet.learning.calibration import Calibration, budget_threshold, calibration_error, choose_threshold, fit_calibration
from graphdet.learning.explaining import explain_user
from graphdet.learning.from_labels import Judgement, learn_labels
from graphdet.learning.judgement_report import write_report
from graphdet.learning.labelled_inputs import LabelledInputs, aggregates, labelled_columns, read_inputs
from graphdet.learning.labelled_model import TREES, LabelledModel, grow_trees, load_labelled, measure_trust, tree_scores
from graphdet.learning.model_file import write_arrays
from graphdet.learning.neighbourhood import Scale
from graphdet.learning.parting import part_labels
from graphdet.pipeline import detect_in
from graphdet.progress import Progress
from graphdet.settings import GnnSettings, LogSettings, RingSettings, Settings
from graphdet.signals import columns_of
from graphdet.signals.signal import FeatureTable, names_of
from graphdet.terminal.about_labels import about_labels

QUICK = Settings(gnn=GnnSettings(epochs=2))
USERS = 600
COLUMNS, OWN = names_of(labelled_columns()), names_of(columns_of("user"))


@pytest.fixture
def events(make_events: Any) -> EventTable:
    table: EventTable = make_events([{"user": f"u{n:02d}", "item": "i", "time": 1000.0 + n} for n in range(10)])
    return table


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_labels_are_read_from_files_of_every_kind(events: EventTable, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"labels.{kind}"
    frame = pd.DataFrame(
        {
            "user_id": ["u03", "u01", "u01", "nobody", "u05", "u07"],
            "label": ["fraud", "0", "1", "1", "good", ""],
            "known_at": ["2024-05-02T00:00:00Z", "2024-05-01", "2024-05-03T01:00:00+01:00", "2024-05-01", "", "2024-05-01"],
        }
    )
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    labels, report = read_labels([path], events)
    assert labels.user.tolist() == [1, 3, 5]
    assert labels.positive.tolist() == [True, True, False]
    assert labels.known_at.tolist() == [
        int(pd.Timestamp("2024-05-03").timestamp() * 1e6),
        int(pd.Timestamp("2024-05-02").timestamp() * 1e6),
        NO_TIME,
    ]
    assert (report.read, report.accepted, report.rejected.num_rows, report.duplicates) == (6, 6, 0, 0)
    assert (report.users, report.positive, report.unsure, report.contradicted, report.unknown) == (3, 2, 1, 1, 1)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_of_labels_are_read_as_those_of_the_log(tmp_path: Path, kind: str) -> None:
    """Numbers with a gap are floats in pandas' hands: user 7 of the log is 7.0 in the table of labels."""
    log, path = tmp_path / "log.parquet", tmp_path / f"labels.{kind}"
    pq.write_table(pa.table({"user_id": [7, 8, 9], "item_id": ["i", "i", "j"]}), log)
    events = read_events([log])
    if kind == "parquet":
        pd.DataFrame({"user_id": [7.0, None, 9.0], "label": [True, True, False]}).to_parquet(path)
    else:
        path.write_text('user_id,label\n"7 ",1\n,1\n 9,0\n')
    labels, report = read_labels([path], events)
    assert labels.user.tolist() == [0, 2]
    assert labels.positive.tolist() == [True, False]
    assert (report.read, report.accepted, report.rejected.num_rows) == (3, 2, 1)
    assert report.rejected.to_pylist()[0]["reason"] == "no user_id"


def test_columns_of_labels_are_mapped_as_the_logs_are(events: EventTable, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv.gz"
    path.write_bytes(gzip.compress("\ufeff Buyer ;LABEL;Found\nu03;Yes;03/04/2024\nu04;no;\n".encode()))
    settings = LogSettings(columns={"buyer": "user_id", "found": "known_at"}, day_first=True, timezone="+08:00")
    labels, report = read_labels([path], events, settings)
    assert labels.user.tolist() == [3, 4]
    assert labels.known_at.tolist() == [int(pd.Timestamp("2024-04-03T00:00+08:00").timestamp() * 1e6), NO_TIME]
    assert report.files[0].format == "csv.gz"
    with pytest.raises(MissingColumn, match=r'no column user_id .*"Buyer" = "user_id"'):
        read_labels([path], events)


def test_every_row_of_labels_is_accounted_for(events: EventTable, tmp_path: Path) -> None:
    """Counted again by hand: each line says in its own last field what is to become of it."""
    path = tmp_path / "labels.csv"
    lines = [
        "u01,1,2024-05-01,accepted",
        "u01,1,2024-05-01,duplicate",
        "u01,fraud,2024-05-01T00:00:00Z,duplicate",
        "u01,1,2024-05-02,accepted",
        "u02,perhaps,,rejected label",
        ",1,,rejected user_id",
        "u03,0,soon,rejected known_at",
        "u04,,,accepted unsure",
        "u04,unsure,,accepted unsure",
        "u05,0,,accepted",
        "u05,YES,,accepted",
        "stranger,1,,accepted",
        "u06,1,rejected record",
    ]
    path.write_text("user_id,label,known_at,fate\n" + "\n".join(lines) + "\n")
    labels, report = read_labels([path], events)
    fates = [line.rsplit(",", 1)[1] for line in lines]
    assert report.read == len(lines) == report.accepted + report.rejected.num_rows + report.duplicates
    assert report.accepted == sum(fate.startswith("accepted") for fate in fates)
    assert report.duplicates == fates.count("duplicate")
    assert report.unsure == fates.count("accepted unsure")
    found = [(row["line"], row["column"]) for row in report.rejected.to_pylist()]
    assert found == [
        (number, fate.removeprefix("rejected ").replace("record", ""))
        for number, fate in enumerate(fates, 2)
        if fate.startswith("rejected")
    ]
    assert labels.user.tolist() == [1, 5]
    assert labels.positive.tolist() == [True, True]
    assert (report.users, report.positive, report.contradicted, report.unknown) == (2, 2, 1, 1)
    assert json.loads(json.dumps(report.as_dict()))["first_rejects"][0]["line"] == 6
    told = about_labels(report)
    assert told[:2] == [
        "labels: read 13 rows = 7 accepted + 4 rejected + 2 duplicates",
        "labels: 2 users of this log, 2 of them positive",
    ]
    assert "labels: 1 user whom this log does not name, left out" in told
    assert f"labels: rejected {path}, line 6, label: no label: use 1 or fraud" in "\n".join(told)


def test_a_log_with_a_label_column_labels_its_users(events: EventTable, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"user_id": ["u01", "u01", "u02"], "item_id": ["i", "j", "i"], "label": [None, 1.0, 0.0]}), path)
    labels, report = read_labels([path], events)
    assert labels.positive.tolist() == [True, False]
    assert (report.accepted, report.unsure) == (3, 1)
    assert events.time is not None
    assert labels.known_at.tolist() == [events.time[1], events.time[2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,verdict\nu01,1\n", r'no column label .*"verdict" = "label"'),
        ("user_id,label\nu01,perhaps\n", r"labels.csv: no label in 1 row; .*\(line 2, label: .* use 1 or fraud.* found 'u01,perhaps'"),
        ("user_id,label\nx,1\n", r"labels 1 user, none of them .* \(such as 'x'\) .* \(such as 'u00'\)"),
        ("user_id,label,known_at\nu01,1,soon\n", "line 2, known_at: cannot be read as a time"),
        ("user_id,label\nu01,\n", "write 1 or fraud"),
        ("user_id,label\n", "no label in 0 rows"),
        ("", "no label in 0 rows"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_one_line(events: EventTable, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises((LabelError, MissingColumn), match=message) as caught:
        read_labels([path], events)
    assert "\n" not in str(caught.value)
    with pytest.raises(UnreadableFile, match="no such file"):
        read_labels([tmp_path / "none.csv"], events)


def test_parts_go_forward_in_time_and_keep_rings_whole() -> None:
    """A ring counts as known when half of its members are; who is in two rings goes with the first, or nowhere."""
    generator = np.random.default_rng(0)
    known = generator.permutation(200).astype(np.int64)
    labels = Labels(np.arange(200, dtype=np.int32), generator.random(200) < 0.5, known)
    rings = [np.arange(start, start + size, dtype=np.int32) for start, size in ((0, 12), (12, 13), (24, 12), (36, 12), (48, 12))]
    parts = part_labels(labels, rings)
    of = {int(row): number for number, name in enumerate(("learn", "calibrate", "judge")) for row in getattr(parts, name)}
    groups = [range(12), range(12, 25), range(25, 36), range(36, 48), range(48, 60), *((user,) for user in range(60, 200))]
    when = [(sorted(known[list(group)])[(len(group) - 1) // 2], of[group[-1]]) for group in groups]
    for ring in rings:
        assert len({of[user] for user in ring.tolist() if user in of}) == 1
    assert set(range(200)) - set(of) <= {24}
    numbers = [number for _, number in sorted(when)]
    assert numbers == sorted(numbers)
    share = labels.positive[parts.learn].sum() / labels.positive.sum()
    assert 0.5 < share < 0.75
    with pytest.raises(LabelError, match="0 positive and"):
        part_labels(Labels(labels.user, np.zeros(200, np.bool_), known), [])


def test_calibration_equals_logistic_regression_and_mends_scores_that_are_too_sure() -> None:
    generator = np.random.default_rng(1)
    truth = generator.random(4000) * 0.5
    positive = generator.random(4000) < truth
    raw = 4 * np.log(truth / (1 - truth)) + 3
    found = fit_calibration(raw, positive)
    reference = LogisticRegression(C=1e9, max_iter=1000).fit(raw[:, None], positive)
    assert found.slope == pytest.approx(reference.coef_[0, 0], rel=0.02)
    assert found.base == pytest.approx(reference.intercept_[0], rel=0.02)
    sure = Calibration(1.0, 0.0).chance(raw)
    assert calibration_error(found.chance(raw), positive) < 0.03 < calibration_error(sure, positive)
    assert np.isfinite(fit_calibration(np.array([1.0, 2.0]), np.array([False, True])).slope)


def test_calibration_error_by_hand() -> None:
    chance, positive = np.array([0.05, 0.05, 0.95, 1.0]), np.array([False, True, True, True])
    assert calibration_error(chance, positive) == pytest.approx((2 * abs(0.05 - 0.5) + 2 * abs(0.975 - 1)) / 4)


def test_thresholds_hold_the_precision_or_the_budget() -> None:
    chance = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.1])
    positive = np.array([True, True, False, True, False, False])
    assert choose_threshold(chance, positive, 0.75) == 0.6
    assert choose_threshold(chance, positive, 0.9) == 0.9
    assert choose_threshold(chance, ~positive, 0.9) > 1
    assert budget_threshold(chance, 2) == 0.8
    assert budget_threshold(chance, 10) == 0


@pytest.fixture(scope="module")
def inputs() -> LabelledInputs:
    """Random columns, three of which tell."""
    return made(np.random.default_rng(2).standard_normal((USERS, len(COLUMNS))).astype(np.float32))


def made(values: npt.NDArray[np.float32]) -> LabelledInputs:
    """Inputs as if every user's column had mean 0 and spread 1."""
    none, one = np.zeros(len(OWN), np.float32), np.ones(len(OWN), np.float32)
    return LabelledInputs("test", COLUMNS, values, Scale(none - 9, none + 9, none, one))


@pytest.fixture(scope="module")
def labels(inputs: LabelledInputs) -> Labels:
    odds = 2 * inputs.column("best_pair") + inputs.column("item_most_log_evidence") - inputs.column("log_events") - 1
    generator = np.random.default_rng(3)
    chance = 1 / (1 + np.exp(-2 * odds))
    user = np.sort(generator.choice(USERS, 450, replace=False)).astype(np.int32)
    return Labels(user, (generator.random(USERS) < chance)[user], generator.permutation(450).astype(np.int64))


@pytest.fixture(scope="module")
def learned(inputs: LabelledInputs, labels: Labels) -> tuple[LabelledModel, Judgement]:
    return learn_labels(inputs, labels, [], QUICK)


def test_a_model_learns_from_labels_and_is_judged_on_later_ones(
    learned: tuple[LabelledModel, Judgement], inputs: LabelledInputs, labels: Labels
) -> None:
    model, judgement = learned
    assert {one.method for one in judgement.methods} >= {"run without labels", "trees over aggregates"}
    ours = judgement.methods[-1]
    assert ours.auroc > 0.8
    rows = labels.user[part_labels(labels, []).judge]
    figures = ranking_figures(judgement.positive, model.chance(inputs)[rows])
    assert figures.auprc == pytest.approx(ours.auprc)
    flagged = model.chance(inputs)[rows] >= model.threshold
    assert judgement.confusion[1][1] == int((flagged & judgement.positive).sum())
    assert sum(map(sum, judgement.confusion)) == len(rows) == judgement.users
    again, _ = learn_labels(inputs, labels, [], QUICK)
    assert again.chance(inputs).tobytes() == model.chance(inputs).tobytes()


def test_few_labels_do_not_spoil_what_the_run_knows(inputs: LabelledInputs) -> None:
    """Thirty labels, no column but the run's odds tells anything: the model ranks nearly as well as the run, trees alone do not."""
    values = inputs.values.copy()
    generator = np.random.default_rng(11)
    odds = values[:, COLUMNS.index("score_odds")]
    positive = generator.random(USERS) < 1 / (1 + np.exp(-3 * odds.astype(np.float64)))
    told = made(values)
    few = Labels(np.arange(30, dtype=np.int32), positive[:30], np.arange(30))
    model, _ = learn_labels(told, few, [], QUICK)
    assert model.trust > 0.9
    later = slice(30, None)
    by_run, ours = (ranking_figures(positive[later], score).auroc for score in (odds[later], model.chance(made(values))[later]))
    alone = tree_scores(grow_trees(made(values).take(slice(20)), positive[:20], 0), made(values).take(later))
    by_trees = ranking_figures(positive[later], alone).auroc
    assert by_run is not None
    assert ours is not None
    assert by_trees is not None
    assert ours > by_run - 0.05 > by_trees + 0.1


def test_labels_of_a_log_without_a_ring_are_learned_from_nothing(inputs: LabelledInputs, labels: Labels) -> None:
    """Every score is the same, and however low it is, it must not hold the trees back."""
    chances = []
    for score in (-3.0, -9.0):
        values = inputs.values.copy()
        values[:, COLUMNS.index("score_odds")] = score
        model, judgement = learn_labels(made(values), labels, [], QUICK)
        assert model.trust == 0
        assert len(model.trees) == TREES["num_iterations"]
        assert judgement.methods[-1].auroc > 0.8
        first = made(values).take(slice(9))
        np.testing.assert_allclose(model.contributions(first).sum(axis=1), model.by_trees(first), rtol=1e-5, atol=1e-9)
        chances.append(model.chance(made(values)))
    np.testing.assert_allclose(*chances, atol=1e-6)


def test_a_run_that_tells_nothing_of_the_labels_is_left_out() -> None:
    positive = np.arange(40) % 2 == 0
    assert measure_trust(np.arange(40.0), positive) < 0.2
    assert measure_trust(np.where(positive, -1.0, 1.0), positive) == 0
    assert measure_trust(np.where(positive, 1.0, -1.0), positive) == 1
    assert measure_trust(np.arange(3.0), np.zeros(3, np.bool_)) == 0


def test_the_budget_sets_the_threshold(inputs: LabelledInputs, labels: Labels) -> None:
    model, _ = learn_labels(inputs, labels, [], QUICK, budget=25)
    assert 25 <= (model.chance(inputs) >= model.threshold).sum() <= 30


def test_a_saved_model_comes_back_whole_and_others_are_refused(
    learned: tuple[LabelledModel, Judgement], inputs: LabelledInputs, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    learned[0].save(path)
    loaded = load_for_run(path, Settings())
    assert isinstance(loaded, LabelledModel)
    np.testing.assert_array_equal(loaded.chance(inputs), learned[0].chance(inputs))
    assert loaded.threshold == learned[0].threshold
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fiU" for name in archive.files)
    write_arrays(path, {"kind": "graphdet model with labels", "format": 4, "features": OWN, "columns": [*COLUMNS, "shoe_size"]}, {})
    with pytest.raises(ModelMismatch, match="shoe_size"):
        load_labelled(path)
    write_arrays(path, {"kind": "graphdet model with labels", "format": 4, "features": OWN, "columns": list(COLUMNS)}, {})
    with pytest.raises(NotAModel, match="damaged model"):
        load_labelled(path)
    write_arrays(path, {"kind": "graphdet model with labels", "format": 3, "features": OWN, "columns": list(COLUMNS)}, {})
    with pytest.raises(NotAModel, match="older graphdet"):
        load_labelled(path)
    write_arrays(path, {"kind": "a cake", "format": 1}, {})
    with pytest.raises(NotAModel, match="is a 'a cake'"):
        load_for_run(path, Settings())


def test_contributions_add_up_and_the_columns_that_tell_are_named(learned: tuple[LabelledModel, Judgement], inputs: LabelledInputs) -> None:
    model, _ = learned
    rows = inputs.take(slice(20))
    np.testing.assert_allclose(model.contributions(rows).sum(axis=1), model.by_trees(rows), rtol=1e-5, atol=1e-9)
    sure = replace(model, trust=1.0)
    odds = np.log(10) * inputs.column("score_odds")[:20].astype(np.float64)
    np.testing.assert_allclose(sure.by_trees(rows) - odds, model.trees.scores(rows.values), rtol=1e-5)
    np.testing.assert_allclose(sure.contributions(rows).sum(axis=1), sure.by_trees(rows), rtol=1e-5, atol=1e-9)
    top = int(np.argmax(model.chance(inputs)))
    found = explain_user(model, inputs, top)
    assert {one.column for one in found.moved[:4]} & {"best_pair", "item_most_log_evidence", "log_events"}
    assert found.fidelity > 0.5
    least = explain_user(model, inputs, top, most=1)
    assert least.fidelity < found.fidelity


@pytest.fixture(scope="module")
def halves() -> tuple[EventTable, EventTable]:
    """A log, and its first half: 150 users with few events; the other half's users are others, at other items, with many more."""
    generator = np.random.default_rng(4)
    user = np.concatenate([generator.integers(0, 150, 900), generator.integers(150, 250, 6000)])
    item = np.concatenate([generator.integers(0, 60, 900), generator.integers(60, 200, 6000)])
    second = np.concatenate([generator.integers(0, 20 * 86_400, 900), generator.integers(300 * 86_400, 330 * 86_400, 6000)])
    user[:7], user[7:900][user[7:900] == 0] = 0, 1
    return coded_table(user, second, item=item), coded_table(user[:900], second[:900], item=item[:900])


def test_a_user_reads_the_same_in_a_log_and_in_its_first_half(halves: tuple[EventTable, EventTable]) -> None:
    """What a user of seven events did, and what others at the same items are like, does not depend on who else is in the log."""
    settings = Settings(rings=RingSettings(permutations=1), gnn=GnnSettings(least_rings=0, epochs=1))
    whole, half = (measure(events, settings) for events in halves)
    known = read_inputs(whole, detect_in(whole, settings, Progress()).run, None)
    labels = Labels(np.arange(200, dtype=np.int32), np.arange(200) % 3 == 0, np.arange(200))
    model, _ = learn_labels(known, labels, [], settings)
    again = read_inputs(half, detect_in(half, settings, Progress()).run, model.message_scale)
    assert known.column("log_events")[0] == again.column("log_events")[0] == np.float32(np.log1p(7))
    for name in ("log_events", "item_mean_log_events", "item_most_log_events", "item_mean_others"):
        np.testing.assert_allclose(again.column(name), known.column(name)[:150], rtol=1e-5, err_msg=name)
    assert known.column("log_events").std() > 0.5, "the other half is of another kind"
    found = explain_user(model, again, 0, most=len(COLUMNS))
    assert {one.column: one.value for one in found.moved}["log_events"] == pytest.approx(7, rel=1e-5)


def test_who_is_alone_has_no_others_to_tell_of(learned: tuple[LabelledModel, Judgement]) -> None:
    """A message that says nothing is its column's mean, which must not be printed as what others did."""
    values = np.full((3, len(COLUMNS)), 2, np.float32)
    values[0, COLUMNS.index("item_most_log_events")] = 0  # the mean, by the scale of `made`
    values[0, COLUMNS.index("log_events")] = 0
    model, _ = learned
    moved = {one.column: one for one in explain_user(model, made(values), 0, most=len(COLUMNS)).moved}
    assert moved["item_most_log_events"].value is None
    assert moved["log_events"].value == 0
    assert moved["partners1_log_events"].value == pytest.approx(np.expm1(2), rel=1e-4)


def test_columns_have_words_in_both_languages() -> None:
    words = {column.name: column for column in labelled_columns()}
    assert words["item_most_log_evidence"].english == "evidence of all pairs together, log10, of others at the same items, highest"
    assert words["partners1_met_share"].chinese.endswith("（有成对证据的用户）")
    assert len({column.english for column in words.values()}) == len({column.chinese for column in words.values()}) == len(words)
    assert set(aggregates()) < set(words)


def test_the_report_draws_every_curve(learned: tuple[LabelledModel, Judgement], tmp_path: Path) -> None:
    names = write_report(learned[1], tmp_path / "report")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(names)
    assert all((tmp_path / "report" / name).stat().st_size > 5000 for name in names if name.endswith(".png"))
    assert "| trees over aggregates |" in (tmp_path / "report" / "figures.md").read_text()


def test_a_search_stays_inside_the_labels_to_learn_from(inputs: LabelledInputs, labels: Labels, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    asked: list[tuple[FeatureTable, dict[str, object]]] = []
    search = learning._search

    def listen(learned_from: FeatureTable, *others: object) -> dict[str, object]:
        asked.append((learned_from, search(learned_from, *others)))  # type: ignore[arg-type]
        return asked[-1][1]

    monkeypatch.setattr(learning, "_search", listen)
    model, _ = learn_labels(inputs, labels, [], QUICK, trials=2)
    ((learned_from, found),) = asked
    np.testing.assert_array_equal(learned_from.values, inputs.values[labels.user[part_labels(labels, []).learn]])
    assert set(found) == {"num_leaves", "min_data_in_leaf", "learning_rate", "feature_fraction", "lambda_l2"}
    assert len(model.trees.value) <= found["num_leaves"] * len(model.trees)  # the settings that were found grew the trees
    assert len(model.trees.value) > min(found["num_leaves"], 6) * len(model.trees) / 2


def test_figures_go_to_tensorboard_where_asked_for(inputs: LabelledInputs, labels: Labels, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    learn_labels(inputs, labels, [], QUICK, board=tmp_path)
    written = EventAccumulator(str(tmp_path)).Reload()
    tags = set(written.Tags()["scalars"])
    assert {"calibration_error", "auprc/trees over aggregates"} <= tags
    assert 0 < written.Scalars("auprc/trees over aggregates")[0].value <= 1
