"""The closed typed tree of a rule: literals, columns and calls of known functions, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from shoal.define.types import Type


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out: float, str, bool, microseconds (DURATION) or None."""

    value: float | str | bool | int | None
    type: Type


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table that the rule is read over."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator of `functions.FUNCTIONS` over its arguments; `and`, `or` take any number.

    `case` takes condition, value, condition, value, ..., else.
    """

    function: str
    args: tuple[Expr, ...]
    type: Type


Expr: TypeAlias = Literal | Column | Call


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node, parents before children."""
    yield expr
    if isinstance(expr, Call):
        for arg in expr.args:
            yield from walk(arg)


def depth(expr: Expr) -> int:
    """Levels of the tree; a literal or column has one."""
    return 1 + max(map(depth, expr.args), default=0) if isinstance(expr, Call) else 1


def columns_of(expr: Expr) -> frozenset[str]:
    """Names of the columns that the expression reads.

    >>> columns_of(Call("not", (Column("vip", Type.BOOL),), Type.BOOL))
    frozenset({'vip'})
    """
    return frozenset(node.name for node in walk(expr) if isinstance(node, Column))


def replace_columns(expr: Expr, by: Callable[[Column], Expr]) -> Expr:
    """The same tree with every column put through `by`; the types must agree."""
    if isinstance(expr, Column):
        return by(expr)
    if isinstance(expr, Call):
        return Call(expr.function, tuple(replace_columns(arg, by) for arg in expr.args), expr.type)
    return expr
