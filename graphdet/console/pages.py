"""A template and its values → a page in the language of whoever reads it. Text is escaped wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from graphdet.console.assets import address
from graphdet.console.who_is_there import Session
from graphdet.printable import printable
from graphdet.schema import NODE_TYPE
from graphdet.schema.wording import Language, filled
from graphdet.words.console import CONSOLE_WORDS
from graphdet.words.interface import WORDS

LONGEST = 200  # characters of an id that a page shows; it is copied whole


class Pages:
    """All templates, compiled once."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("graphdet.console"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "money": _money, "utc": _utc, "count": _count, "share": _share, "id": _id, "query": lambda values: urlencode(values),
        }  # fmt: skip
        self._environment.globals |= {"static": address}

    def answer(
        self, template: str, session: Session, path: str, values: Mapping[str, Any], *, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        """The page, or the part of one that a template is."""

        def word(key: str, **numbers: Any) -> str:
            return _word(key, session.language, numbers)

        def noun(name: str, *, many: bool = False) -> str:
            return NODE_TYPE[name].noun.to(session.language, many=many)

        text = self._environment.get_template(template).render(session=session, path=path, word=word, noun=noun, **values)
        return HTMLResponse(text.encode("utf-8", "backslashreplace"), status)


def _word(key: str, language: Language, numbers: Mapping[str, Any]) -> str:
    words = CONSOLE_WORDS.get(key) or WORDS.get(key)
    if words is None:
        return key.replace("_", " ")
    return filled(words.to(language), **numbers) if numbers else words.to(language)


def _money(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _utc(moment: str) -> str:
    """A time of the casebook, which counts in UTC, to the minute."""
    return f"{moment[:10]} {moment[11:16]} UTC" if moment else ""


def _id(value: str) -> str:
    """An id as it is stored, with nothing in it that turns or hides what stands beside it."""
    shown = printable(value)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"
