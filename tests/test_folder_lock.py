"""A folder that one process has to itself: nobody else meanwhile, anybody once that process is gone, however it went."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphdet.errors import CaseError
from graphdet.folder_lock import alone_in
from graphdet.week.home import hold_home

HOLD = """import sys; from pathlib import Path; from graphdet.week.home import hold_home
with hold_home(Path(sys.argv[1])):
    print('held', flush=True)
    input()"""


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "home")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(CaseError, match="another `graphdet day` is at work there"), hold_home(tmp_path / "home"):
            pass
        process.kill()
        process.wait()
    with hold_home(tmp_path / "home"):
        assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CaseError, match=r"file: .*exists"),
        alone_in(tmp_path / "file", "lock", CaseError("taken"), lambda reason: CaseError(f"file: {reason}")),
    ):
        pass
