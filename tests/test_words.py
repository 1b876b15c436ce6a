"""Words stand once, in every language; a key that nobody reads, or a sentence that stands twice, is found here."""

from __future__ import annotations

import re
from collections import Counter

from street import PACKAGE, room_of

from graphdet.schema import NODE_TYPE, lookalikes, objections
from graphdet.schema.wording import LANGUAGES, Wording, named
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
    return [*WORDS.values(), *BRIEF.values(), *claims, *codes, *(one.plain for one in lookalikes.LOOK_ALIKES)]


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
    made |= {f"next_{step}" for step in ("devices", "orders", "refunds", "coupons", "owners", "plain") if '"next_" +' in code}
    assert [key for key in WORDS if not re.search(rf"""["'`]{key}["'`]|id="{key}\"""", code) and key not in made] == []


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
