"""A segment as a rule: who it selects, and why one person is in or out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cut:
    """One segment as a rule over feature columns; `facts` are numbers known from how it was made."""

    name: str
    kind: str
    rule: str
    status: str = "draft"
    facts: Mapping[str, Any] = field(default_factory=dict)


def select(rule: str, table: pa.Table) -> NDArray[np.bool_]:
    """TEMPORARY until define lands."""
    import re

    names: dict[str, str] = {}

    def quoted(match: re.Match[str]) -> str:
        names[f"q_{len(names)}"] = match[1]
        return f"q_{len(names) - 1}"

    text = re.sub(r'"([^"]+)"', quoted, rule)
    text = re.sub(r"(\w+) is not null", r"(\1 == \1)", re.sub(r"(\w+) is null", r"(\1 != \1)", text))
    text = re.sub(r"(\w+) (>=|<|>|<=|=) (-?[\d.]+)", lambda m: f"({m[1]} {'==' if m[2] == '=' else m[2]} {m[3]})", text)
    text = text.replace(" and ", " & ").replace(" or ", " | ").replace("true", "TRUE").replace("false", "FALSE")
    scope = {name: column(table, names.get(name, name)) for name in set(re.findall(r"[A-Za-z_]\w*", text)) if name not in ("TRUE", "FALSE")}
    n = table.num_rows
    return eval(text, {}, {**scope, "TRUE": np.ones(n, bool), "FALSE": np.zeros(n, bool)})


def column(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A feature as float64, NaN where it is null."""
    values: NDArray[np.float64] = table[name].cast(pa.float64()).to_numpy()
    return values


def assign(cuts: Sequence[Cut], table: pa.Table) -> NDArray[np.int64]:
    """The position of the first cut whose rule holds for each person; -1 where none does."""
    place = np.full(table.num_rows, -1, dtype=np.int64)
    for index in range(len(cuts) - 1, -1, -1):
        place[select(cuts[index].rule, table)] = index
    return place
