"""Proposals for exports of many styles, none of which the code knows by name."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from shoal import settings
from shoal.errors import SourceError, UsageError
from shoal.settings import EventColumn, Source
from shoal.unify.check import columns_of, faults
from shoal.unify.propose import Proposal, propose, write
from shoal.unify.sniff import sniff


def table(path: Path, rows: Sequence[Sequence[object]], mark: str = ",", encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(mark.join(map(str, row)) for row in rows) + "\n", encoding=encoding)
    return path


def only(proposal: Proposal) -> Source:
    (source,) = settings.parse(proposal.settings_text).sources.values()
    return source


def proposed(path: Path) -> Source:
    """The mapping of one file, which must also fit the file's columns."""
    source = only(propose([path], path.parent))
    assert faults(source, columns_of(sniff(path), source)) == []
    return source


def german(folder: Path, encoding: str = "latin-1") -> Path:
    dice = random.Random(1)
    rows: list[Sequence[object]] = [
        ["Bestellnummer", "Kundennummer", "Bestelldatum", "Artikelbezeichnung", "Menge", "Stückpreis", "Land"]
    ]
    for number in range(300):
        customer = dice.randrange(60)
        day = f"{dice.randrange(1, 29):02}.{dice.randrange(1, 13):02}.2023"
        price = f"{dice.randrange(1, 99)},{dice.randrange(10, 99)}"
        land = "Österreich" if customer % 4 == 0 else "Deutschland"
        rows.append(
            [
                f"B{number // 2:05}",
                10000 + customer,
                day,
                f"Gartenstuhl grün {dice.randrange(9)}",
                dice.randrange(1, 5),
                price,
                land,
            ]
        )
    return table(folder / "auftraege.csv", rows, ";", encoding)


def test_a_german_export_is_read_with_its_encoding_delimiter_and_decimal_comma(tmp_path: Path) -> None:
    source = proposed(german(tmp_path))
    assert (source.csv.delimiter, source.csv.encoding, source.csv.decimal) == (";", "latin-1", ",")


def test_a_german_export_is_mapped_by_its_words(tmp_path: Path) -> None:
    source = proposed(german(tmp_path))
    assert source.event == "Order Completed"
    assert (source.at, source.at_format) == ("Bestelldatum", "%d.%m.%Y")
    assert source.identifiers == {"customer_id": "Kundennummer"}
    assert source.value == 'Menge * "Stückpreis"'
    assert source.properties["order_id"] == "Bestellnummer"
    assert source.properties["item"] == "Artikelbezeichnung"
    assert source.traits == {"country": "Land"}


def test_three_german_columns_are_enough(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["Kundennummer", "Bestelldatum", "Betrag"]]
    rows += [[100 + index % 30, f"{index % 28 + 1:02}.03.2024", f"{index},50"] for index in range(200)]
    source = proposed(table(tmp_path / "export.csv", rows, ";"))
    assert (source.identifiers, source.value) == ({"customer_id": "Kundennummer"}, "Betrag")
    assert source.duplicates == "keep"


def shopify(folder: Path) -> Path:
    dice = random.Random(2)
    head = "Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes"
    head += ",Total,Discount Code,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku"
    head += ",Billing Country,Phone,Id"
    lines = [head]
    for number in range(1001, 1200):
        who = dice.randrange(80)
        when = f"2023-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02} 10:{dice.randrange(10, 60)}:00 -0500"
        status = dice.choice(["paid"] * 8 + ["refunded", "pending"])
        items = dice.randrange(1, 4)
        for line in range(items):
            first = line == 0
            order = [f"{status}", when, "fulfilled", "yes", "USD", "40.00", "5.00", "3.20", "48.20", ""]
            parts = [f"#{number}", f"shopper{who}@mail.test", *(order if first else [""] * 10), when]
            parts += [str(dice.randrange(1, 3)), f"Mug {line}", "12.50", f"MUG-{line}", "US" if first else ""]
            parts += [f"+1 555 010 {who:04}" if first else "", str(5_000_000_000 + number) if first else ""]
            lines.append(",".join(parts))
    path = folder / "orders_export_1.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_order_export_by_lines_sums_lines_and_not_the_totals(tmp_path: Path) -> None:
    source = proposed(shopify(tmp_path))
    assert source.value == '"Lineitem quantity" * "Lineitem price"'


