"""Workspaces that are tables of customers, and traits in rules, as a user meets them: from `init` to `explain`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from shoal import tables
from shoal.errors import NotFound
from shoal.workspace import Workspace
from shop import write_orders

HEAD = "customerID,Contract,Tenure,Charges,TotalCharges,PaperlessBilling,gender,Churn\n"


def customers(count: int = 240) -> list[str]:
    """Two kinds of customers, and one without a total yet."""
    chance = random.Random(1)
    lines = []
    for place in range(count):
        stays = place % 2
        tenure = chance.randint(40, 70) if stays else chance.randint(1, 20)
        charges = chance.uniform(20, 30) if stays else chance.uniform(70, 90)
        total = " " if place == 3 else f"{tenure * charges:.2f}"
        says = ("Two year", "No") if stays else ("Month-to-month", "Yes")
        lines.append(
            f"C-{place:04},{says[0]},{tenure},{charges:.2f},{total},{chance.choice(['Yes', 'No'])},"
            f"{chance.choice(['Male', 'Female'])},{says[1] if chance.random() < 0.8 else 'No'}\n"
        )
    return lines


def workspace(folder: Path, text: str, name: str = "customers.csv") -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    Workspace.init(folder, [folder / name])
    return Workspace(folder)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A table of customers, run as `init` proposed it."""
    made = workspace(tmp_path_factory.mktemp("telco"), HEAD + "".join(customers()))
    made.run()
    return made


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Sessions that nothing names, two of them alike."""
    lines = [line.split(",", 1)[1] for line in customers(120)]
    made = workspace(tmp_path_factory.mktemp("sessions"), HEAD.split(",", 1)[1] + "".join([*lines, lines[0]]))
    made.run()
    return made


def test_a_table_of_customers_has_people_and_an_empty_table_of_events(ran: Workspace) -> None:
    told = ran.last_run()
    assert (told.rows["profiles"], told.rows["features"], told.rows["events"]) == (240, 240, 0)
    assert ran.table("events").to_arrow().schema.names == tables.EVENTS.names


def test_a_number_written_as_text_with_blanks_is_a_number(ran: Workspace) -> None:
    column = ran.table("features").to_arrow()["total_charges"]
    assert (column.type, column.null_count) == (pa.float64(), 1)


def test_segments_are_of_traits_and_cover_everybody_once(ran: Workspace) -> None:
    found = [one for one in ran.segments if one.kind == "discovered"]
    assert sum(one.size for one in found) == 240
    assert any("contract = 'Two year'" in one.rule or "tenure" in one.rule for one in found)
    assert not {"rfm", "value", "lifecycle", "intent"} & {one.kind for one in ran.segments}


def test_what_an_objective_predicts_makes_no_segment_and_is_told_of_each(ran: Workspace) -> None:
    told = ran.last_run()
    assert told.discovery is not None
    assert told.discovery.dropped["known_churn = 'Yes'"] == "not used: an objective predicts it"
    assert not any("churn" in one.rule for one in told.segments if one.kind == "discovered")
    assert all(one.brief.value.startswith("Known churn: ") for one in told.segments)


def test_protected_traits_are_in_no_input_rule_or_brief(ran: Workspace) -> None:
    told = ran.last_run()
    assert told.discovery is not None
    assert told.discovery.dropped["gender"] == "not used: a protected trait"
    assert "gender" not in "".join(one.model_dump_json() for one in told.segments)


def test_the_next_period_is_not_enough_data_and_the_other_checks_are_made(ran: Workspace) -> None:
    results: dict[str, set[str]] = {}
    for one in ran.last_run().verdicts:
        results[one.check] = {*results.get(one.check, ()), one.result}
    for check in ("difference", "persistence", "contrast"):
        assert results[check] == {"not enough data"}
    assert "not enough data" not in results["stability"] | results["size"]


def test_every_segment_is_audited_by_the_protected_trait(ran: Workspace) -> None:
    part = ran.runs.current().read_part("validate")
    assert part["fairness"]["traits"] == ["gender"]
    audited = {one["name"] for one in part["segments"] if one["kind"] in ("discovered", "predictive")}
    assert {row["segment"] for row in part["fairness"]["makeup"]} == audited
    judged = [one["subject"] for one in part["verdicts"] if one["check"] == "reach parity"]
    assert sorted(judged) == sorted(audited)


def test_a_person_shows_traits_once_and_no_empty_span_of_time(ran: Workspace) -> None:
    found = ran.profile("C-0003")
    assert found["traits"]["contract"] == "Two year"
    assert not set(found["traits"]) & set(found["features"])
    assert (found["first_seen"], found["timeline"]) == (None, [])


def test_a_segment_of_traits_is_explained_clause_by_clause(ran: Workspace) -> None:
    members = ran.table("memberships").to_arrow().to_pylist()
    first = members[0]
    assert ran.explain(first["segment"], first["profile_id"])["member"] is True
    with pytest.raises(NotFound, match=r"has no event.*leave out `--at`"):
        ran.explain(first["segment"], first["profile_id"], at="2024-01-01")


def test_the_report_says_that_nothing_later_judges_them(ran: Workspace) -> None:
    page = (ran.folder / "report.html").read_text(encoding="utf-8")
    assert "there is no later period" in page
    assert "contract is Two year" in page


def test_two_runs_on_the_same_file_agree(ran: Workspace) -> None:
    before = ran.last_run()
    again = ran.run()
    assert (again.as_of, again.segments) == (before.as_of, before.segments)


def test_as_of_is_the_day_the_file_was_written_unless_asked_for(tmp_path: Path) -> None:
    made = workspace(tmp_path, HEAD + "".join(customers(20)))
    os.utime(tmp_path / "customers.csv", (1_700_000_000, 1_700_000_000))
    assert made.run().as_of == "2023-11-14T00:00:00+00:00"
    assert made.run(as_of="2024-02-03").as_of == "2024-02-03T00:00:00+00:00"


def test_a_date_of_creation_gives_sign_ups_and_the_time_since(tmp_path: Path) -> None:
    lines = "".join(f"L{n},2023-{n % 12 + 1:02}-{n % 28 + 1:02},{'abc'[n % 3]},{n % 4 == 0}\n" for n in range(120))
    made = workspace(tmp_path, "lead_id,created_at,source,won\n" + lines)
    told = made.run()
    assert (told.rows["events"], told.as_of) == (120, "2023-12-28T00:00:00+00:00")
    names = made.table("features").to_arrow().column_names
    assert names == ["profile_id", "as_of", "tenure_days", "channel", "known_won", "person"]
    assert told.comparison is None


def test_rows_that_nothing_names_are_people_of_their_own_however_alike(nameless: Workspace) -> None:
    told = nameless.last_run()
    assert told.rows["profiles"] == told.rows["identifiers"] == 121
    assert (told.quality[0].duplicates, told.quality[0].quarantined) == (1, 0)
    assert nameless.profile("row:121")["traits"] == nameless.profile("1")["traits"]


def test_row_numbers_join_scores_and_traits_back_to_the_file(nameless: Workspace) -> None:
    joined = nameless.table("identifiers").sql(
        "select cast(value as int) as n, tenure from identifiers join profiles using (profile_id) "
        "where type = 'row' order by n"
    )
    assert joined["tenure"].to_pylist()[:120] == [float(line.split(",")[2]) for line in customers(120)]


def test_people_of_rows_stay_the_same_while_the_file_grows(tmp_path: Path) -> None:
    made = workspace(tmp_path, "spend,plan\n" + "5,a\n6,b\n6,b\n")
    people = []
    for _ in range(2):
        made.run()
        known = made.table("identifiers").to_arrow()
        people.append(dict(zip(known["value"].to_pylist(), known["profile_id"].to_pylist(), strict=True)))
        with (tmp_path / "customers.csv").open("a") as file:
            file.write("6,b\n1,a\n")
    assert [len(one) for one in people] == [3, 5]
    assert people[0].items() <= people[1].items()


def test_equal_rows_without_a_name_are_dropped_where_it_is_asked_for(tmp_path: Path) -> None:
    made = workspace(tmp_path, "spend,plan\n" + "5,a\n" * 3 + "6,b\n5,b\n6,a\n")
    settings = yaml.safe_load((tmp_path / "shoal.yaml").read_text())
    settings["sources"]["customers"]["duplicates"] = "drop"
    (tmp_path / "shoal.yaml").write_text(yaml.safe_dump(settings))
    assert Workspace(tmp_path).run().quality[0].reasons == {"duplicate": 2}
    assert made.profile("row:4")["traits"] == {"spend": 6.0, "plan": "b"}


def test_two_files_without_names_do_not_share_their_people(tmp_path: Path) -> None:
    for name in ("shops", "visits"):
        (tmp_path / f"{name}.csv").write_text("spend,plan\n5,a\n6,a\n6,b\n")
    source = {"kind": "profiles", "traits": {"spend": "spend"}}
    sources = {name: {"path": f"{name}.csv", **source} for name in ("shops", "visits")}
    (tmp_path / "shoal.yaml").write_text(yaml.safe_dump({"sources": sources}))
    made = Workspace(tmp_path)
    assert made.run().rows["profiles"] == 6
    assert set(made.table("identifiers").to_arrow()["type"].to_pylist()) == {"row", "row_visits"}


def test_of_rows_with_one_id_the_last_value_of_each_trait_counts_and_it_is_told(tmp_path: Path) -> None:
    made = workspace(tmp_path, "customer_id,plan,spend\n" + "".join(f"c{n},a,{n}\n" for n in range(50)) + "c7,b,\n")
    told = made.run()
    assert any("1 row has the identifiers of an earlier one" in note for note in told.notes)
    assert made.profile("c7")["traits"] == {"plan": "b", "spend": 7.0}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("customer_id,plan\n" + "".join(f"c{n},{'ab'[n % 2]}\n" for n in range(5)), id="five rows"),
        pytest.param("customer_id\n" + "".join(f"c{n}\n" for n in range(60)), id="an id and nothing else"),
        pytest.param("customer_id,a,b\n" + "".join(f"c{n},,NULL\n" for n in range(60)), id="columns of nulls"),
        pytest.param("customer_id,plan,churn\n" + "".join(f"c{n},a,No\n" for n in range(60)), id="constants"),
    ],
)
def test_a_table_that_tells_nothing_runs_and_says_so(tmp_path: Path, text: str) -> None:
    told = workspace(tmp_path, text).run()
    assert told.rows["profiles"] == text.count("\n") - 1
    assert any(note.startswith("not enough data") for note in told.notes)


def test_a_trait_called_revenue_is_not_what_customers_spent(tmp_path: Path) -> None:
    lines = "".join(f"c{n},{n % 9},{n * 3.5},{n % 40},{n % 3 == 0}\n" for n in range(80))
    told = workspace(tmp_path, "customer_id,orders,revenue,recency_days,views\n" + lines).run()
    assert {one.kind for one in told.segments} == {"discovered"}
    assert all(one.value_share is None for one in told.segments)


# Traits beside events


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Workspace]:
    """Orders, with a table of customers beside them or without, and segments of one's own."""

    def make(traits: bool) -> Workspace:
        folder = tmp_path_factory.mktemp("shop")
        write_orders(folder / "orders.csv")
        lines = "".join(f"{10_000 + n},{'ab'[n % 2]},{n % 7},2024-0{n % 9 + 1}-01,{n}\n" for n in range(200))
        (folder / "customers.csv").write_text("Customer ID,plan,visits,renewal,orders\n" + lines)
        names = ["orders.csv", "customers.csv"][: 1 + traits]
        Workspace.init(folder, [folder / name for name in names])
        if traits:
            (folder / "segments").mkdir()
            (folder / "segments" / "a.yaml").write_text("rule: plan = 'a' and orders >= 3\n")
            (folder / "segments" / "due.yaml").write_text("rule: renewal is not null and visits > 3\n")
        made = Workspace(folder)
        settings = yaml.safe_load((folder / "shoal.yaml").read_text())
        settings["sources"]["orders"]["identifiers"] = {"customer_id": "Customer ID"}
        if traits:
            columns = {"plan": "plan", "visits": "visits", "renewal": "time(renewal)", "orders": "orders"}
            settings["sources"]["customers"] = {
                "path": "customers.csv",
                "kind": "profiles",
                "identifiers": {"customer_id": "Customer ID"},
                "traits": columns,
            }
        (folder / "shoal.yaml").write_text(yaml.safe_dump(settings))
        made.run()
        return made

    return make


