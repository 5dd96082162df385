"""The schema of every table that one stage hands to another.

Columns named here always stand, in this order; more may follow (one per trait, one per feature).
Instants are microseconds since 1970 in UTC. ``person`` is the 64-bit form of ``profile_id``.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTANT = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("profile_id", pa.string()),
        ("at", INSTANT),
        ("event", pa.string()),
        ("source", pa.string()),
        ("value", pa.float64()),
        ("properties", pa.struct([])),
        ("person", pa.int64()),
    ]
)
PROFILES = pa.schema([("profile_id", pa.string()), ("first_seen", INSTANT), ("last_seen", INSTANT)])
IDENTIFIERS = pa.schema(
    [
        ("profile_id", pa.string()),
        ("type", pa.string()),
        ("value", pa.string()),
        ("first_seen", INSTANT),
        ("last_seen", INSTANT),
        ("source", pa.string()),
    ]
)
FEATURES = pa.schema([("profile_id", pa.string()), ("as_of", INSTANT)])
SCORES = pa.schema(
    [
        ("profile_id", pa.string()),
        ("as_of", INSTANT),
        ("model", pa.string()),
        ("score", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("version", pa.string()),
    ]
)
REASON = pa.struct([("feature", pa.string()), ("value", pa.string()), ("effect", pa.float64()), ("words", pa.string())])
AFFINITIES = pa.schema(
    [
        ("profile_id", pa.string()),
        ("as_of", INSTANT),
        ("model", pa.string()),
        ("rank", pa.int32()),
        ("item", pa.string()),
        ("score", pa.float64()),
        ("new", pa.bool_()),
    ]
)
SEGMENTS = pa.schema(
    [
        ("name", pa.string()),
        ("version", pa.int32()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("rule", pa.string()),
        ("size", pa.int64()),
        ("share", pa.float64()),
        ("value_share", pa.float64()),
    ]
)
MEMBERSHIPS = pa.schema(
    [
        ("segment", pa.string()),
        ("version", pa.int32()),
        ("profile_id", pa.string()),
        ("entered_at", INSTANT),
        ("left_at", INSTANT),
    ]
)
VERDICTS = pa.schema(
    [
        ("subject", pa.string()),
        ("check", pa.string()),
        ("result", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("rule", pa.string()),
    ]
)
QUARANTINE = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.string()),
    ]
)

PUBLIC = {
    "events": EVENTS,
    "profiles": PROFILES,
    "identifiers": IDENTIFIERS,
    "features": FEATURES,
    "scores": SCORES,
    "affinities": AFFINITIES,
    "segments": SEGMENTS,
    "memberships": MEMBERSHIPS,
    "verdicts": VERDICTS,
    "quarantine": QUARANTINE,
}


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of a time that has its zone; exact.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def iso(instant: int) -> str:
    """An instant (microseconds since 1970) as ISO 8601 in UTC.

    >>> iso(0)
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(instant / 1e6, UTC).isoformat()


def profile_id(person: int) -> str:
    """The public form of a person's 64-bit number.

    >>> profile_id(255), profile_id(-1)
    ('p00000000000000ff', 'pffffffffffffffff')
    """
    return f"p{person & 0xFFFFFFFFFFFFFFFF:016x}"


def person(profile_id: str) -> int:
    """The 64-bit number behind a profile id.

    >>> person("p00000000000000ff"), person("pffffffffffffffff")
    (255, -1)
    """
    number = int(profile_id[1:], 16)
    return number - ((number >> 63) << 64)


def profile_ids(people: NDArray[np.int64]) -> pa.Array:
    """The public forms of many people's numbers, without a loop over them.

    >>> import numpy as np
    >>> profile_ids(np.array([255, -1])).to_pylist()
    ['p00000000000000ff', 'pffffffffffffffff']
    """
    import numpy as np

    count = len(people)
    digits = binascii.hexlify(np.ascontiguousarray(people).astype(">i8").tobytes())
    text = np.empty((count, 17), np.uint8)
    text[:, 0] = ord("p")
    text[:, 1:] = np.frombuffer(digits, np.uint8).reshape(count, 16)
    offsets = np.arange(count + 1, dtype=np.int64) * 17
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text)).cast(pa.string())


