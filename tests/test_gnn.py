"""Messages against slow loops and against PyTorch Geometric, learning that keeps rings apart, and models that come back whole."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from planted_logs import Block, planted_log
from scipy.sparse import csr_array

from graphdet.errors import BadNumbers, ModelError, ModelMismatch, NotAModel
from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence, expected_meetings, measure_pairs
from graphdet.graph import build_graph
from graphdet.learning.embedding import embed_keys, embed_users, embeddings_table, items_in_common
from graphdet.learning.from_rings import Learned, learn_users, ring_folds
from graphdet.learning.messages import PRIOR, EvidenceMatrix, evidence_relation, through_keys
from graphdet.learning.model_file import write_arrays
from graphdet.learning.neighbourhood import gather_inputs, input_columns, measure_scale
from graphdet.learning.ring_model import RingModel, load_model, model_of
from graphdet.schema import EMBEDDING_WIDTH, PLACES
from graphdet.settings import EvidenceSettings, GnnSettings, Settings
from graphdet.signals import columns_of, measure_keys, measure_users
from graphdet.signals.signal import names_of
from graphdet.visits.base_rates import BaseRates, measure_base_rates
from graphdet.visits.visits import Visits, collect_visits

# PyTorch Geometric uses what torch calls out of date; that is between the two.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*", "ignore:.*Sparse CSR.*")

SMALL = GnnSettings(folds=2, epochs=2, others=500, least_rings=2)
RINGS = tuple(Block(users=tuple(range(20 * n, 20 * n + 18)), items=tuple(range(8 * n, 8 * n + 8))) for n in range(6))

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def log() -> EventTable:
    return planted_log(np.random.default_rng(3), RINGS, users=3000, items=900, events=24_000)[0]


@pytest.fixture(scope="module")
def visits(log: EventTable) -> Visits:
    return collect_visits(log, EvidenceSettings(), Settings().view)


@pytest.fixture(scope="module")
def base_rates(visits: Visits) -> BaseRates:
    return measure_base_rates(visits, EvidenceSettings())


@pytest.fixture(scope="module")
def pairs(visits: Visits, base_rates: BaseRates) -> PairEvidence:
    return measure_pairs(visits, base_rates, expected_meetings(visits), EvidenceSettings(), 1)


@pytest.fixture(scope="module")
def relation(pairs: PairEvidence, visits: Visits) -> EvidenceMatrix:
    return evidence_relation(pairs, visits.users)


@pytest.fixture(scope="module")
def inputs(log: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, relation: EvidenceMatrix) -> Floats:
    return gather_inputs(measure_users(log, visits, base_rates, pairs), visits, relation, None)[0].values


@pytest.fixture(scope="module")
def groups() -> list[npt.NDArray[np.int32]]:
    return [np.array(ring.users, np.int32) for ring in RINGS]


@pytest.fixture(scope="module")
def learned(inputs: Floats, groups: list[npt.NDArray[np.int32]], visits: Visits, relation: EvidenceMatrix) -> Learned:
    return learn_users(inputs, groups, visits, relation, SMALL, seed=1)


def test_the_evidence_relation_equals_a_slow_loop() -> None:
    users = np.array([[0, 1], [0, 2], [0, 4], [1, 2], [2, 3]], np.int32)
    evidence = np.array([9, 4, 3, 5, 6], np.float32)
    none = np.zeros(0, np.int32)
    pairs = PairEvidence(users, evidence, np.zeros(6, np.int64), none, none.astype(np.float32), none, none.astype(np.float32))
    weight = {(int(a), int(b)): float(e) for (a, b), e in zip(users, evidence, strict=True)}
    weight |= {(b, a): e for (a, b), e in weight.items()}
    expected = np.zeros((6, 6))
    for (one, other), value in weight.items():
        common = [math.sqrt(weight[one, k] * weight[other, k]) for k in range(6) if (one, k) in weight and (other, k) in weight]
        expected[one, other] = value * (1 + sum(common))
    total = expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(evidence_relation(pairs, 6).toarray(), expected / np.where(total > 0, total, 1), rtol=1e-5)


def test_messages_through_keys_equal_a_slow_loop() -> None:
    log = planted_log(np.random.default_rng(9), users=40, items=12, events=300, days=6)[0]
    visits = collect_visits(log, EvidenceSettings(), Settings().view)
    values = np.random.default_rng(0).standard_normal((visits.users, 3)).astype(np.float32)
    fade = PLACES["item"].half_life * 3600 / math.log(2)
    mean, highest = np.zeros((visits.users, 4)), np.full((visits.users, 4), -np.inf)
    view = next(view for view in visits.views if view.name == "item")
    count = np.zeros(visits.users)
    for key in range(view.first_key, view.first_key + view.keys):
        here = range(visits.offset[key], visits.offset[key + 1])
        for visit in here:
            others = [other for other in here if other != visit]
            weights = np.array([math.exp(-abs(int(visits.time[visit]) - int(visits.time[other])) / fade) for other in others])
            summed = weights @ values[visits.user[others]] if others else np.zeros(3)
            message = np.append(summed / (weights.sum() + PRIOR), np.log1p(weights.sum()))
            who = visits.user[visit]
            mean[who] += message
            highest[who] = np.maximum(highest[who], message)
            count[who] += 1
    found_mean, found_highest = through_keys(visits, "item", values)
    np.testing.assert_allclose(found_mean, mean / np.maximum(count, 1)[:, None], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found_highest, np.where(count[:, None] > 0, highest, 0), rtol=1e-4, atol=1e-5)
    assert not through_keys(visits, "device", values)[0].any()


def test_messages_are_the_same_to_the_last_bit_on_any_threads(
    log: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence
) -> None:
    relations = [evidence_relation(pairs, visits.users, threads) for threads in (1, 4)]
    assert relations[0].data.tobytes() == relations[1].data.tobytes()
    own = [measure_users(log, visits, base_rates, pairs, threads) for threads in (1, 4)]
    tables = [gather_inputs(one, visits, relations[0], None, threads)[0] for one, threads in zip(own, (1, 4), strict=True)]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()


def test_pytorch_geometric_computes_the_same_messages(
    log: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, relation: EvidenceMatrix
) -> None:
    """Its layers on `HeteroData` against stored sparse rows: pair evidence, and users to items and back with faded, rare edges."""
    import torch
    from torch_geometric.nn import HeteroConv, SimpleConv

    from graphdet.learning.hetero import EVIDENCE, hetero_data

    graph, features = (
        build_graph(log),
        {"user": measure_users(log, visits, base_rates, pairs), **measure_keys(log, visits, base_rates, pairs)},
    )
    data = hetero_data(graph, features, relation)
    assert data.validate()
    (one,) = graph.relations
    assert data[one.triple].edge_index.shape == (2, len(graph.edges(one)))
    back = (one.target, f"rev_{one.verb}", "user")
    layer = HeteroConv({triple: SimpleConv("sum") for triple in (EVIDENCE, back, one.triple)}, aggr="cat")
    weights = {triple: data[triple].edge_weight for triple in (EVIDENCE, back, one.triple)}
    with torch.no_grad():
        found = layer(data.x_dict, {triple: data[triple].edge_index for triple in weights}, edge_weight_dict=weights)["user"].numpy()
    own = features["user"].values
    edges = graph.edges(one)
    assert edges.last is not None
    sharing = Counter(edges.to.tolist())
    by_hand = [
        math.sqrt(count) / math.log2(1 + sharing[item]) * 0.5 ** ((int(edges.last.max()) - last) / (30 * 86_400_000_000))
        for count, item, last in zip(edges.count.tolist(), edges.to.tolist(), edges.last.tolist(), strict=True)
    ]
    stored = csr_array((by_hand, edges.to, edges.start), shape=(visits.users, log.count("item")))
    columns = own.shape[1]
    np.testing.assert_allclose(found[:, :columns], relation @ own, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[:, columns:], stored @ features["item"].values, rtol=1e-4, atol=1e-4)


def test_pytorch_geometric_agrees_on_faded_messages() -> None:
    import torch
    from torch_geometric.nn import SimpleConv

    log = planted_log(np.random.default_rng(2), users=60, items=9, events=200, days=5)[0]
    visits = collect_visits(log, EvidenceSettings(), Settings().view)
    key = np.repeat(np.arange(visits.keys), np.diff(visits.offset))
    one, other = np.nonzero((key[:, None] == key[None, :]) & ~np.eye(len(key), dtype=bool))
    fade = PLACES["item"].half_life * 3600 / math.log(2)
    weight = np.exp(-np.abs(visits.time[one].astype(float) - visits.time[other]) / fade).astype(np.float32)
    values = np.random.default_rng(1).standard_normal((visits.users, 2)).astype(np.float32)
    read = np.hstack([values, np.ones((visits.users, 1), np.float32)])[visits.user]
    summed = SimpleConv("sum")(torch.from_numpy(read), torch.from_numpy(np.stack([other, one])), torch.from_numpy(weight)).numpy()
    message = summed[:, :2] / (summed[:, 2:] + PRIOR)
    mean = np.stack([np.bincount(visits.user, weights=message[:, column], minlength=visits.users) for column in (0, 1)], axis=1)
    mean /= np.maximum(np.bincount(visits.user, minlength=visits.users), 1)[:, None]
    np.testing.assert_allclose(through_keys(visits, "item", values)[0][:, :2], mean, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_inputs_have_a_name_for_each_column(
    log: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, relation: EvidenceMatrix, depth: int
) -> None:
    table, scale = gather_inputs(measure_users(log, visits, base_rates, pairs), visits, relation, None, depth=depth)
    assert table.names == names_of(input_columns(depth))
    assert len(set(table.names)) == len(table.names)
    again, _ = gather_inputs(measure_users(log, visits, base_rates, pairs), visits, relation, scale, depth=depth)
    assert again.values.tobytes() == table.values.tobytes()


def test_folds_keep_rings_whole_and_bar_every_network_that_knows_a_ring() -> None:
    groups = [np.array(users, np.int32) for users in ([0, 1, 2], [2, 3, 4, 5], [6, 7], [8, 9, 10])]
    fold, barred = ring_folds(groups, 30, 2, seed=4)
    for group in groups:
        shared = np.flatnonzero(barred[group].all(axis=0))
        assert len(shared) >= 1, "one network must have seen nobody of the ring"
    assert barred[np.arange(30), fold].all()
    assert fold[2] == fold[0]  # who is in two rings is scored with the first
    assert len(set(fold[11:])) == 2


def test_rings_are_told_from_others_by_networks_that_have_not_seen_them(learned: Learned, visits: Visits) -> None:
    member = np.arange(visits.users) < 120
    member &= np.arange(visits.users) % 20 < 18
    rank = np.argsort(np.argsort(learned.logit))
    auroc = (rank[member].mean() - (member.sum() - 1) / 2) / (~member).sum()
    assert auroc > 0.95


def test_a_network_never_learns_from_the_ring_that_it_scores(
    inputs: Floats, groups: list[npt.NDArray[np.int32]], visits: Visits, relation: EvidenceMatrix, learned: Learned
) -> None:
    """Another outcome for one ring, as a label, must not change the first layer's verdict on its members."""
    from graphdet.learning.from_rings import _layer

    fold, barred = ring_folds(groups, visits.users, SMALL.folds, 1)
    member = np.zeros(visits.users, np.bool_)
    member[np.concatenate(groups)] = True
    _, before = _layer((inputs,), member, fold, barred, SMALL, 1, "test", 1)
    member[groups[0]] = False
    _, after = _layer((inputs,), member, fold, barred, SMALL, 1, "test", 1)
    np.testing.assert_array_equal(before[groups[0]], after[groups[0]])
    assert np.abs(before - after).max() > 0


