"""Whom rules select: one rule, or the first of several that holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import Frame
from shoal.define.parse import parse
from shoal.define.tree import Expr, columns_of
from shoal.define.types import Type, types_of


def read(rule: str, table: pa.Table) -> Expr:
    """The typed tree of a rule over the columns of `table`.

    Raises ExpressionError with the place and the nearest known name.
    """
    return parse(rule, types_of(table.schema), expect=Type.BOOL)


def reads(rule: str, table: pa.Table) -> frozenset[str]:
    """The columns of `table` that a rule reads.

    >>> sorted(reads("orders >= 3 or vip", pa.table({"orders": [1], "vip": [True], "age": [9]})))
    ['orders', 'vip']
    """
    return columns_of(read(rule, table))


def first_of(rules: Sequence[str], table: pa.Table) -> NDArray[np.int64]:
    """The position of the first rule that holds for each row; -1 where none does.

    >>> first_of(["orders >= 3", "orders < 3"], pa.table({"orders": [1, 3, None]})).tolist()
    [1, 0, -1]
    """
    frame = Frame(table, table.num_rows)
    place = np.full(table.num_rows, -1, dtype=np.int64)
    for index in reversed(range(len(rules))):
        place[frame.mask(read(rules[index], table))] = index
    return place
