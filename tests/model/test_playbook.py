"""The catalogues of strategies and risks: nothing is missed, neighbours differ, a workspace may say its own."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import pytest

from shoal.errors import SettingsError
from shoal.model import risks
from shoal.model.playbook import MOST, catalogue, recommend
from shoal.model.predictive import TAGS
from shoal.plays import BUSINESSES, WORDS, Strategy, load_strategies, words_table
from shoal.settings import load

STAGES = ("new", "active", "fading", "lapsed", "")
TIMES = ("never", "once", "repeat", "frequent", "")
VALUES = ("high_value", "mid_value", "low_value", "")
LIFECYCLES = [pair for pair in product(STAGES, TIMES) if any(pair)]
LAST = next(play.said for play in catalogue() if not play.when)
BY_SAID = {play.said: play for play in catalogue()}


def _plays(*words: str) -> list[Strategy]:
    return [BY_SAID[said] for said in recommend(set(words) - {""})]


@pytest.mark.parametrize("business", BUSINESSES)
def test_every_lifecycle_and_value_has_a_strategy_of_its_business(business: str) -> None:
    for (stage, times), value in product(LIFECYCLES, VALUES):
        found = _plays(business, stage, times, value)
        assert any(business in play.when for play in found), (stage, times, value)
        assert LAST not in [play.said for play in found]


@pytest.mark.parametrize("business", BUSINESSES)
def test_a_stage_known_gives_a_strategy_of_that_stage(business: str) -> None:
    for stage, times in product(STAGES[:-1], TIMES[:-1]):
        if times == "never" and stage in ("new", "active"):
            continue
        assert any({business, stage} <= set(play.when) for play in _plays(business, stage, times)), (stage, times)


@pytest.mark.parametrize("business", BUSINESSES)
def test_segments_whose_stage_frequency_or_value_differs_are_treated_otherwise(business: str) -> None:
    known = list(product(STAGES[:-1], TIMES[1:-1], VALUES[:-1]))
    for one, other in combinations(known, 2):
        if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
            assert recommend({business, *one}) != recommend({business, *other}), (one, other)


def test_businesses_are_treated_otherwise() -> None:
    for stage, times, value in product(STAGES[:-1], TIMES[:-1], VALUES[:-1]):
        told = [tuple(recommend({business, stage, times, value})) for business in BUSINESSES]
        assert len(set(told)) == len(BUSINESSES)


def test_no_entry_stands_in_the_shadow_of_an_earlier_one() -> None:
    """An entry that an earlier one of its move always beats would never be recommended."""
    for place, play in enumerate(catalogue()):
        earlier = [one for one in catalogue()[:place] if one.move == play.move]
        assert not any(set(one.when) <= set(play.when) and not one.unless for one in earlier), play.do


def test_every_entry_says_how_one_will_know() -> None:
    assert all(play.measure for play in catalogue())


def test_every_strategy_and_risk_uses_words_that_exist() -> None:
    assert {word for play in catalogue() for word in (*play.when, *play.unless)} <= set(WORDS)
    assert {word for one in risks.catalogue() for word in one.when | one.unless} <= {*WORDS, *risks.WORDS}
    assert set(TAGS.values()) <= set(WORDS)


def test_the_last_resort_is_said_only_where_nothing_else_is() -> None:
    assert recommend(set()) == [LAST]
    assert LAST not in recommend({"saas", "new"})


def test_own_strategies_come_first_and_take_the_place_of_the_same_move() -> None:
    own = [Strategy(move="return", when=["fading"], do="Anna calls."), Strategy(move="tea", when=[], do="Tea.")]
    found = recommend({"commerce", "fading", "repeat"}, own=own)
    assert found[0] == "Anna calls."
    assert not any("usual interval: what they buy" in said for said in found)
    assert "Tea." not in found
    assert len(found) <= MOST


def test_a_workspace_adds_its_own(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").write_text("business: media\n", encoding="utf-8")
    (tmp_path / "playbooks").mkdir()
    text = "- move: return\n  when: [fading]\n  not: [b2b]\n  do: Call.\n  channel: phone\n  measure: calls\n"
    (tmp_path / "playbooks" / "strategies.yaml").write_text(text, encoding="utf-8")
    found = load(tmp_path)
    assert found.business == "media"
    assert [one.said for one in found.strategies] == ["Call. Channel: phone. Measure: calls."]
    assert not found.strategies[0].fits(frozenset({"fading", "b2b"}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {move: keep, when: [activ], do: x}", "Did you mean 'active'"),
        ("- {move: keep, wen: [active], do: x}", "Did you mean 'when'"),
        ("- {move: keep, when: [active]}", "1.do"),
        ("- {move: keep, when: [active], do: ''}", "1.do"),
        ("- just a text", "1"),
        ("move: keep", "is not a list"),
        ("- {move: keep", "YAML"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "strategies.yaml").write_text("# ours\n" + text + "\n", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_strategies(tmp_path)
    assert says in str(error.value)
    assert error.value.faults[0].file == "playbooks/strategies.yaml"


def test_faults_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").write_text("business: bakery\n", encoding="utf-8")
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "strategies.yaml").write_text("- {move: keep, when: [x], do: y}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load(tmp_path)
    assert {fault.file for fault in error.value.faults} == {"shoal.yaml", "playbooks/strategies.yaml"}


def test_an_empty_file_and_none_are_no_strategies(tmp_path: Path) -> None:
    assert load_strategies(tmp_path) == []
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "strategies.yaml").write_text("# nothing yet\n", encoding="utf-8")
    assert load_strategies(tmp_path) == []


def test_the_page_shows_the_words_as_they_are() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "playbook.md"
    assert words_table() in page.read_text(encoding="utf-8")
