"""Makes a text file safe to parse: one look at its bytes, and a mended copy only when it needs one.

A torn quote would make any CSV parser swallow the rows after it. Here lines whose quotes do not add up are
found by counting bytes, followed one by one, and cut out with a reason; everything else stays byte for byte.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

import numpy as np

from shoal.settings import Layout
from shoal.tables import column_names

BLOCK = 1 << 24
RECORD = 1 << 26  # the longest record that is followed, in bytes
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NEWLINE, RETURN = 10, 13


DETAILS = {
    "quotes": "the line has text after a closing quote",
    "unclosed_quote": "a quote is opened and never closed; the line alone was taken out",
}


@dataclass(frozen=True)
class Cut:
    """A line taken out before parsing; `row` is its 1-based number among the file's data rows."""

    row: int
    reason: str
    detail: str
    raw: str


@dataclass
class Mended:
    """A text file that is safe to parse: UTF-8, one kind of line end, balanced quotes."""

    path: Path
    columns: list[str]
    delimiter: str
    quote: str
    header: bool
    encoding: str = "utf-8"
    longest: int = 0
    empty: bool = False
    cuts: list[Cut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Look:
    """What one pass over the bytes found."""

    encoding: str
    size: int = 0
    longest: int = 0
    suspects: int = 0
    quotes: int = 0
    nuls: int = 0
    blanks: int = 0
    undecodable: bool = False
    broken: str = ""
    styles: set[str] = field(default_factory=set)

    @property
    def needs_copy(self) -> bool:
        """Whether the parser must not see the file as it is."""
        return bool(
            self.nuls or self.blanks or self.undecodable or self.broken or self.encoding != "utf-8"
            or len(self.styles) > 1 or "mixed" in self.styles
        )  # fmt: skip


def mend(path: Path, layout: Layout, out: Path, *, careful: bool = False) -> Mended:
    """Looks at the text file `path` and writes a mended copy to `out` when the file needs one.

    `careful` follows every line that has a quote, not only those whose quotes do not add up.
    Raises OSError when the file cannot be opened or read.
    """
    encoding = _encoding(path, layout.encoding)
    head = opening(path, encoding)
    delimiter = layout.delimiter or guess_delimiter(head, layout.quote)
    blank = delimiter in ("whitespace", " ")
    quote = "" if blank else layout.quote
    columns, width = _columns(head, "whitespace" if blank else delimiter, quote, layout)
    mended = Mended(path, columns, "\t" if blank else delimiter, quote, layout.header)
    look = inspect(path, encoding, mended.delimiter, quote, single=width == 1)
    mended.longest, mended.empty = look.longest, not look.size
    if not look.quotes:
        mended.quote = ""
    mended.notes += _notes(look, layout)
    if look.needs_copy or look.suspects or blank or (careful and look.quotes):
        cutter = _Cutter(mended, look, width, careful=careful, blank=blank)
        cutter.write(path, out)
        if look.needs_copy or mended.cuts or blank:
            mended.path = out
        else:
            out.unlink()
    return mended


def inspect(path: Path, encoding: str, delimiter: str, quote: str, *, single: bool = False) -> Look:
    """Counts what is unusual in the bytes of a file, in one pass and bounded memory."""
    look = Look(encoding)
    with _open(path) as stream:
        for block in _blocks(stream, look):
            look.size += len(block)
            look.nuls += block.count(b"\0")
            look.styles.add(_style(block))
            if not single:
                inner = block.rstrip(b"\r\n")
                look.blanks += b"\n\n" in inner or b"\n\r\n" in inner or inner[:1] == b"\n" or inner[:2] == b"\r\n"
            look.undecodable = look.undecodable or not _is_utf8(block)
            lines = np.flatnonzero(np.frombuffer(block, np.uint8) == NEWLINE)
            lengths = np.diff(lines, prepend=-1, append=len(block))
            look.longest = max(look.longest, int(lengths.max()))
            if quote and (count := block.count(quote.encode())):
                look.quotes += count
                look.suspects += len(suspicious(block, delimiter, quote))
    look.styles.discard("none")
    return look


def suspicious(block: bytes, delimiter: str, quote: str) -> list[int]:
    r"""Starts of the lines whose quotes do not add up: an odd number, or more opened than closed.

    >>> suspicious(b'1,"a"\n2,"b\n3,c\n', ",", '"')
    [6]
    """
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == ord(quote))
    if not quotes.size:
        return []
    ends = np.flatnonzero(data == NEWLINE)
    line = np.searchsorted(ends, quotes)
    before = np.where(quotes > 0, data[quotes - 1], NEWLINE)
    after = np.where(quotes + 1 < len(data), data[np.minimum(quotes + 1, len(data) - 1)], NEWLINE)
    mark = delimiter.encode()[0]
    opening = (before == mark) | (before == NEWLINE)
    closing = (after == mark) | (after == NEWLINE) | (after == RETURN)
    lines = len(ends) + 1
    odd = np.bincount(line, minlength=lines) % 2 == 1
    odd |= np.bincount(line[opening], minlength=lines) != np.bincount(line[closing], minlength=lines)
    odd |= np.bincount(line[opening & closing], minlength=lines) > 0
    starts = np.concatenate([[0], ends + 1])
    return [int(start) for start in starts[odd]]


