"""Names stay with the people that they name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from shoal.model import lineage
from shoal.model.discover import discover
from shoal.model.lineage import Past, jaccard, keep, match, members_then, retitled
from shoal.model.meta import describe
from shoal.model.portrait import crowd
from shoal.model.rules import Cut
from shoal.summary import TreeNode
from shoal.tables import INSTANT, MEMBERSHIPS


def people(count: int = 300) -> pa.Table:
    rng = np.random.default_rng(0)
    orders = rng.permutation(np.repeat([1, 5, 20], count // 3))
    return pa.table(
        {
            "person": np.arange(count),
            "recency_days": np.where(orders == 1, 200.0, 20.0) + rng.random(count),
            "orders": orders,
            "revenue": orders * 10.0,
        }
    )


def kept(cuts: list[Cut], past: list[Past], table: pa.Table | None = None, **more: object) -> dict[str, str]:
    table = people() if table is None else table
    meta = {name: describe(name) for name in table.column_names}
    return keep(cuts, past, table, crowd(table, meta), **more)  # type: ignore[arg-type]


MANY, SOME, FEW = (
    Cut("Many", "discovered", "orders >= 10"),
    Cut("Some", "discovered", "orders >= 3 and orders < 10"),
    Cut("Few", "discovered", "orders < 3"),
)


def test_a_segment_of_nearly_the_same_people_keeps_the_name_of_before() -> None:
    past = [Past("Best", "discovered", "orders >= 12"), Past("Lost", "discovered", "recency_days > 100")]
    assert kept([MANY, SOME, FEW], past) == {"Many": "Best", "Some": "Some", "Few": "Lost"}


def test_without_a_past_names_are_as_given() -> None:
    assert kept([MANY, FEW], []) == {"Many": "Many", "Few": "Few"}


def test_half_of_the_people_in_common_is_needed() -> None:
    assert kept([SOME], [Past("All", "discovered", "orders < 100")]) == {"Some": "Some"}


def test_the_pairs_are_the_best_as_a_whole_not_one_by_one() -> None:
    assert match(np.array([[0.9, 0.8], [0.85, 0.1]])) == [(0, 1), (1, 0)]


def test_a_faint_likeness_takes_no_name_from_a_clear_one() -> None:
    assert match(np.array([[0.6, 0.45], [0.49, 0.0]])) == [(0, 0)]


def test_more_or_fewer_segments_than_before_are_matched_as_far_as_they_go() -> None:
    past = [Past("A", "discovered", "orders >= 3"), Past("B", "discovered", "orders < 3")]
    assert kept([MANY, SOME, FEW], past)["Few"] == "B"
    assert kept([FEW], past) == {"Few": "B"}


def test_a_new_segment_whose_name_went_to_another_is_told_apart_by_a_word() -> None:
    given = [Cut("Frequent", "discovered", "orders < 3"), Cut("Loyal", "discovered", "orders >= 10")]
    found = kept(given, [Past("Frequent", "discovered", "orders >= 11")])
    assert found["Loyal"] == "Frequent"
    assert found["Frequent"].startswith("Frequent ")
    assert found["Frequent"] != "Frequent 2"


def test_a_name_that_is_free_again_may_be_given_again() -> None:
    past = [Past("Some", "discovered", "orders < 3")]
    assert kept([SOME, FEW], past) == {"Some": "Some 2", "Few": "Some"} or kept([SOME, FEW], past)["Few"] == "Some"
    assert kept([SOME], past) == {"Some": "Some"}


def test_a_name_that_something_else_has_by_now_is_not_kept() -> None:
    found = kept([MANY], [Past("Champions", "discovered", "orders >= 10")], taken=["champions"])
    assert found == {"Many": "Many"}


def test_segments_of_another_kind_are_no_past() -> None:
    assert kept([MANY], [Past("Best", "micro", "orders >= 10")]) == {"Many": "Many"}


def test_a_rule_that_cannot_be_read_any_more_is_known_by_its_people() -> None:
    table = people()
    was = table["orders"].to_numpy() >= 10
    past = [Past("Best", "discovered", "share_gifts > 0.5", was)]
    assert kept([MANY], past, table, known=np.ones(300, dtype=bool)) == {"Many": "Best"}
    assert kept([MANY], [Past("Best", "discovered", "share_gifts > 0.5")], table) == {"Many": "Many"}


def test_people_who_came_since_do_not_make_a_segment_the_one_of_before() -> None:
    table = people()
    came = table["orders"].to_numpy() >= 10
    past = [Past("Active", "discovered", "recency_days < 100")]
    assert kept([MANY, SOME], past, table, known=~came) == {"Many": "Many", "Some": "Active"}


def test_two_versions_of_a_name_are_one_name() -> None:
    past = [Past("Best", "discovered", "orders >= 10"), Past("Best", "discovered", "orders < 3")]
    found = kept([MANY, FEW], past)
    assert sorted(found.values()) in (["Best", "Few"], ["Best", "Many"])


def test_nobody_and_nothing_are_no_crash() -> None:
    table = people().slice(0, 0)
    assert jaccard([], []).shape == (0, 0)
    assert kept([MANY], [Past("Best", "discovered", "orders >= 10")], table) == {"Many": "Many"}
    assert kept([], [Past("Best", "discovered", "orders >= 10")]) == {}


def test_the_drawn_tree_is_called_the_same() -> None:
    tree = TreeNode(rule="true", share=1.0, branches=[TreeNode(rule="a", share=0.5, segment="Many")])
    assert retitled(tree, {"Many": "Best"}).branches[0].segment == "Best"


def test_members_of_before_are_those_whose_stay_is_open_in_that_version() -> None:
    rows = [("Loyal", 1, "a", None), ("Loyal", 2, "b", None), ("Loyal", 1, "c", 5), ("Lost", 1, "gone", None)]
    stays = pa.table(
        [
            pa.array([row[0] for row in rows]),
            pa.array([row[1] for row in rows], pa.int32()),
            pa.array([row[2] for row in rows]),
            pa.array([0] * len(rows), INSTANT),
            pa.array([row[3] for row in rows], INSTANT),
        ],
        schema=MEMBERSHIPS,
    )
    found = members_then(stays, pa.chunked_array([["a", "b", "c"]]), [("Loyal", 1), ("Loyal", 2), ("Lost", 1)])
    assert [mask.tolist() for mask in found] == [[True, False, False], [False, True, False], [False] * 3]


@pytest.mark.parametrize("k", [4, 5, pytest.param(None, marks=pytest.mark.slow)])
def test_names_are_stable_when_people_are_drawn_again(
    planted: Callable[..., tuple[pa.Table, np.ndarray]], k: int | None
) -> None:
    table = continuum() if k == 5 else planted(1500, 3)[0]
    meta = {name: describe(name) for name in table.column_names}
    past = [Past(cut.name, cut.kind, cut.rule) for cut in discover(table, meta, k=k, seed=1).cuts]
    stayed = []
    for draw in range(8):
        rows = np.unique(np.random.default_rng(draw).integers(0, table.num_rows, table.num_rows))
        drawn = table.take(pa.array(rows))
        found = discover(drawn, meta, k=k, seed=1)
        named = lineage.keep(found.cuts, past, drawn, crowd(drawn, meta))
        stayed.append(len(set(named.values()) & {one.name for one in past}) / len(past))
    assert np.mean(stayed) >= 0.9


def continuum(people: int = 2000) -> pa.Table:
    """People without any groups."""
    rng = np.random.default_rng(0)
    orders = 1 + rng.poisson(rng.gamma(1, 4, people))
    recency = rng.gamma(1.2, 60, people)
    return pa.table(
        {
            "person": np.arange(people),
            "recency_days": recency,
            "orders": orders,
            "revenue": orders * rng.lognormal(3.5, 0.6, people),
            "tenure_days": recency + rng.gamma(2, 100, people),
        }
    )
