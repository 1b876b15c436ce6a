"""What a screen is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from graphdet.console.who_is_there import Session
from graphdet.schema.wording import Language


@dataclass(frozen=True)
class Asked:
    """One request, of somebody who is logged in.

    Attributes:
        place: what the address names.
        query, form: fields by name, as text.
    """

    session: Session
    place: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def who(self) -> str:
        return self.session.name

    @property
    def language(self) -> Language:
        return self.session.language

    def number(self, name: str, least: int, most: int, usual: int) -> int:
        """A whole number of the query or the form.

        Raises:
            HTTPException: it is none, or out of bounds.
        """
        text = self.form.get(name, self.query.get(name, str(usual)))
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        return int(text)

    def until(self) -> datetime:
        """So many days from now as the form says."""
        return datetime.now(UTC) + timedelta(days=self.number("days", 1, 3650, 90))


@dataclass(frozen=True)
class Answer:
    """A template with its values; or where to go; or a file: its name, kind and bytes."""

    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    go: str = ""
    file: tuple[str, str, bytes] | None = None
    part: bool = False  # a script that asked for a part gets the template; a form goes where it is told