def score_columns(models: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """The columns under which rules read scores, each with its model; `value.clv_12m` is `clv_12m` for short.

    A name that is `taken`, by a feature or a trait, keeps its meaning: the score is then called `NAME_score`.

    >>> score_columns(["churn", "value.clv_12m", "orders"], {"orders"})
    {'churn': 'churn', 'value_clv_12m': 'value.clv_12m', 'orders_score': 'orders', 'clv_12m': 'value.clv_12m'}
    """
    models = list(models)
    whole = [(re.sub(r"\W", "_", model), model) for model in models]
    short = [(model.rsplit(".", 1)[-1], model) for model in models if re.search(r"\.clv_\d+m$", model)]
    used = {name.casefold() for name in taken}
    found: dict[str, str] = {}
    for column, model in [*((_free(column, used), model) for column, model in whole), *short]:
        if column.casefold() not in used:
            used.add(column.casefold())
            found[column] = model
    return found


def _free(column: str, used: Collection[str]) -> str:
    return f"{column}_score" if column.casefold() in used else column


def with_scores(people: pa.Table, scores: pa.Table, columns: Mapping[str, str] | None = None) -> pa.Table:
    """A table of people with a column for each model's score, null for whom it does not score.

    Args:
        people: one row a person, with `profile_id`, such as `features`.
        scores: the `scores` of one instant; of its columns `profile_id`, `model` and `score` are read.
        columns: column to model, as `score_columns` gives them; all models of `scores` when left out.

    >>> scores = pa.table({"profile_id": ["b"], "model": ["churn"], "score": [0.7]})
    >>> with_scores(pa.table({"profile_id": ["a", "b"]}), scores)["churn"].to_pylist()
    [None, 0.7]
    """
    parts = _by_model(scores)
    if columns is None:
        columns = score_columns(parts, people.column_names)
    ids = people["profile_id"].combine_chunks()
    made: dict[str, pa.Array] = {}
    for column, model in columns.items():
        if model not in made:
            made[model] = _aligned(ids, parts[model]) if model in parts else pa.nulls(len(ids), pa.float64())
        people = people.append_column(column, made[model])
    return people


def _by_model(scores: pa.Table) -> dict[str, pa.Table]:
    """The rows of each model in order of appearance; rows that stand together are not copied."""
    import numpy as np

    model = scores["model"].unify_dictionaries() if pa.types.is_dictionary(scores["model"].type) else scores["model"]
    coded = model.combine_chunks()
    coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    rows = scores.select(["profile_id", "score"])
    parts = {}
    for code in dict.fromkeys(codes[np.flatnonzero(np.diff(codes, prepend=-1))].tolist()):
        places = np.flatnonzero(codes == code)
        first, count = int(places[0]), len(places)
        together = int(places[-1]) - first + 1 == count
        parts[coded.dictionary[code].as_py()] = rows.slice(first, count) if together else rows.take(pa.array(places))
    return parts


def _aligned(ids: pa.Array, part: pa.Table) -> pa.Array:
    """One model's scores in the order of `ids`; what is no finite number is null."""
    known, score = part["profile_id"].combine_chunks(), part["score"].combine_chunks().cast(pa.float64())
    score = pc.if_else(pc.is_finite(score), score, None)
    return score if known.equals(ids) else score.take(pc.index_in(ids, value_set=known.cast(ids.type)))


def column_names(names: list[str]) -> list[str]:
    """Column names that differ even when case does not count, none empty.

    >>> column_names(["Id", "id", " ", "_row"])
    ['Id', 'id_2', 'column_3', '_row_2']
    """
    seen, result = {"_row", "_file"}, []
    for place, raw in enumerate(names, 1):
        name = base = raw.strip() or f"column_{place}"
        number = 2
        while name.casefold() in seen:
            name, number = f"{base}_{number}", number + 1
        seen.add(name.casefold())
        result.append(name)
    return result


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Orders and casts the standing columns of `schema`; further columns follow unchanged.

    Raises KeyError when a standing column is missing: a stage broke its contract.
    """
    standing = [
        table[field.name] if pa.types.is_struct(field.type) else table[field.name].cast(field.type) for field in schema
    ]
    further = [name for name in table.column_names if name not in schema.names]
    return pa.table(
        [*standing, *(table[name] for name in further)],
        names=[*schema.names, *further],
    )