def test_an_order_export_knows_who_when_and_in_which_currency(tmp_path: Path) -> None:
    source = proposed(shopify(tmp_path))
    assert set(source.identifiers) == {"email", "phone"}
    assert (source.at, source.at_format) == ('"Created at"', "%Y-%m-%d %H:%M:%S %z")
    assert source.currency == "USD"
    assert source.properties["item_id"] == '"Lineitem sku"'


def test_statuses_tell_refunds_and_orders_never_paid(tmp_path: Path) -> None:
    source = proposed(shopify(tmp_path))
    assert source.returns is not None
    assert source.returns.when == "\"Financial Status\" = 'refunded'"
    assert source.where == "coalesce(\"Financial Status\", '') <> 'pending'"


def stripe(folder: Path) -> Path:
    dice = random.Random(3)
    rows: list[Sequence[object]] = [
        [
            "id",
            "Created (UTC)",
            "Amount",
            "Amount Refunded",
            "Currency",
            "Status",
            "Customer ID",
            "Customer Email",
            "Fee",
        ]
    ]
    for number in range(250):
        who = dice.randrange(70)
        when = f"2024-0{dice.randrange(1, 10)}-{dice.randrange(1, 29):02} 0{dice.randrange(10)}:15"
        status = dice.choice(["Paid", "Paid", "Paid", "Failed", "Refunded"])
        rows.append([f"ch_{number:08}", when, f"{dice.randrange(500, 9000) / 100:.2f}", "0.00", "eur", status,
                     f"cus_{who:06}", f"c{who}@mail.test", "0.55"])  # fmt: skip
    return table(folder / "unified_payments.csv", rows)


def test_payments_are_purchases_with_the_charge_as_order(tmp_path: Path) -> None:
    source = proposed(stripe(tmp_path))
    assert (source.event, source.at, source.value) == ("Order Completed", '"Created (UTC)"', "Amount")
    assert source.identifiers == {"customer_id": '"Customer ID"', "email": '"Customer Email"'}
    assert source.properties["order_id"] == "id"
    assert source.currency == "EUR"
    assert source.where == "coalesce(Status, '') <> 'Failed'"


def ga4(folder: Path) -> Path:
    dice = random.Random(4)
    head = "event_date,event_timestamp,event_name,user_pseudo_id,user_id,ga_session_id,device_category,geo_country"
    lines = [head + ",traffic_medium,page_location,transaction_id,purchase_revenue,item_name"]
    names = ["page_view"] * 6 + ["view_item"] * 4 + ["add_to_cart", "begin_checkout", "purchase", "session_start"]
    for number in range(900):
        who, name = dice.randrange(90), dice.choice(names)
        stamp = 1_700_000_000_000_000 + number * 61_000_000
        bought = name == "purchase"
        lines.append(
            f"20231115,{stamp},{name},{who}.1699{who:04},{'u' + str(who) if who % 5 == 0 else ''},{1700000000 + who},"
            f"{dice.choice(['mobile', 'desktop'])},{['Germany', 'France'][who % 2]},{dice.choice(['organic', 'cpc'])},"
            f"https://shop.test/p/{number % 17},{f'T{number}' if bought else ''},{'49.90' if bought else ''},Lamp"
        )
    path = folder / "bq-results.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_flat_analytics_events_keep_their_names_by_the_common_spec(tmp_path: Path) -> None:
    source = proposed(ga4(tmp_path))
    assert isinstance(source.event, EventColumn)
    assert source.event.column == "event_name"
    assert source.event.names["view_item"] == "Product Viewed"
    assert source.event.names["purchase"] == "Order Completed"