@dataclass(frozen=True)
class Record:
    """Where a record ends and how many fields it has; `state` is closed, open (at the end of the data) or torn."""

    end: int
    fields: int
    state: str


def follow(data: bytes, start: int, delimiter: bytes, quote: bytes) -> Record:
    r"""Reads one record from `start`, by RFC 4180: a quote opens only at the start of a field.

    >>> follow(b'1,"a\nb",2\n3', 0, b",", b'"')
    Record(end=10, fields=3, state='closed')
    >>> follow(b'1,"a\n2,b\n', 0, b",", b'"').state, follow(b'1,"a\n2,"b"\n', 0, b",", b'"').state
    ('open', 'torn')
    """
    place, fields = start, 0
    while True:
        fields += 1
        if data[place : place + 1] == quote:
            place += 1
            while True:
                place = data.find(quote, place)
                if place < 0:
                    return Record(len(data), fields, "open")
                if data[place + 1 : place + 2] != quote:
                    break
                place += 2
            place += 1
            after = data[place : place + 1]
            if after not in (delimiter, b"\n", b""):
                return Record(place, fields, "torn")
        else:
            mark, end = data.find(delimiter, place), data.find(b"\n", place)
            end = len(data) if end < 0 else end
            place = end if mark < 0 or mark > end else mark
        if data[place : place + 1] != delimiter:
            return Record(min(place + 1, len(data)), fields, "closed")
        place += 1


def guess_delimiter(head: str, quote: str = '"') -> str:
    r"""The separator that cuts most first lines into the same number of columns.

    >>> guess_delimiter("a;b;c\n1;2,5;3\n"), guess_delimiter(" 1 2  3\n 4 5 6\n"), guess_delimiter("a\n1\n")
    (';', 'whitespace', ',')
    """
    lines = [line for line in head.splitlines()[:200] if line.strip()]
    best, chosen = 0.0, ","
    for mark in (",", ";", "\t", "|", "whitespace"):
        widths = Counter(len(row) for row in _rows(lines, mark, quote))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = count / widths.total() * (1 + min(width, 50) / 100)
        if width > 1 and score > best + (0.3 if mark == "whitespace" else 0):
            best, chosen = score, mark
    return chosen


