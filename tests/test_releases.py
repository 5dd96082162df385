"""What people decided, summed up; and which segment a name means."""

from __future__ import annotations

import pytest

from shoal.errors import NotFound
from shoal.releases import overlay, pick, standing
from shoal.summary import Brief, Release, Segment


def release(version: int, decision: str, name: str = "Loyal", rule: str = "a > 1") -> Release:
    return Release.model_validate(
        {
            "segment": name,
            "version": version,
            "kind": "rule",
            "rule": rule,
            "size": 9,
            "decision": decision,
            "at": "",
            "by": "",
        }
    )


def segment(version: int, status: str, name: str = "Loyal", rule: str = "a > 1") -> Segment:
    return Segment(
        name=name, version=version, kind="rule", status=status, rule=rule, words="", size=1, share=1.0,
        brief=Brief(headline=""),
    )  # fmt: skip


def test_the_version_approved_last_stands() -> None:
    decided = standing([release(1, "approved"), release(2, "approved")])
    assert decided.approved["Loyal"].version == 2
    assert not decided.retired


def test_retiring_a_version_that_does_not_stand_ends_no_other() -> None:
    decided = standing([release(1, "approved"), release(2, "retired")])
    assert decided.approved["Loyal"].version == 1


def test_what_was_retired_may_be_approved_again() -> None:
    decided = standing([release(1, "approved"), release(1, "retired"), release(1, "approved")])
    assert decided.status("Loyal", 1, "a > 1") == "released"


def test_a_decision_is_about_a_rule_not_a_number_alone() -> None:
    assert standing([release(1, "approved")]).status("Loyal", 1, "a > 2") == ""


def test_decisions_since_the_run_show_in_its_segments() -> None:
    found = overlay(
        [segment(1, "released"), segment(2, "draft", rule="a > 2"), segment(1, "refused", "Other")],
        [release(1, "approved"), release(2, "approved", rule="a > 2")],
    )
    assert [one.status for one in found] == ["retired", "released", "refused"]


BOTH = [segment(1, "released"), segment(2, "draft", rule="a > 2"), segment(1, "draft", "Mail @2")]


@pytest.mark.parametrize(("wanted", "version"), [("Loyal", 1), ("loyal@2", 2), ("LOYAL@1", 1)])
def test_a_name_means_the_released_version_and_a_number_that_version(wanted: str, version: int) -> None:
    assert pick(BOTH, wanted).version == version


def test_where_something_is_to_be_decided_a_name_means_the_draft() -> None:
    assert pick(BOTH, "Loyal", undecided=True).version == 2
    assert pick(BOTH[:1], "Loyal", undecided=True).version == 1


def test_a_name_that_looks_like_an_address_is_still_a_name() -> None:
    assert pick(BOTH, "Mail @2").name == "Mail @2"


@pytest.mark.parametrize(
    ("wanted", "says"), [("Loyale", "Did you mean 'Loyal'"), ("Loyal@3", "Known: Loyal@1 .released.")]
)
def test_what_there_is_not_is_said_with_what_there_is(wanted: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        pick(BOTH, wanted)
