"""Bad input through the whole loop, as a user meets it: a message with a remedy or a quarantined row, never a loss."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from filelock import FileLock

from shoal import summary
from shoal.cli import output
from shoal.errors import DataError, NoRoom, NotFound, SettingsError, ShoalError, SourceError, StorageError, UsageError
from shoal.pipeline import instant
from shoal.workspace import Workspace
from shop import write_orders

HEADER = "customer_id,order_id,date,amount,category\n"


def orders(count: int = 90, people: int = 12) -> list[str]:
    """Lines of orders of a year, the same each time."""
    chance = random.Random(1)
    return [
        f"c{chance.randrange(people)},o{place},2024-{place % 12 + 1:02d}-{place % 28 + 1:02d} {place % 24:02d}:00:00,"
        f"{chance.uniform(5, 90):.2f},{'ABC'[place % 3]}\n"
        for place in range(count)
    ]


def workspace(folder: Path, text: str | bytes, name: str = "orders.csv") -> Workspace:
    """A workspace that `init` made of one file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    Workspace.init(folder, [path])
    return Workspace(folder)


def change(made: Workspace, **source: object) -> None:
    """Changes settings of the first source in `shoal.yaml`; None takes one away."""
    path = made.folder / "shoal.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    first = next(iter(settings["sources"].values()))
    first.update(source)
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def ran(made: Workspace, **options: str) -> summary.Run:
    """A run of which every row of every source is accounted for, in the summary and in the tables."""
    told = made.run(**options)
    for one in told.quality:
        assert one.read == one.loaded + one.quarantined + one.later
        assert sum(one.reasons.values()) == one.quarantined
    assert len(made.table("quarantine")) == sum(one.quarantined for one in told.quality)
    json.dumps(output.plain(told.model_dump(mode="json")), allow_nan=False)
    return told


def quality(told: summary.Run, source: str = "orders") -> summary.SourceQuality:
    return next(one for one in told.quality if one.source == source)


def refused(made: Workspace, error: type[ShoalError], **options: str) -> str:
    """The message of a run that is refused."""
    with pytest.raises(error) as caught:
        made.run(**options)
    return str(caught.value)


# Files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (HEADER.encode(), "has a header and no rows"),
        (bytes(range(256)) * 50, "is binary"),
        (b"PK\x03\x04" + bytes(99), "Excel"),
        (gzip.compress(b"a,b\n1,2\n" * 500)[:30], "broken gzip"),
    ],
)
def test_a_file_that_tells_nothing_is_refused_by_init_with_a_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "orders.csv").write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        Workspace.init(tmp_path, [tmp_path / "orders.csv"])
    assert "Remedy:" in str(caught.value)
    assert not (tmp_path / "shoal.yaml").exists()


