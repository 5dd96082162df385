"""A look at a file: its format, its dialect and a bounded sample of its rows."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from shoal.errors import SourceError
from shoal.unify.dialect import delimiter_of, encoding_of, has_header, quote_of, rows_of
from shoal.unify.sample import Dialect, Format, Sample
from shoal.unify.values import Column

ROWS = 20_000
CELLS = 1_200_000
HEAD = 1_500_000  # bytes read from the start, and as many in pieces from the rest
PIECES = 6
NATIVE = {
    "datetime": "time",
    "date": "date",
    "list": "list",
    "dict": "list",
    "int": "number",
    "float": "number",
    "bool": "bool",
}
NULS = 0.002  # share of NUL bytes up to which a file is text with a few broken cells rather than binary
UNPACKED = 48_000_000  # bytes of a gzip file that are looked through at most

STRANGERS = (
    (b"PK\x03\x04", "is an Excel workbook or a zip archive", "export the sheet as CSV, or unzip it"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "export the sheet as CSV"),
    (b"%PDF", "is a PDF", "export the data behind it as CSV"),
    (b"SQLite format 3", "is an SQLite database", "use `sql:` with `url: sqlite:///...` in shoal.yaml"),
    (b"ORC", "is an ORC file", "convert it to Parquet"),
    (b"Obj\x01", "is an Avro file", "convert it to Parquet or JSON lines"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd", "unpack it, or use gzip"),
    (b"BZh", "is compressed with bzip2", "unpack it, or use gzip"),
    (b"\xfd7zXZ", "is compressed with xz", "unpack it, or use gzip"),
    (b"\x89PNG", "is a picture", "pass a CSV, JSON lines or Parquet file"),
    (b"\xff\xd8\xff", "is a picture", "pass a CSV, JSON lines or Parquet file"),
)


def sniff(path: Path) -> Sample:
    """Looks at a file and brings back its dialect and a sample.

    Raises SourceError, with a remedy, for a file that cannot be read as a table.
    """
    try:
        pieces, whole = _pieces(path)
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file. Remedy: check the path") from None
    except IsADirectoryError:
        raise SourceError(f"{path}: is a folder. Remedy: pass the files in it, such as {path}/*.csv") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: is a broken gzip file ({error}). Remedy: fetch it again") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Remedy: check its permissions") from None
    head = pieces[0]
    if not head.strip():
        raise SourceError(f"{path}: is empty. Remedy: export it again, or leave it out")
    _refuse_strangers(path, head)
    if head.startswith(b"PAR1"):
        return _parquet(path)
    encoding, note = encoding_of(b"\n".join(pieces))
    notes = [note] if note else []
    nuls = sum(piece.count(b"\x00") for piece in pieces)
    if nuls > NULS * sum(map(len, pieces)) and not encoding.startswith("utf-16"):
        raise SourceError(f"{path}: is binary, not text. Remedy: export it as CSV, JSON lines or Parquet")
    if nuls and not encoding.startswith("utf-16"):
        notes.append(f"{nuls} NUL bytes are left out")
    texts = [_text(piece, encoding) for piece in pieces]
    start = texts[0].lstrip()[:1]
    if start in ("{", "["):
        return _json(path, texts, whole, encoding, notes)
    if start == "<":
        raise SourceError(f"{path}: is a web page or XML, not a table. Remedy: export it as CSV")
    return _table(path, texts, whole, encoding, notes)


def _refuse_strangers(path: Path, head: bytes) -> None:
    for mark, what, remedy in STRANGERS:
        if head.startswith(mark):
            raise SourceError(f"{path}: {what}; Shoal reads CSV, JSON lines and Parquet. Remedy: {remedy}")


def _pieces(path: Path) -> tuple[list[bytes], bool]:
    """The head of a file and pieces from its middle and end, each of whole lines; whether that is all of it."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if packed:
            return _unpacked(path)
        size = path.stat().st_size
        if size <= 2 * HEAD:
            return [file.read()], True
        head = file.read(HEAD)
        pieces = [head[: head.rfind(b"\n") + 1] or head]
        step, length = (size - HEAD) // PIECES, HEAD // PIECES
        for number in range(1, PIECES + 1):
            file.seek(HEAD + number * step - min(step, length))
            pieces.append(_inner(file.read(min(step, length))))
    return pieces, False


def _unpacked(path: Path) -> tuple[list[bytes], bool]:
    """The same of a gzip file, of which only the first part is unpacked."""
    with gzip.open(path, "rb") as file:
        head = file.read(HEAD)
        rest, total = [], len(head)
        while total < UNPACKED and (chunk := file.read(4_000_000)):
            rest.append(chunk)
            total += len(chunk)
    if total <= 2 * HEAD:
        return [b"".join([head, *rest])], True
    share = HEAD // len(rest)
    pieces = [_inner(chunk[-share:]) for chunk in rest]
    return [head[: head.rfind(b"\n") + 1] or head, *pieces], False


def _inner(piece: bytes) -> bytes:
    """Without the broken line at each end."""
    return piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1]


