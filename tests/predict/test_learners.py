"""Every registered learner keeps the contract; what each does beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit
from tests.predict.samples import sigmoid

from shoal import registry, testing
from shoal.predict.boosted import LightGBM
from shoal.predict.learner import Array
from shoal.predict.logistic import Logistic


@pytest.mark.parametrize("name", sorted(registry.plugins(registry.MODELS)))
def test_every_registered_learner_keeps_the_contract(name: str) -> None:
    testing.check_model(registry.load(registry.MODELS, name)())


def test_a_learner_that_forgets_its_seed_breaks_the_contract() -> None:
    class Moody(Logistic):
        def fit(self, x: Array, y: Array, **how: object):  # type: ignore[no-untyped-def,override]
            fitted = super().fit(x, y, **how)  # type: ignore[arg-type]
            return type(fitted)(fitted.constant + float(np.random.default_rng().random()), fitted.curves)

    with pytest.raises(testing.Broken, match="to the bit"):
        testing.check_model(Moody())


def bent(rows: int = 4000) -> tuple[Array, Array]:
    """One input whose log-odds rise and fall again."""
    x = np.random.default_rng(5).uniform(-2, 2, (rows, 1))
    return x, (np.random.default_rng(6).random(rows) < sigmoid(2 - 2 * x[:, 0] ** 2)).astype(float)


def test_a_logit_follows_a_bend_that_a_straight_line_cannot() -> None:
    x, y = bent()
    p = Logistic().fit(x, y, categories=np.zeros(1, dtype=bool), seed=0).predict(np.array([[-1.9], [0.0], [1.9]]))
    assert p[1] > 0.8
    assert p[0] < 0.2 > p[2]


def test_a_logits_curves_are_what_its_design_gave() -> None:
    """The curve kept for each input equals the fitted columns at every value, not only at the knots."""
    from sklearn.linear_model import LogisticRegression

    from shoal.predict.logistic import _bends

    x, y = bent()
    piece = _bends(x[:, 0], hinges=5)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(piece.design - piece.design.mean(axis=0), y)
    fitted = Logistic().fit(x, y, categories=np.zeros(1, dtype=bool), seed=0)
    expected = model.predict_proba(piece.design - piece.design.mean(axis=0))[:, 1]
    np.testing.assert_allclose(fitted.predict(x), expected, atol=1e-10)


def test_a_missing_value_has_a_weight_of_its_own() -> None:
    x = np.where(np.arange(1000)[:, None] % 2, np.nan, np.random.default_rng(0).normal(size=(1000, 1)))
    y = np.isnan(x[:, 0]).astype(float)
    fitted = Logistic().fit(x, y, categories=np.zeros(1, dtype=bool), seed=0)
    assert fitted.predict(np.array([[np.nan]]))[0] > 0.9


def test_a_level_beyond_those_fitted_adds_nothing() -> None:
    x = np.array([[0.0], [1.0]] * 200)
    fitted = Logistic().fit(x, x[:, 0], categories=np.ones(1, dtype=bool), seed=0)
    assert logit(fitted.predict(np.array([[9.0]])))[0] == pytest.approx(fitted.constant)


def test_trees_predict_the_same_in_chunks_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = bent()
    fitted = LightGBM().fit(x, y, categories=np.zeros(1, dtype=bool), seed=0)
    whole = fitted.predict(x)
    monkeypatch.setattr("shoal.predict.boosted.CHUNK", 700)
    np.testing.assert_array_equal(fitted.predict(x), whole)


def test_trees_use_categories_as_categories() -> None:
    """Every other code means yes: no order of the codes says so in few cuts."""
    x = np.random.default_rng(0).integers(0, 12, (3000, 1)).astype(float)
    y = (x[:, 0] % 2).astype(float)
    p = LightGBM().fit(x, y, categories=np.ones(1, dtype=bool), seed=0).predict(np.arange(12.0)[:, None])
    assert (p[1::2] > 0.8).all()
    assert (p[::2] < 0.2).all()