def test_a_folder_and_a_missing_file_cost_a_good_one_nothing(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(HEADER + "".join(orders()))
    (tmp_path / "more").mkdir()
    made = Workspace.init(tmp_path, [tmp_path / one for one in ("more", "nope.csv", "orders.csv")])
    assert sum("left out" in note for note in made.notes) == 2
    assert list(Workspace(tmp_path).settings.sources) == ["orders"]


def test_a_source_emptied_after_init_is_told(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    (tmp_path / "orders.csv").write_text(HEADER)
    assert "the file has no rows" in refused(made, DataError)


def test_one_customer_gets_a_run_without_discovery(tmp_path: Path) -> None:
    told = ran(workspace(tmp_path, HEADER + "".join(f"c1,o{n},2024-0{n + 1}-03,{n + 2}.5,A\n" for n in range(6))))
    assert told.rows["profiles"] == 1
    assert told.comparison is None
    assert any("not enough data" in note for note in told.notes)


def test_one_row_is_a_run(tmp_path: Path) -> None:
    assert ran(workspace(tmp_path, HEADER + "c1,o1,2024-01-03,5.5,A\n")).rows["events"] == 1


def test_identical_rows_are_all_accounted_for(tmp_path: Path) -> None:
    line = "c1,o1,2024-01-03 10:00:00,5.5,A\n"
    told = ran(workspace(tmp_path, HEADER + line * 50))
    assert (quality(told).loaded, quality(told).reasons) == (1, {"duplicate": 49})


def test_one_event_each_on_one_day_is_segmented_without_discovery(tmp_path: Path) -> None:
    told = ran(workspace(tmp_path, HEADER + "".join(f"c{n},o{n},2024-01-03,5.5,A\n" for n in range(60))))
    assert told.rows["profiles"] == 60
    assert not [one for one in told.segments if one.kind == "discovered"]


def test_dates_of_three_formats_are_read_or_quarantined_and_the_choice_is_noted(tmp_path: Path) -> None:
    lines = []
    for place, line in enumerate(orders()):
        who, order, at, rest = line.split(",", 3)
        year, month, day = at[:10].split("-")
        lines.append(f"{who},{order},{[at[:10], f'{day}.{month}.{year}', f'{month}/{day}/{year}'][place % 3]},{rest}")
    told = quality(ran(workspace(tmp_path, HEADER + "".join(lines))))
    assert set(told.reasons) == {"bad_time"}
    assert told.loaded > 60
    assert any("3 ways" in note for note in told.notes)


def test_future_dates_and_values_that_are_no_numbers_are_quarantined(tmp_path: Path) -> None:
    bad = ["c1,x1,2999-01-01,5,A\n", *(f"c2,y{n},2024-05-05,{v},A\n" for n, v in enumerate(["inf", "-inf", "1e999"]))]
    large = "c3,z1,2024-05-05,1e16,A\n"
    told = quality(ran(workspace(tmp_path, HEADER + "".join([*orders(), *bad, large]))))
    assert told.reasons == {"bad_value": 4, "future_time": 1}


def test_an_unclosed_quote_costs_its_own_line(tmp_path: Path) -> None:
    lines = orders(400)
    for place in (20, 399):
        lines[place] = lines[place].strip() + ',"oops\n' if place == 399 else lines[place].replace(",o", ',"o', 1)
    told = quality(ran(workspace(tmp_path, HEADER + "".join(lines))))
    assert (told.read, told.quarantined) == (400, 2)


def test_latin_1_nul_bytes_and_a_mebibyte_cell_are_read(tmp_path: Path) -> None:
    lines = [line.encode() for line in orders()]
    lines[3] = lines[3][:-2] + b"Caf\xe9\n"
    lines[4] = lines[4].strip() + b"\x00\n"
    lines[5] = lines[5].strip() + b"x" * (1 << 20) + b"\n"
    made = workspace(tmp_path, HEADER.encode() + b"".join(lines))
    assert quality(ran(made)).loaded == 90
    found = made.table("events").sql("select distinct properties.category as c from events")["c"].to_pylist()
    assert "Café" in found
    assert max(map(len, found)) == (1 << 20) + 1


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda text: ("\ufeff" + text).replace("\n", "\r\n").encode(), id="BOM and CRLF"),
        pytest.param(lambda text: text.replace("\n", "\r").encode(), id="CR alone"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda t: t.replace(",", ";").replace(".", ",").encode(), id="semicolon and decimal comma"),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip without the suffix"),
    ],
)
def test_other_ways_of_writing_a_table_give_the_same_events(tmp_path: Path, written: Callable[[str], bytes]) -> None:
    text = HEADER + "".join(orders(40))
    made = workspace(tmp_path, written(text))
    assert quality(ran(made)).loaded == 40
    total = sum(float(line.split(",")[3]) for line in orders(40))
    assert sum(made.table("events").to_arrow()["value"].to_pylist()) == pytest.approx(total)


def test_columns_that_share_a_name_are_kept_apart(tmp_path: Path) -> None:
    lines = "".join(f"c{n % 9},o{n},2024-0{n % 9 + 1}-02,{n}.5,{n % 2},x,\n" for n in range(60))
    made = workspace(tmp_path, "customer_id,order_id,date,amount,Category,category,\n" + lines)
    assert quality(ran(made)).loaded == 60


def test_values_that_are_all_zero_are_a_run(tmp_path: Path) -> None:
    lines = [",".join([*line.split(",")[:3], "0", "A\n"]) for line in orders()]
    assert quality(ran(workspace(tmp_path, HEADER + "".join(lines)))).loaded == 90