def _text(piece: bytes, encoding: str) -> str:
    text = piece.decode(encoding, "replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _table(path: Path, texts: list[str], whole: bool, encoding: str, notes: list[str]) -> Sample:
    """A sample of a delimited text file."""
    texts = [text.replace("\x00", "") for text in texts]
    delimiter = delimiter_of(texts[0])
    quote = quote_of(texts[0], delimiter)
    rows, faults = _cut(texts[0], delimiter, quote)
    notes = [*notes, *faults]
    if not rows:
        raise SourceError(f"{path}: holds no rows. Remedy: export it again, or leave it out")
    width, preamble = _width(rows)
    if preamble:
        notes.append(f"the first {preamble} line(s) are not part of the table: delete them from the file")
        rows = rows[preamble:]
    header, sure = has_header(rows)
    if not sure:
        notes.append("whether the first line names the columns is not sure: set `csv: {header: ...}`")
    names = unique(rows[0] if header else [""] * width)
    body = rows[1:] if header else rows
    head = len(body)
    for text in texts[1:]:
        body.extend(_cut(text, delimiter, quote)[0])
    good = [row for row in body if len(row) == len(names)]
    if body and len(good) < len(body):
        notes.append(f"{len(body) - len(good)} of {len(body)} sampled lines have not {len(names)} cells")
    picked = _spread(good, max(20, min(ROWS, CELLS // len(names))))
    columns = _columns(names, [[cell.strip() for cell in row] for row in picked])
    decimal = "," if any(column.comma for column in columns[:500]) else "."
    dialect = Dialect(delimiter, encoding, quote, header, decimal)
    everything = whole and len(picked) == len(good)
    return Sample(path, "csv", dialect, columns, len(picked), everything, min(head, len(picked)), tuple(notes))


def _cut(text: str, delimiter: str, quote: str) -> tuple[list[list[str]], list[str]]:
    """Rows, and a note when a quote is opened and never closed, which would swallow lines."""
    rows = rows_of(text, delimiter, quote)
    tall = [row for row in rows if any(cell.count("\n") > 50 for cell in row)]
    if not tall:
        return rows, []
    line = next(index for index, row in enumerate(rows, 1) if row is tall[0])
    return rows_of(text, delimiter, ""), [f"a quote opened near line {line} is not closed: mend it or set `quote`"]


def _width(rows: list[list[str]]) -> tuple[int, int]:
    """The usual number of cells, and how many lines before the table have another."""
    width = Counter(map(len, rows[:500])).most_common(1)[0][0]
    preamble = next((index for index, row in enumerate(rows[:30]) if len(row) == width), 0)
    return width, preamble if preamble and all(len(row) < width - 1 for row in rows[:preamble]) else 0


def unique(cells: list[str]) -> list[str]:
    """Column names as the engine gives them: no two alike, none empty.

    >>> unique(["Id", "id", " "])
    ['Id', 'id_2', 'column_3']
    """
    seen, names = {"_row", "_file"}, []
    for place, cell in enumerate(cells, 1):
        name = base = cell.strip() or f"column_{place}"
        number = 2
        while name.casefold() in seen:
            name, number = f"{base}_{number}", number + 1
        seen.add(name.casefold())
        names.append(name)
    return names


def _spread(rows: list[Any], most: int) -> list[Any]:
    """At most so many rows: the head whole, the rest thinned evenly."""
    if len(rows) <= most:
        return rows
    head = most // 2
    step = (len(rows) - head) / (most - head)
    return rows[:head] + [rows[head + int(index * step)] for index in range(most - head)]


def _columns(names: list[str], rows: list[list[str]]) -> tuple[Column, ...]:
    turned = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return tuple(Column(name, values) for name, values in zip(names, turned, strict=True))


def _json(path: Path, texts: list[str], whole: bool, encoding: str, notes: list[str]) -> Sample:
    """A sample of JSON lines or of an array of objects; nested objects are opened to dotted names."""
    found: list[dict[str, Any]] = []
    broken = 0
    if texts[0].lstrip().startswith("["):
        found = list(islice(_array(texts[0]), ROWS))
    else:
        for line in (line for text in texts for line in text.split("\n") if line.strip()):
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            broken += not isinstance(value, dict)
            if isinstance(value, dict):
                found.append(value)
    if not found:
        raise SourceError(f"{path}: holds no JSON object a line. Remedy: write one object on each line (JSON lines)")
    if broken:
        notes = [*notes, f"{broken} of {broken + len(found)} sampled lines are not JSON objects"]
    return _records(path, "json", _spread(found, ROWS), whole, len(found), notes, encoding)


def _array(text: str) -> Iterator[dict[str, Any]]:
    decoder, place = json.JSONDecoder(), text.find("[") + 1
    while place < len(text):
        while place < len(text) and text[place] in " \n\t,":
            place += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        if isinstance(value, dict):
            yield value


def _parquet(path: Path) -> Sample:
    """A sample of a Parquet file: its first row groups, and the last."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        batches = islice(file.iter_batches(batch_size=ROWS), 1)
        table = pa.Table.from_batches(batches, file.schema_arrow)
        if file.num_row_groups > 1:
            last = file.read_row_group(file.num_row_groups - 1).slice(0, ROWS // 4)
            table = pa.concat_tables([table, last])
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path}: is a broken Parquet file ({error}). Remedy: write it again") from None
    total = file.metadata.num_rows
    return _records(path, "parquet", table.to_pylist(), total <= ROWS, min(total, ROWS), [], "utf-8")


def _records(
    path: Path, form: Format, records: list[dict[str, Any]], whole: bool, head: int, notes: list[str], encoding: str
) -> Sample:
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    if not records:
        raise SourceError(f"{path}: has no rows. Remedy: export it again, or leave it out")
    if not names:
        raise SourceError(f"{path}: has no columns. Remedy: export it again, or leave it out")
    native = {name: kind for record in flat[:1000] for name, value in record.items() if (kind := _native(value))}
    columns = tuple(
        Column(name, [_shown(record.get(name)) for record in flat], native.get(name, "")) for name in names[:10_000]
    )
    return Sample(path, form, Dialect(encoding=encoding), columns, len(flat), whole, head, tuple(notes))


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and value and prefix.count(".") < 3:
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _native(value: object) -> str:
    kind = type(value).__name__
    return NATIVE.get(kind, "")


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)
