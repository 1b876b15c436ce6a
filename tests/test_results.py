"""Results of benchmarks say on which code they were measured, and the check of it tells other code from the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import results_io
import stale


def test_every_result_has_a_stamp(capsys: pytest.CaptureFixture[str]) -> None:
    assert stale.unstamped() == []
    with pytest.raises(SystemExit) as end:
        stale.main()
    assert end.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) == len(results_io.read_stamps())


def test_a_result_is_fresh_until_a_room_that_matters_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("evidence", "terminal"):
        (tmp_path / "graphdet" / room).mkdir(parents=True)
        (tmp_path / "graphdet" / room / "pairs.py").write_text("one = 1\n")
    monkeypatch.setattr(results_io, "ROOT", tmp_path)
    monkeypatch.setattr(results_io, "RESULTS", tmp_path)
    monkeypatch.setattr(results_io, "STAMPS", tmp_path / "stamps.json")
    results_io.write_result("found", {"f1": 0.8}, "| f1 |")
    told = lambda: stale.verdict(results_io.read_stamps()["found"], results_io.code_digests())  # noqa: E731
    assert told() == "fresh"
    (tmp_path / "graphdet" / "evidence" / "pairs.py").write_text("# a remark\none = 1\n")
    (tmp_path / "graphdet" / "terminal" / "pairs.py").write_text("one = 2\n")
    assert told() == "fresh"
    (tmp_path / "graphdet" / "evidence" / "pairs.py").write_text("one = 2\n")
    assert told().endswith("changed since: evidence")