def test_refunds_alone_are_asked_about_and_refused_with_the_remedy(tmp_path: Path) -> None:
    lines = [line.replace(":00:00,", ":00:00,-") for line in orders()]
    made = workspace(tmp_path, HEADER + "".join(lines))
    assert "`returns`" in refused(made, DataError)
    change(made, returns={"when": "amount < 0"})
    made = Workspace(tmp_path)
    assert quality(ran(made)).loaded == 90
    assert set(made.table("events").to_arrow()["event"].to_pylist()) == {"Order Refunded"}


@pytest.mark.parametrize("people", [2, 39, 40])
def test_few_people_get_traditional_segments_and_from_forty_on_discovered_ones(tmp_path: Path, people: int) -> None:
    lines = [f"c{n % people},o{n},2024-{n % 11 + 1:02d}-{n % 27 + 1:02d},{n % 50 + 1},A\n" for n in range(people * 6)]
    told = ran(workspace(tmp_path, HEADER + "".join(lines)))
    assert told.rows["profiles"] == people
    assert bool(told.discovery and told.discovery.choices) is (people >= 40)


def test_a_parquet_of_odd_types_is_read(tmp_path: Path) -> None:
    count = 60
    table = pa.table(
        {
            "customer_id": pa.array([f"c{n % 9}" for n in range(count)]).dictionary_encode(),
            "order_id": pa.array([2**62 + n for n in range(count)]),
            "date": pa.array([date(2024, 1 + n % 12, 1 + n % 28) for n in range(count)]),
            "amount": pa.array([Decimal(n) for n in range(count)], pa.decimal128(38, 3)),
            "tags": pa.array([["a", "b"]] * count),
            "address": pa.array([{"city": "x", "zip": 1}] * count),
            "blob": pa.array([b"\xff\x00"] * count),
            "nothing": pa.nulls(count),
            "map": pa.array([[("k", 1)]] * count, pa.map_(pa.string(), pa.int64())),
            "large": pa.array([2**64 - 1] * count, pa.uint64()),
        }
    )
    pq.write_table(table, tmp_path / "orders.parquet")
    Workspace.init(tmp_path, [tmp_path / "orders.parquet"])
    assert quality(ran(Workspace(tmp_path))).loaded == count


def test_ids_of_every_kind_are_found_again(tmp_path: Path) -> None:
    odd = ["O'Brien", 'a "b"', "日本", "😀", "x" * 3000, "<b>x</b>", "[red]y[/red]", "%s", "\\", "a,b", "-7", "null"]
    lines = [
        f'"{odd[n % 12].replace(chr(34), chr(34) * 2)}",o{n},2024-0{n % 9 + 1}-02,5,"<script>alert(1)</script>"\n'
        for n in range(60)
    ]
    made = workspace(tmp_path, HEADER + "".join(lines))
    assert quality(ran(made)).reasons == {"no_identifier": 5}
    for one in odd[:-1]:
        assert made.profile(one)["identifiers"][0]["value"] == one
    with pytest.raises(NotFound):
        made.profile("null")


def test_markup_in_data_and_names_is_escaped_in_the_report(tmp_path: Path) -> None:
    lines = [line.replace(",A\n", ",<script>alert(1)</script>\n") for line in orders(400, people=60)]
    made = workspace(tmp_path, HEADER + "".join(lines))
    (tmp_path / "segments").mkdir()
    own = {"name": 'O\'B "x" <img src=x onerror=alert(2)>', "rule": "orders >= 1", "description": "<script>3</script>"}
    (tmp_path / "segments" / "own.yaml").write_text(yaml.safe_dump(own))
    told = ran(made)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert own["name"] in [one.name for one in told.segments]
    for markup in ("<script>alert(1)", "<img src=x", "<script>3"):
        assert markup not in page
    assert made.explain(own["name"], "c1")["member"] is True


def test_ten_thousand_columns_are_looked_at_by_init(tmp_path: Path) -> None:
    wide = [f"x{n}" for n in range(10_000)]
    body = "".join(line.rsplit(",", 1)[0] + "," + ",".join("7" for _ in wide) + "\n" for line in orders(8))
    made = workspace(tmp_path, "customer_id,order_id,date,amount," + ",".join(wide) + "\n" + body)
    source = made.settings.sources["orders"]
    assert (source.at, source.value) == ("date", "amount")
    assert len(source.properties) <= 100


