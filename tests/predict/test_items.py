"""Items that are ids are listed with what they are called."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from shoal.define.packs import Catalogue
from shoal.predict.items import LISTED, _listed, _names

EVENTS = {"item_id": ["1", "2", "2", "3", None], "item": ["Milk", "Figs", "Figs, dried", None, "Salt"]}


def asked(known: Catalogue, item: str = "item_id", folded: bool = False) -> dict[str, str]:
    batch = pa.record_batch({name: pa.array(values) for name, values in EVENTS.items()})
    wanted = pa.chunked_array([pa.array(["1", "2", "3"])])
    if folded:
        batch = pa.record_batch({name: pa.array(values).dictionary_encode() for name, values in EVENTS.items()})
        wanted = wanted.dictionary_encode()
    past = SimpleNamespace(files=(), read=lambda files, columns: [batch])
    return _names(SimpleNamespace(catalogue=known), past, item, wanted)  # type: ignore[arg-type]


NAMED = Catalogue({"Order Completed": 5}, properties={"item_id": "text", "item": "text"})


@pytest.mark.parametrize("folded", [False, True])
def test_ids_get_a_name_where_events_have_one(folded: bool) -> None:
    assert asked(NAMED, folded=folded) == {"1": "Milk", "2": "Figs, dried"}


def test_nothing_is_named_where_the_item_is_its_own_name_or_events_have_none() -> None:
    assert asked(NAMED, item="item") == {}
    assert asked(Catalogue({"Order Completed": 5}, properties={"item_id": "text"})) == {}


def test_the_table_has_a_row_an_item_with_its_name_or_none() -> None:
    found = pa.table({"person": [7, 7], "rank": [1, 2], "item": ["1", "3"], "score": [1.0, 0.5], "new": [False, True]})
    table = _listed(found, "tastes", 0, {"1": "Milk"})
    assert table.schema == LISTED
    assert table["name"].to_pylist() == ["Milk", None]
