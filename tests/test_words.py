"""Words stand once, in every language; a key that nobody reads, or a sentence that stands twice, is found here."""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from street import PACKAGE, room_of

from graphdet.schema import NODE_TYPE, lookalikes, objections
from graphdet.schema.claims import FACTS
from graphdet.schema.columns import ACTIONS
from graphdet.schema.wording import LANGUAGES, Wording, filled, named, numbered
from graphdet.words.action_words import DEEDS, action_in_words
from graphdet.words.guide_words import GUIDE, HELD_FOR
from graphdet.words.interface import WORDS, counted, label
from graphdet.words.reasons import BRIEF, CATALOGUE, WEAKNESS
from graphdet.words.verdicts import explained_in_words, review_in_words

CHINESE = re.compile("[\u3400-\u9fff]")
# Where Chinese may stand: words, what a thing says of itself (node types, look-alikes, columns of signals and of models), made reviews,
# and the names that columns of logs have.
ROOMS = ("words", "schema", "signals", "learning", "simulate", "proposing", "events")


def readers() -> str:
    """All code that may name a key, without the words themselves."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".html") and room_of(path) != "words"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def sentences() -> list[Wording]:
    claims = [one for claim in (*lookalikes.LOOK_ALIKES, *objections.OBJECTIONS) for one in (claim.short, claim.sentence)]
    codes = [Wording(code.en, code.zh) for code in (*CATALOGUE.values(), *WEAKNESS.values())]
    return [
        *WORDS.values(),
        *GUIDE.values(),
        *HELD_FOR.values(),
        *BRIEF.values(),
        *claims,
        *codes,
        *(one.plain for one in lookalikes.LOOK_ALIKES),
    ]


def test_every_word_has_both_languages_and_the_same_numbers() -> None:
    for one in sentences():
        assert one.en
        assert one.zh
        assert named(one.en) == named(one.zh)
    for key, words in WORDS.items():
        assert (
            CHINESE.search(words.zh) or words.zh in (words.en, "IP", "English") or re.fullmatch(r"[^a-z]*(\{[^}]*\}[^a-z]*)+", words.zh)
        ), key
        assert not CHINESE.search(words.en) or key == "language", key


def test_no_key_is_unused() -> None:
    code = readers()
    # Put together where they are read.
    made = {f"one_{name}" for name in ("hubs", *NODE_TYPE) if '"one_" +' in code} | {"counted"}
    made |= {f"fall_{part}{end}" for part in ("together", "cost") for end in ("", "_help") if 'label("fall_" +' in code}
    made |= {f"action_{name}" for name in ACTIONS if "`action_${action}`" in code}
    made |= {f"next_{step}" for step in ("devices", "orders", "refunds", "coupons", "owners", "plain") if '"next_" +' in code}
    assert [key for key in WORDS if not re.search(rf"""["'`]{key}["'`]|id="{key}\"""", code) and key not in made] == []
    assert [key for key in GUIDE if not re.search(rf"""["']{key}["']""", code)] == []


def test_what_was_done_has_words_in_both_languages_and_a_logs_own_words_stay() -> None:
    assert tuple(DEEDS) == ACTIONS
    for action in ACTIONS:
        assert CHINESE.search(action_in_words(action, "zh"))
        assert action_in_words(action, "en") == action
    for other in ("swipe", "", "<script>"):
        assert action_in_words(other, "zh") == other
    assert action_in_words(None, "zh") == ""


def test_no_sentence_stands_twice() -> None:
    """Headings of a word or two may: the same word may head two columns."""
    for language in LANGUAGES:
        texts = Counter(one.to(language) for one in sentences() if len(one.en.split()) > 3)
        assert [text for text, times in texts.items() if times > 1] == []


def test_chinese_stands_where_words_stand() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".html", ".css")]
    chinese = [path for path in files if CHINESE.search(path.read_text(encoding="utf-8"))]
    assert [str(path.relative_to(PACKAGE)) for path in chinese if room_of(path) not in ROOMS] == []


def test_labels_are_filled_and_verdicts_told_in_both_languages() -> None:
    assert label("page", "en", page=2, pages=3) == "Page 2 of 3"
    assert counted("member_table", "zh", 5) == "成员（5）"
    assert review_in_words(["too weak", "too few"], "en").endswith("because: too weak; too few.")
    for one in lookalikes.LOOK_ALIKES:
        for language in LANGUAGES:
            assert one.plain.to(language) in explained_in_words(one.name, (), language)
            assert "19 of 26" in explained_in_words(one.name, ["19 of 26 are new"], language)