def test_flat_analytics_events_have_microseconds_two_ids_and_revenue(tmp_path: Path) -> None:
    source = proposed(ga4(tmp_path))
    assert (source.at, source.at_format) == ("event_timestamp", "unix_us")
    assert source.identifiers == {"user_id": "user_id", "anonymous_id": "user_pseudo_id"}
    assert source.value == "purchase_revenue"
    assert source.properties["session_id"] == "ga_session_id"


def test_prices_on_views_count_as_money_only_on_purchases(tmp_path: Path) -> None:
    dice = random.Random(5)
    rows: list[Sequence[object]] = [
        ["event_time", "event_type", "product_id", "brand", "price", "user_id", "user_session"]
    ]
    for number in range(400):
        kind = dice.choice(["view", "view", "cart", "remove_from_cart", "purchase"])
        rows.append([f"2019-10-01 00:0{number % 10}:1{number % 7} UTC", kind, 5_800_000 + number % 40, "runail",
                     dice.randrange(1, 30), 460_000_000 + number % 50, f"s{number % 120}"])  # fmt: skip
    source = proposed(table(tmp_path / "2019-Oct.csv", rows))
    assert source.value == "case when event_type = 'purchase' then price end"
    assert source.identifiers == {"user_id": "user_id"}


def crm(folder: Path) -> Path:
    rows: list[Sequence[object]] = [
        ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Mobile", "Lifecycle Stage", "Create Date",
         "Last Activity Date", "Country/Region", "Contact owner"]
    ]  # fmt: skip
    rows += [
        [900_000 + number, "Ana", f"Silva{number}", f"ana{number}@mail.test", f"+49 30 1234{number:04}",
         f"0170 55{number:05}" if number % 3 else "", ["lead", "customer"][number % 2],
         f"{number % 12 + 1}/{number % 28 + 1}/2022", "2024-01-01", "Germany", "Kim Lee"]
        for number in range(120)
    ]  # fmt: skip
    return table(folder / "hubspot-crm-exports-all-contacts.csv", rows)


def test_a_contact_export_becomes_profiles_with_every_way_to_reach_them(tmp_path: Path) -> None:
    source = proposed(crm(tmp_path))
    assert source.kind == "profiles"
    assert source.identifiers == {
        "customer_id": '"Record ID"',
        "email": "Email",
        "phone": 'coalesce("Phone Number", Mobile)',
    }


def test_a_contact_export_signs_people_up_when_they_were_created(tmp_path: Path) -> None:
    source = proposed(crm(tmp_path))
    assert (source.event, source.at, source.at_format) == ("Signed Up", '"Create Date"', "%m/%d/%Y")


def test_a_table_of_customers_without_times_becomes_traits(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["customerID", "gender", "tenure", "Contract", "MonthlyCharges", "Churn"]]
    rows += [[f"{n:04}-ABCD", "Female", n % 70, "One year", 20 + n / 10, ["Yes", "No"][n % 2]] for n in range(200)]
    source = proposed(table(tmp_path / "telco.csv", rows))
    assert (source.kind, source.at) == ("profiles", None)
    assert set(source.traits) == {"tenure", "monthly_charges", "known_churn"}


def test_profiles_take_the_identifier_under_which_events_know_the_same_values(tmp_path: Path) -> None:
    users: list[Sequence[object]] = [["object_id", "creation_time", "name", "plan"]]
    users += [[7 * n, "2020-01-05 10:00", f"N{n}", ["free", "pro"][n % 2]] for n in range(1, 101)]
    logins: list[Sequence[object]] = [["when", "user_id", "action"]]
    logins += [[f"2020-02-{n % 28 + 1:02}", 7 * (n % 100 + 1), "login"] for n in range(500)]
    files = [table(tmp_path / "people.csv", users), table(tmp_path / "log.csv", logins)]
    sources = settings.parse(propose(files, tmp_path).settings_text).sources
    assert sources["people"].identifiers == {"user_id": "object_id"}


