"""What an identifier's value looks like once it is fit to join people: one spelling, and nobody's placeholder.

Rules are SQL in DuckDB's dialect, so that they run over a whole column in the engine. Phone numbers need
tables that SQL has not (`phonenumbers`), so they are standardised over their distinct values in Python. One value at a
time, as the live side sees them, has the same rules in `spelling.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shoal.identifiers import STRONG, TYPES, rank

__all__ = [
    "COUNTED",
    "STRONG",
    "TYPES",
    "Phone",
    "Reason",
    "name",
    "normalise_sql",
    "phones",
    "quote",
    "rank",
    "reason_sql",
]

Reason = Literal["placeholder", "invalid", "no_country"]

COUNTED = frozenset({"customer_id", "user_id", "account_id"})
"""Types that a system counts up, so that 123456 is somebody."""

_WORDS = """
    unknown|unk|n/a|na|n.a.|#n/a|none|null|nil|nan|undefined|missing|empty|blank|void|not available|not set|not provided
    not applicable|notset|not_set|(none)|(null)|(not set)|(not provided)|[null]|<null>|test|tester|testing|guest
    anonymous|anon|default|dummy|sample|tbd|tba|-|--|---|.|?|??|x|xx|xxx|noreply|no-reply|no email|no phone|no_id|noid
    -1|-1.0|-99|-999
"""
_TYPED_IN = "1234|12345|123456|1234567|12345678|123456789|1234567890|0123456789|abc123"
_NOBODY = """
    noreply|no-reply|no_reply|donotreply|do-not-reply|do_not_reply|noemail|no-email|no_email|nomail|no-mail|none|null|nil
    unknown|anonymous|anon|guest|test|tester|testing|undefined|na|n/a|notprovided|not-provided|nobody|fake|dummy|x|xx|xxx
    asdf|mailer-daemon|postmaster
"""
_NOWHERE = "noemail.com|no-email.com|nomail.com|none.com|unknown.com|email.invalid|x"


def _set(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in re.split(r"[|\n]", words) if word.strip())


WORDS = _set(_WORDS)
"""Values of any type that identify nobody, in lower case."""
TYPED_IN = _set(_TYPED_IN)
"""What fingers type into a field that must not stay empty."""
NOBODY, NOWHERE = _set(_NOBODY), _set(_NOWHERE)
"""Mailboxes and domains that are nobody's."""

BLANKS = " \t\r\n\v\f\u00a0\ufeff\u200b"
_PLAIN_ADDRESS = r"[a-z0-9_+\-]+(\.[a-z0-9_+\-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}"
_ADDRESS = (
    r'^[^\s@<>,;:"()\[\]\\]{1,64}@([\p{L}\p{N}]([\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}\-]*[\p{L}\p{N}]$'
)


