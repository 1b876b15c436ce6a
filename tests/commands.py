"""The commands as tests call them: in the same process, or as a program of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

import graphdet.cli

PROGRAM = [sys.executable, "-c", "from graphdet.cli import main; main()"]


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def graphdet_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["graphdet", *map(str, arguments)])
        monkeypatch.delenv("COLUMNS", raising=False)
        capsys.readouterr()
        try:
            graphdet.cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, *capsys.readouterr())

    return call


def one_line(outcome: Outcome, code: int) -> str:
    """The complaint of a command that failed as it should: one line on stderr, nothing on stdout."""
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.startswith("graphdet: ")
    assert outcome.err.count("\n") == 1
    return outcome.err
