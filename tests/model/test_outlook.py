"""What the next period holds: foreseen from the past, the same to the bit, and learned only from those drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from model.pasts import expected, features, foreseen, learned, past, table_of
from shoal.model.outlook import TOLD, informed, outlook


def test_those_who_will_spend_are_foreseen() -> None:
    matrix, known = foreseen()
    assert matrix.outlook is not None
    log = matrix.outlook.values[:, known.outcomes.index("log")]
    assert np.corrcoef(log, np.log1p(expected(features(400, 9))))[0, 1] > 0.9


def test_the_same_seed_gives_the_same_outlook_and_reasons_to_the_bit() -> None:
    known = learned(past(people=200, cutoffs=1))
    one, two, three = (outlook(known, known.x[:50], seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.because, two.because)
    assert not np.array_equal(one.values, three.values)


def test_it_is_learned_from_the_people_drawn_alone() -> None:
    known = learned(past(people=400, cutoffs=1))
    drawn = np.repeat(np.arange(200), 2)
    other = learned(past(people=400, cutoffs=1))
    other.y[other.person >= 200] = 1e6
    np.testing.assert_array_equal(
        outlook(known, known.x[:50], 0, drawn).values, outlook(other, other.x[:50], 0, drawn).values
    )


def test_contributions_are_of_every_input_to_the_outcomes_foreseen_best() -> None:
    matrix, known = foreseen(people=60)
    assert matrix.outlook is not None
    told = min(TOLD, len(known.outcomes))
    assert matrix.outlook.because.shape == (60, len(known.inputs) * told)


def test_some_of_the_people_have_the_outlook_and_the_reasons_that_they_had() -> None:
    matrix, _ = foreseen(people=80)
    assert matrix.outlook is not None
    some = matrix.take(np.array([7, 3, 3])).outlook
    assert some is not None
    np.testing.assert_array_equal(some.values, matrix.outlook.values[[7, 3, 3]])
    np.testing.assert_array_equal(some.because, matrix.outlook.because[[7, 3, 3]])


def test_nobody_to_foresee_for_and_nothing_to_learn_are_no_error() -> None:
    matrix, known = foreseen(people=50)
    assert informed(matrix, None, np.empty((50, 0)), 0) is matrix
    table = table_of(features(3, 1))
    assert outlook(known, known.points(table, np.arange(3)), 0).values.shape == (3, len(known.outcomes))
    empty = pa.table({"orders": pa.array([None] * 2, pa.float64()), "recency_days": pa.array([None] * 2, pa.float64())})
    assert np.isfinite(outlook(known, known.points(empty), 0).values).all()
