"""What a value of the rule language can be."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Type(Enum):
    """A type of the rule language; NULL is only ever the type of a bare `null` that nothing has typed yet."""

    NUMBER = "number"
    TEXT = "text"
    BOOL = "bool"
    TIME = "time"
    DURATION = "duration"
    NULL = "null"


Columns = Mapping[str, Type]


def type_of(arrow: pa.DataType) -> Type | None:
    """The rule language's type for an Arrow type; None for what no rule can read (lists, structs, binary).

    >>> import pyarrow as pa
    >>> type_of(pa.int64()), type_of(pa.dictionary(pa.int32(), pa.string())), type_of(pa.list_(pa.int8()))
    (<Type.NUMBER: 'number'>, <Type.TEXT: 'text'>, None)
    """
    from pyarrow import types as kind

    if kind.is_dictionary(arrow):
        return type_of(arrow.value_type)
    if kind.is_integer(arrow) or kind.is_floating(arrow) or kind.is_decimal(arrow):
        return Type.NUMBER
    if kind.is_string(arrow) or kind.is_large_string(arrow) or kind.is_string_view(arrow):
        return Type.TEXT
    if kind.is_boolean(arrow):
        return Type.BOOL
    if kind.is_timestamp(arrow) or kind.is_date(arrow):
        return Type.TIME
    return None


def types_of(schema: pa.Schema) -> dict[str, Type]:
    """The columns of an Arrow schema that rules can read, with their types.

    >>> import pyarrow as pa
    >>> types_of(pa.schema([("orders", pa.int64()), ("tags", pa.list_(pa.string()))]))
    {'orders': <Type.NUMBER: 'number'>}
    """
    return {field.name: known for field in schema if (known := type_of(field.type)) is not None}