# Sources beside each other


@pytest.fixture
def pair(tmp_path: Path) -> Workspace:
    """Orders, and visits that a test breaks after `init`."""
    (tmp_path / "orders.csv").write_text(HEADER + "".join(orders()))
    visits = [{"customer_id": f"c{n % 12}", "time": f"2024-03-0{n % 9 + 1}T10:00:00Z", "page": "p"} for n in range(40)]
    (tmp_path / "visits.jsonl").write_text("".join(json.dumps(one) + "\n" for one in visits))
    Workspace.init(tmp_path, [tmp_path / "orders.csv", tmp_path / "visits.jsonl"])
    return Workspace(tmp_path)


def test_a_source_that_vanished_costs_the_other_nothing(pair: Workspace) -> None:
    (pair.folder / "visits.jsonl").unlink()
    told = ran(pair)
    assert "there is no such file" in quality(told, "visits").error
    assert quality(told).loaded == 90


def test_a_source_that_became_a_folder_costs_the_other_nothing(pair: Workspace) -> None:
    (pair.folder / "visits.jsonl").unlink()
    (pair.folder / "visits.jsonl").mkdir()
    assert quality(ran(pair), "visits").error


def test_the_lines_of_a_file_of_which_none_is_good_are_in_the_quarantine_table(pair: Workspace) -> None:
    (pair.folder / "visits.jsonl").write_text("not json\n{broken\n[1,2]\n")
    told = ran(pair)
    assert quality(told, "visits").reasons == {"bad_json": 3}
    found = pair.table("quarantine").to_arrow()
    assert found["source"].to_pylist() == ["visits"] * 3
    assert found["raw"].to_pylist() == ["not json", "{broken", "[1,2]"]


def test_when_nothing_is_left_every_source_says_why(pair: Workspace) -> None:
    (pair.folder / "visits.jsonl").unlink()
    (pair.folder / "orders.csv").write_text(HEADER + "".join(line.replace("2024-", "2999-") for line in orders()))
    said = refused(pair, DataError)
    assert "visits: visits.jsonl: there is no such file" in said
    assert "orders: all 90 rows were refused, 90 of them as future_time" in said


