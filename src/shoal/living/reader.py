"""What is known of people now, for readers: all that the HTTP process needs of the live side, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from shoal import tables
from shoal.define.words import Label
from shoal.live import reading
from shoal.live.log import Log
from shoal.live.nodes import LmdbNodes
from shoal.live.state import Txn
from shoal.live.view import LiveView
from shoal.living.place import home
from shoal.model.rules import explain
from shoal.settings import Settings, identifier_places
from shoal.unify.identifiers import TYPES
from shoal.unify.spelling import normaliser


def view(folder: Path, told: Settings, log: Log | None = None) -> LiveView:
    """What is known of people now, for readers."""
    normalise = normaliser(told.unify.placeholders, told.country)
    places = identifier_places(told)
    spoken = {"user_id": next((kind for kind, place in places.items() if place == "userId"), "user_id")}

    def identified(txn: Txn, person: int, times: reading.Times) -> list[dict[str, Any]]:
        found = reading.identifiers(LmdbNodes(txn.raw, txn.dbs["nodes"]), person, times)
        return [
            {
                "type": one.type,
                "value": one.value,
                "first_seen": None if one.first_seen is None else tables.iso(one.first_seen),
                "last_seen": None if one.last_seen is None else tables.iso(one.last_seen),
            }
            for one in found
        ]

    def find(txn: Txn, kind: str, value: str) -> int | None:
        spelt = normalise(kind, value)
        return None if spelt is None else reading.find(LmdbNodes(txn.raw, txn.dbs["nodes"]), kind, spelt)

    def clauses(rule: str, row: pa.Table, labels: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        said = {name: Label(one[0], one[1] or None) for name, one in labels.items()}  # type: ignore[arg-type]
        return [one.to_dict() for one in explain(rule, row, said)]

    own = [kind for source in told.sources.values() for kind in source.identifiers]
    kinds = list(dict.fromkeys([*places, *own, *TYPES]))
    last = log.last if log is not None else (lambda: 0)
    return LiveView(home(folder), identified, find, clauses, kinds=kinds, spoken=spoken, log_last=last)
