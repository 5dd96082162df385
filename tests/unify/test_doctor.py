"""What `shoal doctor` finds, each with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.settings import Source
from shoal.unify.doctor import Finding, diagnose, files, questions

ORDERS = "customer_id,order_date,amount\n" + "".join(f"c{n % 7},2024-01-{n % 28 + 1:02},{n}.5\n" for n in range(60))
SETTINGS = """\
name: shop
sources:
  orders:
    path: orders.csv
    event: Order Completed
    at: order_date
    identifiers: {customer_id: customer_id}
    value: amount
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "shoal.yaml").write_text(SETTINGS)
    return tmp_path


def bad(folder: Path, *severities: str) -> dict[str, Finding]:
    wanted = severities or ("error", "warn")
    return {found.where: found for found in diagnose(folder) if found.severity in wanted}


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "shoal.yaml"
    path.write_text(path.read_text().replace(old, new))


def test_a_well_workspace_has_no_errors(shop: Path) -> None:
    assert bad(shop, "error") == {}


def test_every_finding_that_is_not_well_has_a_remedy(shop: Path) -> None:
    change(shop, "amount", "amonut")
    change(shop, "name: shop", "engine: ducks\nname: shop")
    assert all(found.remedy for found in bad(shop).values())


def test_no_settings_is_an_error(tmp_path: Path) -> None:
    assert "shoal init" in bad(tmp_path, "error")[str(tmp_path)].remedy


def test_every_fault_of_the_settings_is_found_with_its_line(shop: Path) -> None:
    change(shop, "event: Order", "evnt: Order")
    change(shop, "name: shop", "memory: lots")
    assert set(bad(shop, "error")) == {"shoal.yaml:1: memory", "shoal.yaml:5: sources.orders.evnt"}


def test_a_missing_file_is_an_error_with_the_nearest_name(shop: Path) -> None:
    change(shop, "orders.csv", "order.csv")
    assert "orders.csv" in bad(shop)["sources.orders.path"].remedy


def test_a_file_that_is_no_table_is_an_error(shop: Path) -> None:
    (shop / "orders.csv").write_bytes(b"PK\x03\x04")
    assert "Excel" in bad(shop)["sources.orders.path"].what


def test_a_column_that_is_not_in_the_file_is_an_error_with_the_nearest_name(shop: Path) -> None:
    change(shop, "value: amount", "value: amonut * 2")
    assert "Did you mean 'amount'?" in bad(shop)["sources.orders.value"].what


def test_a_predicate_that_is_none_is_an_error(shop: Path) -> None:
    change(shop, "value: amount", "where: amount * 2")
    assert "sources.orders.where" in bad(shop, "error")


def test_an_event_column_that_is_not_there_is_an_error(shop: Path) -> None:
    change(shop, "event: Order Completed", "event: {column: kind}")
    assert "sources.orders.event.column" in bad(shop, "error")


def test_open_questions_are_repeated(shop: Path) -> None:
    change(shop, "    value:", "# ? sources.orders.value: is it net?\n    value:")
    assert bad(shop)["sources.orders.value"].what == "is it net?"


def test_questions_inside_commented_sources_are_found_too() -> None:
    assert questions("a: 1\n  # ? b.c: why? \n# no question\n#? neither\n") == ["b.c: why?"]


def test_a_missing_variable_of_the_environment_is_an_error(shop: Path) -> None:
    change(shop, "path: orders.csv", "sql: select 1\n    url: sqlite:///${NO_SUCH_VARIABLE}")
    assert "NO_SUCH_VARIABLE" in bad(shop)["sources.orders.url"].what


def test_an_unknown_engine_is_an_error(shop: Path) -> None:
    change(shop, "name: shop", "engine: duckdbb")
    assert "duckdb" in bad(shop)["engine"].what


def test_a_bound_beyond_the_memory_is_a_warning(shop: Path) -> None:
    change(shop, "name: shop", "memory: 900000GB")
    assert bad(shop)["memory"].severity == "warn"


def test_a_folder_that_cannot_be_written_is_an_error(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert "Permission denied" in bad(shop, "error")["folder"].what


def test_an_encoding_is_a_warning_only_where_it_was_not_declared(shop: Path) -> None:
    (shop / "orders.csv").write_bytes((ORDERS + "Jürgen,2024-01-01,5\n").encode("latin-1"))
    assert "latin-1" in bad(shop)["sources.orders"].what
    change(shop, "    event:", "    csv: {encoding: latin-1}\n    event:")
    assert "sources.orders" not in bad(shop)


def test_no_source_is_an_error(shop: Path) -> None:
    (shop / "shoal.yaml").write_text("name: shop\n")
    assert "sources" in bad(shop, "error")


def test_globs_and_absolute_paths_find_their_files(shop: Path) -> None:
    source = Source(path="ord*.csv", at="x", identifiers={"a": "b"})
    absolute = source.model_copy(update={"path": str(shop / "o*.csv")})
    assert files(source, Path(shop)) == files(absolute, Path("/")) == [shop / "orders.csv"]


def test_the_versions_of_what_is_needed_are_shown(shop: Path) -> None:
    assert {"python", "duckdb", "pyarrow"} <= {found.where for found in diagnose(shop) if found.severity == "ok"}