def test_logits_do_not_depend_on_threads_or_blocks(learned: Learned, inputs: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphdet.learning import network as network

    layer = learned.layers[0]
    whole = network.apply_network(layer.networks[0], layer.scale, (inputs,))
    monkeypatch.setattr(network, "ROWS_AT_ONCE", 700)
    rows = np.arange(len(inputs))[::-1].copy()
    parts = [network.apply_network(layer.networks[0], layer.scale, (inputs,), rows, threads) for threads in (1, 3)]
    np.testing.assert_array_equal(*parts)
    np.testing.assert_allclose(parts[0][::-1], whole, rtol=1e-4, atol=1e-5)
    assert len(network.apply_network(layer.networks[0], layer.scale, (inputs,), rows[:0])) == 0


def test_the_same_seed_gives_the_same_bytes_on_any_threads(
    inputs: Floats, groups: list[npt.NDArray[np.int32]], visits: Visits, relation: EvidenceMatrix, learned: Learned
) -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(99)
        again = learn_users(inputs, groups, visits, relation, SMALL, seed=1, threads=3)
        other = learn_users(inputs, groups, visits, relation, SMALL, seed=2)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
    assert again.logit.tobytes() == learned.logit.tobytes()
    assert other.logit.tobytes() != learned.logit.tobytes()


def test_a_loss_that_is_no_number_names_its_stage(
    inputs: Floats, groups: list[npt.NDArray[np.int32]], visits: Visits, relation: EvidenceMatrix
) -> None:
    broken = inputs.copy()
    broken[groups[0][0]] = np.nan
    with pytest.raises(BadNumbers, match=r"^training of the first layer, fold \d, epoch \d: the loss"):
        learn_users(broken, groups, visits, relation, SMALL, seed=1)


@pytest.fixture(scope="module")
def model(
    log: EventTable, visits: Visits, base_rates: BaseRates, pairs: PairEvidence, relation: EvidenceMatrix, learned: Learned
) -> RingModel:
    _, scale = gather_inputs(measure_users(log, visits, base_rates, pairs), visits, relation, None)
    return model_of(learned, scale, 2, len(RINGS))


def test_a_saved_model_scores_another_log(model: RingModel, tmp_path: Path) -> None:
    """New users, a new day, and the planted ring stands out; the loaded model says the same as the one that was saved."""
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = load_model(path)
    log = planted_log(np.random.default_rng(77), RINGS[:2], users=2500, items=800, events=20_000)[0]
    visits = collect_visits(log, EvidenceSettings(), Settings().view)
    base_rates = measure_base_rates(visits, EvidenceSettings())
    pairs = measure_pairs(visits, base_rates, expected_meetings(visits), EvidenceSettings(), 1)
    relation = evidence_relation(pairs, visits.users)
    table, _ = gather_inputs(measure_users(log, visits, base_rates, pairs), visits, relation, loaded.scale, depth=loaded.depth)
    logit = loaded.logit(table.values, visits, relation)
    np.testing.assert_array_equal(logit, model.logit(table.values, visits, relation))
    members = [*range(18), *range(20, 38)]
    assert np.median(logit[members]) > np.quantile(logit, 0.95)


def test_files_that_are_no_model_are_refused_in_one_line(model: RingModel, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    with pytest.raises(NotAModel, match="no such model file"):
        load_model(path)
    path.write_bytes(b"user_id,item_id\n1,2\n")
    with pytest.raises(NotAModel, match="is no graphdet model"):
        load_model(path)
    np.savez(path, about=np.array([{"kind": "graphdet network"}], dtype=object), allow_pickle=True)
    with pytest.raises(NotAModel, match="is no graphdet model"):
        load_model(path)
    model.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NotAModel, match="is no graphdet model"):
        load_model(path)
    write_arrays(path, {"kind": "graphdet network", "format": 99, "version": "9.9"}, {})
    with pytest.raises(NotAModel, match=r"newer graphdet \(9.9, format 99\)"):
        load_model(path)
    write_arrays(path, {"kind": "something", "format": 1}, {})
    with pytest.raises(NotAModel, match="is a 'something'"):
        load_model(path)
    write_arrays(path, {"kind": "graphdet network", "format": 1, "features": [*names_of(columns_of("user")), "shoe_size"]}, {})
    with pytest.raises(ModelMismatch, match="such as 'shoe_size'"):
        load_model(path)
    with pytest.raises(ModelError, match="cannot be written"):
        model.save(tmp_path / "none" / "model.npz")
    for error in (NotAModel, ModelMismatch):
        assert issubclass(error, ModelError)


def test_a_model_file_holds_no_pickle(model: RingModel, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model.save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fU" for name in archive.files)


def test_ring_mates_lie_close(learned: Learned, relation: EvidenceMatrix, visits: Visits, groups: list[npt.NDArray[np.int32]]) -> None:
    rings = [(group, 1 / len(group)) for group in groups[:3]]  # the others must be found by evidence alone
    odds = learned.logit / np.log(10)
    alike = items_in_common(odds, np.arange(visits.users), visits)
    users = embed_users(odds, relation, alike, rings, seed=0)
    np.testing.assert_allclose(np.linalg.norm(users, axis=1), 1, rtol=1e-5)
    for group in groups:
        near = np.argsort(-(users[group] @ users.T), axis=1)[:, 1:11]
        assert np.isin(near, group).sum(axis=1).mean() >= 7
    items = embed_keys(users, np.arange(len(users)), odds, visits, "item", np.arange(visits.views[0].keys))
    assert items.shape == (visits.views[0].keys, EMBEDDING_WIDTH)
    assert (items[:8] @ users[groups[0]].T).mean() > (items[8:200] @ users[groups[0]].T).mean() + 0.3


def test_items_in_common_equal_a_slow_count(log: EventTable, visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few users at once and few partners kept, so that blocks and cuts are seen."""
    from graphdet.learning import embedding as embedding

    monkeypatch.setattr(embedding, "MOST_ALIKE", 60)
    monkeypatch.setattr(embedding, "PARTNERS", 4)
    monkeypatch.setattr(embedding, "ROWS", 7)
    kept = np.arange(0, 200, 2)  # users of three rings, and some others
    odds = np.random.default_rng(8).normal(size=len(kept))
    found = items_in_common(odds, kept, visits).toarray()
    touched: dict[int, set[int]] = {code: set() for code in kept.tolist()}
    view = next(view for view in visits.views if view.name == "item")
    count = np.diff(visits.offset)
    for key in range(view.first_key, view.first_key + view.keys):
        for user in visits.user[visits.offset[key] : visits.offset[key + 1]].tolist():
            if user in touched:
                touched[user].add(key)
    chance = 1 / (1 + 10.0**-odds)
    best = set(np.argsort(-odds)[:60].tolist())
    for one in range(len(kept)):
        others = {}
        for other in best - {one} if one in best else ():
            common = sum(1 / math.sqrt(count[key] + 1) for key in touched[kept[one]] & touched[kept[other]])
            if common:
                others[other] = embedding.ALIKE * common**embedding.LIKENESS * (chance[one] * chance[other]) ** 0.25
        most = sorted(others, key=lambda other: -others[other])[:4]
        assert set(np.flatnonzero(found[one]).tolist()) == set(most)
        np.testing.assert_allclose(found[one][most], [others[other] for other in most], rtol=1e-4)
    assert (np.count_nonzero(found, axis=1) == 4).sum() > 20


def test_members_of_a_small_ring_lie_closer_than_those_of_a_large_one() -> None:
    """One user is in both rings; without pair evidence, rings alone decide whom they are near."""
    rings = [(np.arange(8, dtype=np.int32), 1 / 8), (np.arange(7, 60, dtype=np.int32), 1 / 53)]
    empty = csr_array((100, 100), dtype=np.float32)
    users = embed_users(np.zeros(100), empty, empty, rings, seed=1)
    near = users @ users[7]
    assert near[:7].mean() > near[8:60].mean() + 0.2
    assert near[8:60].mean() > near[60:].mean() + 0.1
    doubted = embed_users(np.zeros(100), empty, empty, [(rings[0][0], 0.001), rings[1]], seed=1)
    assert (doubted @ doubted[7])[:7].mean() < (doubted @ doubted[7])[8:60].mean()


def test_embeddings_are_of_the_highest_scored_users_and_then_of_what_they_touched(
    log: EventTable, visits: Visits, relation: EvidenceMatrix
) -> None:
    names = {kind: log.ids[kind].cast(pa.string()).to_pylist() for kind in ("user", "item")}
    nodes = pa.table({"node_type": ["item"] * len(names["item"]) + ["user"] * len(names["user"]), "node_id": names["item"] + names["user"]})
    scores = nodes.append_column("score", pa.array(np.random.default_rng(5).random(len(nodes))))
    odds = np.random.default_rng(6).normal(size=visits.users)
    table = embeddings_table(log, visits, relation, [], scores, odds, 0, 400)
    own = {kind: table.filter(pc.equal(table["node_type"], kind)) for kind in names}
    view = next(view for view in visits.views if view.name == "item")

    def visitors_of(item: int) -> list[str]:
        key = view.first_key + item
        return [names["user"][code] for code in visits.user[visits.offset[key] : visits.offset[key + 1]].tolist()]

    best = {
        kind: scores.filter(pc.equal(scores["node_type"], kind)).sort_by([("score", "descending")])["node_id"].to_pylist() for kind in names
    }
    assert set(own["user"]["node_id"].to_pylist()) == set(best["user"][:300])
    met = {names["item"][key] for key in range(len(names["item"])) if set(visitors_of(key)) & set(best["user"][:300])}
    assert set(own["item"]["node_id"].to_pylist()) == set(best["item"][:100]) & met
    vector = dict(zip(table["node_id"].to_pylist(), np.array(table["embedding"].to_pylist()), strict=True))
    assert np.allclose([np.linalg.norm(vector[user]) for user in own["user"]["node_id"].to_pylist()], 1, atol=1e-5)
    # An item is the mean, by odds, of the visitors that have a vector.
    for item in own["item"]["node_id"].to_pylist():
        there = visitors_of(names["item"].index(item))
        weights = [1 / (1 + 10.0 ** -odds[names["user"].index(user)]) + 1e-3 if user in vector else 0 for user in there]
        mean = sum((weight * vector[user] for user, weight in zip(there, weights, strict=True) if weight), np.zeros(EMBEDDING_WIDTH))
        np.testing.assert_allclose(vector[item], mean / max(np.linalg.norm(mean), 1e-12), atol=1e-5)
    everything = embeddings_table(log, visits, relation, [], scores, odds, 0, 10_000)
    assert len(everything) == len(nodes)
    unused = embeddings_table(log, visits, relation, [], scores, odds, 0, len(nodes) - 100)  # a quarter is more than there are items
    assert set(unused["node_id"].to_pylist()) >= set(names["item"])
    assert len(unused) == len(nodes) - 100
    blind = embeddings_table(log, visits, relation, [], scores, None, 0, 400)
    by_score = scores.filter(pc.equal(scores["node_type"], "user"))
    known = np.empty(visits.users)
    known[[names["user"].index(name) for name in by_score["node_id"].to_pylist()]] = by_score["score"].to_numpy()
    known = np.log10(known / (1 - known))
    assert blind.equals(embeddings_table(log, visits, relation, [], scores, known, 0, 400))
    assert embeddings_table(log, visits, relation, [], scores, odds, 0, 0).num_rows == 0


def test_scale_leaves_constant_columns_alone() -> None:
    scale = measure_scale(np.ones((50, 2), np.float32))
    assert np.isfinite(scale.apply(np.ones((3, 2), np.float32))).all()
    assert dataclasses.asdict(scale).keys() == {"low", "high", "mean", "spread"}
