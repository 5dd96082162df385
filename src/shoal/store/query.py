"""Rows of a database's query, as Arrow batches of text: sources by URL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shoal.errors import SourceError, suggest

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 50_000
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def batches(url: str, sql: str, rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Runs a query and streams its result in batches of `rows` rows, every column as text, NULL kept.

    Text, because databases and their drivers type the same column in different ways from row to row; a source's
    mapping reads it as it reads a file. `${NAME}` in `url` is taken from the environment.

    Raises SourceError when the database cannot be reached or refuses the query.

    >>> [batch.to_pylist() for batch in batches("sqlite://", "SELECT 1 AS n, 'a' AS s, NULL AS z")]
    [[{'n': '1', 's': 'a', 'z': None}]]
    """
    import sqlalchemy

    address = expand(url, os.environ)
    try:
        engine = sqlalchemy.create_engine(address)
    except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
        raise SourceError(f"the url {shown(url)} names no database that can be used ({error}). {_DRIVERS}") from None
    try:
        with engine.connect().execution_options(stream_results=True, max_row_buffer=rows) as connection:
            # As it is, not through sqlalchemy.text(): a colon in the query is the query's own.
            result = connection.exec_driver_sql(sql)
            if not result.returns_rows:
                raise SourceError("the query gives no rows. Write a SELECT")
            names = list(result.keys())
            found = result.fetchmany(rows)
            yield _batch(names, found)
            while found := result.fetchmany(rows):
                yield _batch(names, found)
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).split("\n")[0]
        raise SourceError(f"the query at {shown(url)} failed: {said}. Mend `sql`, or check `url`") from None
    finally:
        engine.dispose()


def expand(url: str, names: Mapping[str, str]) -> str:
    """The URL with every `${NAME}` replaced.

    Raises SourceError for a name that is not set.

    >>> expand("postgresql://me:${PASSWORD}@db/shop", {"PASSWORD": "secret"})
    'postgresql://me:secret@db/shop'
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in names:
            near = suggest(match[1], [name for name in names if name[:1] == match[1][:1]])
            near = near if near.startswith(" Did") else ""
            raise SourceError(f"url: the environment has no {match[1]}.{near} Set it before running")
        return names[match[1]]

    return _NAME.sub(value, url)


def shown(url: str) -> str:
    """A URL that can be shown: without its password.

    >>> shown("postgresql://me:secret@db/shop")
    'postgresql://me:***@db/shop'
    """
    return re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:***@", url)


def text(value: Any) -> str | None:
    """A database's value as a file would write it.

    >>> text(Decimal("1.50")), text(True), text(datetime(2011, 12, 9, 12, 50)), text(None)
    ('1.50', 'true', '2011-12-09 12:50:00', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _batch(names: Sequence[str], rows: Sequence[Any]) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array([text(row[place]) for row in rows], pa.string()) for place in range(len(names))]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([(name, pa.string()) for name in names]))


_DRIVERS = "Install its driver, such as `pip install shoal[postgres]`, and write it like postgresql+psycopg://..."
