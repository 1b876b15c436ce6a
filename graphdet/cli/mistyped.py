"""What was typed that no command takes → one line in this house's words: which command and place, what stands there, and what may."""

from __future__ import annotations

import re
from typing import Any

from typer import BadParameter

from graphdet.errors import nearest

Mistyped: type[Exception] = BadParameter.__bases__[0]  # what typer raises for all of it has no public name


def mistyped_line(error: Any) -> str:
    """One line, with the next step: "run: --sample 'x' must be a number. `graphdet help run` tells more."

    Args:
        error: a `Mistyped`.
    """
    command = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
    says = _what_is_wrong(error)
    says += "" if says.endswith(("?", ".")) else "."
    return f"{command}{': ' if command else ''}{says} `{' '.join(['graphdet help', command]).strip()}` tells more."


def _what_is_wrong(error: Any) -> str:
    says = str(error.format_message())
    place = re.match(r"(?:Invalid value for|Missing \w+) '([^']+)'", says)
    if place is None:
        unknown = re.match(r"No such option: (\S+)", says)
        if unknown is None:
            return says[:1].lower() + says[1:]
        known = [name for one in error.ctx.command.params for name in one.opts if name.startswith("-")]
        return f"there is no option {unknown[1]}{nearest(unknown[1], known)}"
    if says.startswith("Missing"):
        return f"{place[1]} is missing"
    refusals: list[Any] = getattr(error.__cause__, "errors", list)()  # newer typer asks pydantic, older ones say it themselves
    return f"{place[1]} {_refused(refusals[0])}" if refusals else f"{place[1]}: {error.message}"


def _refused(refusal: Any) -> str:
    from graphdet.refused_values import must

    found, says = refusal["input"], must(refusal)
    choices = re.findall(r"'([^']*)'", says.partition("is not one of")[2])
    if choices:
        says = f"must be {', '.join(choices[:-1])}{' or ' if choices[1:] else ''}{choices[-1]}{nearest(str(found), choices)}"
    elif "does not match the formats" in says:
        says = "must be a date such as 2025-03-01"
    return f"{repr(found)[:200]} {says}"
