"""One identifier at a time: what `identifiers.normalise_sql` and `identifiers.phones` say of a column, in Python.

The live side sees messages one by one, and a query for each would cost a thousand times what the rule does. A test
holds both to the same answers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from shoal.unify.identifiers import BLANKS, COUNTED, NOBODY, NOWHERE, TYPED_IN, WORDS, phones

KEPT = 50_000  # values of one type whose answer is remembered
_PLAIN = re.compile(r"[!-\-/-~]+").fullmatch
_COUNT = re.compile(r"[1-9][0-9]*").fullmatch
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0+").fullmatch
_ZEROS = re.compile(r"[+-]?[0.\- ]*0[0.\- ]*").fullmatch
_PLAIN_ADDRESS = re.compile(r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}").fullmatch
_NAMED = re.compile(r"(?:mailto:|[^\n]*<)[\t\n\f\r ]*([^<>]*[^<>\t\n\f\r ])[\t\n\f\r ]*>?").fullmatch
_MAILBOX = re.compile(r"[^\t\n\f\r @<>,;:\"()\[\]\\]{1,64}").fullmatch
_DOTLESS = {"\u0130": "\u0130", "\u0131": "\u0131"}  # dotted capital and dotless small i: no case of any other letter

Normalise = Callable[[str], str | None]


def normalise(kind: str, text: str, placeholders: Iterable[str] = (), region: str | None = None) -> str | None:
    """The one spelling of an identifier, None where it identifies nobody.

    `kind` is the identifier's type, `placeholders` are further values that identify nobody, `region` the ISO 3166 code
    of phone numbers written without a country.

    >>> normalise("email", " Ann@Example.COM "), normalise("user_id", "17.0"), normalise("user_id", "n/a")
    ('ann@example.com', '17', None)
    """
    return _compiled(kind, tuple(placeholders), region)(text)


@lru_cache(maxsize=256)
def _compiled(kind: str, placeholders: tuple[str, ...], region: str | None) -> Normalise:
    return compiled(kind, placeholders, region)


def compiled(kind: str, placeholders: Iterable[str] = (), region: str | None = None) -> Normalise:
    """`normalise` for one type, with a memory of the values that it saw last."""
    words = tuple(placeholders)
    rule = _phone(words, region) if kind == "phone" else _address(words) if kind == "email" else _plain(kind, words)
    known: dict[str, str | None] = {}

    def answer(text: str) -> str | None:
        try:
            return known[text]
        except KeyError:
            if len(known) >= KEPT:
                known.clear()
            found = known[text] = rule(text)
            return found

    return answer


def normaliser(placeholders: Iterable[str] = (), region: str | None = None) -> Callable[[str, str], str | None]:
    """`normalise` of a workspace: type and text to the one spelling, None for what identifies nobody."""
    words = tuple(placeholders)
    rules: dict[str, Normalise] = {}

    def spelt(kind: str, text: str) -> str | None:
        rule = rules.get(kind)
        if rule is None:
            rule = rules[kind] = compiled(kind, words, region)
        return rule(text)

    return spelt


def _plain(kind: str, placeholders: tuple[str, ...]) -> Normalise:
    nobody = _nobody(kind, placeholders)

    def rule(text: str) -> str | None:
        spelt = text if _PLAIN(text) else _spelt(text)
        return None if spelt is None or nobody(spelt) else spelt

    return rule


def _spelt(text: str) -> str | None:
    trimmed = unicodedata.normalize("NFC", text).strip(BLANKS)
    whole = _WHOLE(trimmed)
    return (whole[1] if whole else trimmed) or None


def _address(placeholders: tuple[str, ...]) -> Normalise:
    nobody = _nobody("email", placeholders)

    def rule(text: str) -> str | None:
        if not _PLAIN_ADDRESS(text):
            lower = _lower(unicodedata.normalize("NFC", text).strip(BLANKS))
            named = _NAMED(lower)
            text = named[1] if named else lower
            if not _is_address(text):
                return None
        return None if nobody(text) else text

    return rule


def _is_address(text: str) -> bool:
    """Whether a text looks like an address; `@` splits it in two, since neither side may have one."""
    box, _, domain = text.partition("@")
    labels = domain.split(".")
    if len(text) > 254 or ".." in text or not _MAILBOX(box) or len(labels) < 2:
        return False
    return all(map(_is_label, labels)) and len(labels[-1]) > 1 and labels[-1][0].isalpha()


def _is_label(text: str) -> bool:
    return bool(text) and text[0].isalnum() and text[-1].isalnum() and text.replace("-", "a").isalnum()


def _phone(placeholders: tuple[str, ...], region: str | None) -> Normalise:
    plain = _plain("phone", placeholders)

    def rule(text: str) -> str | None:
        spelt = plain(text)
        return None if spelt is None else phones([spelt], region, placeholders)[spelt].value

    return rule


def _nobody(kind: str, placeholders: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text in its one spelling stands for nobody, capitals or not."""
    mine = {unicodedata.normalize("NFC", value).strip(BLANKS).lower() for value in placeholders} - {""}
    words = frozenset(map(_fold, WORDS | mine | (frozenset() if kind in COUNTED else TYPED_IN)))
    counts = kind in COUNTED and not any(any(sign.isdigit() for sign in word) for word in words)
    zeros = _ZEROS

    def placeholder(text: str) -> bool:
        if counts and _COUNT(text):
            return False
        folded = _fold(text)
        return folded in words or zeros(text) is not None

    def mailbox(text: str) -> bool:
        if placeholder(text):
            return True
        folded = _fold(text)
        box, at, domain = folded.partition("@")
        return bool(at) and (box in NOBODY or domain in NOWHERE or folded.startswith("no@email"))

    return mailbox if kind == "email" else placeholder


def _lower(text: str) -> str:
    """Small letters as the engine makes them: each letter by itself, wherever in a word it stands."""
    return text.lower() if text.isascii() else "".join("i" if c == "\u0130" else c.lower() for c in text)


def _fold(text: str) -> str:
    """A text without capitals, as regular expressions that ignore case compare it: letter by letter."""
    if text.isascii():
        return text.lower()
    return "".join(_DOTLESS.get(c) or _one(_one(c, str.upper), str.lower) for c in text)


def _one(letter: str, change: Callable[[str], str]) -> str:
    changed = change(letter)
    return changed if len(changed) == 1 else letter