def quote(text: str) -> str:
    """A text as an SQL literal.

    >>> quote("O'Hara")
    "'O''Hara'"
    """
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A name as a quoted SQL identifier.

    >>> name("at")
    '"at"'
    """
    return '"' + text.replace('"', '""') + '"'


def normalise_sql(kind: str, sql: str, placeholders: Iterable[str] = ()) -> str:
    """SQL for the one spelling of an identifier, NULL where it identifies nobody.

    `kind` is the identifier's type, `sql` an expression for its raw text, `placeholders` are further values that
    identify nobody. A phone is only trimmed here: `phones` standardises it. Values that need no mending, nearly all,
    take a short way: what the long way does to a value costs microseconds, which is minutes at 20 million rows.

    >>> normalise_sql("user_id", "uid").startswith("(CASE WHEN")
    True
    """
    words = tuple(placeholders)
    good = f"CASE WHEN {reason_sql(kind, sql, words)} IS NULL THEN {_spelling(kind, sql)} END"
    return f"(CASE {' '.join(_short_ways(kind, sql, words))} ELSE {good} END)"


def reason_sql(kind: str, sql: str, placeholders: Iterable[str] = ()) -> str:
    """SQL for why a value is refused: 'placeholder', 'invalid', or NULL for a good or absent value."""
    spelt = _spelling(kind, sql)
    tests = [f"WHEN regexp_full_match({spelt}, {quote(_nobody(kind, placeholders))}) THEN 'placeholder'"]
    if kind == "email":
        good = (
            f"length({spelt}) <= 254 AND NOT contains({spelt}, '..') AND regexp_full_match({spelt}, {quote(_ADDRESS)})"
        )
        tests.append(f"WHEN NOT ({good}) THEN 'invalid'")
    return f"(CASE WHEN {spelt} IS NULL THEN NULL {' '.join(tests)} END)"


def _short_ways(kind: str, sql: str, placeholders: Sequence[str]) -> Iterator[str]:
    """Cases that give the same as the long way for values that are spelt right."""
    nobody = quote(_nobody(kind, placeholders))
    if kind == "email":
        for plain in (sql, f"lower(trim({sql}))"):
            yield (
                f"WHEN regexp_full_match({plain}, {quote(_PLAIN_ADDRESS)}) "
                f"THEN CASE WHEN NOT regexp_full_match({plain}, {nobody}) THEN {plain} END"
            )
        return
    if kind in COUNTED and not any(any(sign.isdigit() for sign in value) for value in placeholders):
        yield f"WHEN regexp_full_match({sql}, '[1-9][0-9]*') THEN {sql}"
        yield f"WHEN regexp_full_match({sql}, '[1-9][0-9]*\\.0+') THEN split_part({sql}, '.', 1)"
    yield (
        f"WHEN regexp_full_match({sql}, '[!-\\-/-~]+') "
        f"THEN CASE WHEN NOT regexp_full_match({sql}, {nobody}) THEN {sql} END"
    )


def _spelling(kind: str, sql: str) -> str:
    """NULL for a blank; plus-tags of an address stay, because only the mailbox's host knows whether they matter."""
    trimmed = f"trim(nfc_normalize({sql}), {quote(BLANKS)})"
    if kind == "email":
        bare = rf"regexp_replace(lower({trimmed}), '^(mailto:|.*<)\s*([^<>]*[^<>\s])\s*>?$', '\2')"
        return f"nullif({bare}, '')"
    return rf"nullif(regexp_replace({trimmed}, '^([+-]?[0-9]+)\.0+$', '\1'), '')"


def _nobody(kind: str, placeholders: Iterable[str]) -> str:
    """A pattern for what identifies nobody: one regular expression, as the engine compares a long list word by word."""
    words = WORDS | {_fold(value) for value in placeholders} | (frozenset() if kind in COUNTED else TYPED_IN)
    parts = [_either(words), r"[+-]?[0.\- ]*0[0.\- ]*"]
    if kind == "email":
        parts += [f"({_either(NOBODY)})@.*", f".*@({_either(NOWHERE)})", "no@email.*"]
    return f"(?i)({'|'.join(parts)})"


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words) if word)


def _fold(value: str) -> str:
    return unicodedata.normalize("NFC", value).strip(BLANKS).lower()


@dataclass(frozen=True)
class Phone:
    """A raw phone number's E.164 form, or why it has none."""

    value: str | None
    reason: Reason | None = None


def phones(values: Iterable[str], region: str | None = None, placeholders: Iterable[str] = ()) -> dict[str, Phone]:
    """The E.164 form of each distinct raw number.

    `region` is the ISO 3166 code for numbers written without a country (`country` in shoal.yaml); without it such
    numbers are refused as `no_country`. A number counts as good when its length is possible in its country:
    which ranges are in use changes faster than the tables do.

    >>> phones(["020 7946 0958", "0000000000"], "GB")["020 7946 0958"].value
    '+442079460958'
    """
    words = WORDS | TYPED_IN | {_fold(value) for value in placeholders}
    return {raw: _phone(raw, region, words) for raw in set(values)}


def _phone(raw: str, region: str | None, words: frozenset[str]) -> Phone:
    import phonenumbers as library

    text = re.sub(r"^(\+?\d+)\.0+$", r"\1", unicodedata.normalize("NFKC", raw).strip(BLANKS))
    digits = re.sub(r"\D", "", text)
    if _fold(text) in words or digits in words or (digits and len(set(digits)) == 1):
        return Phone(None, "placeholder")
    try:
        number = library.parse(text, region.upper() if region else None)
    except library.NumberParseException as error:
        unplaced = error.error_type == library.NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+")
        return Phone(None, "no_country" if unplaced and region is None else "invalid")
    if library.is_possible_number_with_reason(number) != library.ValidationResult.IS_POSSIBLE:
        return Phone(None, "invalid")
    return Phone(library.format_number(number, library.PhoneNumberFormat.E164))
