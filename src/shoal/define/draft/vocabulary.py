"""The words that one workspace adds: its columns, the values of its texts, its shares, segments and events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from shoal.define.draft.known import NO, YES, Known, Spoken
from shoal.define.draft.text import plain
from shoal.define.draft.topics import FILLERS, NEGATIONS
from shoal.define.protected import is_protected
from shoal.define.types import Type

_STEM = re.compile(r"(?:ed|ing|es|s|e)$")
ARTICLES = "(?:the|a|an|our|their|any|its)"
T = TypeVar("T")
_SHARE = re.compile(r"^share (?:of|by channel|by platform|at|in the|on|via) |^share ")


@dataclass(frozen=True)
class Vocabulary:
    """What the workspace's own words stand for, by the words in their plain spelling."""

    numbers: Mapping[str, str] = field(default_factory=dict)  # to a measure's key
    levels: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # to columns and values
    flags: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)  # to a column and its clauses for yes, no
    texts: Mapping[str, str] = field(default_factory=dict)  # names of text columns
    items: Mapping[str, str] = field(default_factory=dict)  # to share columns
    segments: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)  # protected columns
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def vocabulary(known: Known) -> Vocabulary:
    """The words of a workspace."""
    numbers: dict[str, str] = {}
    for key, measure in known.measures.items():
        if is_protected(key):
            continue
        label = re.sub(r" in \d+ days$", "", measure.first.label) if not measure.first.kind else measure.first.label
        for said in (plain(key), plain(label), plain(measure.first.label)):
            numbers.setdefault(said, key)
    levels: dict[str, list[tuple[str, str]]] = {}
    flags, texts = {}, {}
    for name, one in known.columns.items():
        if is_protected(name) or name == "lifecycle_stage":
            continue
        flag = _flag(one)
        if flag:
            flags.update(dict.fromkeys(_forms(plain(one.label)), (name, *flag)))
        if one.type is Type.TEXT:
            texts.update({plain(one.label): name, plain(name): name})
            for level in one.levels:
                for said in () if flag else _spellings(level, one, known):
                    levels.setdefault(said, []).append((name, level))
    return Vocabulary(
        {said: key for said, key in numbers.items() if said and said not in flags},
        {said: tuple(found) for said, found in levels.items()},
        flags,
        texts,
        _items(known),
        {plain(name): name for name in known.segments},
        {plain(name): name for name in known.events if len(plain(name).split()) > 1},
        {
            said: name
            for name in known.columns
            if is_protected(name)
            for said in (plain(name), plain(known.columns[name].label))
        },
        {
            **{said: name for name, some in known.elsewhere.items() for one in some for said in _alone(one, known)},
            **{plain(name): name for name in known.elsewhere},
        },
    )


def _flag(one: Spoken) -> tuple[str, str] | None:
    """The clauses for yes and no of a yes-or-no column."""
    from shoal.define.words import quoted

    name = quoted(one.name)
    if one.type is Type.BOOL:
        return name, f"not {name}"
    if one.type is Type.TEXT and one.levels:
        yes = next((level for level in one.levels if level.strip().lower() in YES), None)
        no = next((level for level in one.levels if level.strip().lower() in NO), None)
        if yes and no:
            return tuple(f"{name} = '{level.replace(chr(39), chr(39) * 2)}'" for level in (yes, no))  # type: ignore[return-value]
    if one.type is Type.NUMBER and one.theme == "trait" and one.whole and one.marks and one.marks[-1] == 1.0:
        return f"{name} = 1", f"{name} = 0"
    return None


def _alone(level: str, known: Known) -> list[str]:
    """The words for a value that nobody takes for something else: not `be` for Belgium, not `2` for a code."""
    said = [plain(level), *map(plain, known.synonyms.get(level, ()))]
    plainly = YES | NO | FILLERS | NEGATIONS
    return [one for one in said if (len(one) > 2 or one == "uk") and one not in plainly and not one.isdigit()]


def _spellings(level: str, one: Spoken, known: Known) -> list[str]:
    """The words for a value, with the column's name where they would mean something else without."""
    alone, said, label = _alone(level, known), plain(level), plain(one.label)
    return alone if said in alone or not said else [*alone, f"{label} {said}", f"{said} {label}"]


def _forms(said: str) -> Iterable[str]:
    """A word and its kin: churn is churned too."""
    yield said
    if " " not in said and len(said) > 3:
        stem = _STEM.sub("", said)
        yield from (f"{stem}ed", f"{stem}ing", f"{stem}s")
    if said.startswith("opted in "):
        yield said.removeprefix("opted in ").removeprefix("to ")


def _items(known: Known) -> dict[str, str]:
    """What shares are of: categories, channels, platforms, and times of day or week."""
    found = {}
    for name, one in known.columns.items():
        if one.share and name.startswith("share_"):
            said = plain(_SHARE.sub("", one.label))
            found[said] = name
    return found


def any_of(words: Iterable[str], *, plural: bool = True) -> str:
    """A pattern for any of the words, the longest first; it matches nothing where there are none.

    >>> bool(re.fullmatch(any_of(["order", "order line"]), "order lines"))
    True
    """
    end = "(?:s|es)?" if plural else ""
    listed = sorted(
        {_spaced(_singular(word) if plural else word) for word in words if word}, key=lambda one: (-len(one), one)
    )
    return "(?:" + "|".join(f"{word}{end}" for word in listed) + ")" if listed else r"(?:(?!))"


def _spaced(said: str) -> str:
    """A pattern for words between which articles may stand."""
    return rf"(?: {ARTICLES})* ".join(re.escape(word) for word in said.split())


def _bare(said: str) -> str:
    return " ".join(word for word in said.split() if not re.fullmatch(ARTICLES, word)) or said


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def lookup(said: str, words: Mapping[str, T]) -> T | None:
    """What a word stands for, in singular or plural, with articles or without."""
    if said in words:
        return words[said]
    bare = {_singular(_bare(word)): target for word, target in words.items()}
    said = _bare(said)
    return bare.get(_singular(said)) or bare.get(said.removesuffix("es"))
