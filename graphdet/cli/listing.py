"""Lists of commands in whole sentences, that a newcomer can read from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typer.core import TyperGroup


class Listed(TyperGroup):
    """A group of commands whose help cuts no sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        widest = max(map(len, self.commands))
        for heading, names in self.headed().items():
            rows = [(name.ljust(widest), _first_sentence(self.commands[name].help or "")) for name in names]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def headed(self) -> Mapping[str, Sequence[str]]:
        """Heading → the commands under it."""
        return {"Commands": list(self.commands)}


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