def test_orders_that_are_all_later_are_no_event_whatever_customers_are_beside_them(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(HEADER + "".join(orders()))
    lines = "".join(f"c{n},n{n},u{n}@x.org,{'ab'[n % 2]}\n" for n in range(60))
    (tmp_path / "customers.csv").write_text("customer_id,name,email,plan\n" + lines)
    Workspace.init(tmp_path, [tmp_path / "orders.csv", tmp_path / "customers.csv"])
    said = refused(Workspace(tmp_path), DataError, as_of="2020-01-01")
    assert "60 customers without anything they did; add a source of events" in said


def test_people_without_an_event_are_in_the_features_beside_those_with(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(HEADER + "".join(orders()))
    lines = "".join(f"c{n},n{n},u{n}@x.org\n" for n in range(20))
    (tmp_path / "customers.csv").write_text("customer_id,name,email\n" + lines)
    Workspace.init(tmp_path, [tmp_path / "orders.csv", tmp_path / "customers.csv"])
    made = Workspace(tmp_path)
    told = ran(made)
    assert told.rows["features"] == told.rows["profiles"] == 20
    assert made.profile("c19")["features"]["orders"] == 0
    with pytest.raises(NotFound, match="has no event"):
        made.explain(told.segments[0].name, "c19", at="2024-06-01")


# Definitions


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"at": "datte"}, "Did you mean 'date'"),
        ({"value": "amnt"}, "Did you mean 'amount'"),
        ({"value": "amount * ("}, "cannot be read"),
        ({"value": "sum(amount) over ()"}, "window"),
        ({"value": "(select 1)"}, "query"),
        ({"identifiers": {"customer_id": "custmer_id"}}, "Did you mean 'customer_id'"),
        ({"where": "amount > 100000"}, "all 90 rows were refused, 90 of them as excluded"),
        ({"path": "nope*.csv"}, "no file matches"),
    ],
)
def test_a_wrong_mapping_names_the_setting_and_the_remedy(
    tmp_path: Path, setting: dict[str, object], said: str
) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    change(made, **setting)
    assert said in refused(Workspace(tmp_path), DataError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("features:\n  mine: {sum: amnt}\n", "amnt"),
        ("features:\n  mine: {count: events, where: categry = 'A'}\n", "Did you mean 'category'"),
        ("features:\n  mine: {formula: orders / nope}\n", "unknown column 'nope'"),
        ("features:\n  person: {count: events}\n", "no name for a feature"),
        ("unifyy: {}\n", "Did you mean 'unify'"),
        ("memory: lots\n", "memory"),
        ("  : : x\n", "mend the YAML at this line"),
        ("? [1, 2]\n: 3\n", "shoal.yaml"),
    ],
)
def test_a_wrong_line_in_the_settings_is_named(tmp_path: Path, text: str, said: str) -> None:
    workspace(tmp_path, HEADER + "".join(orders()))
    with (tmp_path / "shoal.yaml").open("a") as file:
        file.write(text)
    assert said in refused(Workspace(tmp_path), SettingsError)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"csv": {"encoding": "klingon"}}, "unknown encoding 'klingon'"),
        ({"at_format": "%Q %Y"}, "'%Q' is no part of a strptime format"),
    ],
)
def test_a_setting_that_no_file_could_be_read_by_is_refused_before_the_run(
    tmp_path: Path, setting: dict[str, object], said: str
) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    change(made, **setting)
    assert said in refused(Workspace(tmp_path), SettingsError)
    assert any(said in finding["what"] for finding in Workspace.doctor(tmp_path))


def test_an_own_feature_of_an_event_that_nobody_did_is_noted_with_the_nearest_name(tmp_path: Path) -> None:
    workspace(tmp_path, HEADER + "".join(orders()))
    with (tmp_path / "shoal.yaml").open("a") as file:
        file.write("features:\n  mine: {count: events, of: Order Compleeted}\n")
    told = ran(Workspace(tmp_path))
    assert "features.mine: no event is called 'Order Compleeted'. Did you mean 'Order Completed'?" in told.notes


def test_sources_whose_names_differ_in_capitals_only_are_refused(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    settings = yaml.safe_load((tmp_path / "shoal.yaml").read_text())
    settings["sources"]["Orders"] = settings["sources"]["orders"]
    (tmp_path / "shoal.yaml").write_text(yaml.safe_dump(settings))
    assert "differ in capitals only" in refused(Workspace(made.folder), SettingsError)


def test_settings_that_unfold_without_end_are_refused_at_once(tmp_path: Path) -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]" for one, two in pairwise(names)]
    (tmp_path / "shoal.yaml").write_text("a: &a [x, x]\n" + "\n".join(lines))
    with pytest.raises(SettingsError, match="26 faults"):
        Workspace(tmp_path).settings  # noqa: B018 - reading it is the test


def test_settings_that_are_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").mkdir()
    assert "cannot be read" in refused(Workspace(tmp_path), SettingsError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule: order_90d >= 2", "Did you mean 'orders_90d'"),
        ("rule: 'orders_90d >= '", "something is missing"),
        ("rule: orders_90d + 1", "needs bool, got number"),
        ("rules: orders > 1", "Did you mean 'rule'"),
        ("- a", "is not a mapping"),
        ("", "rule"),
    ],
)
def test_a_wrong_rule_of_ones_own_is_named_with_the_nearest_name(tmp_path: Path, text: str, said: str) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "vip.yaml").write_text(text)
    assert said in refused(made, SettingsError)


