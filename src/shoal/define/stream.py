"""The event stream, cut anywhere, as tables of whole people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.errors import DataError, suggest

Ints = NDArray[np.int64]


def drawn(batch: pa.RecordBatch, share: float) -> pa.RecordBatch:
    """The rows of a share of the people, the same people in every batch.

    >>> batch = pa.record_batch({"person": pa.array(range(1000), pa.int64())})
    >>> 400 < len(drawn(batch, 0.5)) < 600, len(drawn(batch, 1.0))
    (True, 1000)
    """
    if share >= 1:
        return batch
    person = np.asarray(batch.column("person").cast(pa.int64())).astype(np.uint64)
    # Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4): not all bits of an id are random.
    place = (person * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return batch.filter(pa.array(place < np.uint64(share * (1 << 24))))


def whole_people(batches: Iterable[pa.RecordBatch], columns: Sequence[str], target: int) -> Iterator[pa.Table]:
    """Tables of about `target` rows that end where a person's events end; the last person is carried over.

    Raises DataError when a column is missing.
    """
    enough = max(target // 2, 1)
    pieces: list[pa.RecordBatch] = []
    size = begin = 0  # rows held, and where among them the last person begins
    last: int | None = None
    for piece in _pieces(batches, columns, max(target, 1)):
        person = np.asarray(piece.column("person"))
        if pieces and begin == 0 and len(person) >= enough:
            # Only one person is held: finishing that one apart spares a copy of everybody else.
            head = int(np.argmax(person != last))
            if person[head] != last:
                yield join([*pieces, piece.slice(0, head)])
                pieces, size, piece, person = [], 0, piece.slice(head), person[head:]
        changes = np.flatnonzero(person[1:] != person[:-1])
        if len(changes):
            begin = size + int(changes[-1]) + 1
        elif person[0] != last:
            begin = size
        pieces.append(piece)
        size, last = size + len(person), int(person[-1])
        if size >= enough and begin > 0:
            table = join(pieces)
            yield table.slice(0, begin)
            pieces = table.slice(begin).to_batches()
            size, begin = size - begin, 0
    if size:
        yield join(pieces)


def _pieces(batches: Iterable[pa.RecordBatch], columns: Sequence[str], most: int) -> Iterator[pa.RecordBatch]:
    """The batches with the columns needed, none longer than `most` and none empty."""
    for batch in batches:
        chosen = _choose(batch, columns)
        for offset in range(0, chosen.num_rows, most):
            yield chosen.slice(offset, most)


def _choose(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    missing = [name for name in columns if name not in batch.schema.names]
    if missing:
        raise DataError(f"events lack the column '{missing[0]}'.{suggest(missing[0], batch.schema.names)}")
    return batch.select(list(columns))


def join(pieces: Sequence[pa.RecordBatch]) -> pa.Table:
    """One table of all pieces; a column that is coded by dictionary in some of them only is decoded."""
    names = pieces[0].schema.names
    return pa.table({name: _column([piece.column(name) for piece in pieces]) for name in names})


def _column(chunks: list[pa.Array]) -> pa.ChunkedArray:
    kinds = {str(chunk.type) for chunk in chunks}
    if len(kinds) > 1 or (len(chunks) > 1 and _sparse(chunks)):
        plain = [chunk.cast(chunk.type.value_type) if pa.types.is_dictionary(chunk.type) else chunk for chunk in chunks]
        kind = next((chunk.type for chunk in plain if not pa.types.is_null(chunk.type)), plain[0].type)
        chunks = [chunk.cast(kind) for chunk in plain]
    return pa.chunked_array(chunks)


def _sparse(chunks: list[pa.Array]) -> bool:
    """Whether there are fewer rows than words: then joining the dictionaries costs more than decoding the rows."""
    rows = sum(map(len, chunks))
    return pa.types.is_dictionary(chunks[0].type) and rows < sum(len(chunk.dictionary) for chunk in chunks)


def instants(column: pa.ChunkedArray) -> Ints:
    """Times of events in microseconds UTC.

    Raises DataError when one is null or the column holds no times.
    """
    if not pa.types.is_timestamp(column.type):
        raise DataError(f"the events' column 'at' holds {column.type}, not times")
    if column.null_count:
        raise DataError(f"{column.null_count} events have no time; the events table must leave them out")
    return np.asarray(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).combine_chunks())


def check_order(person: Ints, at: Ints) -> None:
    """Raises DataError unless rows are sorted by person and time."""
    ahead = person[1:] > person[:-1]
    good = ahead | ((person[1:] == person[:-1]) & (at[1:] >= at[:-1]))
    if not good.all():
        row = int(np.flatnonzero(~good)[0]) + 1
        raise DataError(
            f"events must be sorted by (person, at, event_id): person {person[row]} at {at[row]} comes after "
            f"person {person[row - 1]} at {at[row - 1]}"
        )
