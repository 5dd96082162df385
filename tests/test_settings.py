"""shoal.yaml is checked whole: every fault at once, each with its line and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal import settings
from shoal.errors import SettingsError

GOOD = """
sources:
  orders:
    path: orders.csv
    event: Order Completed
    at: InvoiceDate
    identifiers: {customer_id: CustomerID}
    value: Quantity * UnitPrice
    properties: {order_id: InvoiceNo, item_id: StockCode, category: null}
    traits: {country: Country}
    where: Quantity > 0
goal: retention
objectives:
  - {name: churn, kind: churn, event: Order Completed, horizon: 90d, active_within: 180d}
segments: {budget: 6}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.parse(text)
    return [str(fault) for fault in caught.value.faults]


def test_the_documented_example_is_accepted() -> None:
    parsed = settings.parse(GOOD)
    assert parsed.sources["orders"].value == "Quantity * UnitPrice"
    assert parsed.segments.budget == 6


def test_all_faults_are_told_at_once_with_their_lines() -> None:
    found = faults("sources:\n  a:\n    pathh: x\n    at: d\n  b:\n    path: y\ntime_zone: Mars/Base\n")
    assert len(found) == 3
    assert any(fault.startswith("shoal.yaml:3:") and "Did you mean 'path'?" in fault for fault in found)
    assert any(fault.startswith("shoal.yaml:5:") and "`at` is missing" in fault for fault in found)
    assert any(fault.startswith("shoal.yaml:7:") and "Mars/Base" in fault for fault in found)


def test_a_setting_given_twice_is_a_fault() -> None:
    assert "is given twice" in faults("name: a\nname: b\n")[0]


def test_broken_yaml_names_the_line() -> None:
    assert faults("sources:\n  a: ]\n")[0].startswith("shoal.yaml:2")


def test_a_source_needs_one_origin() -> None:
    assert "exactly one of `path` and `sql`" in faults("sources:\n  a:\n    at: d\n    identifiers: {x: y}\n")[0]


def test_a_missing_file_tells_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="shoal init"):
        settings.load(tmp_path)


def test_a_list_instead_of_settings_is_refused() -> None:
    assert "not a mapping" in faults("- a\n- b\n")[0]
