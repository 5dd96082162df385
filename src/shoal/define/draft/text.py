"""What was typed, as words: small letters, one spelling of numbers and contractions, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 1_000  # characters that are read
_PIECE = re.compile(
    r'"(?P<quoted>[^"]{1,100})"|“(?P<curly>[^”]{1,100})”'
    r"|(?P<number>\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:(?P<kilo>[kK])(?![^\W\d_]))?"
    r"|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)?)|(?P<sign>>=|<=|[<>=%+$€£¥,;&/])"
)
_SPELT = {
    "don't": "do not",
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "percent": "%",
    "pct": "%",
    "&": "and",
    ";": ",",
    "≥": ">=",
    "anymore": "any more",
    "newsletters": "emails",
    "newsletter": "email",
    "mailings": "emails",
    "/": "or",
}


@dataclass(frozen=True)
class Word:
    """One word: as it is read, and where it stands in what was typed."""

    text: str
    start: int
    end: int
    quoted: bool = False


def words(typed: str) -> list[Word]:
    """The words of a text.

    >>> [word.text for word in words("Haven't opened e-mails, spent $1,500+, 3-5 times")]
    ['have', 'not', 'opened', 'emails', ',', 'spent', '$', '1500', '+', ',', '3', 'to', '5', 'times']
    """
    found: list[Word] = []
    for piece in _PIECE.finditer(typed[:MOST]):
        start, end = piece.span()
        quoted = piece["quoted"] or piece["curly"]
        if quoted:
            inside = plain(quoted)
            found += [Word(inside, start, end, quoted=True)] if inside else []
            continue
        for part in _read(piece).split():
            found.append(Word(part, start, end))
    return _joined(found, typed)


def plain(text: str) -> str:
    """A name or value in the spelling that words have.

    >>> plain("Month-to-month"), plain("share of GROCERY & Deli"), plain("E-Mail")
    ('month to month', 'share of grocery and deli', 'email')
    """
    return " ".join(word.text for word in words(text.replace('"', " ").replace("_", " ")))


def _read(piece: re.Match[str]) -> str:
    if piece["number"]:
        number = float(re.sub(r"[,\u202f]", "", piece["number"])) * (1000 if piece["kilo"] else 1)
        return f"{number:.15g}"
    word = piece[0].lower().replace("\u2019", "'")
    if word in _SPELT:
        return _SPELT[word]
    if word.endswith("n't"):
        return f"{word[:-3]} not"
    return word.partition("'")[0] if "'" in word else word


def _joined(found: list[Word], typed: str) -> list[Word]:
    """E-mail is one word, a dash between numbers says to, and many write `more then`."""
    done: list[Word] = []
    for word in found:
        last = done[-1] if done else None
        if last and last.text == "e" and word.text in ("mail", "mails", "mailed"):
            done[-1] = Word("e" + word.text, last.start, word.end)
        elif (
            last
            and _number(last.text)
            and _number(word.text)
            and typed[last.end : word.start].strip() in ("-", "\u2013", "\u2014")
        ):
            done += [Word("to", last.end, word.start), word]
        elif last and word.text == "then" and last.text in ("more", "less", "fewer", "greater", "higher", "lower"):
            done.append(Word("than", word.start, word.end))
        else:
            done.append(word)
    return done


def _number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d+)?", text))
