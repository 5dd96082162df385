"""Columns and texts written in the rule language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shoal.unify.values import Column

# Names that the parser takes for a part of its own language when they stand bare.
_RESERVED = """
    all alter analyze and any array as attach begin between by cache call case comment commit copy create cross
    current_catalog current_date current_time current_timestamp current_user delete desc describe detach distinct drop
    else end except execute explain false fetch for force from glob grant group having if ilike in inner insert install
    intersect interval into is join kill lateral like list load localtime localtimestamp map merge not notnull null
    nullable object on only optimize or order outer partitioned_by pivot pivot_wider positional pragma prepare qualify
    range regexp rename reset returning revoke rlike rollback row select session_user set show struct summarize
    tablesample then true truncate uncache union unpivot update use using vacuum when where with xor"""
RESERVED = frozenset(_RESERVED.split())


def quoted(name: str) -> str:
    """A column in an expression: bare where that is safe, in double quotes otherwise.

    >>> quoted("CustomerID"), quoted("session ID"), quoted("order")
    ('CustomerID', '"session ID"', '"order"')
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in an expression.

    >>> text("O'Neill")
    "'O''Neill'"
    """
    return "'" + value.replace("'", "''") + "'"


def amount(column: Column) -> str:
    """A column as a number, currency signs and thousands marks taken out.

    >>> amount(Column("Total", ["$1,200.50", "$3.00"]))
    "number(replace(replace(Total, '$', ''), ',', ''))"
    """
    name = quoted(column.name)
    if column.numeric:
        return name
    marks = {char for value in column.some for char in value}
    inner = name
    for sign in ("$", "€", "£", "¥", "EUR", "USD", "GBP", "'", " "):
        if set(sign) <= marks and any(sign in value for value in column.some):
            inner = f"replace({inner}, {text(sign)}, '')"
    if _decimal_comma(column.some):
        inner = f"replace({inner}, '.', '')" if "." in marks else inner
        inner = f"replace({inner}, ',', '.')"
    elif "," in marks:
        inner = f"replace({inner}, ',', '')"
    return f"number({inner})"


def _decimal_comma(values: Iterable[str]) -> bool:
    return sum(1 if re.search(r",\d{2}\D*$", value) else -1 for value in values if "," in value) > 0


def one_of(name: str, values: Iterable[str]) -> str:
    """A predicate: the column holds one of the values.

    >>> one_of("status", ["void", "failed"])
    "status in ('failed', 'void')"
    """
    sorted_values = sorted(values)
    if len(sorted_values) == 1:
        return f"{quoted(name)} = {text(sorted_values[0])}"
    return f"{quoted(name)} in ({', '.join(map(text, sorted_values))})"


def none_of(name: str, values: Iterable[str]) -> str:
    """A predicate: the column holds none of the values, an absent one included.

    >>> none_of("status", ["failed"])
    "coalesce(status, '') <> 'failed'"
    """
    sorted_values = sorted(values)
    column = f"coalesce({quoted(name)}, '')"
    if len(sorted_values) == 1:
        return f"{column} <> {text(sorted_values[0])}"
    return f"{column} not in ({', '.join(map(text, sorted_values))})"
