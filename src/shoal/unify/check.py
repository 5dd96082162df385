"""Whether a source's expressions can be read over the columns that its file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shoal.define.parse import parse
from shoal.define.types import Type
from shoal.errors import ExpressionError, suggest
from shoal.settings import EventColumn, Source
from shoal.unify.sample import Sample

NATIVE = {"number": Type.NUMBER, "time": Type.TIME, "date": Type.TIME, "bool": Type.BOOL}


def columns_of(sample: Sample, source: Source) -> dict[str, Type]:
    """Names and types of a file's raw columns, as the run will see them: all text, but for Parquet."""
    names = source.csv.columns if source.csv.columns and sample.format == "csv" else sample.names
    if sample.format != "parquet":
        return dict.fromkeys(names, Type.TEXT)
    return {column.name: NATIVE.get(column.native, Type.TEXT) for column in sample}


def faults(source: Source, columns: Mapping[str, Type]) -> list[tuple[str, str]]:
    """Settings of a source that its columns do not carry, each with what is wrong.

    >>> source = Source(path="a.csv", at="day", identifiers={"customer_id": "customr"})
    >>> faults(source, {"customer": Type.TEXT, "day": Type.TEXT})
    [('identifiers.customer_id', "unknown column 'customr'. Did you mean 'customer'?")]
    """
    found = []
    for setting, text, expect in _expressions(source):
        try:
            parse(text, columns, expect=expect, lenient=True)
        except ExpressionError as error:
            found.append((setting, error.what))
    if isinstance(source.event, EventColumn) and source.event.column not in columns:
        what = f"unknown column '{source.event.column}'.{suggest(source.event.column, columns)}"
        found.append(("event.column", what))
    code = source.currency is None or (len(source.currency) == 3 and source.currency.isupper())
    if not code and source.currency not in columns:
        found.append(("currency", f"'{source.currency}' is neither a code of three capitals nor a column"))
    return found


def _expressions(source: Source) -> Iterator[tuple[str, str, Type | None]]:
    single: tuple[tuple[str, str | None, Type | None], ...] = (
        ("id", source.id, None),
        ("at", source.at, None),
        ("value", source.value, Type.NUMBER),
        ("where", source.where, Type.BOOL),
        ("returns.when", source.returns.when if source.returns else None, Type.BOOL),
    )
    for setting, text, expect in single:
        if text is not None:
            yield setting, text, expect
    for block in ("identifiers", "properties", "traits"):
        for name, text in getattr(source, block).items():
            if text:
                yield f"{block}.{name}", text, None