@pytest.fixture(scope="module")
def mixed(shop: Callable[[bool], Workspace]) -> Workspace:
    return shop(True)


def test_discovery_of_behaviour_does_not_see_traits(mixed: Workspace, shop: Callable[[bool], Workspace]) -> None:
    plain = shop(False).last_run()
    with_traits = mixed.last_run()
    ours = [one for one in with_traits.segments if one.kind != "rule"]
    assert [(one.name, one.rule, one.size, one.brief) for one in ours] == [
        (one.name, one.rule, one.size, one.brief) for one in plain.segments
    ]
    assert with_traits.comparison == plain.comparison


def test_a_rule_reads_traits_and_is_judged_on_the_next_period(mixed: Workspace) -> None:
    own = mixed.segment("a")
    known = mixed.table("features").to_arrow().to_pylist()
    assert own.size == sum(row["plan"] == "a" and row["orders"] >= 3 for row in known) > 0
    assert own.next_period["revenue"].value is not None


def test_a_rule_over_a_trait_that_is_a_time_is_not_judged_on_a_time_before_it(mixed: Workspace) -> None:
    assert mixed.segment("due").size > 0
    assert mixed.segment("due").next_period == {}
    assert "renewal" not in mixed.table("features_before").to_arrow().column_names
    assert "plan" in mixed.table("features_before").to_arrow().column_names