def test_negative_quantities_and_marked_order_ids_are_returns(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["invoice", "customer_id", "date", "sku", "qty", "unit_price"]]
    for n in range(300):
        back = n % 20 == 0
        rows.append([f"{'R' if back else ''}{9000 + n}", n % 40, f"2021-05-{n % 28 + 1:02} 09:00:00", f"A{n % 9}",
                     -1 if back else 2, "3.5"])  # fmt: skip
    source = proposed(table(tmp_path / "lines.csv", rows))
    assert source.returns is not None
    assert source.returns.when == "starts_with(invoice, 'R') or qty < 0"


def test_a_file_without_header_gets_invented_names_and_a_question(tmp_path: Path) -> None:
    rows = [
        [f"{n % 60:05}", f"2020{n % 12 + 1:02}{n % 28 + 1:02}", n % 4 + 1, f"{(n % 4 + 1) * 9.99:.2f}"]
        for n in range(400)
    ]
    proposal = propose([table(tmp_path / "plain.txt", rows, "  ")], tmp_path)
    source = only(proposal)
    assert source.csv.columns == ["customer_id", "date", "quantity", "amount"]
    assert source.value == "amount"
    assert any("header" in question for question in proposal.questions)


def test_a_day_and_a_clock_in_two_columns_become_one_time(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["Card No", "Sale Date", "Sale Time", "Total"]]
    rows += [[n % 50, f"2022-03-{n % 28 + 1:02}", f"{n % 24:02}:{n % 60:02}", n / 3] for n in range(300)]
    source = proposed(table(tmp_path / "till.csv", rows))
    assert source.at == 'concat("Sale Date", \' \', "Sale Time")'
    assert source.at_format == "%Y-%m-%d %H:%M"


def test_nested_json_lines_are_opened_to_dotted_columns(tmp_path: Path) -> None:
    path = tmp_path / "track.jsonl"
    with path.open("w") as file:
        for n in range(200):
            event = {
                "event": ["Order Completed", "Product Viewed"][n % 2],
                "timestamp": f"2024-01-{n % 28 + 1:02}T10:00:00Z",
            }
            more = {"userId": f"u{n % 30}", "context": {"page": {"path": "/x"}}, "properties": {"total": n % 2 and 9.5}}
            file.write(json.dumps(event | more) + "\n")
    source = proposed(path)
    assert source.identifiers == {"user_id": "userId"}
    assert source.at == "timestamp"
    assert '"properties.total"' in (source.value or "")


def test_amounts_with_currency_signs_are_cleaned_by_the_expression(tmp_path: Path) -> None:
    lines = ["client_no\torder date\torder total"]
    lines += [f"{n % 40 + 500}\t{n % 12 + 1}/{n % 28 + 1}/2023 8:05 PM\t$1,{n:03}.50" for n in range(200)]
    path = tmp_path / "sales.tsv"
    path.write_text("\n".join(lines))
    source = proposed(path)
    assert source.value == "number(replace(replace(\"order total\", '$', ''), ',', ''))"
    assert source.at_format == "%m/%d/%Y %I:%M %p"


def test_dates_that_could_be_read_two_ways_raise_a_question(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["customer", "order_date", "amount"]]
    rows += [[f"c{n % 40}", f"{n % 12 + 1:02}/{n % 9 + 1:02}/2023", n] for n in range(200)]
    proposal = propose([table(tmp_path / "a.csv", rows)], tmp_path)
    assert any("day or month first" in question for question in proposal.questions)


def test_times_in_several_forms_are_left_to_the_run_to_recognise(tmp_path: Path) -> None:
    forms = ["2023-01-{:02}", "2023-01-{:02}", "2023-01-{:02}", "{:02}.01.2023"]
    rows: list[Sequence[object]] = [["customer", "order_date", "amount"]]
    rows += [[f"c{n % 40}", forms[n % 4].format(n % 28 + 1), n] for n in range(400)]
    proposal = propose([table(tmp_path / "a.csv", rows)], tmp_path)
    assert only(proposal).at_format is None
    assert any("another form" in question for question in proposal.questions)


