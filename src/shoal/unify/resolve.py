"""One number for each person, the same from run to run.

A person is named after its smallest identifier: the number is the first half of the MD5 of `type:value`, read as a
signed integer, so it depends neither on the order of rows nor on what else is in the data. A person that an earlier
run knew keeps its number however its identifiers have changed since. Leaves in the engine:

* `link_identity`: `kind TINYINT` (place in `kinds`), `type`, `value`, `guarded BOOLEAN`, `person BIGINT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from shoal.identifiers import number
from shoal.unify.identifiers import quote
from shoal.unify.link import Sql

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]


__all__ = ["Resolution", "number", "resolve"]

MEMORY = ["profile_id", "type", "value", "first_seen"]


@dataclass(frozen=True)
class Resolution:
    """How people compare with those of the run before.

    `people` = `kept` + `new`; `merged` counts earlier profiles that became part of another one, `split` counts new
    profiles that hold an identifier of an earlier profile which lives on.
    """

    people: int
    kept: int
    new: int
    merged: int
    split: int


def resolve(engine: Sql, kinds: Sequence[str], previous: pa.Table | Path | None = None) -> Resolution:
    """Numbers the components that `link` left in `link_node`.

    `kinds` are the identifier types in order of rank (`Links.kinds`); `previous` is an earlier run's identifiers
    table, or its Parquet file. A component takes the earlier profile that most of its identifiers had, then the one
    seen first, then the smallest; an earlier profile that several components ask for goes to the one with most of
    its identifiers, then to the one with the smaller name. Whoever gets none is new.
    """
    import numpy as np

    _name_components(engine, kinds)
    named = engine.query("SELECT component, person FROM link_name ORDER BY key")
    component, person = (named[side].to_numpy() for side in ("component", "person"))
    claims = _claims(engine, kinds, previous) if previous is not None else _no_claims()
    place = np.empty(len(component), np.int64)
    place[component] = np.arange(len(component))
    holder, held = _settle(place[claims["component"].to_numpy()], claims["before"].to_numpy())
    final = person.copy()
    final[holder] = held
    fresh = np.ones(len(component), bool)
    fresh[holder] = False
    known = np.unique(claims["before"].to_numpy()) if claims.num_rows else np.zeros(0, np.int64)
    _avoid(engine, final, fresh, known, component)
    engine.register("link_number", pa.table({"component": component, "person": final}))
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE link_identity AS SELECT kind, {_type(kinds)} AS type, value, guarded, "
        "link_number.person FROM link_node JOIN link_number USING (component)"
    )
    claimants = np.unique(place[claims["component"].to_numpy()])
    return Resolution(
        people=len(component),
        kept=len(holder),
        new=len(component) - len(holder),
        merged=len(known) - len(held),
        split=len(claimants) - len(holder),
    )


def _type(kinds: Sequence[str]) -> str:
    return f"[{', '.join(quote(kind) for kind in kinds)}][kind + 1]" if kinds else "''"


def _name_components(engine: Sql, kinds: Sequence[str]) -> None:
    """Leaves `link_name`: each component's smallest identifier (by type's rank, then value) and its number."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE link_name AS SELECT component, key, "
        "CAST(CAST(md5_number_upper(substr(key, 3)) AS BIT) AS BIGINT) AS person FROM ("
        f"SELECT component, min(printf('%02d', kind) || {_type(kinds)} || ':' || value) AS key FROM link_node "
        "GROUP BY component)"
    )


def _claims(engine: Sql, kinds: Sequence[str], previous: pa.Table | Path) -> pa.Table:
    """Which component asks for which earlier profile, the strongest claim first: columns `component, before`."""
    if isinstance(previous, Path):
        from pyarrow import parquet

        previous = parquet.read_table(previous, columns=MEMORY, partitioning=None)
    engine.register("link_previous", previous.select(MEMORY))
    memory = (
        "SELECT type, value, CAST(CAST(CAST('0x' || substr(profile_id, 2) AS UBIGINT) AS BIT) AS BIGINT) AS before, "
        "min(first_seen) AS first_seen FROM link_previous GROUP BY ALL"
    )
    return engine.query(
        f"WITH memory AS ({memory}), born AS (SELECT before, min(first_seen) AS born FROM memory GROUP BY before) "
        "SELECT component, before FROM (SELECT component, before, count(*) AS votes, bool_and(guarded) AS alone "
        f"FROM (SELECT component, guarded, value, {_type(kinds)} AS type FROM link_node) "
        "JOIN memory USING (type, value) GROUP BY component, before) "
        "JOIN born USING (before) JOIN link_name USING (component) "
        "ORDER BY alone, votes DESC, born NULLS LAST, before, key"
    )


def _no_claims() -> pa.Table:
    return pa.table({"component": pa.array([], pa.int64()), "before": pa.array([], pa.int64())})


def _settle(component: Ints, before: Ints) -> tuple[Ints, Ints]:
    """Grants claims in order, each component and each earlier profile once; returns both sides of the granted ones."""
    import numpy as np

    if not len(component):
        return component, before
    _, who, asks = np.unique(component, return_inverse=True, return_counts=True)
    _, what, asked = np.unique(before, return_inverse=True, return_counts=True)
    granted = (asks[who] == 1) & (asked[what] == 1)
    has, gone = set[int](), set[int]()
    for index in np.flatnonzero(~granted):
        if who[index] not in has and what[index] not in gone:
            granted[index] = True
            has.add(who[index])
            gone.add(what[index])
    return component[granted], before[granted]


def _avoid(engine: Sql, person: Ints, fresh: Ints, known: Ints, component: Ints) -> None:
    """Renames in place the new people whose number another person has: a split-off part, or a rare accident."""
    import numpy as np

    first = np.zeros(len(person), bool)
    first[np.unique(person, return_index=True)[1]] = True
    taken_again = np.flatnonzero(fresh & (np.isin(person, known) | ~first))
    if not len(taken_again):
        return
    engine.register("link_again", pa.table({"component": component[taken_again], "place": taken_again}))
    keys = engine.query(
        "SELECT place, substr(key, 3) AS key FROM link_name JOIN link_again USING (component) ORDER BY key"
    )
    taken = set(np.delete(person, taken_again).tolist()) | set(known.tolist())
    for place, key in zip(keys["place"].to_pylist(), keys["key"].to_pylist(), strict=True):
        attempt = 1
        while (chosen := number(f"{key}#{attempt}")) in taken:
            attempt += 1
        person[place] = chosen
        taken.add(chosen)
