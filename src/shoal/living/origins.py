"""What a live state begins with: the people, histories and stays of the last run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from shoal import tables
from shoal.live.definition import Definition
from shoal.live.seed import Origin
from shoal.store.runs import Run, Runs


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
        liked=_liked(run),
        guarded=_listed(run, "guarded", ("type", "value")),
        met=_listed(run, "met", ("type", "value", "other_type", "other_value")),
    )


def stays_of(folder: Path, made: Definition) -> dict[str, dict[int, int]]:
    """Open stays of the run that a definition is of, by segment version and person; none before the first run."""
    if not made.run_id:
        return {}
    run = Run(made.run_id, Runs(folder).runs / made.run_id)
    found: dict[str, dict[int, int]] = {}
    table = run.table("memberships")
    table = table.filter(pa.compute.is_null(table["left_at"]))
    columns = [table[one].to_pylist() for one in ("segment", "version", "profile_id")]
    for name, version, who, since in zip(*columns, table["entered_at"].cast(pa.int64()).to_pylist(), strict=True):
        found.setdefault(f"{name}@{version}", {})[tables.person(who)] = since
    return found


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


def _liked(run: Run) -> dict[int, list[tuple[str, int, str, str | None, bool]]]:
    """The items recommended to each person, best first, five of a model."""
    if not run.files("affinities"):
        return {}
    found: dict[int, list[tuple[str, int, str, str | None, bool]]] = {}
    table = run.table("affinities")
    names = table["name"].to_pylist() if "name" in table.column_names else [None] * table.num_rows
    rows = zip(*(table[one].to_pylist() for one in ("profile_id", "model", "rank", "item", "new")), names, strict=True)
    for who, model, rank, item, new, name in rows:
        if rank <= 5:
            found.setdefault(tables.person(who), []).append((model, rank, item, name, new))
    return {who: sorted(liked, key=lambda one: one[:2]) for who, liked in found.items()}
