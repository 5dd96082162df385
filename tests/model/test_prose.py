"""A language model's text is shown only where it says nothing but the facts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from endpoint import Reply, endpoint
from shoal.errors import LanguageAway, LanguageRefused
from shoal.language import connect
from shoal.model.facts import said, sheet
from shoal.model.prose import rewrite
from shoal.summary import Brief, Interval, Segment, Trait


def segment(name: str = "Active big spenders", kind: str = "discovered", size: int = 1240) -> Segment:
    return Segment(
        name=name,
        kind=kind,
        rule="recency_days < 90 and aov >= 265",
        words="last order less than 90 days ago and average order value at least 265",
        size=size,
        share=0.1834,
        value_share=0.61,
        brief=Brief(
            headline="1,240 people (18%), active. Orders: 7.5 against 1.2.",
            traits=[Trait(feature="orders", words="orders: 7.5 against 1.2", inside=7.5, outside=1.2, effect=1.4)],
            value="18% of people, 61% of past revenue (3.3 times their share).",
            strategies=["Offer early access to new lines.", "Ask three of them for a review."],
            risks=["Value is concentrated: a tenth of its people made 58% of its value."],
        ),
        next_period={"revenue": Interval(value=412.4, low=380.1, high=445.0)},
    )


GOOD: dict[str, Any] = {
    "name": "Loyal high spenders",
    "headline": "These 1240 people order 7.5 times where others order 1.2 times.",
    "value": "They are 18 percent of people and bring 61% of past revenue; 412 (380 to 445) is expected next.",
    "strategies": ["Let them see new lines first.", "Ask 3 of them for a review."],
    "risks": ["A tenth of them made 58% of the value."],
}


class Model:
    """Answers the same, and counts how often it was asked."""

    def __init__(self, **changes: Any) -> None:
        self.answer = {**GOOD, **changes}
        self.asked: list[str] = []

    def __call__(self, system: str, user: str) -> str:
        self.asked.append(user)
        return json.dumps({key: value for key, value in self.answer.items() if value is not None})


def test_a_good_answer_replaces_name_and_prose_and_the_notes_say_so() -> None:
    done = rewrite([segment()], Model(), by="small")
    (one,) = done.segments
    assert one.name == "Loyal high spenders"
    assert one.brief.headline == GOOD["headline"]
    assert one.brief.strategies == GOOD["strategies"]
    assert one.brief.risks == GOOD["risks"]
    assert "rewritten by small" in done.notes[0]
    assert done.renamed == {"Active big spenders": "Loyal high spenders"}


def test_numbers_rule_and_traits_stay_as_they_were() -> None:
    before = segment()
    (after,) = rewrite([before], Model()).segments
    same = {"name", "brief"}
    assert after.model_dump(exclude=same) == before.model_dump(exclude=same)
    assert after.brief.traits == before.brief.traits


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"headline": "They are worth 43% more."}, "number 43%"),
        ({"headline": "They are 18 people."}, "number 18 "),
        ({"headline": "They bring 1.240 times as much."}, r"number 1\.24 "),
        ({"headline": "They bring 61 of the revenue."}, "number 61 "),
        ({"headline": "They came five times."}, "number 5 "),
        ({"headline": "One percent of them came."}, "number 1%"),
        ({"headline": "Half of them came back."}, "quantity half"),
        ({"headline": "Twenty of them came back."}, "quantity twenty"),
        ({"headline": "They spend ½ of it."}, "number ½"),
        ({"headline": "They spend 7.5k each."}, r"number 7\.5k"),
        ({"headline": "They spend $412 each."}, r"currency \$"),
        ({"headline": "They spend 412 euros each."}, "currency euros"),
        ({"name": "Young big spenders"}, r"protected trait \(young\)"),
        ({"risks": ["Women made a tenth of 58% of it."]}, r"protected trait \(women\)"),
        ({"headline": "See **here**."}, "markup"),
        ({"headline": "<b>Big</b> spenders."}, "markup"),
        ({"headline": "See https://example.org for more."}, "link"),
        ({"headline": "Write to ada@example.org."}, "link"),
        ({"headline": "A bell \x07 rings."}, "control characters"),
        ({"name": "x" * 61}, "1 to 60 characters, got 61"),
        ({"name": None}, "no name"),
        ({"name": 7}, "no name"),
        ({"headline": "  "}, "no headline"),
        ({"headline": "x" * 401}, "more than 400 characters"),
        ({"value": ["a"]}, "value is no text"),
        ({"strategies": ["Only one."]}, "1 strategies where the facts have 2"),
        ({"risks": []}, "0 risks where the facts have 1"),
        ({"risks": None}, "0 risks where the facts have 1"),
        ({"risks": "none"}, "risks are no list"),
        ({"name": "champions"}, "another segment is called 'champions'"),
    ],
)
def test_what_is_not_in_the_facts_is_refused_and_the_reason_told(changes: dict[str, Any], why: str) -> None:
    before = [segment(), segment("Champions", kind="rfm")]
    done = rewrite(before, Model(**changes))
    assert done.segments == before
    assert len(done.notes) == 1
    assert re.search(why, done.notes[0]), done.notes[0]


def test_two_segments_do_not_get_one_name() -> None:
    done = rewrite([segment(), segment("Lapsed buyers", size=70)], Model(headline="They order 7.5 times.", value=""))
    assert [one.name for one in done.segments] == ["Loyal high spenders", "Lapsed buyers"]
    assert "another segment is called" in done.notes[1]


def test_only_discovered_segments_of_twenty_people_or_more_are_sent() -> None:
    model = Model()
    before = [segment("A", kind="rfm"), segment("B", kind="predictive"), segment("C", size=0), segment("D", size=19)]
    assert rewrite(before, model).segments == before
    assert model.asked == []


def test_the_same_facts_are_asked_once() -> None:
    model = Model()
    first = rewrite([segment()], model)
    again = rewrite([segment()], model, known=first.known)
    assert len(model.asked) == 1
    assert again.segments == first.segments
    assert again.known == first.known


def test_a_new_name_for_the_same_facts_asks_nothing() -> None:
    model = Model()
    first = rewrite([segment()], model)
    again = rewrite([segment("Loyal high spenders")], model, known=first.known)
    assert len(model.asked) == 1
    assert again.segments[0].name == "Loyal high spenders"
    assert again.renamed == {}


def test_a_refused_answer_is_not_asked_for_again() -> None:
    model = Model(headline="They are worth 43% more.")
    first = rewrite([segment()], model)
    again = rewrite([segment()], model, known=first.known)
    assert len(model.asked) == 1
    assert again.notes == first.notes


def test_an_answer_that_was_kept_is_held_against_the_facts_again() -> None:
    first = rewrite([segment()], Model())
    changed = {key: {**answer, "headline": "All 99 of them."} for key, answer in first.known.items()}
    assert rewrite([segment()], Model(), known=changed).segments == [segment()]


def test_a_segment_that_keeps_its_name_gets_new_prose_only() -> None:
    done = rewrite([segment()], Model(), keep=["Active big spenders"])
    assert done.segments[0].name == "Active big spenders"
    assert done.segments[0].brief.headline == GOOD["headline"]
    assert done.renamed == {}


def test_another_model_is_asked_anew() -> None:
    first = rewrite([segment()], Model(), by="one")
    model = Model()
    rewrite([segment()], model, by="other", known=first.known)
    assert len(model.asked) == 1


def test_answers_are_not_kept_for_ever() -> None:
    old = {f"{number:064d}": {"name": "old"} for number in range(600)}
    done = rewrite([segment()], Model(), known=old)
    assert len(done.known) == 500


@pytest.mark.parametrize("text", ["I cannot do that.", "[]", "{"])
def test_an_answer_that_is_no_json_is_refused(text: str) -> None:
    done = rewrite([segment()], lambda _system, _user: text)
    assert done.segments == [segment()]
    assert "JSON" in done.notes[0]


def test_a_refused_key_is_tried_once_and_told_once() -> None:
    calls: list[str] = []

    def ask(_system: str, user: str) -> str:
        calls.append(user)
        raise LanguageRefused("the key was refused (401). Remedy: another")

    before = [segment(), segment("B", size=50), segment("C", size=60)]
    done = rewrite(before, ask)
    assert done.segments == before
    assert len(calls) == 1
    assert len(done.notes) == 1
    assert "'Active big spenders', 'B', 'C'" in done.notes[0]
    assert "the key was refused" in done.notes[0]
    assert done.known == {}


def test_an_endpoint_that_is_away_is_tried_twice_at_most() -> None:
    calls: list[str] = []

    def ask(_system: str, user: str) -> str:
        calls.append(user)
        raise LanguageAway("no answer")

    rewrite([segment(str(size), size=size) for size in range(21, 29)], ask)
    assert len(calls) == 2


def test_the_prompt_holds_the_facts_and_nothing_of_a_person() -> None:
    model = Model()
    rewrite([segment()], model)
    assert json.loads(model.asked[0])["facts"] == sheet(segment())
    assert set(json.loads(model.asked[0])) == {"facts", "name now", "names taken"}
    assert "412 (380 to 445)" in model.asked[0]


def test_a_percentage_in_the_facts_is_no_plain_number() -> None:
    assert said("18% of 1,240").numbers == {"18%", "1240"}
    assert said("0.50 and 007 and .5").numbers == {"0.5", "7"}


def test_through_a_real_endpoint_an_invented_number_changes_nothing() -> None:
    bad = {**GOOD, "headline": "They are worth 43% more."}
    with endpoint(Reply(json.dumps(bad)), Reply(f"```json\n{json.dumps(GOOD)}\n```")) as server:
        port = connect(url=server.url, model="small")
        first = rewrite([segment()], port.ask, by=port.model)
        second = rewrite([segment()], port.ask, by=port.model)
    assert first.segments == [segment()]
    assert second.segments[0].name == "Loyal high spenders"


def test_a_time_out_leaves_the_deterministic_text() -> None:
    with endpoint(Reply(hold=True)) as server:
        port = connect(url=server.url, model="small", timeout=0.1)
        done = rewrite([segment()], port.ask)
    assert done.segments == [segment()]
    assert "no answer within 0.1 seconds" in done.notes[0]
