"""Files in `segments/`: what they may say of a budget, and every fault at once with its file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from shoal.define.segment import SegmentFile, load_segments
from shoal.define.select import first_of
from shoal.errors import ExpressionError, SettingsError

PEOPLE = pa.table({"churn": [0.9, 0.8, 0.7, 0.1], "clv": [1.0, 2.0, 3.0, 4.0]})


def written(folder: Path, **files: str) -> Path:
    (folder / "segments").mkdir()
    for name, text in files.items():
        (folder / "segments" / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(("budget", "people"), [("2", 2), ("1", 1), ("500", 3), ("67%", 2), ("100 %", 3), ("0.5%", 1)])
def test_a_budget_takes_the_best_of_the_rule(tmp_path: Path, budget: str, people: int) -> None:
    made = load_segments(written(tmp_path, save=f"rule: churn >= 0.5\nbudget: {budget}\nby: clv\n"))[0]
    rule = made.resolved(PEOPLE).rule
    assert (first_of([rule], PEOPLE) == 0).tolist() == [False] * (3 - people) + [True] * people + [False]


def test_a_budget_of_everybody_needs_no_rule_beside_it() -> None:
    assert SegmentFile(name="x", rule="true", budget=1, by="clv").resolved(PEOPLE).rule == "(clv) >= 4"


def test_every_wrong_budget_is_told_with_its_file(tmp_path: Path) -> None:
    wrong = {
        "zero": "rule: a\nby: b\nbudget: 0",
        "half": "rule: a\nby: b\nbudget: 1.5",
        "yes": "rule: a\nby: b\nbudget: true",
        "much": "rule: a\nby: b\nbudget: 101%",
        "alone": "rule: a\nbudget: 5",
        "lonely": "rule: a\nby: b",
    }
    with pytest.raises(SettingsError) as caught:
        load_segments(written(tmp_path, **wrong))
    told = {fault.file: fault.what for fault in caught.value.faults}
    assert set(told) == {f"segments/{name}.yaml" for name in wrong}
    assert all("budget" in what for what in told.values())


def test_a_segment_knows_its_file_under_another_name(tmp_path: Path) -> None:
    assert load_segments(written(tmp_path, vip="name: Very important\nrule: clv > 1"))[0].file == "segments/vip.yaml"


def test_a_wrong_formula_is_told_in_its_own_text() -> None:
    with pytest.raises(ExpressionError, match="unknown column 'clw'") as caught:
        SegmentFile(name="x", rule="churn > 0.5", budget=3, by="clw").resolved(PEOPLE)
    assert caught.value.text == "clw"
