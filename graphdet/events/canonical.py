"""Raw names of one column → canonical names, sorted, with what becomes of each raw one: a code, nothing, or a reason to reject it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.addresses import canonical_ips
from graphdet.events.coding import plain_names, sorted_names, text_buffers
from graphdet.events.header import squeezed
from graphdet.events.likeness import folded
from graphdet.events.placeholders import counted_from_nought, ignored, ignored_keys, missing_set, nobodys
from graphdet.events.timestamps import SPACES
from graphdet.schema import ACTION_OF, ACTIONS, IP_COLUMNS, NODE_TYPES
from graphdet.settings import LogSettings

MISSING = -1
BAD = -2  # cannot be read
IGNORED = -3  # a user whom the settings leave out: their rows go, and not because nobody is named there

_IDS = tuple(node_type.column for node_type in NODE_TYPES)
_COUNTED = (*(column for column in _IDS if column not in IP_COLUMNS), "category")  # whose names may be numbers from 0 on
_LOWER = ("action", "label")  # words, whose case says nothing


@dataclass(frozen=True)
class Cleaning:
    """How the settings want names cleaned: action words mapped, words for none known, keys to ignore, differences that are none."""

    actions: Mapping[str, str]
    longest: int
    missing: frozenset[str]
    ignored: Mapping[str, frozenset[str]]
    fold: tuple[str, ...]

    def action(self, word: str) -> str:
        """A word for an action as the settings map it, or by its usual meaning; others stay."""
        return self.actions.get(word) or (word if word in ACTIONS else ACTION_OF.get(squeezed(word), word))

    @classmethod
    def of(cls, settings: LogSettings) -> Cleaning:
        """Raises:
        SettingsError: the file of keys to ignore cannot be read.
        """
        words = {theirs.strip().lower(): ours.strip().lower() for theirs, ours in settings.actions.items()}
        return cls(words, settings.max_id_characters, missing_set(settings), ignored_keys(settings), settings.fold)


@dataclass(frozen=True)
class Names:
    """Canonical names sorted by their UTF-8 bytes; for each raw name its code, `MISSING`, `BAD` or `IGNORED`; which raw names are left out:
    those that stand for none known, and those that the settings ignore; and which words for actions are read as ours."""

    names: pa.StringArray
    codes: npt.NDArray[np.int32]
    nobodys: Mapping[int, str] = field(default_factory=dict)
    ignored: Mapping[int, str] = field(default_factory=dict)
    read_as: Mapping[str, str] = field(default_factory=dict)


def canonical_names(column: str, raw: pa.LargeStringArray, codes: npt.NDArray[np.int32], cleaning: Cleaning) -> Names:
    """Trimmed names: empty is missing, and so is what is nobody's; longer than the longest is bad; actions and labels in lower case,
    actions mapped, IPs canonical, ids folded as the settings say.

    Args:
        codes: (rows,) places among the raw names; −1 for none.
    """
    text = raw
    bad = np.zeros(len(raw), np.bool_)
    missing = np.zeros(len(raw), np.bool_)
    plain = plain_names(*text_buffers(raw), cleaning.longest)
    if not plain:
        text = pc.utf8_trim(raw, characters=SPACES)
        bad = np.array(pc.greater(pc.utf8_length(text), cleaning.longest))
    if column in _LOWER:
        text = pc.utf8_lower(text)
    left_out: dict[int, str] = {}
    if column != "label":  # there such words are answers
        missing = nobodys(column, text, cleaning.missing)
        if column in _COUNTED and missing.any() and (nought := counted_from_nought(text, codes)) >= 0:
            missing[nought] = False
        left_out = _named(text, missing)
    if column in IP_COLUMNS:
        text, wrong = canonical_ips(text, cleaning.missing)
        bad |= wrong & ~missing
        mapped = nobodys(column, text, cleaning.missing) & ~missing  # such as ::ffff:127.0.0.1
        left_out |= _named(text, mapped)
        missing |= mapped
    if column in _IDS and column not in IP_COLUMNS and cleaning.fold:
        text = folded(text, cleaning.fold)
    read_as: dict[str, str] = {}
    if column == "action":
        words = text.to_pylist()
        told = [cleaning.action(word) for word in words]
        read_as = {word: ours for word, ours in zip(words, told, strict=True) if word != ours and word not in cleaning.actions}
        text = pa.array(told, pa.large_string())
    if not plain or column in (*IP_COLUMNS, *_LOWER):
        missing |= np.asarray(pc.equal(text, ""))
    chosen: Mapping[int, str] = {}
    if cleaning.ignored and column in _IDS:
        wanted = ignored(column, text, cleaning.ignored) & ~missing
        chosen = _named(text, wanted)
        missing |= wanted
    kept = np.flatnonzero(~(bad | missing))
    if len(kept) < len(raw):
        text = text.take(pa.array(kept))
    order, repeats = sorted_names(text)
    codes = np.full(len(raw), MISSING, np.int32)
    codes[bad] = BAD
    if column == "user_id":
        codes[list(chosen)] = IGNORED
    codes[kept[order]] = np.cumsum(~repeats) - 1
    return Names(text.take(pa.array(order[~repeats])).cast(pa.string()), codes, left_out, chosen, read_as)


def _named(text: pa.LargeStringArray, which: npt.NDArray[np.bool_]) -> dict[int, str]:
    """Place → name of those that are marked; not of empty ones."""
    places = np.flatnonzero(which).tolist()
    return {place: name for place, name in zip(places, text.take(pa.array(places, pa.int64())).to_pylist(), strict=True) if name}
