"""What a live state begins with: the people, histories and stays of the last run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal import tables
from shoal.live.definition import Definition
from shoal.live.seed import Liked, Origin
from shoal.store.runs import Run, Runs

MOST_LIKED = 5  # items of a model that are kept of each person


def origin(folder: Path, made: Definition) -> Origin | None:
    """The run that a state begins with, None before the first one."""
    if not made.run_id:
        return None
    run = Run(made.run_id, Runs(folder).runs / made.run_id)
    identifiers = run.table("identifiers")
    profiles = run.table("profiles")
    features = run.table("features")
    for name in made.traits:
        if name not in profiles.column_names and name in features.column_names:
            rows = np.searchsorted(features["person"].to_numpy(), profiles["person"].to_numpy())
            profiles = profiles.append_column(name, features[name].take(pa.array(rows)))
    standing = {"profile_id", "person", "first_seen", "last_seen"}
    return Origin(
        run_id=run.run_id,
        seen=made.seen,
        profiles=profiles,
        identifiers=_numbered(identifiers),
        events=lambda columns: _events(run, columns),
        traits=[name for name in profiles.column_names if name not in standing],
        liked=_recommended(run),
        guarded=_listed(run, "guarded", ("type", "value")),
        met=_listed(run, "met", ("type", "value", "other_type", "other_value")),
    )


class OfRun:
    """The open stays of a run: twenty bytes each."""

    def __init__(self, run: Run) -> None:
        table = run.table("memberships")
        table = table.filter(pc.is_null(table["left_at"]))
        person = _numbers(table["profile_id"])
        order = np.argsort(person.astype(np.uint64), kind="stable")  # as the state's keys are
        self._person, table = person[order], table.take(pa.array(order))
        self._entered = np.asarray(table["entered_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
        keys = pc.binary_join_element_wise(table["segment"].cast(pa.string()), table["version"].cast(pa.string()), "@")
        self._key = np.asarray(keys.combine_chunks().dictionary_encode().indices)
        self._keys = {
            key: place for place, key in enumerate(keys.combine_chunks().dictionary_encode().dictionary.to_pylist())
        }

    def keys(self) -> Collection[str]:
        """As `reconcile.Before`."""
        return self._keys.keys()

    def of(self, key: str) -> Iterable[tuple[int, int]]:
        """As `reconcile.Before`."""
        some = np.flatnonzero(self._key == self._keys.get(key, -1))
        return zip(self._person[some].tolist(), self._entered[some].tolist(), strict=True)


def _numbered(identifiers: pa.Table) -> pa.Table:
    """With each identifier's person as a number."""
    if "person" in identifiers.column_names:
        return identifiers
    return identifiers.append_column(
        "person", pa.array([tables.person(one) for one in identifiers["profile_id"].to_pylist()])
    )


def _events(run: Run, columns: Sequence[str]) -> Iterator[pa.Table]:
    from shoal.define.stream import join
    from shoal.unify.events import batches

    for file in run.files("events"):
        pieces = list(batches([file], columns))
        if pieces:
            yield join(pieces)


def _listed(run: Run, name: str, columns: Sequence[str]) -> list[Any]:
    """A small table's rows as tuples; none where an earlier version of the program made the run."""
    if not run.files(name):
        return []
    table = run.table(name)
    return list(zip(*(table[one].to_pylist() for one in columns), strict=True))


def _recommended(run: Run) -> Callable[[NDArray[np.int64]], dict[int, list[Liked]]]:
    """The items recommended to some people, best first, five of a model."""
    if not run.files("affinities"):
        return lambda _: {}
    table = run.table("affinities")
    table = table.filter(pc.less_equal(table["rank"], MOST_LIKED))
    person = _numbers(table["profile_id"])
    order = np.argsort(person, kind="stable")
    person, table = person[order], table.take(pa.array(order))
    if "name" not in table.column_names:
        table = table.append_column("name", pa.nulls(table.num_rows, pa.string()))

    def liked(people: NDArray[np.int64]) -> dict[int, list[Liked]]:
        places = np.flatnonzero(np.isin(person, people))
        some = table.take(pa.array(places))
        columns = [some[one].to_pylist() for one in ("model", "rank", "item", "name", "new")]
        found: dict[int, list[Liked]] = {}
        for who, *told in zip(person[places].tolist(), *columns, strict=True):
            found.setdefault(who, []).append(tuple(told))
        return {who: sorted(items, key=lambda one: one[:2]) for who, items in found.items()}

    return liked


def _numbers(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """The numbers behind profile ids."""
    plain = ids.cast(pa.string()).combine_chunks().dictionary_encode()
    known = np.array([tables.person(one) for one in plain.dictionary.to_pylist()], np.int64)
    found: NDArray[np.int64] = known[np.asarray(plain.indices)] if len(known) else known
    return found