def test_a_feature_keeps_its_name_and_the_trait_of_that_name_is_told_of(mixed: Workspace) -> None:
    assert any("trait 'orders' is left out" in note for note in mixed.last_run().notes)
    part = mixed.runs.current().read_part("features")
    assert sorted(part["traits"]) == ["plan", "renewal", "visits"]
    assert part["meta"]["visits"] == {"label": "visits", "unit": "count", "theme": "trait"}
    assert part["meta"]["orders"]["theme"] == "rhythm"


def test_a_rule_over_traits_is_explained_as_of_an_earlier_instant(mixed: Workspace) -> None:
    found = mixed.explain("a", "10000", at="2024-06-01")
    actual = {name: value for clause in found["clauses"] for name, value in clause["actual"].items()}
    assert actual["plan"] == "a"
    assert 0 < actual["orders"] < mixed.profile("10000")["features"]["orders"]


# Real data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "file", "people", "label"),
    [
        ("telco_churn", "WA_Fn-UseC_-Telco-Customer-Churn.csv", 7_043, "known_churn = 'Yes'"),
        ("online_shoppers", "online_shoppers_intention_dev.csv", 8_157, "known_revenue = true"),
        ("x_education_leads", "Lead Scoring.csv", 9_240, "known_converted = 1"),
    ],
)
def test_real_tables_run_as_init_proposed(
    tmp_path: Path, data_dir: Path, folder: str, file: str, people: int, label: str
) -> None:
    Workspace.init(tmp_path, [data_dir / folder / file])
    made = Workspace(tmp_path)
    assert [one.label for one in made.settings.objectives] == [label]
    told = made.run()
    assert told.rows["profiles"] == told.rows["features"] == people
    found = [one for one in told.segments if one.kind == "discovered"]
    assert sum(one.size for one in found) == people
    assert not any(label.split()[0] in one.rule for one in found)
