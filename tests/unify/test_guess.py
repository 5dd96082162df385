"""Roles of columns, from names in several languages and from what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.unify.guess import Table, guess, key_of
from shoal.unify.sample import Dialect, Sample
from shoal.unify.values import Column
from shoal.unify.vocabulary import concepts, country_code, event_name, event_roles, slug

MANY = 200
WHO = [f"c{n % 40}" for n in range(MANY)]
WHEN = [f"2023-{n % 12 + 1:02}-{n % 28 + 1:02} 10:00:00" for n in range(MANY)]
IDS = [f"A{n:05}" for n in range(MANY)]
MONEY = [f"{n % 90}.50" for n in range(MANY)]


def looked_at(columns: dict[str, list[str]], file: str = "data.csv", header: bool = True) -> Table:
    made = tuple(Column(name, values) for name, values in columns.items())
    rows = len(made[0].values)
    return guess(Sample(Path(file), "csv", Dialect(header=header), made, rows, True, rows))


def role(name: str, values: list[str], **beside: list[str]) -> str:
    return looked_at({name: values, **beside}).guesses[name].role


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("Kunden-Nr.", WHO, "customer_id"),
        ("id_cliente", WHO, "customer_id"),
        ("CUST_KEY", WHO, "customer_id"),
        ("userId", WHO, "user_id"),
        ("visitor_id", WHO, "anonymous_id"),
        ("Rechnungsnummer", IDS, "order_id"),
        ("numero_commande", IDS, "order_id"),
        ("basket_id", IDS, "order_id"),
        ("SKU", IDS, "item_id"),
        ("Artikelnummer", IDS, "item_id"),
        ("sessionid", IDS, "session_id"),
        ("invited_by_user_id", WHO, "other_id"),
        ("organisation_id", WHO, "account_id"),
        ("Fecha de compra", WHEN, "time"),
        ("order_purchase_timestamp", WHEN, "time"),
        ("Geburtsdatum", WHEN, "birth"),
        ("Umsatz", MONEY, "amount"),
        ("Total TTC", MONEY, "amount"),
        ("Prix unitaire", MONEY, "price"),
        ("Menge", ["1", "2"] * 100, "quantity"),
        ("Rabatt", MONEY, "discount"),
        ("Land", ["Austria", "France"] * 100, "country"),
        ("Warengruppe", ["Garten", "Haus"] * 100, "category"),
        ("Waehrung", ["EUR", "USD"] * 100, "currency"),
        ("Telefon", [f"+43 660 12{n:05}" for n in range(MANY)], "phone"),
        ("zip_code", [f"{n:05}" for n in range(MANY)], "postcode"),
        ("utm_source", ["google", "direct"] * 100, "channel"),
    ],
)
def test_names_and_values_together_give_the_role(name: str, values: list[str], expected: str) -> None:
    assert role(name, values) == expected


def test_a_name_that_the_values_deny_is_not_believed() -> None:
    assert role("amount", ["small", "large"] * 100) != "amount"


def test_addresses_are_known_by_their_form_alone() -> None:
    assert role("login field", [f"p{n}@mail.test" for n in range(MANY)]) == "email"


def test_a_nameless_column_that_counts_is_a_row_number() -> None:
    assert role("column_1", [str(n) for n in range(MANY)]) == "row_number"


def test_a_bare_id_that_comes_back_is_the_person() -> None:
    assert role("Id", WHO, Date=WHEN, Price=MONEY) == "customer_id"


def test_a_bare_id_beside_a_person_and_money_is_the_order() -> None:
    assert role("id", IDS, customer_id=WHO, created_at=WHEN, amount=MONEY) == "order_id"


def test_of_several_times_the_first_of_the_story_counts() -> None:
    table = looked_at({"delivered_at": WHEN, "order_date": WHEN, "updated_at": WHEN, "customer_id": WHO})
    assert table.first("time") is table.sample["order_date"]


def test_a_doubtful_type_column_names_events_only_with_known_events() -> None:
    kinds = ["view", "cart", "purchase", "view"] * 50
    assert role("type", kinds, user_id=WHO, ts=WHEN) == "event"
    assert role("type", ["red", "blue"] * 100, user_id=WHO, ts=WHEN) != "event"


def test_rows_that_are_people_are_profiles() -> None:
    table = looked_at({"id": IDS, "email": [f"{n}@a.test" for n in IDS], "created_at": WHEN}, "people.csv")
    assert table.kind == "profiles"
    key = key_of(table)
    assert key is not None
    assert key.name == "id"


def test_orders_of_people_who_bought_once_are_events() -> None:
    table = looked_at({"order_id": IDS, "customer_id": [f"k{n}" for n in IDS], "order_date": WHEN, "total": MONEY})
    assert table.kind == "events"


def test_a_regular_grid_is_a_panel() -> None:
    who = [str(n // 10) for n in range(MANY)]
    weeks = [f"2023-01-{n % 10 + 1:02}" for n in range(MANY)]
    assert looked_at({"Id": who, "week": weeks, "x": MONEY}).panel


def test_purchases_on_their_own_days_are_no_panel() -> None:
    assert not looked_at({"Id": WHO, "day": WHEN, "x": MONEY}).panel


def test_headerless_columns_are_named_by_what_they_hold() -> None:
    columns = {"column_1": WHO, "column_2": WHEN, "column_3": ["1", "2"] * 100, "column_4": ["5.5", "11.0"] * 100}
    roles = [found.role for found in looked_at(columns, header=False).guesses.values()]
    assert roles == ["customer_id", "time", "quantity", "amount"]


def test_a_headerless_price_that_does_not_grow_with_the_quantity_is_a_unit_price() -> None:
    columns = {"column_1": WHO, "column_2": WHEN, "column_3": ["1", "2"] * 100, "column_4": ["5.5", "5.4"] * 100}
    table = looked_at(columns, header=False)
    assert table.guesses["column_4"].role == "price"


@given(st.text(max_size=40))
def test_any_text_gives_a_legal_name(name: str) -> None:
    from shoal.settings import NAME

    assert NAME.match(slug(name))


@given(
    st.sampled_from(["customer id", "unit price", "order date"]),
    st.sampled_from(["camel", "snake", "Title", "UPPER-KEBAB"]),
)
def test_the_writing_of_a_name_does_not_matter(name: str, style: str) -> None:
    first, second = name.split()
    written = {
        "camel": first + second.title(),
        "snake": f"{first}_{second}",
        "Title": name.title(),
        "UPPER-KEBAB": f"{first}-{second}".upper(),
    }[style]
    assert concepts(written) == concepts(name)


def test_event_names_are_known_in_many_writings() -> None:
    assert {event_name(raw) for raw in ("add_to_cart", "AddToCart", "Add To Cart", "addtocart")} == {"Product Added"}


def test_events_play_roles() -> None:
    assert event_roles(["Order Completed", "home", "Cart Viewed"]) == {
        "purchase": ["Order Completed"],
        "cart": ["Cart Viewed"],
    }


@pytest.mark.parametrize(("name", "code"), [("Deutschland", "DE"), ("us", "US"), ("Great Britain", "GB"), ("29", None)])
def test_countries_are_known_by_name_and_code(name: str, code: str | None) -> None:
    assert country_code(name) == code
