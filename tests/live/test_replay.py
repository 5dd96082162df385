"""A log becomes files with a column for each property, whatever was sent and in bounded memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from live.sent import RUDDER_NODE, TRACK, Kept, entry
from shoal.live.message import TELLS, Cleaner
from shoal.live.replay import Replayed, entries, replay
from shoal.settings import Tracking
from shoal.unify.spelling import normaliser


def replayed(folder: Path, *bodies: Any, **options: Any) -> Replayed:
    log = Kept([entry(body) for body in bodies])
    return replay([(entries(log), Cleaner(Tracking(), normaliser()))], folder, tells=TELLS, **options)


def rows(found: Replayed) -> list[dict[str, Any]]:
    return pa.concat_tables([pq.read_table(file) for file in found.files]).to_pylist()


def order(number: int, **properties: Any) -> dict[str, Any]:
    return {**TRACK, "messageId": f"m{number}", "properties": properties}


def test_every_property_is_a_column_of_the_kind_that_its_values_have(tmp_path: Path) -> None:
    found = replayed(tmp_path, order(1, size=5, sku="a", new=True), order(2, size="XL", price=2.5), rows=1)
    assert found.properties == {"size": "text", "new": "bool", "price": "number", "sku": "text"}
    assert [(row["p_size"], row["p_price"], row["p_new"]) for row in rows(found)] == [
        ("5", None, True),
        ("XL", 2.5, None),
    ]
    assert len(found.files) == 2
    assert not list(tmp_path.glob("draft*"))


def test_values_are_written_as_other_sources_have_them(tmp_path: Path) -> None:
    found = replayed(tmp_path, order(1, size=5, other=1), known={"Size": "text"})
    assert found.properties == {"other": "number", "Size": "text"}
    assert rows(found)[0]["p_Size"] == "5"


def test_rows_are_counted_through_good_and_refused_messages(tmp_path: Path) -> None:
    found = replayed(tmp_path, {"batch": [order(1), {"type": "track"}, order(2)]}, order(3))
    assert [row["row"] for row in rows(found)] == [1, 3, 4]
    refused = pq.read_table(found.refused[0]).to_pylist()
    assert [(row["source"], row["row"], row["reason"]) for row in refused] == [("live", 2, "no_identifier")]
    assert refused[0]["detail"].endswith("offset 1 of the log, message 2")
    assert json.loads(refused[0]["raw"]) == {"type": "track"}
    assert (found.read, found.events, found.offsets) == (4, 3, [2])


def test_only_the_commonest_properties_become_columns_and_a_note_says_so(tmp_path: Path) -> None:
    found = replayed(tmp_path, *(order(n, common=n, **{f"rare_{n}": 1}) for n in range(3)), most=2)
    assert found.properties == {"common": "number", "rare_0": "number"}
    assert "2 rare properties were left out, such as rare_1, rare_2" in found.notes[0]


def test_traits_are_columns_too_and_are_named(tmp_path: Path) -> None:
    found = replayed(tmp_path, RUDDER_NODE, order(1, plan="other", colour="red"))
    assert (set(found.traits), found.tells) == ({"plan", "age"}, ("Identify", "Group"))
    assert [row["p_plan"] for row in rows(found)] == ["pro", "other"]


def test_an_identifier_type_that_comes_late_is_a_column_of_every_file(tmp_path: Path) -> None:
    found = replayed(tmp_path, order(1), {**order(2), "anonymousId": "a"}, rows=1)
    assert [(row["id_user_id"], row["id_anonymous_id"]) for row in rows(found)] == [("u1", None), ("u1", "a")]


def test_a_log_is_read_up_to_the_offset_asked_for() -> None:
    log = Kept([b"%d" % number for number in range(450)])
    assert [offset for offset, _ in entries(log, 410)] == list(range(1, 411))
    assert len(list(entries(log))) == 450


def test_two_logs_have_offsets_and_event_ids_of_their_own(tmp_path: Path) -> None:
    body = entry({**TRACK, "messageId": None})
    logs = [(entries(Kept([body])), Cleaner(Tracking(), normaliser(), partition=number)) for number in (0, 1)]
    found = replay(logs, tmp_path)
    assert found.offsets == [1, 1]
    assert len({row["event_id"] for row in rows(found)}) == 2


def test_texts_that_lost_their_end_are_noted(tmp_path: Path) -> None:
    assert replayed(tmp_path, order(1, text="x" * 2_000)).notes == [
        "1 text was longer than 1,000 characters and lost the rest"
    ]
