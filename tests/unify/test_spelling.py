"""One identifier at a time gets the answer that a whole column gets."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.unify.identifiers import NOBODY, NOWHERE, TYPED_IN, TYPES, WORDS, normalise_sql, phones
from shoal.unify.spelling import compiled, normalise

CONNECTION = duckdb.connect()
PLACEHOLDERS = ("walk-in", "Straße", "KÄSE ", "", "4711")

# Letters that one Unicode version knows and the other does not are left out: each side has tables of its own. NUL is
# taken out of every value before it is spelt.
letters = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\0", max_codepoint=0x2FFF)
words = st.sampled_from(sorted(WORDS | TYPED_IN | {*PLACEHOLDERS, "0.0", "-000 0", "straße", "STRASSE", "unKnown"}))
marks = st.sampled_from(
    [" ", "\u00a0", "\t", "\v", "\n", "\ufeff", ".0", ".00", "+", "-", "0", "<", ">", "mailto:", ".", "@"]
)
numbers = st.integers(-(10**20), 10**20).map(str)
boxes = st.sampled_from(sorted(NOBODY)) | st.text("abcß.+-_0", min_size=1, max_size=6)
hosts = st.sampled_from(sorted(NOWHERE)) | st.text("abcÄ0-.", min_size=1, max_size=8)
addresses = st.builds("{}@{}{}".format, boxes, hosts, st.sampled_from(["", ".de", ".COM", ".c", ".x1", ".é"]))
cases = st.sampled_from([str, str.upper, str.lower, str.swapcase, str.title])
parts = st.lists(st.text(letters, max_size=4) | words | marks | numbers | addresses, min_size=1, max_size=4)
texts = st.builds(lambda found, case: case("".join(found)), parts, cases)


def column(kind: str, text: str, placeholders: tuple[str, ...], region: str | None) -> str | None:
    """What a run makes of the value."""
    row = CONNECTION.execute(
        f"SELECT {normalise_sql(kind, 'raw', placeholders)} FROM (SELECT CAST(? AS VARCHAR) AS raw)", [text]
    ).fetchone()
    assert row is not None
    found: str | None = row[0]
    return phones([found], region, placeholders)[found].value if kind == "phone" and found is not None else found


@settings(max_examples=400, deadline=None)
@given(kind=st.sampled_from([*TYPES, "loyalty_card"]), text=texts, mine=st.booleans())
def test_any_text_of_any_type_is_spelt_as_in_a_column(kind: str, text: str, mine: bool) -> None:
    placeholders = PLACEHOLDERS if mine else ()
    assert normalise(kind, text, placeholders, "DE") == column(kind, text, placeholders, "DE")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "text",
    [
        "un\u017fet",
        "NOT SET",
        "\u212aein",
        "gue\u017ft",
        "m\u0131ssing",
        "M\u0130SSING",
        "17850.0",
        "00",
        "ann@ex.com\n",
    ],
)
def test_letters_with_unusual_capitals_are_spelt_as_in_a_column(kind: str, text: str) -> None:
    assert normalise(kind, text) == column(kind, text, (), None)


def test_a_phone_number_is_standardised() -> None:
    assert normalise("phone", "020 7946 0958", region="GB") == "+442079460958"
    assert normalise("phone", "020 7946 0958") is None


def test_an_answer_is_the_same_when_it_is_remembered() -> None:
    rule = compiled("email")
    assert [rule(" Ann@Example.com"), rule("x@x"), rule(" Ann@Example.com")] == [
        "ann@example.com",
        None,
        "ann@example.com",
    ]
