"""The saved queries of `neo4j/queries/*.cypher`: title, question, parameters, text; and the same with values in place of parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from graphdet.errors import StoreError
from graphdet.schema.wording import Language, Wording
from graphdet.store.machine import project_folder

# The order in which an analyst asks. The first draws the ring.
ORDER = ("ring", "members", "who_else", "timeline", "sellers", "look_alikes", "sharing", "discounted", "changes", "decide")


@dataclass(frozen=True)
class SavedQuery:
    """One query; the first comment lines of its file say what it is for."""

    name: str
    titles: Wording
    questions: Wording
    parameters: tuple[str, ...]
    needs_embeddings: bool
    text: str  # without the comments

    @property
    def title(self) -> str:
        return self.titles.en

    def file_text(self, language: Language = "en") -> str:
        """As Browser keeps it: its first line is the name."""
        return f"// {self.titles.to(language)}\n// {self.questions.to(language)}\n{self.text}\n"

    def filled(self, **values: str) -> str:
        """The query with these parameters as literals; the others stay parameters."""
        text = self.text
        for name, value in values.items():
            text = re.sub(rf"\${name}\b", lambda _, value=value: literal(value), text)  # type: ignore[misc]
        return text


def load_queries(folder: Path | None = None) -> list[SavedQuery]:
    """All saved queries, in the order in which an analyst asks.

    Raises:
        StoreError: a file lacks its heading, or is not in the order.
    """
    folder = folder or project_folder() / "queries"
    names = {path.stem for path in folder.glob("*.cypher")}
    if names != set(ORDER):
        raise StoreError(
            f"{folder}: holds {', '.join(sorted(names)) or 'no queries'}; expected {', '.join(ORDER)}. Install graphdet again."
        )
    return [_parse(folder / f"{name}.cypher") for name in ORDER]


def ring_queries(run_id: str, ring_id: str, embeddings: bool) -> list[tuple[str, str]]:
    """Title and text of the queries on one ring, ready to paste into Browser."""
    wanted = [query for query in load_queries() if embeddings or not query.needs_embeddings]
    return [(query.title, query.filled(ring=ring_id, run=run_id)) for query in wanted]


def literal(value: str) -> str:
    """A Cypher string that holds exactly this text, made of letters that no link, page or statement misreads.

    The server replaces \\uXXXX before it reads strings, so a quote or backslash written that way would end or bend the string: those
    two are escaped as in any string, and a 'u' after a backslash is written as a code.
    """
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2)]
    return "'" + "".join(_letter(code, after) for code, after in zip(codes, [0, *codes], strict=False)) + "'"


def _letter(code: int, after: int) -> str:
    letter = chr(code)
    if letter in "'\\":
        return "\\" + letter
    plain = code < 128 and (letter.isalnum() or letter in "-_.: ") and not (letter == "u" and chr(after) == "\\")
    return letter if plain else f"\\u{code:04X}"


def _parse(path: Path) -> SavedQuery:
    lines = path.read_text(encoding="utf-8").splitlines()
    heading = [line.removeprefix("// ") for line in lines if line.startswith("//")]
    facts = dict(line.split(": ", 1) for line in heading[1:] if ": " in line)
    lacking = [name for name in ("Title zh", "Question", "Question zh", "Parameters") if name not in facts]
    if lacking:
        raise StoreError(f"{path}: needs the line '// Title' and then '// {lacking[0]}: …' at its top.")
    text = "\n".join(line for line in lines if not line.startswith("//")).strip()
    parameters = tuple(dict.fromkeys(re.findall(r"\$([a-z]+)\b", text)))
    titles, questions = Wording(heading[0], facts["Title zh"]), Wording(facts["Question"], facts["Question zh"])
    return SavedQuery(path.stem, titles, questions, parameters, facts.get("Needs") == "embeddings", text)
