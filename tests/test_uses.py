"""What rings are for: each use on a ring that was planted for it, none on others, and the filter of commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command

from graphdet.cli.shared import UseName
from graphdet.report.data import report_data
from graphdet.run.folder import Run
from graphdet.schema.wording import LANGUAGES, named
from graphdet.words.use_words import USES

QUIET = 400  # honest users


def market(folder: Path) -> Path:
    """Three rings of twelve on six items each, who pay by a pool of cards, send back, or use coupons; and honest people."""
    generator = np.random.default_rng(4)
    start = pd.Timestamp("2025-03-03")
    rows = []
    for user in range(QUIET):
        for item in generator.choice(120, 8, replace=False).tolist():
            at = start + pd.Timedelta(seconds=int(generator.integers(0, 30 * 86_400)))
            rows.append((f"h{user}", f"i{item}", "order", at, f"card{user}", f"d{user}"))
    for number, kind in enumerate(("payment", "refund", "coupon")):
        began = start + pd.Timedelta(days=5 + 7 * number)
        for user in range(12):
            for item in range(6):
                at = began + pd.Timedelta(seconds=int(3_600 * (4 * item) + generator.integers(0, 3_000)))
                card = f"pool{generator.integers(0, 30)}" if kind == "payment" else f"{kind}{user}"
                device = f"desk{user // 4}" if kind == "payment" else f"{kind}d{user}"
                own = (f"{kind}-{user}", f"t-{kind}-{item}")
                rows.append((*own, "order", at, card, device))
                if kind == "refund":
                    rows.append((*own, "refund", at + pd.Timedelta(hours=2), None, device))
                if kind == "coupon":
                    rows.append((*own, "coupon", at - pd.Timedelta(minutes=1), None, device))
        for item in range(6):  # honest visitors of the targets
            for user in generator.choice(QUIET, 6, replace=False).tolist():
                at = start + pd.Timedelta(seconds=int(generator.integers(0, 30 * 86_400)))
                rows.append((f"h{user}", f"t-{kind}-{item}", "order", at, f"card{user}", f"d{user}"))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "action", "timestamp", "payment_id", "device_id"])
    frame["amount"] = 10.0
    frame.to_csv(folder / "events.csv", index=False)
    return folder / "events.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uses")


def test_each_use_is_found_where_it_was_planted_and_nowhere_else(graphdet_command: Command, folder: Path) -> None:
    settings = folder / "quick.toml"
    settings.write_text("[gnn]\nleast_rings = 0\n[rings]\npermutations = 2\n[signals.series]\nrare_share = 1.0\n")
    done = graphdet_command("run", str(market(folder)), "--out", str(folder / "run"), "--settings", str(settings))
    assert done.code == 0, done.err
    run = str(folder / "run")
    pages = report_data(Run.load(folder / "run"), 100)
    on_page = dict(zip([ring["ring_id"] for ring in pages["rings"]], pages["dossiers"], strict=True))
    for use, kind in (("payment_fraud", "payment"), ("refund_abuse", "refund"), ("coupon_abuse", "coupon")):
        rows = json.loads(graphdet_command("rings", run, "--use", use, "--json").out)
        assert len(rows) == 1, use
        dossier = json.loads(graphdet_command("show", run, rows[0]["ring_id"], "--json").out)["dossier"]
        assert {member["id"].split("-")[0] for member in dossier["members"]} == {kind}
        told = {one["code"]: one for one in dossier["uses"]}
        assert use in told
        for language in ("en", "zh"):
            assert [one[language] for one in on_page[rows[0]["ring_id"]]["purposes"]] == [one[language] for one in dossier["uses"]]
        assert [one["numbers"] for one in rows[0]["uses"] if one["use"] == use] == [told[use]["numbers"]]
        if use == "payment_fraud":
            log = pd.read_csv(folder / "events.csv")
            own = log[log["user_id"].str.startswith("payment-")]
            numbers = told[use]["numbers"]
            assert numbers["cards"] == own["payment_id"].nunique()
            assert numbers["payments"] == len(own)
            assert numbers["on_device"] == own.groupby("device_id")["payment_id"].nunique().max()
            assert numbers["many"] == (own.groupby("user_id")["payment_id"].nunique() >= 3).sum()
        assert "疑似" in graphdet_command("show", run, rows[0]["ring_id"], "--lang", "zh").out
        for burst in dossier["bursts"]:  # beside the ring, by whomever; a slow count of those at its targets in its time
            assert burst["node_id"].startswith(f"t-{kind}-")
        told_at = {burst["node_id"] for burst in dossier["bursts"]}
        table = pd.read_parquet(folder / "run" / "bursts.parquet")
        at = table[(table["node_type"] == "item") & table["node_id"].str.startswith(f"t-{kind}-")]
        row = dossier["ring"]
        at = at[(at["first_seen"] <= pd.Timestamp(row["last_seen"])) & (at["last_seen"] >= pd.Timestamp(row["first_seen"]))]
        assert told_at == set(at["node_id"])
        assert told_at
    assert json.loads(graphdet_command("rings", run, "--use", "malicious_reviews", "--json").out) == []
    both = json.loads(graphdet_command("rings", run, "--use", "refund_abuse", "--use", "coupon_abuse", "--json").out)
    assert len(both) == 2
    assert graphdet_command("export", run, "--use", "brushing", "--use", "click_farming", "--out", str(folder / "none")).code in (0, 2)
    wrong = graphdet_command("rings", run, "--use", "nonsense")
    assert wrong.code == 2


def test_every_use_has_words_in_both_languages_and_stands_in_the_document() -> None:
    assert {one.value for one in UseName} == set(USES)
    page = (Path(__file__).parent.parent / "docs" / "uses.md").read_text(encoding="utf-8")
    for code, use in USES.items():
        assert f"| `{code}` | {use.name.zh} |" in page
        assert len({named(use.sentence.to(language)) for language in LANGUAGES}) == 1
