"""Identifiers get one spelling, and placeholders identify nobody."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.unify.identifiers import normalise_sql, phones, rank, reason_sql

CONNECTION = duckdb.connect()


def normalised(kind: str, value: str | None, *placeholders: str) -> tuple[str | None, str | None]:
    row = CONNECTION.execute(
        f"SELECT {normalise_sql(kind, 'raw', placeholders)}, {reason_sql(kind, 'raw', placeholders)} "
        "FROM (SELECT CAST(? AS VARCHAR) AS raw)",
        [value],
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("  Ann.Smith@Example.COM ", "ann.smith@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("Ann Smith <Ann@Example.com>", "ann@example.com"),
        ("ann+shop@example.com", "ann+shop@example.com"),
        ("jose\u0301@exa\u0301mple.com", "jos\u00e9@ex\u00e1mple.com"),
        ("o'hara@mail.example.co.uk\u00a0", "o'hara@mail.example.co.uk"),
    ],
)
def test_an_address_has_one_spelling(raw: str, value: str) -> None:
    assert normalised("email", raw) == (value, None)


@pytest.mark.parametrize(
    "raw", ["ann", "ann@", "@example.com", "ann@example", "ann@@example.com", "a b@example.com", "ann@exa..mple.com"]
)
def test_what_is_not_an_address_is_invalid(raw: str) -> None:
    assert normalised("email", raw) == (None, "invalid")


@pytest.mark.parametrize(
    "raw", ["noreply@shop.com", "no@email.com", "x@x", "Unknown", "test@gmail.com", "none", "guest@shop.com", "n/a"]
)
def test_nobodys_address_is_a_placeholder(raw: str) -> None:
    assert normalised("email", raw) == (None, "placeholder")


@pytest.mark.parametrize(
    ("raw", "value"),
    [("17850.0", "17850"), (" 17850 ", "17850"), ("AbC-1", "AbC-1"), ("1.5", "1.5"), ("007", "007"), ("v1.0", "v1.0")],
)
def test_an_id_keeps_its_case_and_zeros_but_not_a_decimal_point(raw: str, value: str) -> None:
    assert normalised("customer_id", raw) == (value, None)


@pytest.mark.parametrize(
    "raw",
    ["unknown", "N/A", "NULL", "0", "00000", "0.0", "-1", "-1.0", "test", "Guest", "anonymous", "nan", "(not set)"],
)
def test_placeholder_ids_identify_nobody(raw: str) -> None:
    assert normalised("customer_id", raw) == (None, "placeholder")


def test_an_advertising_id_of_zeros_is_a_placeholder() -> None:
    assert normalised("device_id", "00000000-0000-0000-0000-000000000000") == (None, "placeholder")


def test_a_number_typed_in_is_a_placeholder_unless_a_system_counts_up_to_it() -> None:
    assert normalised("device_id", "123456") == (None, "placeholder")
    assert normalised("customer_id", "123456") == ("123456", None)


@pytest.mark.parametrize("raw", [None, "", "   ", "\u00a0"])
def test_a_blank_is_absent_and_not_refused(raw: str | None) -> None:
    assert normalised("customer_id", raw) == (None, None)


def test_the_workspaces_own_placeholders_count_whatever_their_case() -> None:
    assert normalised("customer_id", "Walk-In", "WALK-IN ") == (None, "placeholder")


@settings(deadline=None, max_examples=10)
@given(st.lists(st.text(alphabet="aAbB09.@ -+é\u0301", max_size=12), min_size=1, max_size=200))
def test_normalising_twice_changes_nothing(values: list[str]) -> None:
    for kind in ("email", "user_id"):
        once = f"SELECT {normalise_sql(kind, 'raw')} AS once FROM (SELECT unnest(?) AS raw)"
        twice = f"SELECT once, {normalise_sql(kind, 'once')} FROM ({once}) WHERE once IS NOT NULL"
        assert all(one == two for one, two in CONNECTION.execute(twice, [values]).fetchall())


@settings(deadline=None, max_examples=10)
@given(
    st.lists(st.text(alphabet='aA09.@-xn/"', max_size=7), min_size=1, max_size=300), st.sampled_from(["007", "a-a", ""])
)
def test_the_short_way_agrees_with_the_long_one(values: list[str], placeholder: str) -> None:
    for kind in ("email", "user_id", "device_id"):
        short = normalise_sql(kind, "raw", [placeholder])
        long = normalise_sql(kind, "(raw || chr(160))", [placeholder])
        pairs = CONNECTION.execute(f"SELECT {short}, {long} FROM (SELECT unnest(?) AS raw)", [values]).fetchall()
        assert [one for one, _ in pairs] == [two for _, two in pairs]


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("0044 20 79460958", "gb", "+442079460958"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("442079460958.0", "GB", "+442079460958"),
    ],
)
def test_a_phone_becomes_e164(raw: str, region: str | None, value: str) -> None:
    assert phones([raw], region)[raw].value == value


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("0000000000", "GB", "placeholder"),
        ("+9999999999", None, "placeholder"),
        ("123456789", "GB", "placeholder"),
        ("unknown", "GB", "placeholder"),
        ("12", "GB", "invalid"),
        ("call me", "GB", "invalid"),
        ("555-0123", "US", "invalid"),
        ("020 7946 0958", None, "no_country"),
    ],
)
def test_a_phone_that_names_nobody_says_why(raw: str, region: str | None, reason: str) -> None:
    phone = phones([raw], region)[raw]
    assert (phone.value, phone.reason) == (None, reason)


def test_an_unknown_type_ranks_with_custom() -> None:
    assert sorted(["zeta", "custom", "customer_id", "alpha", "anonymous_id"], key=rank) == [
        "customer_id",
        "anonymous_id",
        "alpha",
        "custom",
        "zeta",
    ]
