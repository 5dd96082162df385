"""What `init` proposes to predict, for tables whose names and values nobody knows beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from shoal import settings
from shoal.unify.propose import Proposal, propose


def proposed(folder: Path, name: str, values: Sequence[object], *more: tuple[str, Sequence[object]]) -> Proposal:
    """A table of 90 customers with an amount and the column `name`, whose values come round again."""
    columns = [("customer_id", [f"c{n}" for n in range(90)]), ("amount", range(90)), (name, values), *more]
    lines = [",".join(_cell(column) for column, _ in columns)]
    lines += [",".join(_cell(column[n % len(column)]) for _, column in columns) for n in range(90)]
    (folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return propose([folder / "people.csv"], folder)


def _cell(value: object) -> str:
    return '"' + str(value).replace('"', '""') + '"'


def labels(made: Proposal) -> dict[str, str | None]:
    return {one.name: one.label for one in settings.parse(made.settings_text).objectives}


@pytest.mark.parametrize(
    ("name", "values", "label"),
    [
        ("Churn", ["No", "Yes", "No"], "known_churn = 'Yes'"),
        ("Converted", [0, 1], "known_converted = 1"),
        ("Revenue", ["FALSE", "TRUE"], "known_revenue = true"),
        ("y", ["no", "yes"], "known_y = 'yes'"),
        ("Exited", ["0.0", "1.0"], "known_exited = 1"),
        ("is_churned", ["Y", "N"], "known_is_churned = 'Y'"),
        ("Attrition_Flag", ["Existing Customer", "Attrited Customer"], "known_attrition_flag = 'Attrited Customer'"),
        ("target", ["Yes", "no", "YES", ""], "known_target in ('YES', 'Yes')"),
        ("gekündigt", ["ja", "nein"], "known_gekundigt = 'ja'"),
        ("Churn Status", ['it\'s "over", churned', "stays"], "known_churn_status = 'it''s \"over\", churned'"),
    ],
)
def test_a_column_of_two_values_named_after_an_outcome_is_what_to_predict(
    tmp_path: Path, name: str, values: Sequence[object], label: str
) -> None:
    made = proposed(tmp_path, name, values)
    assert list(labels(made).values()) == [label]
    assert not made.questions


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("plan", ["a", "b"]),
        ("opted_in_to_mailing_list", [0, 1]),
        ("revenue", [0.5, 17.25]),
        ("churn", ["Yes", "Yes"]),
        ("churn_score", range(30)),
        ("response", ["a", "b", "c"]),
    ],
)
def test_other_columns_are_not(tmp_path: Path, name: str, values: Sequence[object]) -> None:
    assert labels(proposed(tmp_path, name, values)) == {}


def test_two_outcomes_are_asked_about_and_the_surer_is_taken(tmp_path: Path) -> None:
    made = proposed(tmp_path, "default", ["no", "no", "yes"], ("y", ["yes", "no"]))
    assert labels(made) == {"y": "known_y = 'yes'"}
    assert made.questions == ["objectives.y.label: is y what to predict, or default?"]
    assert "# ? objectives.y.label: is y what to predict, or default?\n  - name: y\n" in made.settings_text


def test_an_outcome_written_twice_is_one_question_less_and_no_input(tmp_path: Path) -> None:
    made = proposed(tmp_path, "Churn Label", ["Yes", "No", "No"], ("Churn Value", [1, 0, 0]))
    (one,) = settings.parse(made.settings_text).objectives
    assert (one.label, one.exclude, made.questions) == ("known_churn_label = 'Yes'", ["churn_value"], [])


def test_a_value_that_does_not_say_yes_is_asked_about(tmp_path: Path) -> None:
    made = proposed(tmp_path, "outcome", ["red", "green", "green"])
    assert labels(made) == {"outcome": "known_outcome = 'red'"}
    assert "or the other value?" in made.questions[0]


def test_what_is_known_and_what_is_predicted_have_names_of_their_own(tmp_path: Path) -> None:
    made = settings.parse(proposed(tmp_path, "Churn", ["No", "Yes"]).settings_text)
    assert made.objectives[0].name == "churn"
    assert made.sources["people"].traits["known_churn"] == "Churn"


def test_the_share_and_the_blanks_are_the_evidence(tmp_path: Path) -> None:
    text = proposed(tmp_path, "converted", [1, 0, 0, 0, ""]).settings_text
    assert "25.0 % of the rows are 1; 20 % are blank: these are scored, not learned from" in text


def test_codes_are_proposed_as_texts(tmp_path: Path) -> None:
    made = proposed(tmp_path, "TrafficType", [1, 2, 3, 7])
    (source,) = settings.parse(made.settings_text).sources.values()
    assert source.traits["traffic_type"] == "text(TrafficType)"


def test_a_table_that_nothing_names_asks_nothing(tmp_path: Path) -> None:
    (tmp_path / "sessions.csv").write_text("pages,bought\n" + "".join(f"{n % 9},{n % 2}\n" for n in range(60)))
    made = propose([tmp_path / "sessions.csv"], tmp_path)
    (source,) = settings.parse(made.settings_text).sources.values()
    assert (source.kind, source.identifiers, made.questions) == ("profiles", {}, [])
    assert labels(made) == {"bought": "known_bought = 1"}


def test_prose_that_nothing_names_is_held_back(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n" + "".join(f"line {n},word {n}\n" for n in range(30)))
    made = propose([tmp_path / "notes.csv"], tmp_path)
    assert not settings.parse(made.settings_text).sources
    assert "no column says which customer a row is" in made.questions[0]


def test_a_table_that_nothing_names_is_held_back_beside_one_that_names_people(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("pages,plan\n" + "".join(f"{n % 9},{n % 2}\n" for n in range(60)))
    (tmp_path / "b.csv").write_text("customer_id,plan\n" + "".join(f"c{n},{n % 2}\n" for n in range(60)))
    made = propose([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path)
    assert list(settings.parse(made.settings_text).sources) == ["b"]


def orders(folder: Path, days: int, head: str = "customer_id,order_id,date,amount") -> Proposal:
    rows = [f"c{n % 9},o{n},2024-{n % days // 28 + 1:02}-{n % days % 28 + 1:02},{n}.5" for n in range(300)]
    (folder / "orders.csv").write_text("\n".join([head, *rows]) + "\n")
    return propose([folder / "orders.csv"], folder)


def test_orders_over_months_serve_retention(tmp_path: Path) -> None:
    made = orders(tmp_path, 200)
    assert settings.parse(made.settings_text).goal == "retention"
    assert "goal: retention  # predicts who will not buy again" in made.settings_text


def test_orders_of_a_month_serve_no_goal(tmp_path: Path) -> None:
    assert settings.parse(orders(tmp_path, 28).settings_text).goal is None


def test_log_ins_over_months_serve_engagement(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 9},2024-0{n % 9 + 1}-11T10:00:00\n" for n in range(200))
    (tmp_path / "logins.csv").write_text("user_id,time\n" + rows)
    made = propose([tmp_path / "logins.csv"], tmp_path)
    assert settings.parse(made.settings_text).goal == "engagement"


def test_sessions_of_nobody_serve_no_goal(tmp_path: Path) -> None:
    rows = "".join(f"s{n % 90},2024-0{n % 9 + 1}-11T10:00:00,/p{n % 5}\n" for n in range(200))
    (tmp_path / "clicks.csv").write_text("session_id,time,page\n" + rows)
    made = propose([tmp_path / "clicks.csv"], tmp_path)
    assert settings.parse(made.settings_text).goal is None
