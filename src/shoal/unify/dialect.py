"""The dialect of a text file: encoding, delimiter, quote, header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

from shoal.unify.values import EMAIL, NUMBER, time_form
from shoal.unify.vocabulary import KNOWN, words

WIDEST_CELL = 16_000_000
DELIMITERS = (",", ";", "\t", "|")
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# The bytes outside ASCII that Western European text uses in cp1252: letters, and common signs.
WESTERN = frozenset([*range(0xC0, 0x100), *b"\x80\x84\x85\x91\x92\x93\x94\x96\x97\xa3\xa7\xae\xb0\xb2\xb3\xb4\xbd"])


def encoding_of(data: bytes) -> tuple[str, str | None]:
    """The encoding of a sample of bytes, and a note where it is not plain UTF-8.

    >>> encoding_of("Müller".encode("latin-1"))[0], encoding_of("Müller".encode())[0]
    ('latin-1', 'utf-8')
    """
    for mark, name in BOMS:
        if data.startswith(mark):
            return name, None
    bad, good = _utf8_faults(data)
    if bad == 0:
        return "utf-8", None
    if good > 20 * bad:
        return "utf-8", f"{bad} places in the sample are not UTF-8; their lines may be refused"
    high = [byte for byte in data if byte >= 0x80]
    runs = len(re.findall(rb"[\xc0-\xff]{3}", data))  # words of other scripts are such bytes throughout
    if sum(byte in WESTERN for byte in high) >= 0.9 * len(high) and runs < 0.1 * len(high):
        name = "cp1252" if any(byte < 0xA0 for byte in high) else "latin-1"
        return name, f"read as {name}, for it is not UTF-8"
    from charset_normalizer import from_bytes

    best = from_bytes(b"\n".join(_foreign(data))).best()
    name = best.encoding.replace("_", "-") if best else "latin-1"
    return name, f"read as {name}, for it is not UTF-8; look whether names come out right"


def _utf8_faults(data: bytes) -> tuple[int, int]:
    """Bytes outside UTF-8 and well-formed longer characters; a character cut by the end is no fault."""
    text = data.decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= char <= "\udcff" for char in text[:-3])
    return bad, sum(char > "\x7f" for char in text) - bad


def _foreign(data: bytes) -> list[bytes]:
    lines = [line for line in data.split(b"\n") if any(byte >= 0x80 for byte in line)]
    return lines[:400]


def rows_of(text: str, delimiter: str, quote: str = '"') -> list[list[str]]:
    """Cuts text into rows of cells; blank lines are left out.

    >>> rows_of(" 1 2\\n 3  4\\n", "whitespace")
    [['1', '2'], ['3', '4']]
    """
    if delimiter == "whitespace":
        return [cells for line in text.split("\n") if (cells := line.split())]
    csv.field_size_limit(WIDEST_CELL)
    lines = io.StringIO(text, newline="")
    try:
        if not quote:
            return [row for row in csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE) if row]
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
        return [row for row in reader if row]
    except csv.Error:
        plain = csv.reader(text.split("\n"), delimiter=delimiter, quoting=csv.QUOTE_NONE)
        return [row for row in plain if row]


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first lines, the header among them, into equally many cells.

    >>> delimiter_of("id;date;amount\\n1;01.02.2020;12,50\\n"), delimiter_of("a b\\n1 2\\n")
    (';', 'whitespace')
    """
    head = "\n".join(text.split("\n", 200)[:200])
    best, best_score = ",", 0.0
    for delimiter in (*DELIMITERS, "whitespace"):
        rows = rows_of(head, delimiter)
        if not rows:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0]
        even = count / len(rows)
        if width < 2 or even < (0.95 if delimiter == "whitespace" else 0.5):
            continue
        fits_header = len(rows[0]) in (width, width - 1)
        score = even * (1 + width / 1000) * (1 if fits_header else 0.4)
        if delimiter == "whitespace":
            score *= 0.5
        if score > best_score + (0 if width > 2 else 0.05):
            best, best_score = delimiter, score
    return best


def quote_of(text: str, delimiter: str) -> str:
    """The quote character: `"` unless cells are wrapped in `'`."""
    if delimiter == "whitespace":
        return '"'
    mark = re.escape(delimiter)
    single = len(re.findall(rf"(?:^|{mark})'[^'\n]*'(?={mark}|\r?$)", text[:100_000], re.MULTILINE))
    double = text.count('"', 0, 100_000) // 2
    return "'" if single > 5 and single > double else '"'


def has_header(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Whether the first row names the columns, and whether that is sure.

    >>> has_header([["id", "amount"], ["7", "1.5"]]), has_header([["7", "1.5"], ["8", "2.5"]])
    ((True, True), (False, True))
    """
    first, rest = rows[0], rows[1:200]
    if any(_is_value(cell) for cell in first) and sum(_is_value(cell) for cell in first) >= 0.3 * len(first):
        return _names_known(first) >= 0.5, True
    if not rest:
        return True, _names_known(first) > 0
    score = 0
    for index, cell in enumerate(first):
        below = [row[index] for row in rest if index < len(row) and row[index].strip()]
        typed = bool(below) and sum(_is_value(value) for value in below) >= 0.8 * len(below)
        score += typed and not _is_value(cell)
        score -= cell.strip() != "" and below.count(cell) > 0
    known = _names_known(first)
    sure = score > 0 or known >= 0.3
    return (score >= 0 or known >= 0.3), sure


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(NUMBER.match(cell.replace(",", "."))) or bool(EMAIL.match(cell)) or time_form([cell]) is not None


def _names_known(cells: Sequence[str]) -> float:
    """Share of the cells in which every word, or the last, is one that names columns."""
    known = sum(any(word in KNOWN for word in words(cell)) and not _is_value(cell) for cell in cells)
    return known / len(cells) if cells else 0.0
