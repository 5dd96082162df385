"""What a contest comes to: the winner's segments are there and marked, and micro-segments say where they are."""

from __future__ import annotations

import numpy as np
import pytest

from model.boards import Cutting, board, by_evening, by_money, fight, jury, shoppers
from model.pasts import META, features, foreseen, table_of
from shoal.model import tiers
from shoal.model.contest import Contest
from shoal.model.distil import distil
from shoal.model.outcome_tree import OutcomeTreeRecipe
from shoal.model.proposal import LONGEST, drafts, inside, marked, proposal
from shoal.model.rules import Cut, assign, select
from shoal.summary import Brief, Segment, Subgroup, Subgroups


def won_by(money: bool) -> Contest:
    columns = shoppers(800)
    judge = jury(by_money(columns) if money else by_evening(columns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shoal.model.contest.ROUNDS", 2)
        patch.setattr("shoal.validate.explained.DRAWS", 100)
        found = fight(columns, judge, {"evening": Cutting("evening_share")})
    assert found is not None
    return found


@pytest.fixture(scope="module")
def tradition() -> Contest:
    return won_by(money=True)


@pytest.fixture(scope="module")
def discovery() -> Contest:
    return won_by(money=False)


def segment(name: str, kind: str, **more: object) -> Segment:
    return Segment(
        name=name, kind=kind, rule="true", words="everybody", size=1, share=0.1, brief=Brief(headline=""), **more
    )


def test_a_traditional_way_that_won_gives_its_segments_on_everybody_of_now(tradition: Contest) -> None:
    now = board(shoppers(300, seed=4)).behaviour
    cuts = proposal(tradition, now, META)
    assert len(cuts) == tradition.k
    assert {cut.kind for cut in cuts} == {"value"}
    assert all(cut.facts["proposed"] for cut in cuts)
    assert (np.sum([select(cut.rule, now) for cut in cuts], axis=0) == 1).all()


def test_where_discovery_won_or_nothing_was_fought_nothing_is_added(discovery: Contest) -> None:
    now = board(shoppers(300)).behaviour
    assert proposal(discovery, now, META) == []
    assert proposal(None, now, META) == []


def test_the_set_that_won_is_marked_and_no_other(tradition: Contest, discovery: Contest) -> None:
    tier = [segment(cut.name, cut.kind) for cut in tiers.split(board(shoppers(300)).behaviour, 4)]
    others = [segment("Top spenders", "value"), segment("Champions", "rfm"), segment("Mine", "discovered")]
    assert {one.name for one in marked([*tier, *others], tradition) if one.proposed} == {one.name for one in tier}
    assert {one.name for one in marked([*tier, *others], discovery) if one.proposed} == {"Mine"}
    assert not [one for one in marked([*tier, *others], None) if one.proposed]


def test_what_is_carried_along_is_not_proposed(discovery: Contest) -> None:
    found = marked([segment("Mine", "discovered"), segment("Old", "discovered", carried=True)], discovery)
    assert [one.proposed for one in found] == [True, False]


def test_micro_segments_are_named_by_their_segment_and_lie_in_it() -> None:
    table, (matrix, _) = table_of(features(600, 9)), foreseen(600)
    macro = distil(matrix, OutcomeTreeRecipe().fit(matrix, 3, 0))
    segments = [
        Cut(f"Segment {group}", "discovered", rule, facts={"cluster": group})
        for group, rule in zip(macro.groups, macro.rules, strict=True)
    ]
    found = inside(segments, macro, matrix, 12, table, META)
    assert found
    parents = {one.name: one for one in segments}
    for part in found:
        parent = parents[part.facts["parent"]]
        assert part.name.startswith(f"{parent.name}: ")
        assert len(part.name) <= LONGEST
        assert not (select(part.rule, table) & ~select(parent.rule, table)).any()
    assert len(np.unique(assign(found, table))) >= len(found)
    assert inside(segments, macro, matrix, 0, table, META) == []
    assert inside(segments, None, matrix, 12, table, META) == []


def test_confirmed_subgroups_become_segments_once() -> None:
    table = table_of(features(50))

    def one(rule: str, confirmed: bool) -> Subgroup:
        return Subgroup.model_construct(rule=rule, confirmed=confirmed, claim=f"claim of {rule}")

    searched = [
        Subgroups.model_construct(found=[one("orders >= 10", True), one("orders >= 20", False)]),
        Subgroups.model_construct(found=[one("orders >= 10", True), one("recency_days < 30", True)]),
    ]
    found = drafts(searched, table, META)
    assert [cut.rule for cut in found] == ["orders >= 10", "recency_days < 30"]
    assert found[0].facts == {"headline": "claim of orders >= 10"}
    assert found[0].name.startswith("Orders")