def test_a_folder_among_the_segments_is_told_with_its_name(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    (tmp_path / "segments" / "vip.yaml").mkdir(parents=True)
    assert "segments/vip.yaml: file: cannot be read" in refused(made, SettingsError)


# Instants


@pytest.mark.parametrize("text", ["yesterday", "", "2024-13-01", "9999-12-31T23:59:59-23:00", "0001-01-01", "٢٠٢٤"])
def test_an_instant_that_is_none_is_misuse(text: str) -> None:
    with pytest.raises(UsageError, match="Rule"):
        instant(text, "UTC")


def test_an_instant_before_all_data_says_how_many_rows_are_later(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    assert "90 of 90 rows are later than 2001-01-01" in refused(made, DataError, as_of="2001-01-01")


def test_an_instant_in_the_midst_of_the_data_accounts_for_the_later_rows(tmp_path: Path) -> None:
    told = ran(workspace(tmp_path, HEADER + "".join(orders())), as_of="2024-06-15")
    assert quality(told).later == sum(line.split(",")[2] > "2024-06-15" for line in orders())


def test_an_instant_in_the_far_future_is_a_run(tmp_path: Path) -> None:
    told = ran(workspace(tmp_path, HEADER + "".join(orders())), as_of="2999-01-01")
    assert told.as_of == "2999-01-01T00:00:00+00:00"


# The last good run


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a finished run."""
    folder = tmp_path_factory.mktemp("shop")
    write_orders(folder / "orders.csv", people=60)
    Workspace.init(folder, [folder / "orders.csv"])
    made = Workspace(folder)
    made.run()
    return made


def still(made: Workspace, run_id: str) -> None:
    """The run is the last good one, whole, and nothing is left of another."""
    assert made.last_run().run_id.removesuffix(".part") == run_id
    assert len(made.table("features")) == 60
    assert made.profile("10001")["identifiers"]
    assert not list((made.folder / ".shoal" / "runs").glob("*.part"))


def run_id(made: Workspace) -> str:
    return (made.folder / ".shoal" / "current").read_text().strip()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_stops_the_run_and_keeps_the_last_one(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = run_id(shop)

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("shoal.unify.run.pq.write_table", full)
    with pytest.raises(NoRoom, match="disk is full"):
        shop.run()
    still(shop, before)


def test_a_disk_that_fills_up_while_a_source_is_mended_is_no_fault_of_the_source(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run_id(shop)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shoal.engine.files.mend", full)
    with pytest.raises(NoRoom):
        shop.run()
    still(shop, before)


def test_too_little_memory_stops_the_run_and_says_which_setting(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    with (tmp_path / "shoal.yaml").open("a") as file:
        file.write("memory: 1MB\n")
    said = refused(Workspace(made.folder), NoRoom)
    assert "`memory` in shoal.yaml" in said
    assert "PRAGMA" not in said
    assert "SET " not in said


def test_a_report_that_cannot_be_written_says_that_the_run_is_kept(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    (tmp_path / "report.html").mkdir()
    said = refused(made, StorageError)
    assert "is finished and kept" in said
    assert made.last_run().rows["events"] == 90


def test_a_damaged_run_names_the_folder_to_delete_and_the_one_before_it_is_read(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    first = made.run().run_id
    made.run()
    folder = tmp_path / ".shoal" / "runs" / run_id(made)
    (folder / "run.json").write_text("{")
    with pytest.raises(StorageError, match="is damaged") as caught:
        made.last_run()
    assert str(folder) in str(caught.value)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    assert made.last_run().run_id == first


def test_a_damaged_memory_of_identifiers_is_told_and_not_forgotten(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    made.run()
    (tmp_path / ".shoal" / "runs" / run_id(made) / "identifiers.parquet").write_bytes(b"x")
    assert "identifiers.parquet: is damaged" in refused(made, StorageError)


def test_an_empty_pointer_without_runs_is_no_run(tmp_path: Path) -> None:
    (tmp_path / ".shoal" / "runs").mkdir(parents=True)
    (tmp_path / ".shoal" / "current").write_text("")
    with pytest.raises(NotFound, match="no finished run"):
        Workspace(tmp_path).last_run()


def test_a_file_in_the_place_of_the_folder_of_runs_is_told(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEADER + "".join(orders()))
    (tmp_path / ".shoal").write_text("x")
    assert "is not a folder" in refused(made, StorageError)


# The command line


def command(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shoal", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("args", "code", "kind"),
    [
        (("run", "--json"), 1, "SettingsError"),
        (("segments", "--json"), 1, "NotFound"),
        (("run", "--jsn", "--json"), 2, "UsageError"),
        (("init", "nope.csv", "--json"), 1, "SourceError"),
        (("init", "--json"), 2, "UsageError"),
    ],
)
def test_an_error_is_json_on_stdout_and_words_on_stderr(
    tmp_path: Path, args: Sequence[str], code: int, kind: str
) -> None:
    done = command(tmp_path, *args)
    assert done.returncode == code
    told = json.loads(done.stdout)["error"]
    assert told["type"] == kind
    assert told["message"].split("\n")[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_gives_its_findings_as_json_and_exits_with_one(tmp_path: Path) -> None:
    done = command(tmp_path, "doctor", "--json")
    assert done.returncode == 1
    assert any(finding["severity"] == "error" for finding in json.loads(done.stdout))


def test_an_unforeseen_error_is_told_as_a_fault_of_shoal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOAL_DEBUG", raising=False)
    with pytest.raises(SystemExit) as caught, output.speaking(as_json=True):
        {}["nobody"]
    assert caught.value.code == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["type"] == "Fault"
    assert "this is a fault in Shoal" in told.err
    assert "SHOAL_DEBUG=1" in told.err
    assert "Traceback" not in told.err


def test_the_traceback_of_an_unforeseen_error_is_shown_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_DEBUG", "1")
    with pytest.raises(SystemExit), output.speaking(as_json=False):
        {}["nobody"]
    assert "KeyError: 'nobody'" in capsys.readouterr().err


def test_numbers_that_json_has_no_word_for_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(True, {"a": [float("nan"), float("inf"), 1.5], "b": (-float("inf"),)}, lambda: None)
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": [None]}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_stdout_is_told_and_no_traceback(shop: Workspace) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "shoal", "segments", "--json"],
            cwd=shop.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_at_once_are_one_run_and_one_refusal(shop: Workspace) -> None:
    before = run_id(shop)
    with FileLock(shop.folder / ".shoal" / "lock"):
        done = command(shop.folder, "run", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "transient"
    assert "another `shoal run` is writing here" in done.stderr
    still(shop, before)


READ_AND_REFUSED = 7


def as_nobody(made: Workspace) -> int:
    """What a user without rights gets: the last run, and a refusal of the next."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    found = len(made.segments)
    try:
        made.run()
    except StorageError as error:
        return READ_AND_REFUSED if found and "may not be written" in str(error) else 1
    return 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_may_not_be_written_is_told_and_can_be_read(shop: Workspace) -> None:
    with tempfile.TemporaryDirectory() as place:
        made = Workspace(shutil.copytree(shop.folder, Path(place) / "shop"))
        for path in (Path(place), *Path(place).rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = run_id(made)
        child = os.fork()
        if child == 0:
            code = 3
            try:
                code = as_nobody(made)
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == READ_AND_REFUSED
        still(made, before)


# Long: moments drawn at random


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shoal", "run", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_at_any_moment_leaves_the_last_one_whole(shop: Workspace, sign: signal.Signals) -> None:
    chance = random.Random(int(sign))
    for _ in range(10):
        before = run_id(shop)
        child = start(shop.folder)
        time.sleep(chance.uniform(0.3, 2.5))
        child.send_signal(sign)
        out, err = child.communicate(timeout=60)
        now = run_id(shop)
        assert now == before or child.returncode in (0, -sign, 130)
        assert len(shop.table("features")) == 60
        if sign == signal.SIGINT:
            assert "Traceback" not in err
            assert child.returncode == 0 or json.loads(out)["error"]["type"] == "Stopped"
            assert child.returncode in (0, 130, -sign)  # shells show 130 for the last one too
    shop.run()
    still(shop, run_id(shop))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 200, 5_000, 20_000, 60_000])
def test_files_that_may_not_grow_are_a_full_disk(shop: Workspace, limit: int) -> None:
    before = run_id(shop)
    code = (
        f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        "sys.argv = ['shoal', 'run', '--json']; runpy.run_module('shoal', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shop.folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != limit
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["type"] == "NoRoom"
    assert "the disk is full" in done.stderr
    still(shop, before)