def _rows(lines: list[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    if delimiter == "whitespace":
        return (line.split() for line in lines)
    if not quote or len(delimiter) > 1:
        return (line.split(delimiter) for line in lines)
    csv.field_size_limit(RECORD)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote)


def _columns(head: str, delimiter: str, quote: str, layout: Layout) -> tuple[list[str], int]:
    lines = head.replace("\0", "").splitlines()
    while lines and not lines[0].strip():
        lines.pop(0)
    first = next(_rows(lines, delimiter, quote), [])
    names = list(layout.columns or [])
    if layout.header and not names:
        names = first
    names += [f"column_{place}" for place in range(len(names) + 1, len(first) + 1)]
    return column_names(names), len(names)


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    return gzip.open(path, "rb") if is_gzip(path) else path.open("rb")


def is_gzip(path: Path) -> bool:
    """Whether the file is gzip by its first bytes, whatever its suffix."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _encoding(path: Path, declared: str) -> str:
    with _open(path) as stream:
        start = _read(stream, 4, Look("utf-8"))
    for mark, name in BOMS:
        if start.startswith(mark):
            return "utf-8-sig" if name == "utf-8" else name
    name = codecs.lookup(declared).name
    return "utf-8" if name in ("utf-8", "ascii", "utf-8-sig") else name


def opening(path: Path, encoding: str = "utf-8") -> str:
    """The first megabyte of a text file."""
    with _open(path) as stream:
        block = _read(stream, 1 << 20, Look(encoding))
    if encoding in ("utf-8", "utf-8-sig") and not _is_utf8(block[:-4]):
        encoding = "cp1252"
    return block.decode(encoding, errors="replace")


def _read(stream: BufferedReader | gzip.GzipFile, size: int, look: Look) -> bytes:
    """Up to `size` bytes; what a broken gzip stream still gives comes before its fault."""
    parts: list[bytes] = []
    try:
        while size > 0 and (part := stream.read1(min(size, 1 << 18))):
            parts.append(part)
            size -= len(part)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        look.broken = str(error) or type(error).__name__
    return b"".join(parts)


def _blocks(stream: BufferedReader | gzip.GzipFile, look: Look) -> Iterator[bytes]:
    """Blocks of UTF-8 (unless the file lies about being it) that end at a line's end."""
    decoder = None
    if look.encoding not in ("utf-8", "utf-8-sig"):
        decoder = codecs.getincrementaldecoder(look.encoding)(errors="replace")
    rest: list[bytes] = []
    first = True
    while chunk := _read(stream, BLOCK if decoder is None else BLOCK // 2, look):
        if decoder is not None:
            chunk = decoder.decode(chunk).encode()
        if first:
            chunk, first = chunk.removeprefix(codecs.BOM_UTF8), False
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join([*rest, chunk[:cut]])
            rest = [chunk[cut:]]
        else:
            rest.append(chunk)
    if last := b"".join(rest):
        yield last


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _style(block: bytes) -> str:
    returns = block.count(b"\r")
    lines = block.count(b"\n")
    if not returns:
        return "lf" if lines else "none"
    return "crlf" if returns == lines == block.count(b"\r\n") else "mixed"


def _notes(look: Look, layout: Layout) -> list[str]:
    notes = []
    if look.broken:
        notes.append(f"the compressed file breaks off ({look.broken}): rows up to there are read")
    if look.undecodable:
        notes.append(f"not all of it is {layout.encoding}: lines that are not were read as cp1252")
    if look.encoding not in ("utf-8", "utf-8-sig") and look.encoding != codecs.lookup(layout.encoding).name:
        notes.append(f"read as {look.encoding}, by its byte order mark")
    if look.nuls:
        notes.append(f"{look.nuls} NUL bytes were taken out")
    return notes


class _Cutter:
    """Writes the mended copy, block by block; a record that spans blocks is carried over."""

    def __init__(self, mended: Mended, look: Look, width: int, *, careful: bool, blank: bool) -> None:
        self.mended, self.look, self.width = mended, look, width
        self.careful, self.blank = careful, blank
        self.delimiter, self.quote = mended.delimiter.encode(), mended.quote.encode()
        self.records = 0

    def write(self, path: Path, out: Path) -> None:
        carry = b""
        with _open(path) as stream, out.open("wb") as sink:
            for block in _blocks(stream, Look(self.look.encoding)):
                data, carry = carry + self._clean(block), b""
                if self.look.suspects or self.careful:
                    for piece in self._pieces(data, final=False):
                        sink.write(piece)
                    carry = data[self.resume :]
                else:
                    sink.write(self._plain(data))
            if carry:
                for piece in self._pieces(carry, final=True):
                    sink.write(piece)

    def _clean(self, block: bytes) -> bytes:
        if self.look.nuls:
            block = block.replace(b"\0", b"")
        if not _is_utf8(block):
            block = b"\n".join(_utf8(line) for line in block.split(b"\n"))
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
            block = block.replace(b"\r", b" " if b"\n" in block[:-1] else b"\n")
        if self.blank:
            block = re.sub(rb"[ \t]+", b"\t", block)
            block = re.sub(rb"(?m)^\t|\t$", b"", block)
        return block if block.endswith(b"\n") else block + b"\n"

    def _plain(self, data: bytes) -> bytes:
        if self.look.blanks and self.width > 1:
            data = re.sub(rb"\n{2,}", b"\n", data).removeprefix(b"\n")
        self.records += data.count(b"\n")
        return data

    def _pieces(self, data: bytes, *, final: bool) -> Iterator[bytes]:
        """The data without torn lines; sets `resume` to where the next block must begin."""
        self.resume = len(data)
        done = 0
        for start in self._suspects(data):
            if start < done:
                continue
            record = follow(data, start, self.delimiter, self.quote)
            line = data.find(b"\n", start) + 1
            if record.state == "open" and not final and len(data) - start < RECORD:
                yield self._plain(data[done:start])
                self.resume = start
                return
            beside = record.state == "torn" and record.end <= line
            if beside or record.state == "open" or (record.end > line and not self._whole(data, start, record)):
                yield self._plain(data[done:start])
                self._cut(data[start:line], "quotes" if beside else "unclosed_quote")
                done = line
            elif record.state == "closed" and record.end > line:
                yield self._plain(data[done:start])
                yield data[start : record.end]
                self.records += 1
                self.mended.longest = max(self.mended.longest, record.end - start)
                done = record.end
        yield self._plain(data[done:])

    def _suspects(self, data: bytes) -> list[int]:
        if not self.careful:
            return suspicious(data, self.mended.delimiter, self.mended.quote)
        starts, place = [], data.find(self.quote)
        while place >= 0:
            starts.append(data.rfind(b"\n", 0, place) + 1)
            end = data.find(b"\n", place)
            place = data.find(self.quote, end) if end >= 0 else -1
        return starts

    def _whole(self, data: bytes, start: int, record: Record) -> bool:
        """Whether a record over several lines is meant: it fits, and its lines are not rows of their own."""
        if record.state != "closed" or record.fields != self.width:
            return False
        lines = [line for line in data[start : record.end].split(b"\n") if line.strip()]
        if len(lines) < 3 or self.width < 2:
            return True
        ends = [line.count(self.delimiter) + 1 for line in (lines[0], lines[-1])]
        inside = [follow(line, 0, self.delimiter, self.quote).fields for line in lines[1:-1]]
        return any(fields != self.width for fields in (*ends, *inside))

    def _cut(self, line: bytes, reason: str) -> None:
        self.records += 1
        row = self.records - (1 if self.mended.header else 0)
        self.mended.cuts.append(Cut(row, reason, DETAILS[reason], line.rstrip(b"\n").decode("utf-8", errors="replace")))


def _utf8(line: bytes) -> bytes:
    if _is_utf8(line):
        return line
    try:
        return line.decode("cp1252").encode()
    except UnicodeDecodeError:
        return line.decode("latin-1").encode()
