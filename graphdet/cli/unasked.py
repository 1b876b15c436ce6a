"""pandas stays out of commands that do not name it: pyarrow imports it, where it is installed, at the first column that it makes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

PANDAS = "pandas"


class PandasUnasked(MetaPathFinder):
    """Tells pyarrow's first try that there is none, a third of a second sooner; who imports pandas by name gets it, pyarrow later on, too.

    pyarrow wants it for the kinds of null that pandas has, which no command hands over.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Nothing, so that others are asked; or, of what nobody has named, that it is not there."""
        if fullname != PANDAS:
            return
        frame = sys._getframe(1)
        while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if PANDAS not in frame.f_code.co_names:
            raise ModuleNotFoundError(f"{PANDAS} is left out", name=PANDAS)


def leave_pandas_out() -> None:
    """From here on in this process."""
    if PANDAS not in sys.modules and not any(isinstance(finder, PandasUnasked) for finder in sys.meta_path):
        sys.meta_path.insert(0, PandasUnasked())
