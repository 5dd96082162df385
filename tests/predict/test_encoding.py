"""What becomes an input, as what, and what is left out."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from shoal.predict.encoding import Encoding


def one(values: object, name: str = "field", **how: object) -> Encoding:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return Encoding.fit(pa.table({name: column}), **how)  # type: ignore[arg-type]


def encoded(values: object) -> list[float]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return one(column).encode(pa.table({"field": column}))[:, 0].tolist()


def test_whole_numbers_decimals_and_booleans_become_numbers() -> None:
    from decimal import Decimal

    assert encoded([1, 2, 3]) == [1, 2, 3]
    assert encoded([True, False, True]) == [1, 0, 1]
    assert encoded([Decimal("1.5"), Decimal("2.0")]) == [1.5, 2.0]


def test_null_nan_and_infinite_numbers_are_missing() -> None:
    assert np.isnan(encoded([1.0, None, float("nan"), float("inf"), -float("inf")])[1:]).all()


def test_numbers_written_as_text_become_numbers_and_blanks_missing() -> None:
    found = encoded(["29.85", " ", "1,204.5", "-3", "1e3"] * 10)
    assert found[:1] + found[2:5] == [29.85, 1204.5, -3, 1000]
    assert np.isnan(found[1])


def test_a_text_column_with_many_words_among_numbers_is_a_category() -> None:
    assert one(["1", "2", "none", "1"]).categories.all()


def test_categories_are_coded_from_the_most_frequent() -> None:
    assert encoded(["b", "a", "b", None])[:3] == [0, 1, 0]


def test_dictionaries_large_texts_and_views_are_texts() -> None:
    texts = ["b", "a", "b"]
    for column in (
        pa.array(texts).dictionary_encode(),
        pa.array(texts, pa.large_string()),
        pa.array(texts, pa.string_view()),
    ):
        assert encoded(column) == [0, 1, 0]


def test_a_level_never_seen_is_missing_unless_others_were_put_together() -> None:
    few = one(["a", "b"] * 5)
    assert np.isnan(few.encode(pa.table({"field": ["new"]}))[0, 0])
    rare = one(["a", "b"] * 60 + ["c"])
    assert rare.encode(pa.table({"field": ["new", "c"]}))[:, 0].tolist() == [2, 2]
    assert rare.inputs[0].say(2.0) == "another value"


def test_at_most_fifty_levels_are_kept() -> None:
    many = one([f"level {i % 80}" for i in range(1000)])
    assert (len(many.inputs[0].levels), many.inputs[0].rest) == (50, True)


@pytest.mark.parametrize(
    ("values", "name", "why"),
    [
        ([None, None], "field", "nobody has it"),
        (pa.array([None, None], pa.float64()), "field", "nobody has it"),
        ([float("nan")] * 2, "field", "nobody has it"),
        (["", " "], "field", "nobody has it"),
        ([3, 3, 3], "field", "the same for everybody"),
        (["x", "x"], "field", "the same for everybody"),
        ([f"note {i}" for i in range(30)], "field", "an id or free text: nearly all its values differ"),
        (list(range(30)), "lead_number", "an id: nearly all its values differ"),
        (["f", "m"], "gender", "a protected trait"),
        (["Anna Adler", "Ben Berg"], "name", "personal data"),
        (["a@b.example", "c@d.example"], "customer_email", "personal data"),
        ([datetime(2024, 1, 1), None], "field", "a time: only features made from it can be learned from"),  # noqa: DTZ001
        ([[1], [2]], "field", "neither numbers nor texts but list<item: int64>"),
    ],
)
def test_what_cannot_be_learned_from_is_left_out_with_the_reason(values: object, name: str, why: str) -> None:
    assert one(values, name).dropped == {name: why}


def test_one_value_that_not_all_have_is_kept() -> None:
    assert one(["yes", None, "yes"]).names == ("field",)


def test_many_different_amounts_are_no_id() -> None:
    assert one([float(i) for i in range(30)], "revenue").names == ("revenue",)
    assert one([i + 0.5 for i in range(30)], "number of visits a day").names == ("number of visits a day",)


def test_a_purpose_lets_a_protected_trait_and_an_id_in() -> None:
    assert one(["f", "m"], "gender", allow=["gender"]).names == ("gender",)
    assert one(list(range(30)), "lead_number", allow={"lead_number"}).names == ("lead_number",)


def test_an_excluded_field_stays_out_even_if_allowed() -> None:
    assert one([1, 2], "a", allow=["a"], exclude=["a"]).dropped == {"a": "excluded"}


def test_columns_that_are_gone_or_of_another_type_at_scoring_are_missing() -> None:
    encoding = Encoding.fit(pa.table({"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]}))
    odd = pa.table({"a": ["2", "?"], "b": [7, 8]})
    found = encoding.encode(odd)
    assert found[0, 0] == 2
    assert np.isnan(found[1, 0])
    assert np.isnan(found[:, 1:]).all()


def test_an_encoding_survives_json_and_chunks() -> None:
    table = pa.table({"a": [1.0, None, 3.0], "b": ["x", "y", None], "c": [True, False, True]})
    encoding = Encoding.fit(table)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    np.testing.assert_array_equal(again.encode(pa.concat_tables([table, table]))[3:], encoding.encode(table))


def test_no_rows_give_no_inputs_and_no_error() -> None:
    assert Encoding.fit(pa.table({"a": pa.array([], pa.float64())})).names == ()
    assert Encoding.fit(pa.table({"a": [1, 2]})).encode(pa.table({"a": pa.array([], pa.int64())})).shape == (0, 1)