def test_a_name_serves_as_id_where_nothing_else_does(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["Kunde", "Datum", "Umsatz"]]
    rows += [[f"Max Muster {n % 40}", f"2023-01-{n % 28 + 1:02}", n] for n in range(300)]
    proposal = propose([table(tmp_path / "a.csv", rows)], tmp_path)
    assert only(proposal).identifiers == {"customer_id": "Kunde"}
    assert any("name" in question for question in proposal.questions)


def test_a_table_of_products_is_left_out(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["product_id", "category", "weight"]]
    rows += [[f"P{n}", "toys", n] for n in range(50)]
    proposal = propose([table(tmp_path / "catalogue.csv", rows)], tmp_path)
    assert settings.parse(proposal.settings_text).sources == {}
    assert "product" in proposal.questions[0]


def test_the_format_is_named_where_the_suffix_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "track.log"
    path.write_text("".join(f'{{"user_id": "u{n % 9}", "ts": "2024-01-01T10:00:0{n % 9}Z"}}\n' for n in range(60)))
    assert only(propose([path], tmp_path)).format == "json"


def test_files_of_one_layout_are_one_source(tmp_path: Path) -> None:
    files = []
    for month in ("01", "02", "03"):
        rows: list[Sequence[object]] = [["customer_id", "order_date", "amount"]]
        rows += [[n % 30, f"2023-{month}-{n % 28 + 1:02}", n] for n in range(90)]
        files.append(table(tmp_path / f"orders_2023_{month}.csv", rows))
    assert only(propose(files, tmp_path)).path == "orders_2023_0*.csv"


def test_a_regular_panel_is_left_out_with_a_question(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["Id", "week", "holiday", "temperature"]]
    rows += [[who, f"2023-01-{day:02}", day % 2, day / 7] for who in range(40) for day in range(1, 29, 7)]
    rows += [[who, f"2023-02-{day:02}", day % 2, day / 7] for who in range(40) for day in range(1, 29, 7)]
    proposal = propose([table(tmp_path / "covariates.csv", sorted(rows[1:], key=str)), german(tmp_path)], tmp_path)
    assert set(settings.parse(proposal.settings_text).sources) == {"auftraege"}
    assert any("panel" in question for question in proposal.questions)