# What follows a one and ends like a plural, but is none.
VERBS = "is was has looks gains adds accepts discounts shares passes uses serves waits repeats names lies ends"
NO_PLURAL = {"its", "as", "address", *VERBS.split()}
NO_COUNT = ("busiest of", "of 100", "in orders", "would have", "has words")  # a name, a share, money, what is left to think

AFTER_ONE = re.compile(r"(?<![\w.,])1 (?:of 1 )?(?!of )(?:[a-z-]+ (?<!to ))?([a-z]+s|people|are|were|have)\b")


def worded() -> Iterator[Any]:
    """All that has words in both languages in the words' files."""
    names = sorted(path.stem for path in (PACKAGE / "words").glob("[!_]*.py"))
    for module in [importlib.import_module(f"graphdet.words.{name}") for name in names]:
        for held in (own for own in vars(module).values() if own is not FACTS):
            for one in held.values() if isinstance(held, dict) else held if isinstance(held, tuple) else [held]:
                parts = (one, *vars(one).values()) if hasattr(one, "__dict__") else ()
                yield from (part for part in parts if isinstance(getattr(part, "en", None), str))


def texts_with_numbers() -> Iterator[str]:
    """Every English text of the words' files, of claims and of facts, with a one wherever it has room for a number."""
    facts = [fact.en for fact in FACTS.values() if fact.unit != "share"]
    for text in dict.fromkeys([*facts, *(one.en for one in sentences()), *(one.en for one in worded())]):
        ones = {name: "12%" if name in FACTS and FACTS[name].unit == "share" else 1 for name in named(text)}
        yield filled(plain(text), 1, **ones)


def plain(text: str) -> str:
    """A text whose numbers have no form of their own, but for shares, which are no counts."""
    parts = []
    for before, name, form, _ in string.Formatter().parse(text):
        words = "|".join((form or "").split("|")[-2:]) if "|" in (form or "") else ""
        share = (form or "").endswith("%")
        parts.append(before + ("" if name is None else "12 %" if share else f"{{{name}:{words}}}" if words else f"{{{name}}}"))
    return "".join(parts)


MEASURES = set("个条笔名人家件台张份对组套处项行次天秒倍") | {"小时", "分钟"}


def test_what_is_counted_has_its_measure_word_in_chinese() -> None:
    """Where English says a thing in the singular or the plural, Chinese says it with the word that such things are counted by."""
    counted_things = 0
    for one in [*worded(), *sentences()]:
        for name in re.findall(r"{(\w+):[^}]*\|[^}]*}", one.en):
            counted_things += 1
            after = one.zh.partition(f"{{{name}")[2].partition("}")[2].lstrip()
            assert {after[:1], after[:2]} & MEASURES, one.zh
    assert counted_things > 100


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    told = list(texts_with_numbers())
    assert len(told) > 400
    wrong = [(one[0], one[1], text) for text in told for one in AFTER_ONE.finditer(text) if one[1] not in NO_PLURAL]
    assert [one for one in wrong if not any(words in one[2] for words in NO_COUNT)] == []


@pytest.mark.parametrize(("count", "told"), [(0, "0 rings"), (1, "1 ring"), (2, "2 rings"), (1200, "1,200 rings")])
def test_a_thing_is_told_in_the_number_that_there_are(count: int, told: str) -> None:
    assert filled("{count:ring|rings}", count=f"{count:,}") == told
    assert filled("{count:,.0f|ring|rings}", count=count) == told
    assert filled("{:ring|rings}", f"{count:,}") == told
    assert numbered(count, "ring", "rings") == told


def test_a_count_in_code_is_told_by_the_same_means() -> None:
    """A number with thousands, before a plural, is a count that may be one."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    "\x01" if is_count(part) else part.value if isinstance(part, ast.Constant) else "\x02" for part in node.values
                )
                found += [f"{path.name}: {one}" for one in re.findall(r"\x01 (?!of )((?:[a-z-]+ )?(?:[a-z]+s|people))\b", text)]
    many = {"left_out_notes.py: ids", "discounts.py: items", "entries.py: characters", "suppressing.py: days"}  # always several
    assert {one for one in found if one.split()[-1] not in NO_PLURAL} <= many


def is_count(part: ast.expr) -> bool:
    return isinstance(part, ast.FormattedValue) and part.format_spec is not None and ast.unparse(part.format_spec) == "f','"
