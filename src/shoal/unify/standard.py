"""One way of writing each sort of value, in SQL: texts, numbers and the words that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping

BLANKS = ("", "null", "(null)", "<null>", "none", "nan", "nat", "n/a", "#n/a", "na", "<na>", "\\n", "#null!", "nil")

_OUTER = (" ", "\t", "\n", "\r", "\u00a0", "\ufeff")
_SIGNS = r"[\p{Sc}\s\x{00A0}\x{202F}'\x{2019}]|^[A-Z]{3}\b|\b[A-Z]{3}$"


def quoted(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def named(text: str) -> str:
    """A quoted identifier."""
    return '"' + text.replace('"', '""') + '"'


def text_sql(sql: str, *, keep_na: bool = False) -> str:
    """SQL for a text without outer blanks, composed by NFC, NULL where it only says that there is nothing.

    `keep_na` keeps `NA`, which is Namibia where countries are meant.
    """
    words = ", ".join(quoted(word) for word in BLANKS if not (keep_na and word == "na"))
    blanks = quoted("".join(_OUTER))
    trimmed = f"trim(nfc_normalize({sql}), {blanks})"
    # Not IN: DuckDB makes a join of a long IN, which runs over every row whatever stands before it.
    slow = f"(CASE WHEN NOT list_contains([{words}], lower({trimmed})) THEN {trimmed} END)"
    # Most values need nothing; these tests are several times cheaper than trimming.
    ends = " AND ".join(f"{sql} NOT LIKE {quoted('%' + blank)}" for blank in _OUTER)
    fast = f"(CASE WHEN strlen({sql}) > 7 OR NOT list_contains([{words}], lower({sql})) THEN nfc_normalize({sql}) END)"
    return f"(CASE WHEN {sql} >= '!' AND {sql} < chr(127) AND {ends} THEN {fast} ELSE {slow} END)"


def plain_number_sql(text: str) -> str:
    """SQL for a text that is a number as computers write it; NULL for others, NaN and infinities."""
    return f"(CASE WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) END)"


def number_sql(text: str, decimal: str = ".") -> str:
    """SQL for a text that is a number as people write it: currency signs, thousands, (12.50) and 12- as negative.

    `decimal` is the decimal mark. NULL for what is no number, NaN and infinities.
    """
    bare = f"regexp_replace({text}, {quoted(_SIGNS)}, '', 'g')"
    signed = rf"regexp_replace({bare}, '^\((.*)\)$|^(.*)-$', '-\1\2')"
    mark, group = (r"\.", ",") if decimal == "." else (",", r"\.")
    grouped = rf"^[+-]?\d{{1,3}}({group}\d{{3}})+({mark}\d*)?$"
    whole = f"replace({signed}, {quoted(group[-1])}, '')"
    merged = f"CASE WHEN regexp_matches({signed}, {quoted(grouped)}) THEN {whole} ELSE {signed} END"
    if decimal == ",":
        merged = f"replace({merged}, ',', '.')"
    return plain_number_sql(f"({merged})")


def mapped_sql(text: str, words: Mapping[str, str]) -> str:
    """SQL that puts other words for some values and keeps the rest.

    >>> mapped_sql("x", {})
    'x'
    """
    if not words:
        return text
    keys = ", ".join(map(quoted, words))
    values = ", ".join(map(quoted, words.values()))
    return f"coalesce(map([{keys}], [{values}])[{text}], {text})"