def test_a_file_in_which_nobody_is_named_is_taken_row_by_row(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [["recency", "history", "mens", "channel", "spend"]]
    rows += [[n % 12, n * 1.5, n % 2, ["Phone", "Web"][n % 2], n % 7] for n in range(100)]
    proposal = propose([table(tmp_path / "mailing.csv", rows)], tmp_path)
    source = only(proposal)
    assert (source.kind, source.identifiers, proposal.questions) == ("profiles", {}, [])
    assert "kind: profiles  # a row is a customer; no id: they are row:1, row:2, ..." in proposal.settings_text


def test_a_bad_file_costs_the_others_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04rubbish")
    proposal = propose(
        [tmp_path / "empty.csv", tmp_path / "book.xlsx", german(tmp_path), tmp_path / "gone.csv"], tmp_path
    )
    assert set(settings.parse(proposal.settings_text).sources) == {"auftraege"}
    assert sum(note.startswith("left out") for note in proposal.notes) == 3


def test_when_no_file_can_be_read_every_reason_is_given(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("\n\n")
    with pytest.raises(SourceError, match=r"(?s)empty\.csv.*nowhere\.csv"):
        propose([tmp_path / "empty.csv", tmp_path / "nowhere.csv"], tmp_path)


def test_ten_thousand_columns_still_give_a_mapping(tmp_path: Path) -> None:
    head = ["customer_id", "order_date", "amount", *(f"x{n}" for n in range(10_000))]
    rows: list[Sequence[object]] = [head]
    rows += [[n % 9, f"2023-01-{n + 1:02}", n, *([n] * 10_000)] for n in range(25)]
    source = proposed(table(tmp_path / "wide.csv", rows))
    assert source.value == "amount"
    assert len(source.properties) <= 100


@pytest.mark.parametrize("content", ["just one column\nhello\nworld\n", "a,b\n1,2\n"])
def test_odd_small_files_give_valid_settings(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    settings.parse(propose([path], tmp_path).settings_text)


def test_hostile_headers_and_values_cannot_break_out_of_the_text(tmp_path: Path) -> None:
    head = 'customer_id;"a: b # c";"line\tbreak";{x};\'y\';"say ""hi""";-;order_date;amount;null;"%"'
    lines = [head] + [f"{n % 9};\u2028: #;[;{{;'; \\;&;2023-01-0{n % 9 + 1};{n};*;!" for n in range(60)]
    path = tmp_path / "hostile.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert proposed(path).value == "amount"


def test_questions_stand_in_the_text_as_they_are_returned(tmp_path: Path) -> None:
    from shoal.unify.doctor import questions

    rows = [[f"{n % 60:05}", f"2020{n % 12 + 1:02}{n % 28 + 1:02}", n % 4 + 1] for n in range(400)]
    proposal = propose([table(tmp_path / "plain.txt", rows, "|"), crm(tmp_path)], tmp_path)
    assert sorted(questions(proposal.settings_text)) == sorted(proposal.questions)
    assert proposal.questions


def test_paths_are_written_relative_to_the_workspace(tmp_path: Path) -> None:
    path = german(tmp_path)
    assert only(propose([path], tmp_path / "shop")).path == "../auftraege.csv"


def test_a_gzip_file_gives_the_same_mapping(tmp_path: Path) -> None:
    plain = proposed(german(tmp_path))
    packed = tmp_path / "auftraege.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "auftraege.csv").read_bytes()))
    assert proposed(packed).model_copy(update={"path": plain.path}) == plain


def test_settings_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").write_text("name: mine\n")
    with pytest.raises(UsageError, match="--force"):
        write([german(tmp_path)], tmp_path)
    assert (tmp_path / "shoal.yaml").read_text() == "name: mine\n"


def test_settings_are_replaced_when_forced(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").write_text("name: mine\n")
    proposal = write([german(tmp_path)], tmp_path, force=True)
    assert (tmp_path / "shoal.yaml").read_text(encoding="utf-8") == proposal.settings_text


REAL = {
    "online_retail": ("online_retail.csv.gz", "Quantity * UnitPrice", {"customer_id": "CustomerID"}),
    "cdnow_sample": ("CDNOW_sample.txt", "amount", {"customer_id": "customer_id"}),
    "apparel_clv": ("apparelTrans.csv", "Price", {"customer_id": "Id"}),
    "eshop_clickstream": ("e-shop clothing 2008_apr-jul.csv.gz", None, {"anonymous_id": '"session ID"'}),
    "relax_saas": ("takehome_user_engagement.csv.gz", None, {"user_id": "user_id"}),
    "retentioneering_ecom_synthetic": ("ecom.csv.gz", None, {"user_id": "user_id"}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_mapped_unedited(data_dir: Path, name: str) -> None:
    file, value, identifiers = REAL[name]
    if not (data_dir / name / file).exists():
        pytest.skip(f"{name} is not present")
    source = proposed(data_dir / name / file)
    assert (source.value, source.identifiers) == (value, identifiers)


@settings_of_hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(alphabet="ab,;\t|\"'\n\r #:{}[]01-./@\x00é\u2028", max_size=300).map(str.encode),
        st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), max_size=8).map(
            lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
        ),
    )
)
def test_any_bytes_give_valid_settings_or_a_clear_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    refused = ""
    try:
        settings.parse(propose([path], tmp_path).settings_text)
    except SourceError as error:
        refused = str(error)
    assert not refused or "Remedy" in refused
